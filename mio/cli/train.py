"""``mio train NODE``: the trainings of the nodes, each described by its own module."""

import argparse
import importlib
from types import ModuleType

from rich.console import Console

from mio.errors import MioError, Needing, did_you_mean

TRAININGS = {
    "body": "nodes.body.training.command",
    "face": "nodes.face.training.command",
    "thinker": "nodes.thinker.training.command",
    "voice": "nodes.talker.training.command",
}
"""What can be trained, and the module with ``add_arguments`` and ``run`` that does it."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.add_argument("node", help=f"what to train: {', '.join(TRAININGS)}")
    parser.add_argument("rest", nargs=argparse.REMAINDER, help="its options; see: mio train NODE --help")


def run(args: argparse.Namespace) -> int:
    """Train one node."""
    module = load(args.node)
    parser = argparse.ArgumentParser(prog=f"mio train {args.node}", description=module.__doc__)
    module.add_arguments(parser)
    return int(module.run(parser.parse_args(args.rest), Console(highlight=False)) or 0)


def load(node: str) -> ModuleType:
    """Import a training.

    Raises:
        MioError: If there is none of that name, or a package that it needs is missing.
    """
    if node not in TRAININGS:
        raise MioError(f"nothing to train in '{node}'", did_you_mean(node, TRAININGS))
    with Needing("training", f"train,{node}"):
        return importlib.import_module(TRAININGS[node])
