"""``mio replay FILE``."""

import argparse
from pathlib import Path

from rich.console import Console
from rich.table import Table

from mio.tape.contents import Tape
from mio.tape.rebuilding import rebuild
from mio.tape.restepping import Comparison, check


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.add_argument("file", type=Path, help="a tape that mio record has written")
    parser.add_argument("--check", action="store_true", help="take every step again and compare the outputs bit by bit")
    parser.add_argument("--node", action="append", default=[], metavar="NODE", help="check only this one (repeatable)")


def run(args: argparse.Namespace) -> int:
    """Check a tape, or play it into a dataflow."""
    tape = Tape(args.file)
    return _check(tape, args.node or tape.nodes)


def _check(tape: Tape, nodes: list[str]) -> int:
    table = Table("node", "steps", "messages", "equal", "first difference")
    compared: list[Comparison] = []
    for one in check(tape, nodes, lambda about: rebuild(about)[0]):
        compared.append(one)
        figures = ("", "", "") if one.skipped else (str(one.steps), str(one.messages), str(one.equal))
        table.add_row(one.node, *figures, f"not checked: {one.skipped}" if one.skipped else one.first_difference)
    Console().print(table)
    return 0 if all(one.same for one in compared) else 1
