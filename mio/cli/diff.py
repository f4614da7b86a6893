"""``mio diff A B``."""

import argparse
from pathlib import Path

from rich.console import Console
from rich.table import Table

from mio.tape.comparing import StreamDifference, compare
from mio.tape.contents import Tape


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.add_argument("first", type=Path, metavar="A", help="a tape")
    parser.add_argument("second", type=Path, metavar="B", help="another")
    parser.add_argument("--node", action="append", default=[], metavar="NODE", help="only what this one sends")


def run(args: argparse.Namespace) -> int:
    """Print the comparison; exit status 1 if the content differs."""
    first, second = Tape(args.first), Tape(args.second)
    differences = compare(first, second, args.node or second.about.get("compare"))
    console = Console()
    console.print(_table(differences))
    for one in differences:
        _explain(console, one)
    return 0 if all(one.same for one in differences) else 1


def _explain(console: Console, one: StreamDifference) -> None:
    if one.first:
        console.print(f"{one.name} differs first in {one.first}", highlight=False, markup=False)
    for ours, theirs in one.texts:
        console.print(f"  A: {ours}\n  B: {theirs}", highlight=False, markup=False)


def _table(differences: list[StreamDifference]) -> Table:
    table = Table("stream", "A", "B", "equal", "missing", "extra", "later ms p50/p95", "rms/max", padding=(0, 0, 0, 1))
    table.columns[0].no_wrap = True
    for one in differences:
        later = f"{one.later_ms[0]:.1f}/{one.later_ms[1]:.1f}" if one.later_ms else ""
        apart = f"{one.distance[0]:.2g}/{one.distance[1]:.2g}" if one.distance else ""
        counts = (one.counts[0], one.counts[1], one.equal, one.missing, one.extra)
        table.add_row(one.name, *map(str, counts), later, apart)
    return table
