"""The voice's codec on held-out speech: PESQ, STOI, SI-SDR, mel, words, speaker, bit rate, speed; others beside it.

Real sound is what was held out of the codec's training. ``semantic codes only`` drops the six acoustic ones, ``acoustic
codes only`` the two semantic ones. Other codecs, such as ablations, are measured with all their codes and with the
first two alone. Words are counted on the English sentences by PocketSphinx with a language model of just the sentences
that are read (``closed``) and with their words in any order (``unigram``), and in both languages in the same two ways
by the judge of ``mio bench judge``, if it is there.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from mio.bench._codec_quality import Quality, quality, through_codec2, through_opus
from mio.bench._named_folders import named_folders
from mio.bench._speaker_similarity import SpeakerEncoder, speaker_encoder
from mio.bench._spectrogram import keep_sounds
from mio.bench._speech_set import data_folder, recordings
from mio.bench._word_judge import NO_JUDGE, Recogniser, add_judge_argument, misheard, named_judge, recognisers_of
from mio.bench.report import Report
from mio.contracts.rates import SPEECH_HZ
from mio.errors import MioError
from mio.paths import share
from nodes.talker.kdm import BOOKS, FRAME_BYTES
from nodes.talker.models.codec.codec import Codes, VoiceCodec, decoded, encoded, read_codec
from nodes.talker.models.codec.sizes import FRAME_SAMPLES, SEMANTIC_BOOKS

DURATION = "about 4 min"

FloatArray = npt.NDArray[np.float32]

_VOICES = {"en": ("kathleen", "en_kathleen.tar"), "de": ("kerstin", "de_kerstin.tar")}
_OPUS_BITS_PER_S = 6_000
_CODEC2_MODE = "1200"
_CODEC = "codec"
_SEED = 0
_BOOK_BITS_PER_S = 8 * FRAME_BYTES / BOOKS * SPEECH_HZ / FRAME_SAMPLES


class Said(NamedTuple):
    """A held-out sentence: its language, text, and ``[n]`` samples at 24 kHz."""

    lang: str
    text: str
    sound: FloatArray


class Coded(NamedTuple):
    """What a way of coding made of a sentence: ``[n]`` samples, and bits per second."""

    sound: FloatArray
    bits_per_s: float


class Judges(NamedTuple):
    """Who hears words, by language and name, and who hears voices, if the package is there."""

    recognisers: dict[str, dict[str, Recogniser]]
    speakers: SpeakerEncoder | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.add_argument("--data", type=Path, help="data folder with speech (MIO_DATA)")
    parser.add_argument("--split", choices=("val", "test"), default="test", help="which held-out sentences (test)")
    parser.add_argument("--utterances", type=int, default=40, help="of each voice (40)")
    parser.add_argument("--weights", type=Path, default=share("weights", "voice-codec"), help="folder of the codec")
    parser.add_argument(
        "--arm", action="append", default=[], metavar="NAME=FOLDER", help="another codec, such as an ablation"
    )
    add_judge_argument(parser)
    parser.add_argument("--keep", type=Path, metavar="DIR", help="write first sentences and their spectrograms there")


def run(args: argparse.Namespace, report: Report) -> None:
    """Measure all ways of coding with the same sentences."""
    torch.set_num_threads(1)
    folder = data_folder(args.data)
    if folder is None:
        raise MioError("no speech to measure with", "name the data folder with --data or MIO_DATA")
    said = [*_said(folder, "en", args), *_said(folder, "de", args)]
    codec = read_codec(args.weights)
    judge, speakers = named_judge(args), speaker_encoder()
    recognisers = {lang: recognisers_of([s.text for s in said if s.lang == lang], lang, judge) for lang in _VOICES}
    kept: dict[str, dict[str, FloatArray]] = {lang: {} for lang in _VOICES}
    ways = _ways(codec)
    for name, weights in named_folders("--arm", args.arm):
        ways |= _arm_ways(name, read_codec(weights))
    for name, way in ways.items():
        made = [way(s.sound) for s in said]
        _measure(report, name, said, made, Judges(recognisers, speakers))
        for lang, sounds in kept.items():
            sounds[name] = next(m.sound for s, m in zip(said, made, strict=True) if s.lang == lang)
    if args.keep is not None:
        for lang, sounds in kept.items():
            keep_sounds(args.keep, lang, sounds)
    _measure_speed(report, codec, said)
    if speakers is None:
        report.note("speaker similarity is left out: pip install --no-deps resemblyzer")
    else:
        _compare_speakers(report, speakers, said)
    report.note("other neural codecs are left out: none whose weights come with a package is known")
    if judge is None:
        report.note(NO_JUDGE)


def _said(folder: Path, lang: str, args: argparse.Namespace) -> Iterator[Said]:
    """Held-out sentences, whole frames of them."""
    _, tar = _VOICES[lang]
    for recorded in recordings(folder, tar, args.split, args.utterances, _SEED, SPEECH_HZ):
        whole = len(recorded.sound) // FRAME_SAMPLES * FRAME_SAMPLES
        yield Said(lang, recorded.text, recorded.sound[:whole])


def _ways(codec: VoiceCodec) -> dict[str, Callable[[FloatArray], Coded]]:
    """Ways of coding by name."""

    def acoustic(sound: FloatArray) -> Coded:
        codes = encoded(codec, sound)
        return Coded(_without_meaning(codec, codes), (BOOKS - SEMANTIC_BOOKS) * _BOOK_BITS_PER_S)

    return {
        "real": lambda sound: Coded(sound, 16.0 * SPEECH_HZ),
        _CODEC: lambda sound: _coded(codec, sound, BOOKS),
        "semantic codes only": lambda sound: _coded(codec, sound, SEMANTIC_BOOKS),
        "acoustic codes only": acoustic,
        "opus 6 kbit/s": lambda sound: Coded(*through_opus(sound, _OPUS_BITS_PER_S)),
        "codec 2": lambda sound: Coded(*through_codec2(sound, _CODEC2_MODE)),
    }


def _arm_ways(name: str, codec: VoiceCodec) -> dict[str, Callable[[FloatArray], Coded]]:
    """Ways of coding of another codec by name."""
    return {
        name: lambda sound: _coded(codec, sound, BOOKS),
        f"{name}, {SEMANTIC_BOOKS} codes only": lambda sound: _coded(codec, sound, SEMANTIC_BOOKS),
    }


def _coded(codec: VoiceCodec, sound: FloatArray, books: int) -> Coded:
    """Speech of the first codes of each frame."""
    codes = encoded(codec, sound)[:, :books]
    return Coded(decoded(codec, codes), books * _BOOK_BITS_PER_S)


@torch.inference_mode()
def _without_meaning(codec: VoiceCodec, codes: Codes) -> FloatArray:
    tokens = torch.from_numpy(codes[:, SEMANTIC_BOOKS:].astype(np.int64)).T[None]
    frames = codec.tokenizer.sound_books.decode(tokens)
    return codec.tokenizer.voice.whole(frames).sound[0, 0].numpy()


def _compare_speakers(report: Report, speakers: SpeakerEncoder, said: list[Said]) -> None:
    """How alike real sentences are: of one voice, and of both."""
    own, other = ([s.sound for s in said if s.lang == lang] for lang in _VOICES)
    same = [speakers.similarity(one, two) for sounds in (own, other) for one, two in pairwise(sounds)]
    apart = [speakers.similarity(one, two) for one, two in zip(own, other, strict=False)]
    report.note(f"similarity of two real sentences: {np.mean(same):.2f} of one voice, {np.mean(apart):.2f} of both")


def _measure(report: Report, name: str, said: list[Said], made: list[Coded], judges: Judges) -> None:
    for lang in _VOICES:
        pairs = [(s, m) for s, m in zip(said, made, strict=True) if s.lang == lang]
        if not pairs:
            continue
        cells: dict[str, str] = {}
        if name != "real":
            mean = Quality(*np.mean([quality(s.sound, m.sound) for s, m in pairs], 0))
            cells = {key: f"{value:.2f}" for key, value in mean._asdict().items()} | {"stoi": f"{mean.stoi:.3f}"}
            if judges.speakers is not None:
                alike = [judges.speakers.similarity(s.sound, m.sound) for s, m in pairs]
                cells["similarity"] = f"{np.mean(alike):.2f}"
            if name == _CODEC:
                report.figure(f"pesq_{lang}", mean.pesq, target=1.8, at_least=True)
                report.figure(f"stoi_{lang}", mean.stoi, target=0.85, at_least=True)
        for by, recogniser in judges.recognisers[lang].items():
            cells[by] = f"{misheard([(s.text, m.sound) for s, m in pairs], recogniser).share:.1%}"
        bits_per_s = float(np.mean([m.bits_per_s for _, m in pairs]))
        report.row("quality", coded_by=name, voice=_VOICES[lang][0], bits_per_s=round(bits_per_s), **cells)


def _measure_speed(report: Report, codec: VoiceCodec, said: list[Said]) -> None:
    """CPU time by time of sound, a frame at a time, one thread."""
    sound = np.concatenate([s.sound for s in said])[: 60 * SPEECH_HZ]
    began = time.process_time()
    codes = encoded(codec, sound)
    middle = time.process_time()
    decoded(codec, codes)
    seconds = len(sound) / SPEECH_HZ
    report.figure("encode_real_time_factor", (middle - began) / seconds)
    report.figure("decode_real_time_factor", (time.process_time() - middle) / seconds, target=0.2)
