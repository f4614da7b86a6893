"""``mio record [FILE]``."""

import argparse
import time
from pathlib import Path

from rich.console import Console

from mio.flow.live import find_flow
from mio.tape.recording import Options, Recorder, Summary


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.add_argument("file", type=Path, nargs="?", help="where to (out/record/TIME.tape)")
    parser.add_argument("--flow", metavar="ID", help="which dataflow, where several are running")
    parser.add_argument("--seconds", type=float, metavar="N", help="how long (until Ctrl-C, or the dataflow ends)")
    parser.add_argument(
        "--video", choices=["none", "jpeg", "raw"], default="jpeg", help="how pictures are kept, beside their digest"
    )
    parser.add_argument("--headers-only", action="store_true", help="keep no payloads: enough for mio trace")


def run(args: argparse.Namespace) -> int:
    """Record the running dataflow, and say what was recorded."""
    flow = find_flow(args.flow)
    path: Path = args.file or Path("out/record") / time.strftime("%Y%m%d-%H%M%S.tape")
    recorder = Recorder(flow, path, Options(args.video, args.headers_only))
    console = Console()
    console.print(f"recording {', '.join(sorted(flow.sockets))} to {path}; Ctrl-C ends it", highlight=False)
    print_summary(console, recorder.run(args.seconds), path)
    return 0


def print_summary(console: Console, summary: Summary, path: Path) -> None:
    """Say what a tape holds, and what it lacks."""
    console.print(
        f"{path}: {summary.messages} messages on {summary.streams} streams of {len(summary.nodes)} nodes in "
        f"{summary.seconds:.1f} s, {summary.megabytes:.1f} MB, {summary.lost} events dropped",
        highlight=False,
    )
    if summary.silent:
        console.print(f"not recorded: {', '.join(summary.silent)}", highlight=False)
