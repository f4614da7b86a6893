"""Entry point of the ``mio`` command: finds the subcommand, runs it, prints one clear line if it fails."""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

from mio import __version__
from mio.errors import MioError

COMMANDS = {
    "demo": "ask the digital human a spoken question and record the answer on video",
    "talk": "talk to it live: microphone, loudspeakers and a window",
    "run": "run any dataflow, after checking it",
    "check": "look for everything that would go wrong in a dataflow, before anything starts",
    "graph": "draw a dataflow: text, Mermaid or SVG",
    "doctor": "report graphics, sound, camera, GPU, versions and weights of this machine",
    "devices": "list microphones, loudspeakers, cameras and displays",
    "say": "speak a text into a sound file",
    "codec": "turn speech into a file of 1 kbit/s, and back",
    "voice": "make a voice of one recording, for the neural talker to speak with",
    "character": "make, check, show or use a character pack",
    "story": "build, check or show the story of a character pack",
    "memory": "list, show, export or delete what characters remember of people",
    "swap": "replace the engine of a running node, without a gap",
    "top": "watch what every node of a running dataflow does: rates, times, CPU, memory, queues, drops",
    "shadow": "try an engine on the inputs of a running node, without touching the conversation",
    "record": "record every stream of a running dataflow to one file",
    "replay": "play a recording back: nodes live and the rest from the file, or checked bit by bit",
    "diff": "compare two recordings, stream by stream",
    "trace": "show where time goes: per edge, per node, and on the critical path of each turn",
    "view": "open a recording in Rerun",
    "soak": "let the conversation run for long and look for leaks and drift",
    "train": "train the networks of a node",
    "bench": "measure something, print a table and keep the figures",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand and return its exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    parser = _parser(words)
    args = parser.parse_args(words)
    if args.command is None:
        parser.print_help()
        return 2
    try:
        return int(args.run(args) or 0)
    except MioError as error:
        print(f"mio {args.command}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # whoever reads the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _parser(words: Sequence[str]) -> argparse.ArgumentParser:
    """Build the parser; only the module of the named subcommand is imported."""
    parser = argparse.ArgumentParser(
        prog="mio",
        description="Mio: a digital human you can talk to, on your own machine, in real time.",
        epilog="'mio COMMAND --help' says more. Start with: mio demo",
    )
    parser.add_argument("--version", action="version", version=f"mio {__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    named = next((word for word in words if not word.startswith("-")), None)
    for name, summary in COMMANDS.items():
        subparser = subparsers.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
        if name == named:
            module = importlib.import_module(f"mio.cli.{name}")
            module.add_arguments(subparser)
            subparser.set_defaults(run=module.run)
    return parser


if __name__ == "__main__":
    sys.exit(main())
