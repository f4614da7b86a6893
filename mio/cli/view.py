"""``mio view FILE``."""

import argparse
from pathlib import Path

from rich.console import Console

from mio.tape.contents import Tape
from mio.tape.viewing import view


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.add_argument("file", type=Path, help="a tape that mio record has written")
    parser.add_argument("--save", type=Path, metavar="FILE.rrd", help="write it for Rerun instead of opening a window")


def run(args: argparse.Namespace) -> int:
    """Show a tape."""
    tape = Tape(args.file, pictures=True)
    shown = view(tape, args.save)
    Console().print(f"{shown} messages {'written to ' + str(args.save) if args.save else 'shown'}", highlight=False)
    return 0
