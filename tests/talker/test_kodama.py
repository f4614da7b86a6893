from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import cast

import msgspec
import numpy as np
import pytest

from mio.contracts.engine import Output
from mio.contracts.messages import Clock, Interrupt, Reply, Speech
from mio.contracts.phones import PHONES, SILENCE
from mio.contracts.rates import SPEECH_FRAME_SAMPLES, SPEECH_HZ
from mio.errors import MioError
from mio.runtime.testing import steps
from nodes.talker.clause import Piece
from nodes.talker.config import TalkerConfig
from nodes.talker.engine import Spare, Talker, build_engine
from nodes.talker.espeak import EspeakVoice
from nodes.talker.kodama import KodamaVoice, UnitSound, UnitTimes
from nodes.talker.models.codec.codec import DecodingStream
from nodes.talker.models.lm.generation import Frame
from nodes.talker.text.pronunciation import Pronunciation, Spelled, SpelledWord
from nodes.talker.words import WordTimes, WrittenWords

FRAMES = TalkerConfig(first_frames=1, chunk_frames=1)
TEXT = "Oh, you found 112 steps! Good."


@pytest.fixture(scope="module")
def kodama(weights: TalkerConfig) -> KodamaVoice:
    return KodamaVoice.read(weights)


def nothing(_: Reply) -> bool:
    return False


def everything(_: Reply) -> bool:
    return True


def pieces(voice: KodamaVoice, reply: Reply) -> list[Piece]:
    return [piece for piece in voice.speak(reply) if piece is not None]


def spoken(talker: Talker, *replies: Reply) -> list[Speech]:
    return [speech for reply in replies for _, speech in steps(talker, "reply", reply) if isinstance(speech, Speech)]


def begun(outputs: Iterator[Output | None], count: int | None) -> list[Speech]:
    """The next chunks of speech; all that are left for None."""
    speeches = (output[1] for output in outputs if output is not None and isinstance(output[1], Speech))
    return list(islice(speeches, count))


def sound(chunks: list[Speech]) -> np.ndarray:
    return np.concatenate([chunk.samples for chunk in chunks])


def test_a_clause_is_streamed_in_frames_with_pauses_between_its_sentences(kodama: KodamaVoice) -> None:
    made = pieces(kodama, Reply(text=TEXT))
    pauses = [k for k, piece in enumerate(made) if len(piece.samples) != SPEECH_FRAME_SAMPLES]
    assert len(pauses) == 2 and pauses[-1] == len(made) - 1
    assert all(not made[k].samples.any() and len(made[k].samples) == round(0.42 * SPEECH_HZ) for k in pauses)
    assert all(piece.samples.any() for k, piece in enumerate(made) if k not in pauses)


def test_phones_and_words_are_said_once_in_order_and_inside_the_sound(kodama: KodamaVoice) -> None:
    made = pieces(kodama, Reply(text=TEXT))
    at_s = 0.0
    for piece in made:
        ends_s = at_s + len(piece.samples) / SPEECH_HZ
        assert all(at_s - 1e-6 <= phone.start_s <= ends_s + 4 * 0.08 + 1e-6 for phone in piece.phones)
        at_s = ends_s
    phones = [phone for piece in made for phone in piece.phones]
    assert {phone.symbol for phone in phones} <= set(PHONES) and phones[-1].symbol == SILENCE
    words = [word for piece in made for word in piece.words]
    assert [word.text for word in words] == ["Oh", "you", "found", "112", "steps", "Good"]
    assert all(TEXT[word.first_char :].startswith(word.text) for word in words)
    for word, following in zip(words, words[1:], strict=False):
        assert word.start_s < word.end_s <= following.start_s + 1e-9
    assert words[3].end_s - words[3].start_s > 3 * 0.04


def test_phones_are_told_two_frames_before_they_are_heard_at_first_and_soon_four(kodama: KodamaVoice) -> None:
    made = pieces(kodama, Reply(text="Certainly the seventh one."))
    starts = [phone.start_s for piece in made for phone in piece.phones]
    told, ends_s = 0, 0.0
    for number, piece in enumerate(made):
        told, ends_s = told + len(piece.phones), ends_s + len(piece.samples) / SPEECH_HZ
        wanted = sum(start_s < ends_s + min(number + 2, 4) * 0.08 - 1e-6 for start_s in starts)
        assert told == wanted if number > 1 else told >= wanted
    assert told == len(starts) > 10


