"""``mio trace [FILE]``."""

import argparse
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from mio.flow.live import find_flow
from mio.tape.contents import Tape
from mio.tape.perfetto import write_perfetto
from mio.tape.recording import Options, Recorder
from mio.tape.tracing import Edge, NodeTime, Trace, TurnPath


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.add_argument("file", type=Path, nargs="?", help="a tape (the running dataflow, for a while, if left out)")
    parser.add_argument("--seconds", type=float, default=20.0, metavar="N", help="how long to watch (20)")
    parser.add_argument("--flow", metavar="ID", help="which dataflow, where several are running")
    parser.add_argument("--perfetto", type=Path, metavar="FILE.json", help="write a file for ui.perfetto.dev as well")


def run(args: argparse.Namespace) -> int:
    """Print where time goes."""
    console = Console()
    with tempfile.TemporaryDirectory(prefix="mio-trace") as folder:
        path: Path = args.file or _watch(console, Path(folder) / "trace.tape", args)
        tape = Tape(path)
    trace = Trace(tape)
    console.print(_edges(trace.edges()))
    console.print(_nodes(trace.node_times()))
    turns = trace.turns()
    for turn in turns:
        console.print(_turn(turn))
    if not turns:
        console.print("no turn was asked and answered meanwhile")
    if args.perfetto is not None:
        count = write_perfetto(tape, args.perfetto)
        console.print(f"{args.perfetto}: {count} events, open it at https://ui.perfetto.dev", highlight=False)
    return 0


def _watch(console: Console, path: Path, args: argparse.Namespace) -> Path:
    recorder = Recorder(find_flow(args.flow), path, Options(headers_only=True))
    console.print(f"watching for {args.seconds:g} s; Ctrl-C ends it", highlight=False)
    summary = recorder.run(args.seconds)
    if summary.lost:
        console.print(f"{summary.lost} events were dropped: figures are of the rest", highlight=False)
    return path


def _edges(edges: list[Edge]) -> Table:
    table = Table("from", "to", "messages", "p50 ms", "p95 ms", "p99 ms", title="sent → taken")
    for source, target, waited in edges:
        table.add_row(source, target, str(waited.number), *(f"{value:.2f}" for value in waited[1:]))
    return table


def _nodes(times: list[NodeTime]) -> Table:
    table = Table("node", "step on", "steps", "p50 ms", "p95 ms", "p99 ms", "busy", "over budget", title="computed")
    for one in times:
        figures = (f"{value:.2f}" for value in one.computed[1:])
        over = f"{one.over_budget} > {one.budget_ms:g} ms" if one.budget_ms else ""
        table.add_row(one.node, one.port, str(one.computed.number), *figures, f"{one.share:.1%}", over)
    return table


def _turn(turn: TurnPath) -> Table:
    said = f' "{turn.text}"' if turn.text else ""
    ahead = "" if turn.face_ahead_ms is None else f"; face motion {turn.face_ahead_ms:.0f} ms ahead of the sound"
    title = f"turn {turn.segment_id}{said}: {turn.total_ms:.0f} ms, limited by {turn.limiting.where}{ahead}"
    table = Table("where", "what", "ms", "share", title=title)
    for stage in turn.stages:
        table.add_row(stage.where, stage.what, f"{stage.ms:.1f}", f"{stage.ms / max(turn.total_ms, 1e-9):.0%}")
    return table
