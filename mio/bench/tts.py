"""The neural voice on sentences it never learned: words understood, pitch, rate, emotions; espeak, recordings beside.

Words are counted on the English sentences by PocketSphinx, once with a language model of just these sentences
(``closed``), once with their words in any order (``unigram``), and in both languages in the same two ways by the judge
that ``mio train voice --stage judge`` makes of recordings of people (``judged``; see ``mio bench judge``). Phones are
judged by the codec's phone recogniser, which has learned from recordings only, too, but which the codec was trained to
please. Recordings are other sentences of the same speakers, as they are and through the codec, if data is at hand.
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
import torch

from mio.bench._delivery_figures import compare_emotions
from mio.bench._spectrogram import keep_sounds
from mio.bench._speech_set import data_folder, recordings
from mio.bench._talker_engine import add_weights_arguments, engine_config
from mio.bench._talker_texts import SENTENCES
from mio.bench._word_judge import NO_JUDGE, add_judge_argument, misheard, named_judge, recognisers_of
from mio.bench.report import Report
from mio.contracts.messages import Reply
from mio.contracts.phones import PHONES
from mio.contracts.rates import SPEECH_HZ
from mio.measure.pitch import pitch_hz, semitones
from nodes.talker.clause import ClauseVoice, Piece
from nodes.talker.espeak import EspeakVoice
from nodes.talker.kodama import KodamaVoice
from nodes.talker.models.codec.codec import EncodingStream, VoiceCodec, decoded, read_codec
from nodes.talker.training.judge import AcousticModel

DURATION = "about 15 min"

FloatArray = npt.NDArray[np.float32]

_DATA = Path(__file__).parent / "data" / "tts.yml"
_TARS = {"en": "en_kathleen.tar", "de": "de_kerstin.tar"}
_RECORDINGS = 40
_SEED = 0
_HEARING_SAMPLES = 480  # per feature of the phone recogniser
_KEPT = 3  # sentences of each voice
_AHEAD = 2  # features that it hears before it answers
_TARGETS = {"closed": 0.08, "unigram": 0.45}
_JUDGED = "kodama"


class Said(NamedTuple):
    """A sentence and what a voice made of it; no pieces of a recording."""

    text: str
    sound: FloatArray
    pieces: list[Piece]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.add_argument("--data", type=Path, help="data folder with speech (MIO_DATA), for recordings")
    parser.add_argument("--sentences", type=int, default=100, help="of each language (100)")
    parser.add_argument("--emotional", type=int, default=10, help="English sentences said with each emotion (10)")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="write first sentences and their spectrograms there")
    add_judge_argument(parser)
    add_weights_arguments(parser)


def run(args: argparse.Namespace, report: Report) -> None:
    """Let the voices speak, and judge them."""
    torch.set_num_threads(1)
    config = engine_config(args, "kodama")
    kodama, codec = KodamaVoice.read(config), read_codec(config.codec)
    voices: dict[str, ClauseVoice] = {"kodama": kodama, "espeak": EspeakVoice(config.voice_settings())}
    folder = data_folder(args.data)
    judge = named_judge(args)
    for lang, texts in unseen_sentences().items():
        said = {name: list(_spoken(voice, texts[: args.sentences], lang)) for name, voice in voices.items()}
        if folder is not None:
            said["recordings"] = list(_recorded(folder, lang))
            said["recordings through the codec"] = [_coded(one, codec) for one in said["recordings"]]
        _compare(report, lang, said, codec, judge)
        if args.keep is not None:
            _keep(args.keep, lang, said)
    if args.emotional:
        for name, voice in voices.items():
            compare_emotions(report, name, voice, SENTENCES[: args.emotional], aimed=name == "kodama")
        report.note("emotions: measured at full intensity against neutral, and in brackets what the delivery asks for")
    report.note("words of recordings are those of other sentences; the recognisers know the words of both")
    if judge is None:
        report.note(NO_JUDGE)


def unseen_sentences() -> dict[str, list[str]]:
    """A hundred sentences by language."""
    known = msgspec.yaml.decode(_DATA.read_bytes(), type=dict[str, list[str]])
    return {"en": [*known["en"], *SENTENCES], "de": known["de"]}


def _spoken(voice: ClauseVoice, texts: Sequence[str], lang: str) -> Iterator[Said]:
    for text in texts:
        pieces = [piece for piece in voice.speak(Reply(text=text, language=lang)) if piece is not None]
        yield Said(text, np.concatenate([piece.samples for piece in pieces]), pieces)


def _recorded(folder: Path, lang: str) -> Iterator[Said]:
    for recorded in recordings(folder, _TARS[lang], "test", _RECORDINGS, _SEED, SPEECH_HZ):
        yield Said(recorded.text, recorded.sound, [])


def _coded(said: Said, codec: VoiceCodec) -> Said:
    stream = EncodingStream(codec)
    codes = np.concatenate((stream.encode(said.sound), stream.finish()))
    return said._replace(sound=decoded(codec, codes))


def _compare(
    report: Report, lang: str, said: dict[str, list[Said]], codec: VoiceCodec, judge: AcousticModel | None
) -> None:
    recognisers = recognisers_of([one.text for group in said.values() for one in group], lang, judge)
    for name, group in said.items():
        cells: dict[str, object] = {}
        for by, recogniser in recognisers.items():
            share, right, wrong = misheard([(one.text, one.sound) for one in group], recogniser)
            cells[by] = f"{share:.1%}"
            if by.endswith("closed"):
                cells[f"sentences_right_{by}"] = f"{right:.0%}"
            if name == _JUDGED:
                report.figure(f"{by}_{lang}", share, target=_TARGETS[by.rpartition("_")[2]])
                if by.endswith("closed"):
                    for text, heard in wrong:
                        report.row("misheard sentences", language=lang, by=by, said=text, heard=heard)
        if group[0].pieces:
            cells["phones_heard"] = f"{np.mean([phones_heard(one, codec) for one in group]):.1%}"
        report.row("voices", language=lang, voice=name, **cells, **_sound_figures(group))


@torch.inference_mode()
def phones_heard(said: Said, codec: VoiceCodec) -> float:
    """Share of a sentence's 20 ms in which the phone recogniser hears the phone that was meant, pauses left out."""
    ahead = np.pad(said.sound, (0, -len(said.sound) % _HEARING_SAMPLES + _AHEAD * _HEARING_SAMPLES))
    features = codec.recogniser()(torch.from_numpy(ahead)[None, None], {})[:, :, _AHEAD:]
    heard = codec.recogniser().recognise(features)[0].argmax(-1).numpy()
    meant = phones_meant([phone for piece in said.pieces for phone in piece.phones], len(heard))
    return float(np.mean(heard[meant > 0] == meant[meant > 0])) if (meant > 0).any() else 0.0