class Decoding:
    """A stream whose sound is known, a frame late as real ones are."""

    def __init__(self, sound: np.ndarray) -> None:
        self._frames = iter([sound[:0], *np.split(sound, len(sound) // SPEECH_FRAME_SAMPLES)])

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """The frame before."""
        return next(self._frames)

    def finish(self) -> np.ndarray:
        """The last one."""
        return next(self._frames)


def test_silence_before_the_first_sound_is_left_out_and_all_that_is_said_comes_sooner() -> None:
    said = Pronunciation(
        [Spelled(symbol) for symbol in ("sil", "h", "aɪ", "n", "aʊ", "sil")], [SpelledWord(1, 0), SpelledWord(3, 3)]
    )
    times = UnitTimes(said, WordTimes(WrittenWords("Hi now")), begin_s=1.0)
    silent = round(0.11 * SPEECH_HZ)
    decoded = np.full(4 * SPEECH_FRAME_SAMPLES, 0.05, np.float32)
    decoded[:silent] = 0.0
    sound = UnitSound(cast(DecodingStream, Decoding(decoded)), times, gain=1.0)
    frames = [Frame(np.zeros(8, np.int16), place, advance) for place, advance in ((1, 1), (2, 1), (4, 2), (5, 1))]
    for frame in frames:
        sound.learn(*times.pass_by(frame))
    sound.learn(*times.end())
    made = [piece for piece in (*(sound.piece(frame) for frame in frames), sound.last_piece()) if piece is not None]
    heard = np.concatenate([piece.samples for piece in made])
    assert len(decoded) - len(heard) == round(0.09 * SPEECH_HZ)  # 20 ms of it stay
    assert not heard[: SPEECH_HZ // 50].any() and heard[SPEECH_HZ // 50] > 0
    starts_s = [phone.start_s for phone in made[0].phones]
    assert starts_s == pytest.approx([1.0175, 1.0525, 1.09, 1.13, 1.19, 1.23])
    words = [(word.text, word.start_s, word.end_s) for word in made[0].words]
    assert [word[1:] for word in words] == [pytest.approx((1.0175, 1.09)), pytest.approx((1.09, 1.19))]


def test_the_same_clause_sounds_the_same_and_other_words_do_not(kodama: KodamaVoice) -> None:
    first, again, other = (
        np.concatenate([piece.samples for piece in pieces(kodama, Reply(text=text))])
        for text in (TEXT, TEXT, TEXT.replace("Oh", "Ah"))
    )
    assert np.array_equal(first, again) and not np.array_equal(first, other[: len(first)])


def test_an_emotion_changes_how_loud_it_is(kodama: KodamaVoice) -> None:
    levels = [
        np.sqrt(np.square(pieces(kodama, Reply(text="Good.", emotion=emotion, intensity=1.0))[0].samples).mean())
        for emotion in ("sad", "angry")
    ]
    assert levels[1] != levels[0]


def test_a_turn_is_contiguous_and_an_interruption_stops_it_within_a_frame(kodama: KodamaVoice) -> None:
    talker = Talker(kodama, TalkerConfig(first_frames=1, chunk_frames=1))
    chunks = talker.step("reply", Reply(text=TEXT, segment_id=1, fin=True))
    assert isinstance(chunks, Iterator)
    sent = begun(chunks, 2)
    assert steps(talker, "interrupt", Interrupt(action="commit", segment_id=1)) == []
    assert [output for output in chunks if output is not None] == []
    assert len(sent) == 2
    whole = spoken(talker, Reply(text=TEXT, segment_id=2, fin=True))
    assert [chunk.start_sample for chunk in whole] == [k * SPEECH_FRAME_SAMPLES for k in range(len(whole))]
    assert whole[-1].fin and whole[-1].last_char == len(TEXT)


def test_without_espeak_word_lists_spell_and_nobody_steps_in(
    weights: TalkerConfig, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("nodes.talker.engine.is_installed", lambda: False)
    talker = build_engine(msgspec.structs.replace(weights, phones="lexicon"))
    assert "espeak-ng is not installed" in caplog.text
    assert sound(spoken(talker, Reply(text=TEXT, segment_id=1, fin=True))).any()
    with pytest.raises(MioError, match="bonjour|fr"):
        spoken(talker, Reply(text="bonjour", language="fr", segment_id=2, fin=True))


def test_what_it_does_not_speak_is_spoken_by_espeak(weights: TalkerConfig, voice: EspeakVoice) -> None:
    talker = build_engine(weights)
    for text, language in (("Bonjour, madame.", "fr"), ("Say Привет.", "en")):
        reply = Reply(text=text, language=language, segment_id=1, fin=True)
        spare = sum(len(piece.samples) for piece in voice.speak(reply) if piece is not None)
        assert 0 <= len(sound(spoken(talker, reply))) - spare < SPEECH_FRAME_SAMPLES
        assert talker.export_state()["spared"]
    assert spoken(talker, Reply(text="Guten Tag.", language="de-AT", segment_id=2, fin=True))
    assert not talker.export_state()["spared"]


@pytest.mark.parametrize("text", ["", "😀", "..."])
def test_a_clause_without_words_ends_the_turn(kodama: KodamaVoice, text: str) -> None:
    ends = spoken(Talker(kodama, TalkerConfig()), Reply(text=text, segment_id=1, fin=True))
    assert [(chunk.fin, len(chunk.samples)) for chunk in ends] == [(True, 0)]


@pytest.mark.parametrize(
    ("text", "language", "word"),
    [
        ("Dr. Smith paid $3.50 at 10:05 a.m. on 2024-03-01 😀!", "en", "Dr"),
        ("Am 3. Oktober 1990 um 14:30 Uhr, z. B. in der Hauptstr. 12.", "de", "Am"),
        ("NASA and https://example.org/a_b?q=1", "en", "NASA"),
        ("A word and one more. " * 238, "en", "A"),
    ],
)
def test_odd_and_long_texts_begin_with_their_first_words(
    kodama: KodamaVoice, text: str, language: str, word: str
) -> None:
    stream = kodama.speak(Reply(text=text[:5_000], language=language))
    begun = [piece for piece, _ in zip(stream, range(60), strict=False) if piece is not None]
    words = [word for piece in begun for word in piece.words]
    assert words[0].text == word and words[0].first_char == 0


def heard(sample: int, segment_id: int = 1) -> Clock:
    return Clock(stage_s=1.0, mono_ns=1, segment_id=segment_id, heard_sample=sample)


def test_a_voice_that_is_behind_leaves_the_turns_other_clauses_to_espeak(
    kodama: KodamaVoice, voice: EspeakVoice
) -> None:
    talker = Talker(kodama, FRAMES, Spare(voice, nothing))
    first, second, third = (Reply(text=TEXT, segment_id=s, index=i) for s, i in ((1, 0), (1, 1), (2, 0)))
    chunks = talker.step("reply", first)
    assert isinstance(chunks, Iterator)
    own = begun(chunks, 2)
    steps(talker, "clock", heard(sum(len(chunk.samples) for chunk in own)))
    own += begun(chunks, None)
    assert np.array_equal(sound(own), sound(spoken(Talker(kodama, FRAMES), first)))
    plain = sound(spoken(Talker(voice, FRAMES), Reply(text=TEXT, segment_id=1)))
    assert np.array_equal(sound(spoken(talker, second)), plain)
    assert not np.array_equal(sound(spoken(talker, third))[: len(plain)], plain)


def test_a_voice_is_not_behind_between_clauses_or_in_another_turn_or_while_sound_is_left(
    kodama: KodamaVoice, voice: EspeakVoice
) -> None:
    talker = Talker(kodama, FRAMES, Spare(voice, nothing))
    steps(talker, "clock", heard(0))
    chunks = talker.step("reply", Reply(text=TEXT, segment_id=1))
    assert isinstance(chunks, Iterator)
    assert len(begun(chunks, 1)) == 1
    steps(talker, "clock", heard(10))
    steps(talker, "clock", heard(10**6, segment_id=7))
    list(chunks)
    steps(talker, "clock", heard(10**6))
    assert talker.export_state()["late"] is False


def test_a_successor_goes_on_with_the_voice_that_was_speaking(kodama: KodamaVoice, voice: EspeakVoice) -> None:
    first = Talker(kodama, TalkerConfig(), Spare(voice, everything))
    second = Talker(kodama, TalkerConfig(), Spare(voice, nothing))
    reply = Reply(text="Good day.", segment_id=1)
    whole = sound(spoken(Talker(voice, TalkerConfig()), reply))
    chunks = first.step("reply", reply)
    assert isinstance(chunks, Iterator)
    sent = begun(chunks, 1)
    second.import_state(first.export_state())
    rest = spoken(second, Reply(text="Bye.", segment_id=1, index=1))
    both = sound([*sent, *(c for c in rest if c.index == 0)])
    assert np.array_equal(both, whole)


def test_missing_weights_are_one_clear_error_when_the_engine_is_chosen(tmp_path: Path) -> None:
    config = TalkerConfig(engine="kodama", codec=tmp_path / "none", language_model=tmp_path / "neither")
    with pytest.raises(MioError, match=r"kodama has no weights in .*neither -> train it, or set talker.engine: espeak"):
        build_engine(config)
    assert len(list(config.check())) == 1


def test_a_speaker_that_the_model_does_not_know_is_left_to_espeak(weights: TalkerConfig) -> None:
    other = KodamaVoice.read(msgspec.structs.replace(weights, voice={"speakers": {"en": "nobody"}}))
    assert other.leaves(Reply(text="Hello.")) and not KodamaVoice.read(weights).leaves(Reply(text="Hello."))
    with pytest.raises(MioError, match=r"no speaker for 'en' -> name one in voice\.speakers"):
        list(other.speak(Reply(text="Hello.")))
