"""Questions understood through the ears: unseen paraphrases in three voices, by recogniser; real voices with --data.

Every question goes as sound through voice detection, end of turn and speech to text, and its transcript to the story
thinker; the answer is right if it comes from the entry that the question asks for. Latency is from the end of the sound
to the final transcript, computing counted in CPU time. Ablations leave out the character's vocabulary and the
alternatives.
"""

import argparse
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
import soxr

from mio.bench._hearing_live import Hearing, hear
from mio.bench._mishearing import error_rate
from mio.bench._speech_set import Recorded, data_folder, recordings, room_tone
from mio.bench.report import Report, percentile
from mio.character import read_character
from mio.contracts.rates import MICROPHONE_HZ
from mio.demo.question import STRANGERS
from mio.espeak import Espeak
from mio.paths import share
from nodes.listener.config import ListenerConfig, MoonshineConfig, PocketSphinxConfig
from nodes.listener.engine import ListenerEngine, build_engine
from nodes.thinker.config import ThinkerConfig
from nodes.thinker.dialogue import Dialogue
from nodes.thinker.engine import build_storyteller, gather
from nodes.thinker.storyteller import Heard, Storyteller
from nodes.thinker.understanding import Verdict

DURATION = "about 15 min"

VOICES = ("en-us", "en-gb-scotland", "en-us+f2")
"""Voices of espeak-ng that ask; none of them is the avatar's."""

READERS = {
    "Kathleen (US English)": ("en_kathleen.tar", "test"),
    "Mandarin speakers": ("en_speechocean_adults.tar", None),
}

FloatArray = npt.NDArray[np.float32]

_DATA = Path(__file__).parent / "data" / "hearing.yml"
_RATE_WPM = 165
_NOISE = 3e-4  # of the microphone, about -70 dBFS
_BEFORE_S, _AFTER_S = 1.0, 2.0
_SEED = 0


