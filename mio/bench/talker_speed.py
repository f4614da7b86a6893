"""How fast the talker speaks, how soon it begins, how quickly it stops, and what memory it takes, on one thread."""

import argparse
import resource
import time
from collections.abc import Iterator
from typing import NamedTuple

from mio.bench._talker_engine import add_engine_arguments, engine_config
from mio.bench._talker_texts import SENTENCES
from mio.bench.report import Report, percentile
from mio.contracts.engine import Engine
from mio.contracts.messages import Interrupt, Reply, Speech
from mio.contracts.rates import SPEECH_HZ
from mio.runtime.compute import limit_threads

DURATION = "about 30 s; kodama: about 5 min"

_LONG_TEXT_S = 300.0
_FIRST_MS = {"espeak": 30.0, "kodama": 250.0}


class Spoken(NamedTuple):
    """CPU time and sound of one clause.

    Attributes:
        first_ms: CPU time to its first chunk.
        total_ms: CPU time of it all.
        longest_ms: Longest CPU time between two yields.
        sound_s: Length of its sound.
    """

    first_ms: float
    total_ms: float
    longest_ms: float
    sound_s: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.add_argument("--minutes", type=float, default=_LONG_TEXT_S / 60, help="length of the long text (5)")
    add_engine_arguments(parser, "espeak")


def run(args: argparse.Namespace, report: Report) -> None:
    """Measure a talker; times are CPU times, so that other load does not count."""
    limit_threads()
    from nodes.talker.engine import build_engine

    began = time.process_time()
    engine = build_engine(engine_config(args))
    report.figure("load_ms", (time.process_time() - began) * 1e3)
    first_ms = _FIRST_MS[args.engine]
    _clauses(engine, report, first_ms)
    _long_text(engine, report, args.minutes * 60.0, first_ms)
    report.figure("stop_p95_ms", percentile([_stop_ms(engine, 10_000 + n) for n in range(40)], 0.95), target=80.0)
    report.figure("memory_mb", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3)
    report.note("CPU time of this process on one thread; memory is its peak, Python and libraries included")


def _clauses(engine: Engine, report: Report, target_ms: float) -> None:
    spoken = [_speak(engine, Reply(text=text, segment_id=n + 1, fin=True)) for n, text in enumerate(SENTENCES)]
    for name, share in (("p50", 0.5), ("p95", 0.95)):
        report.figure(
            f"first_chunk_{name}_ms", percentile([clause.first_ms for clause in spoken], share), target=target_ms
        )
    ratio = sum(clause.total_ms for clause in spoken) / sum(clause.sound_s for clause in spoken) / 1e3
    report.figure("realtime_factor", ratio, target=0.45)


def _long_text(engine: Engine, report: Report, length_s: float, target_ms: float) -> None:
    """One turn of many clauses, and the same text as one clause; cost and memory must not grow with it."""
    minutes: list[list[Spoken]] = [[]]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    index = 0
    while sum(clause.sound_s for minute in minutes for clause in minute) < length_s:
        if sum(clause.sound_s for clause in minutes[-1]) >= 60.0:
            minutes.append([])
        text = SENTENCES[index % len(SENTENCES)]
        minutes[-1].append(_speak(engine, Reply(text=text, segment_id=1_000, index=index)))
        index += 1
    for number, minute in enumerate(minutes, 1):
        cost = sum(clause.total_ms for clause in minute) / sum(clause.sound_s for clause in minute) / 1e3
        report.row("long text", minute=number, clauses=len(minute), realtime_factor=round(cost, 5))
    whole = _speak(engine, Reply(text=" ".join(SENTENCES * 2)[:5_000], segment_id=1_001, fin=True))
    report.figure("long_clause_first_chunk_ms", whole.first_ms, target=target_ms)
    report.figure("long_clause_longest_step_ms", whole.longest_ms, target=50.0)
    growth = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    report.figure("long_text_memory_growth_mb", growth / 1e3, target=10.0)


def _speak(engine: Engine, reply: Reply) -> Spoken:
    first_ms = longest_ms = sound = 0.0
    began = last = time.process_time()
    for speech in _chunks(engine, reply):
        now = time.process_time()
        longest_ms, last = max(longest_ms, (now - last) * 1e3), now
        if speech is not None:
            first_ms = first_ms or (now - began) * 1e3
            sound += len(speech.samples)
    return Spoken(first_ms, (time.process_time() - began) * 1e3, longest_ms, sound / SPEECH_HZ)


def _stop_ms(engine: Engine, segment_id: int) -> float:
    """CPU time from an interruption in the middle of a clause until nothing more comes of it."""
    chunks = _chunks(engine, Reply(text=" ".join(SENTENCES[:8]), segment_id=segment_id, fin=True))
    begun = 0
    while begun < 2:
        begun += next(chunks) is not None
    began = time.process_time()
    for _ in engine.step("interrupt", Interrupt(action="commit", segment_id=segment_id)):
        pass
    late = [chunk for chunk in chunks if chunk is not None]
    if late:
        raise AssertionError(f"{len(late)} chunks after the interruption")
    return (time.process_time() - began) * 1e3


def _chunks(engine: Engine, reply: Reply) -> Iterator[Speech | None]:
    for output in engine.step("reply", reply):
        yield output[1] if output is not None and isinstance(output[1], Speech) else None