def phones_meant(phones: Sequence[tuple[str, int, float]], count: int) -> npt.NDArray[np.int64]:
    """``[count]`` number of the phone in the middle of every 20 ms, 0 where there is none."""
    numbers = np.array([0, *(list(PHONES).index(symbol) for symbol, _, _ in phones)])
    starts = [start_s for _, _, start_s in phones]
    middles = (np.arange(count) + 0.5) * _HEARING_SAMPLES / SPEECH_HZ
    return numbers[np.searchsorted(starts, middles, "right")]


def _sound_figures(said: Sequence[Said]) -> dict[str, float]:
    tracks = [pitch_hz(one.sound, SPEECH_HZ) for one in said]
    voiced = np.concatenate([track[track > 0] for track in tracks])
    words = sum(len(one.text.split()) for one in said)
    spoken_s = sum(len(np.trim_zeros(one.sound)) for one in said) / SPEECH_HZ
    return {
        "pitch_hz": round(float(np.median(voiced))) if len(voiced) else 0,
        "pitch_sd_st": round(float(np.std(semitones(np.concatenate(tracks)))), 2),
        "words_per_minute": round(60 * words / spoken_s),
    }


def _keep(folder: Path, lang: str, said: dict[str, list[Said]]) -> None:
    for number in range(min(_KEPT, *(len(group) for group in said.values()))):
        keep_sounds(folder, f"{lang}-{number}", {name: group[number].sound for name, group in said.items()})