class Question(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A question in other words than the pack's, and the entry that answers it."""

    id: str
    text: str


class Questions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All of ``data/hearing.yml``: what was tuned on, and what was only measured."""

    dev: list[Question]
    test: list[Question]


class Variant(NamedTuple):
    """A way to hear.

    Attributes:
        name: For the tables.
        key: Prefix of its figures; empty for ablations.
        config: Of the listener.
        alternatives: Whether the thinker sees more than the best reading.
    """

    name: str
    key: str
    config: ListenerConfig
    alternatives: bool = True


class Asked(NamedTuple):
    """A question as one voice asked it, and what was heard."""

    question: Question
    voice: str
    hearing: Hearing


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.add_argument(
        "--split",
        choices=("test", "dev", "demo"),
        default="test",
        help="questions; demo: those of mio demo (test)",
    )
    parser.add_argument("--questions", type=int, default=40, help="how many of them (40)")
    parser.add_argument("--engines", default="moonshine,pocketsphinx", help="comma-separated (both)")
    parser.add_argument("--character", type=Path, default=share("characters", "mara"), help="character pack (mara)")
    parser.add_argument("--data", type=Path, help="data folder with real voices (MIO_DATA; without, they are left out)")
    parser.add_argument("--utterances", type=int, default=60, help="of each real voice (60)")


def run(args: argparse.Namespace, report: Report) -> None:
    """Measure each way to hear with the same sounds."""
    data = data_folder(args.data)
    config = ThinkerConfig(character=args.character)
    storyteller = build_storyteller(config, gather(config))
    chosen = _questions(args.split, args.character)[: args.questions]
    voices = STRANGERS if args.split == "demo" else VOICES
    _measure_typed(report, storyteller, chosen)
    engines = args.engines.split(",")
    heard: dict[str, list[Asked]] = {}
    for variant in _variants(args.character, engines):
        key = repr(variant.config)
        if key not in heard:
            engine = build_engine(variant.config)
            heard[key] = list(_ask(engine, chosen, voices))
            if variant.key:
                _measure_times(report, variant, [asked.hearing for asked in heard[key]])
                _measure_readers(report, variant, engine, data, args.utterances)
        _measure_right(report, variant, storyteller, heard[key])
    if data is None:
        report.note("real voices were left out: name the data folder with --data or MIO_DATA")


def _questions(split: Literal["test", "dev", "demo"], character: Path) -> list[Question]:
    if split == "demo":
        return [Question(shown.entry, shown.question) for shown in read_character(character).demo_questions()]
    return getattr(msgspec.yaml.decode(_DATA.read_bytes(), type=Questions), split)


def _variants(character: Path, engines: Sequence[str]) -> Iterable[Variant]:
    moonshine = ListenerConfig(engine="moonshine", character=character)
    sphinx = ListenerConfig(engine="pocketsphinx", character=character)
    general = msgspec.structs.replace(moonshine, moonshine=MoonshineConfig(bias=0.0))
    closed = msgspec.structs.replace(sphinx, pocketsphinx=PocketSphinxConfig(domain_weight=0.0))
    variants = (
        Variant("moonshine", "moonshine", moonshine),
        Variant("moonshine, best reading only", "", moonshine, alternatives=False),
        Variant("moonshine, without the character's vocabulary", "", general),
        Variant("moonshine, without both", "", general, alternatives=False),
        Variant("pocketsphinx", "pocketsphinx", sphinx),
        Variant("pocketsphinx, best reading only", "", sphinx, alternatives=False),
        Variant("pocketsphinx, without the character's vocabulary", "", closed),
    )
    return [variant for variant in variants if variant.config.engine in engines]


def _ask(engine: ListenerEngine, questions: Sequence[Question], voices: Sequence[str]) -> Iterable[Asked]:
    fresh = engine.export_state()
    noise = np.random.default_rng(_SEED).normal(0.0, _NOISE, 60 * MICROPHONE_HZ).astype(np.float32)
    before, after = noise[: round(_BEFORE_S * MICROPHONE_HZ)], noise[: round(_AFTER_S * MICROPHONE_HZ)]
    for question in questions:
        for voice in voices:
            sound = speech(question.text, voice)
            engine.import_state(fresh)
            yield Asked(question, voice, hear(engine, before, sound + noise[: len(sound)], after))


def speech(text: str, voice: str) -> FloatArray:
    """``[n]`` a sentence as espeak-ng says it, at the microphone's rate."""
    spoken = Espeak.shared().synthesize(text, voice, rate_wpm=_RATE_WPM)
    return soxr.resample(spoken.samples, spoken.sample_rate, MICROPHONE_HZ).astype(np.float32)


def _measure_typed(report: Report, storyteller: Storyteller, questions: Sequence[Question]) -> None:
    right = [_answer(storyteller, Heard(question.text)) == question.id for question in questions]
    report.row("right answers", heard_with="typed, as a bound", right=f"{np.mean(right):.1%}")
    report.figure("right_typed", float(np.mean(right)))


def _measure_right(report: Report, variant: Variant, storyteller: Storyteller, heard: Sequence[Asked]) -> None:
    """Right answers by voice, word errors, and what was taken for what."""
    answers = [_answer_to(asked, storyteller, variant) for asked in heard]
    right = np.array([answer == asked.question.id for answer, asked in zip(answers, heard, strict=True)])
    errors = [error_rate(asked.question.text, asked.hearing.text) for asked in heard]
    words = [len(asked.question.text.split()) for asked in heard]
    rate = float(np.average(errors, weights=words))
    voices = np.array([asked.voice for asked in heard])
    cells = {voice: f"{right[voices == voice].mean():.1%}" for voice in dict.fromkeys(voices.tolist())}
    report.row(
        "right answers", heard_with=variant.name, right=f"{right.mean():.1%}", **cells, word_errors=f"{rate:.1%}"
    )
    if not variant.key:
        return
    wanted: dict[str, Any] = {"target": 0.8, "at_least": True} if variant.key == "moonshine" else {}
    report.figure(f"right_{variant.key}", float(right.mean()), **wanted)
    report.figure(f"word_error_rate_{variant.key}", rate)
    for asked, answer in zip(heard, answers, strict=True):
        if answer != asked.question.id:
            report.row(
                f"not answered rightly: {variant.name}",
                asked=asked.question.text,
                voice=asked.voice,
                heard=asked.hearing.text,
                expected=asked.question.id,
                answered=answer,
            )
    confusions = Counter((a.question.id, answer) for a, answer in zip(heard, answers, strict=True))
    for (expected, answer), count in confusions.most_common():
        if expected != answer and count > 1:
            report.row(f"confusions: {variant.name}", expected=expected, answered=answer, times=count)


def _answer_to(asked: Asked, storyteller: Storyteller, variant: Variant) -> str:
    if not asked.hearing.finals:
        return "(nothing heard)"
    final = asked.hearing.finals[-1]
    alternatives = final.alternatives if variant.alternatives else []
    return _answer(storyteller, Heard(final.text, alternatives, final.confidence))


def _answer(storyteller: Storyteller, heard: Heard) -> str:
    """The entry that is answered; another verdict in brackets."""
    meaning = storyteller.understand(heard, Dialogue())
    if meaning.verdict is Verdict.CLEAR and meaning.entry is not None:
        return meaning.entry.id
    return f"({meaning.verdict.value})"


def _measure_times(report: Report, variant: Variant, hearings: Sequence[Hearing]) -> None:
    latencies = [1e3 * hearing.latency_s for hearing in hearings if hearing.latency_s is not None]
    spoken = sum(hearing.seconds for hearing in hearings)
    silent = float(np.mean([hearing.silence_cpu_s for hearing in hearings]))
    spare = silent * (_BEFORE_S + _AFTER_S) * len(hearings)
    cost = (sum(hearing.cpu_s for hearing in hearings) - spare) / spoken
    targets = {0.5: 400.0, 0.95: 700.0} if variant.key == "moonshine" else {}
    for share_of, name in ((0.5, "p50"), (0.95, "p95")):
        figure = f"end_to_transcript_{variant.key}_{name}_ms"
        report.figure(figure, percentile(latencies, share_of), target=targets.get(share_of))
    report.figure(f"cpu_per_second_speech_{variant.key}_s", cost)
    report.figure(f"cpu_per_second_silence_{variant.key}_s", silent)
    report.figure(f"questions_cut_{variant.key}", sum(len(hearing.finals) > 1 for hearing in hearings) / len(hearings))


def _measure_readers(
    report: Report, variant: Variant, engine: ListenerEngine, data: Path | None, utterances: int
) -> None:
    """Word errors and turns cut at pauses of real voices that read sentences."""
    if data is None:
        return
    fresh = engine.export_state()
    for reader, (tar, split) in READERS.items():
        heard: list[tuple[Recorded, Hearing]] = []
        for number, recorded in enumerate(recordings(data, tar, split, utterances, _SEED)):
            before = room_tone(recorded.sound, _BEFORE_S, number)
            after = room_tone(recorded.sound, _AFTER_S, number + 1_000)
            engine.import_state(fresh)
            heard.append((recorded, hear(engine, before, recorded.sound, after)))
        _report_reader(report, variant, reader, heard)


def _report_reader(report: Report, variant: Variant, reader: str, heard: list[tuple[Recorded, Hearing]]) -> None:
    errors = [error_rate(recorded.text, hearing.text) for recorded, hearing in heard]
    words = [len(recorded.text.split()) for recorded, _ in heard]
    latencies = [1e3 * hearing.latency_s for _, hearing in heard if hearing.latency_s is not None]
    rate = float(np.average(errors, weights=words))
    cut = sum(len(hearing.finals) > 1 for _, hearing in heard) / len(heard)
    name = reader.split()[0].lower()
    report.figure(f"word_error_rate_{variant.key}_{name}", rate)
    report.figure(f"turns_cut_{variant.key}_{name}", cut)
    report.row(
        "real voices",
        heard_with=variant.name,
        reader=reader,
        sentences=len(heard),
        word_errors=f"{rate:.1%}",
        turns_cut_at_pauses=f"{cut:.1%}",
        end_to_transcript_p50_ms=round(percentile(latencies, 0.5)),
        end_to_transcript_p95_ms=round(percentile(latencies, 0.95)),
    )
