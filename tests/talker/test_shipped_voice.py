"""The voice that comes with the project: it is understood, in time, and of the speaker it was learned from."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

import mio.bench
from mio.bench._codec_quality import ClosedRecogniser, quality
from mio.bench._word_judge import misheard
from mio.bench.tts import Said, phones_heard
from mio.contracts.messages import Reply
from mio.contracts.rates import SPEECH_HZ
from mio.measure.pitch import pitch_hz
from mio.paths import share
from nodes.talker.config import TalkerConfig
from nodes.talker.kodama import KodamaVoice
from nodes.talker.models.codec.codec import EncodingStream, VoiceCodec, decoded, read_codec

CONFIG = TalkerConfig(engine="kodama")
SAID = ["The baker opened his shop long before sunrise.", "Two old friends walked home along the river."]
GERMAN = "Am Abend gehen wir noch einmal durch den Park."


@pytest.fixture(scope="module")
def voice() -> KodamaVoice:
    return KodamaVoice.read(CONFIG)


@pytest.fixture(scope="module")
def codec() -> VoiceCodec:
    return read_codec(CONFIG.codec)


def speak(voice: KodamaVoice, text: str, language: str = "en") -> Said:
    pieces = [piece for piece in voice.speak(Reply(text=text, language=language)) if piece is not None]
    return Said(text, np.concatenate([piece.samples for piece in pieces]), pieces)


def test_the_weights_are_small_and_their_card_names_data_licence_and_the_sentences_they_are_judged_by() -> None:
    files = [*CONFIG.codec.rglob("*.safetensors"), *CONFIG.language_model.rglob("*.safetensors")]
    assert len(files) == 4 and all(file.stat().st_size < 25e6 for file in files)
    sentences = (Path(mio.bench.__file__).parent / "data" / "tts.yml").read_bytes()
    card = (share("weights", "voice-tts") / "MODEL_CARD.md").read_text()
    assert "CC0" in card and hashlib.sha256(sentences).hexdigest()[:16] in card
    assert "CC0" in (share("weights", "voice-codec") / "MODEL_CARD.md").read_text()


def test_english_is_understood(voice: KodamaVoice) -> None:
    said = [(text, speak(voice, text).sound) for text in SAID]
    assert misheard(said, ClosedRecogniser([*SAID, "He never found the old house again."])).share < 0.3


@pytest.mark.parametrize(("text", "language", "hz"), [(SAID[0], "en", 165), (GERMAN, "de", 170)])
def test_phones_are_heard_where_they_are_said_to_be_in_the_voice_of_the_speaker(
    voice: KodamaVoice, codec: VoiceCodec, text: str, language: str, hz: float
) -> None:
    said = speak(voice, text, language)
    assert phones_heard(said, codec) > 0.3
    pitch = pitch_hz(said.sound, SPEECH_HZ)
    assert np.median(pitch[pitch > 0]) == pytest.approx(hz, rel=0.2)
    words = [word for piece in said.pieces for word in piece.words]
    assert [word.text for word in words] == [word.strip(".") for word in text.split()]
    per_minute = 60 * len(words) / (words[-1].end_s - words[0].start_s)
    assert 100 < per_minute < 260


def test_the_codec_keeps_speech_that_it_did_not_learn(codec: VoiceCodec) -> None:
    from nodes.talker.espeak import EspeakVoice

    pieces = EspeakVoice(CONFIG.voice_settings()).speak(Reply(text=SAID[0]))
    sound = np.concatenate([piece.samples for piece in pieces if piece is not None]) * 0.6
    sound = sound[: len(sound) // 1_920 * 1_920]
    made = decoded(codec, EncodingStream(codec).encode(sound))
    assert quality(sound, made).stoi > 0.6
