"""How the talker's voice sounds beside others of espeak-ng: words understood, pitch, rate, spectrum, phone times."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mio.bench._talker_engine import add_weights_arguments, engine_config
from mio.bench._talker_texts import NUMBERS, SENTENCES
from mio.bench._talker_times import EDGES, time_errors_ms
from mio.bench.report import Report, percentile
from mio.contracts.messages import FloatArray, Reply
from mio.contracts.rates import SPEECH_HZ
from mio.errors import Needing
from mio.measure.pitch import pitch_hz, semitones
from nodes.talker.clause import ClauseVoice, Piece
from nodes.talker.config import TalkerConfig, VoiceSettings
from nodes.talker.espeak import EspeakVoice
from nodes.talker.kodama import KodamaVoice
from nodes.talker.timbre import average_voice_distance_db

DURATION = "about 2 min a voice"

_OTHERS = ("f1", "f2", "f3", "f4", "f5", "Annie", "belinda", "linda", "steph", "")
_PHONE_P90_MS = {"espeak": 15.0, "kodama": 40.0}
"""Targets; a picture of the face lasts 40 ms."""


class Spoken(NamedTuple):
    """A sentence and what a voice made of it."""

    text: str
    pieces: list[Piece]

    @property
    def samples(self) -> FloatArray:
        """``[n]`` 24 kHz."""
        return np.concatenate([piece.samples for piece in self.pieces])

    @property
    def speech_s(self) -> float:
        """Seconds up to the end of the last phone."""
        tail = len(self.pieces[-1].samples) / SPEECH_HZ
        before = len(self.samples) / SPEECH_HZ - tail
        return max(before, self.pieces[-1].phones[-1].start_s)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.add_argument("--variants", nargs="*", default=list(_OTHERS), help="variants of espeak-ng to compare with")
    parser.add_argument("--sentences", type=int, default=len(SENTENCES), help="how many of the sentences to speak")
    add_weights_arguments(parser)


def run(args: argparse.Namespace, report: Report) -> None:
    """Let every voice speak the sentences; the first one is the default character's."""
    texts = SENTENCES[: args.sentences]
    settings = TalkerConfig().voice_settings()
    recognizer = _recognizer()
    own = _speak_all(EspeakVoice(settings), texts)
    figures = _figures(own, recognizer)
    report.row("voices", voice=settings.variant, processing="yes", **figures)
    for name, value in figures.items():
        report.figure(name, value)
    for name in (settings.variant, *args.variants):
        plain = VoiceSettings(variant=name, rate_wpm=settings.rate_wpm, warmth=0.0, room_db=-60.0)
        figures = _figures(_speak_all(EspeakVoice(plain), texts), recognizer)
        report.row("voices", voice=name or "plain (male)", processing="no", **figures)
    neural = KodamaVoice.read(engine_config(args, "kodama"))
    for engine, voice in (("espeak", EspeakVoice(settings)), ("kodama", neural)):
        _phone_times(engine, _speak_all(voice, texts), report)
    report.note("words judged by moonshine-voice (tiny-en); spectrum: RMS of third octaves against Byrne et al. 1994")


def word_errors(said: str, heard: str) -> tuple[int, int]:
    """Word errors of a recognition (substituted, left out, added), and the words said."""
    reference, hypothesis = _plain_words(said), _plain_words(heard)
    row = list(range(len(hypothesis) + 1))
    for place, word in enumerate(reference, 1):
        before, row[0] = row[0], place
        for column, other in enumerate(hypothesis, 1):
            cost = min(before + (word != other), row[column] + 1, row[column - 1] + 1)
            before, row[column] = row[column], cost
    return row[-1], len(reference)


def _plain_words(text: str) -> list[str]:
    letters = "".join(c if c.isalnum() or c == "'" else " " for c in text.lower())
    return [word for token in letters.split() for word in NUMBERS.get(token, token).split()]


def _speak_all(voice: ClauseVoice, texts: Sequence[str]) -> list[Spoken]:
    return [Spoken(text, [piece for piece in voice.speak(Reply(text=text)) if piece]) for text in texts]


def _figures(spoken: list[Spoken], recognizer: Any) -> dict[str, float]:
    errors = [word_errors(sentence.text, _recognize(recognizer, sentence.samples)) for sentence in spoken]
    pitch = np.concatenate([pitch_hz(sentence.samples, SPEECH_HZ) for sentence in spoken])
    words = sum(count for _, count in errors)
    return {
        "word_errors_percent": round(100.0 * sum(wrong for wrong, _ in errors) / words, 1),
        "pitch_median_hz": round(float(np.median(pitch[pitch > 0.0]))),
        "pitch_sd_st": round(float(np.std(semitones(pitch))), 2),
        "words_per_minute": round(60.0 * words / sum(sentence.speech_s for sentence in spoken)),
        "spectrum_off_db": round(
            average_voice_distance_db(np.concatenate([sentence.samples for sentence in spoken])), 1
        ),
    }


def _phone_times(engine: str, spoken: list[Spoken], report: Report) -> None:
    errors: dict[str, list[float]] = {edge: [] for edge in EDGES}
    for sentence in spoken:
        phones = [phone for piece in sentence.pieces for phone in piece.phones]
        for edge, error_ms in time_errors_ms(Piece(sentence.samples, phones, [])):
            errors[edge].append(error_ms)
    for edge, found in errors.items():
        if found:
            sizes = [abs(error) for error in found]
            cells = {"median_ms": float(np.median(found)), "p50_abs_ms": percentile(sizes, 0.5)}
            cells["p90_abs_ms"] = percentile(sizes, 0.9)
            rounded = {name: round(x, 1) for name, x in cells.items()}
            report.row("phone times", engine=engine, edge=edge, count=len(found), **rounded)
    every = [abs(error) for found in errors.values() for error in found]
    target = _PHONE_P90_MS[engine]
    report.figure(f"{engine}_phone_time_p50_ms", percentile(every, 0.5), target=15.0)
    report.figure(f"{engine}_phone_time_p90_ms", percentile(every, 0.9), target=target)


def _recognizer() -> Any:
    with Needing("judging words", "moonshine"):
        import moonshine_voice
    model = Path(moonshine_voice.__file__).parent / "assets" / "tiny-en"
    return moonshine_voice.Transcriber(model, moonshine_voice.ModelArch.TINY)


def _recognize(recognizer: Any, samples: FloatArray) -> str:
    import soxr

    sound = np.pad(soxr.resample(samples, SPEECH_HZ, 16_000), (3_200, 4_800)).astype(np.float32)
    return " ".join(line.text for line in recognizer.transcribe_without_streaming(sound.tolist(), 16_000).lines)
