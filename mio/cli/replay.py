"""``mio replay FILE``."""

import argparse
import signal
from pathlib import Path

from rich.console import Console
from rich.table import Table

from mio.cli.record import print_summary
from mio.errors import MioError
from mio.tape.contents import Tape
from mio.tape.player import parse_speed
from mio.tape.playing import Playback, live_nodes
from mio.tape.rebuilding import rebuild
from mio.tape.recording import Options
from mio.tape.restepping import Comparison, check


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.add_argument("file", type=Path, help="a tape that mio record has written")
    parser.add_argument("--check", action="store_true", help="take every step again and compare the outputs bit by bit")
    parser.add_argument("--node", action="append", default=[], metavar="NODE", help="check only this one (repeatable)")
    parser.add_argument("--from", dest="first", metavar="NODE", help="play into this node and all that follow from it")
    parser.add_argument("--only", action="append", default=[], metavar="NODE", help="play into this one (repeatable)")
    parser.add_argument("--speed", default="1", metavar="X", help="factor, or max for as fast as possible (1)")
    parser.add_argument("--fresh", action="store_true", help="live nodes begin as new, not where they stood")
    parser.add_argument("--out", type=Path, metavar="FILE", help="record what the live nodes do, for mio diff")
    parser.add_argument("--video", choices=["none", "jpeg", "raw"], default="jpeg", help="how --out keeps pictures")


def run(args: argparse.Namespace) -> int:
    """Check a tape, or play it into a dataflow."""
    tape = Tape(args.file)
    if args.check:
        return _check(tape, args.node or tape.nodes)
    try:
        parse_speed(args.speed)
    except ValueError as error:
        raise MioError(f"'{args.speed}' is no speed", "give a factor such as 2, or max") from error
    live = live_nodes(tape, args.first, args.only)
    if not live:
        raise MioError("nothing to do", "name live nodes with --from or --only, or take the steps again with --check")
    return _play(tape, live, args)


def _play(tape: Tape, live: list[str], args: argparse.Namespace) -> int:
    console = Console()
    console.print(f"live: {', '.join(live)}; the rest from {tape.path}; Ctrl-C ends it", highlight=False)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the dataflow must not outlive this process
    playback = Playback(tape, live, args.speed, fresh=args.fresh)
    try:
        summary = playback.run(args.out, Options(args.video))
    finally:
        playback.close()
    if summary is not None:
        print_summary(console, summary, args.out)
    return 0


def _check(tape: Tape, nodes: list[str]) -> int:
    table = Table("node", "steps", "messages", "equal", "first difference")
    compared: list[Comparison] = []
    for one in check(tape, nodes, lambda about: rebuild(about)[0]):
        compared.append(one)
        figures = ("", "", "") if one.skipped else (str(one.steps), str(one.messages), str(one.equal))
        table.add_row(one.node, *figures, f"not checked: {one.skipped}" if one.skipped else one.first_difference)
    Console().print(table)
    return 0 if all(one.same for one in compared) else 1
