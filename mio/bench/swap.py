"""Swaps under load: what is lost, doubled or late, and what can be heard or seen of it in the recording.

Somebody asks one question after another; meanwhile talker, face, body, renderer and thinker are replaced in turn, each
by its engine with other settings. A probe sees every message. A run without swaps says what the machine does by itself.
"""

import argparse
import itertools
import math
import time
from pathlib import Path
from statistics import median

from mio.bench._probe import Seen
from mio.bench._swap_figures import Answer, Movie, Order, answers, extra_gap_ms, order_of, undisturbed_extra_gaps_ms
from mio.bench._swap_flow import OUTPUTS, Swap, TalkedFlow
from mio.bench.report import Report, percentile

DURATION = "about 10 min"

SETTINGS = {
    "talker": itertools.cycle(({"chunk_frames": "4"}, {"chunk_frames": "8"})),
    "face": itertools.cycle(({"warmth": "0.5"}, {"warmth": "0.18"})),
    "body": itertools.cycle(({"posture": "auto", "liveliness": "0.7"}, {"posture": "auto", "liveliness": "1.0"})),
    "renderer": itertools.cycle(({"quality": "low"}, {"quality": "auto"})),
    "thinker": itertools.cycle(({"seed": "1"}, {"seed": "0"})),
}
STEADY = {"face": "face_motion", "body": "body_motion", "renderer": "renderer_frame"}
Streams = dict[str, list[Seen]]
_WHILE_SPEAKING = ("talker", "renderer")  # what can be heard or seen of them shows in an answer only
_PER_SWAP_S = 12.0
_PAUSE_S = 1.0
_AROUND_NS = 500_000_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.add_argument("--swaps", type=int, default=10, help="of each node (10)")
    parser.add_argument("--nodes", nargs="+", choices=sorted(SETTINGS), default=list(SETTINGS), help="which nodes")
    parser.add_argument(
        "--baseline", type=float, default=60.0, metavar="S", help="length of the run without swaps (60)"
    )
    parser.add_argument("--folder", type=Path, default=Path("out/bench/swap"), help="for the recordings")


def run(args: argparse.Namespace, report: Report) -> None:
    """Swap, then compare with a run without."""
    folder = args.folder.resolve()
    calm = TalkedFlow(folder / "without", args.baseline)
    with calm:
        time.sleep(args.baseline)
    flow, swaps = swap_in_turn(folder / "with", args.nodes, args.swaps)
    for swap in swaps:
        report.row("swaps", node=swap.node, **swap.settings, load_s=round(swap.load_s, 2), handover_ms=swap.handover_ms)
    _streams(flow, swaps, calm, report)
    _recording(flow, swaps, calm, report)


def swap_in_turn(folder: Path, nodes: list[str], times: int) -> tuple[TalkedFlow, list[Swap]]:
    """Run a conversation and swap each node several times, one after the other."""
    flow = TalkedFlow(folder, times * len(nodes) * _PER_SWAP_S)
    swaps: list[Swap] = []
    with flow:
        for _ in range(times):
            for node in nodes:
                time.sleep(_PAUSE_S)
                if node in _WHILE_SPEAKING:
                    flow.wait_for_reply(_PER_SWAP_S)
                swaps.append(flow.swap(node, next(SETTINGS[node])))
        time.sleep(2 * _PAUSE_S)
    return flow, swaps


def _streams(flow: TalkedFlow, swaps: list[Swap], calm: TalkedFlow, report: Report) -> None:
    seen, undisturbed = flow.seen(), calm.seen()
    total = Order(0, 0, 0, 0)
    for port, messages in sorted(seen.items()):
        order = order_of(messages)
        total = Order(*(a + b for a, b in zip(total, order, strict=True)))
        report.row("streams at the probe", stream=port, **order._asdict())
    report.figure("swaps", len(swaps))
    for name in ("lost", "doubled", "disordered"):
        report.figure(f"messages_{name}", getattr(total, name), target=0)
    report.figure("lost_at_other_nodes", _lost_elsewhere(flow))
    report.figure("lost_at_other_nodes_without_swaps", _lost_elsewhere(calm))
    for node in dict.fromkeys(swap.node for swap in swaps):
        own = [swap for swap in swaps if swap.node == node]
        report.figure(f"{node}_load_s_p50", median(swap.load_s for swap in own))
        report.figure(f"{node}_handover_ms_max", max(swap.handover_ms for swap in own))
        if node in STEADY:
            _pace(node, own, seen, undisturbed, report)


def _pace(node: str, swaps: list[Swap], seen: Streams, undisturbed: Streams, report: Report) -> None:
    gaps = [extra_gap_ms(seen[STEADY[node]], swap) for swap in swaps]
    normal = undisturbed_extra_gaps_ms(undisturbed[STEADY[node]])
    report.figure(f"{node}_extra_gap_ms_p50", percentile(gaps, 0.5))
    report.figure(f"{node}_extra_gap_ms_max", max(gaps), target=25)
    report.figure(f"{node}_without_swaps_ms_p95", percentile(normal, 0.95))
    report.figure(f"{node}_without_swaps_ms_max", max(normal))


def _lost_elsewhere(flow: TalkedFlow) -> int:
    """Messages that the flow's other nodes missed, as they say themselves."""
    nodes = {*OUTPUTS, "speaker", "recorder", "journal", "listener"}
    return sum(port["lost"] for node in nodes for port in flow.stats(node).get("inputs", {}).values())


def _recording(flow: TalkedFlow, swaps: list[Swap], calm: TalkedFlow, report: Report) -> None:
    movie, still = Movie(flow.video), Movie(calm.video)
    report.figure("longest_frame_interval_without_swaps_ms", 1e3 * still.longest_still_s())
    stills = [
        movie.longest_still_s(swap.took_over_ns - _AROUND_NS, swap.took_over_ns + _AROUND_NS)
        for swap in swaps
        if swap.node == "renderer"
    ]
    seen = [1e3 * interval_s for interval_s in stills if not math.isnan(interval_s)]
    if seen:
        report.figure("renderer_swap_frame_interval_p50_ms", percentile(seen, 0.5))
        report.figure("renderer_swap_frame_interval_max_ms", max(seen))
    _voice(flow, swaps, movie, report)
    silences = [still.longest_silence_s(*answer) for answer in answers(calm.folder / "events.jsonl")]
    longest = [1e3 * silence_s for silence_s in silences if not math.isnan(silence_s)]
    if longest:
        report.figure("longest_silence_in_an_answer_without_swaps_ms", max(longest))


def _voice(flow: TalkedFlow, swaps: list[Swap], movie: Movie, report: Report) -> None:
    """Silences of answers during which the talker was swapped, and of the others."""
    by_kind: dict[bool, list[float]] = {True: [], False: []}
    for answer in answers(flow.folder / "events.jsonl"):
        silence_s = movie.longest_silence_s(*answer)
        if not math.isnan(silence_s):
            by_kind[any(_during(swap, answer) for swap in swaps)].append(1e3 * silence_s)
    report.figure("answers_with_talker_swap", len(by_kind[True]))
    for swapped, name in ((True, "with_talker_swap"), (False, "with_other_swaps")):
        if by_kind[swapped]:
            report.figure(f"longest_silence_in_an_answer_{name}_ms", max(by_kind[swapped]))
    if not by_kind[True]:
        report.note("the talker was never swapped while an answer was heard; run more swaps")


def _during(swap: Swap, answer: Answer) -> bool:
    return swap.node == "talker" and answer.from_ns <= swap.took_over_ns <= answer.until_ns
