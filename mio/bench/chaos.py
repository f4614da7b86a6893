"""Random faults during a conversation: time to be back per node, messages lost, leaks, and whether it still answers.

The live flow runs without devices while a track of questions is played to it. Workers and supervisors are killed,
workers are stopped, engines are swapped for the same again, and the machine is kept busy, at random nodes and times.
At the end the faults cease, and a question is asked and answered.
"""

import argparse
import random
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console

from mio.bench.report import Report, percentile
from mio.cli.run import overrides
from mio.errors import MioError
from mio.measure.leaks import remaining, shared_memory, zombies
from mio.measure.nodes import Reading, read_nodes
from mio.paths import share
from mio.soak.faults import Fault, Outcome, draw, strike
from mio.soak.rehearsal import Rehearsal

DURATION = "about 11 min"

_PAUSES_S = (2.0, 10.0)
_ANSWER_WITHIN_S = 120.0
_EXTRA_S = 1.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.add_argument("--minutes", type=float, default=10.0, help="of faults (10)")
    parser.add_argument("--seed", type=int, default=0, help="of nodes, faults and times")
    parser.add_argument("--folder", type=Path, default=Path("out/bench/chaos"), help="for journal and log")
    parser.add_argument("--set", action="append", default=[], metavar="NODE.KEY=VALUE", help="override a key")


def run(args: argparse.Namespace, report: Report) -> None:
    """Disturb the conversation, then see whether it still works."""
    lasts_s = args.minutes * 60
    mara = share("characters", "mara")
    asked_s = lasts_s + 2 * _ANSWER_WITHIN_S
    with Rehearsal(args.folder, character=mara, lasts_s=asked_s, every_s=20.0, env=overrides(args.set)) as rehearsal:
        rehearsal.until_ready()
        began = _answers(rehearsal)
        before = read_nodes(rehearsal.flow)
        files = shared_memory(rehearsal.processes())
        outcomes = _disturb(rehearsal, lasts_s, random.Random(args.seed), files)
        answered_s = _still_answers(rehearsal)
        after = read_nodes(rehearsal.flow)
        files |= shared_memory(rehearsal.processes())
        processes = rehearsal.processes()
        report.figure("zombies", len(zombies(processes)), target=0)
        answers = _answers(rehearsal) - began
        rehearsal.stop()
    _report_outcomes(outcomes, report)
    report.figure("answers_heard_during_and_after", answers)
    report.figure("question_answered_at_the_end", answered_s is not None, target=1, at_least=True)
    _report_state(before, after, report)
    left = [process.pid for process in processes if psutil.pid_exists(process.pid)]
    report.figure("processes_left", len(left), target=0)
    report.figure("files_left_in_shm", len(remaining(files)), target=0)


def _disturb(rehearsal: Rehearsal, lasts_s: float, rng: random.Random, files: set[Path]) -> list[Outcome]:
    """Faults one after the other, until the time is over; collects the shared memory that is seen meanwhile."""
    outcomes: list[Outcome] = []
    nodes = sorted(rehearsal.flow.sockets)
    end_s = time.monotonic() + lasts_s
    console = Console(highlight=False)
    while time.monotonic() < end_s:
        rehearsal.wait(lambda: True, 1.0, "")  # the dataflow must still run
        time.sleep(rng.uniform(*_PAUSES_S))
        node, fault = draw(rng, nodes)
        outcome = _struck(rehearsal, node, fault)
        outcomes.append(outcome)
        files |= shared_memory(rehearsal.processes())
        back = "not back" if outcome.back_s is None else f"back after {outcome.back_s:.2f} s"
        console.print(f"[dim]{node}: {fault.value}, {back} (load {outcome.load_s:.2f} s)[/dim]")
    return outcomes


def _struck(rehearsal: Rehearsal, node: str, fault: Fault) -> Outcome:
    """One fault; a node that refuses, or cannot be reached, has not come back."""
    try:
        return strike(rehearsal.flow, node, fault)
    except MioError:
        return Outcome(node, fault, None, 0.0)


def _answers(rehearsal: Rehearsal) -> int:
    """Answers that have been heard so far."""
    return len({event["segment_id"] for event in rehearsal.look() if event["port"] == "clock" and event["segment_id"]})


def _still_answers(rehearsal: Rehearsal) -> float | None:
    """How long it takes until another question is understood and its answer is heard; None if that does not happen."""
    seen = len(rehearsal.look())

    def answered() -> bool:
        fresh = rehearsal.look()[seen:]
        heard = {event["segment_id"] for event in fresh if event["port"] == "transcript" and event["final"]}
        spoken = {event["segment_id"] for event in fresh if event["port"] == "clock"}
        return bool(heard & spoken)

    try:
        return rehearsal.wait(answered, _ANSWER_WITHIN_S, "no question was answered")
    except MioError:
        return None


def _report_outcomes(outcomes: list[Outcome], report: Report) -> None:
    recovered = [one for one in outcomes if one.load_s > 0]
    for node in sorted({one.node for one in outcomes}):
        here = [one for one in recovered if one.node == node]
        faults = Counter(one.fault.value for one in outcomes if one.node == node)
        extra = [one.extra_s for one in here if one.extra_s is not None]
        cells: dict[str, Any] = {"faults": ", ".join(f"{count} x {name}" for name, count in faults.items())}
        if extra:
            cells["load_p50_s"] = round(percentile([one.load_s for one in here], 0.5), 2)
            cells["beyond_loading_p50_s"] = round(percentile(extra, 0.5), 2)
            cells["beyond_loading_max_s"] = round(max(extra), 2)
        report.row("faults by node", node=node, **cells)
    report.figure("faults", len(outcomes))
    report.figure("not_back", sum(one.back_s is None for one in outcomes), target=0)
    extra = [one.extra_s for one in recovered if one.extra_s is not None and one.fault is not Fault.STOP_WORKER]
    if extra:
        report.figure("back_beyond_loading_p50_s", percentile(extra, 0.5))
        report.figure("back_beyond_loading_max_s", max(extra), target=_EXTRA_S)
    hung = [one.extra_s for one in recovered if one.extra_s is not None and one.fault is Fault.STOP_WORKER]
    if hung:
        report.figure("hung_back_beyond_detection_and_loading_max_s", max(hung), target=_EXTRA_S)


def _report_state(before: list[Reading], after: list[Reading], report: Report) -> None:
    """What nodes have lost, and whether they hold more than at the beginning."""
    held = {reading.node: reading.resources for reading in before}
    for reading in after:
        handles = reading.resources.handles - held[reading.node].handles if reading.node in held else 0
        report.row(
            "nodes at the end",
            node=reading.node,
            deaths=reading.standing["deaths"],
            swaps=reading.standing["swaps"],
            lost=reading.dropped["lost"],
            handles_gained=handles,
            memory_mb=round(reading.resources.pss_mb),
        )
    report.figure("messages_lost", sum(reading.dropped["lost"] for reading in after))
    report.figure("nodes_at_the_end", len(after), target=len(before), at_least=True)
    report.note("messages lost: as the nodes counted that were running at the end, each since its last start")
