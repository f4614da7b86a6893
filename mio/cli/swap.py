"""``mio swap NODE [ENGINE]``."""

import argparse
import os
import shlex
import time
from pathlib import Path
from typing import Any

from rich.console import Console

from mio.cli.run import overrides
from mio.errors import MioError
from mio.flow.live import find_flow

HAND_OVER_S = 30.0  # after loading


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.add_argument("node", help="id of the running node")
    parser.add_argument("engine", nargs="?", help="engine to put in its place; the same one again if left out")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a key of its configuration")
    parser.add_argument("--config", type=Path, help="another configuration file")
    parser.add_argument(
        "--command", dest="program", metavar="PROGRAM", help="another program that speaks the node's ports"
    )
    parser.add_argument("--flow", metavar="ID", help="which dataflow, where several are running")
    parser.add_argument("--timeout", type=float, default=180.0, metavar="S", help="how long loading may take (180)")


def run(args: argparse.Namespace) -> int:
    """Ask the node's supervisor to swap, and say how it went."""
    flow = find_flow(args.flow)
    env = candidate_env(args.node, args.engine, args.set, args.config)
    request: dict[str, Any] = {"do": "swap", "env": env, "load_s": args.timeout}
    if args.program:
        request |= {"command": shlex.split(args.program), "folder": os.getcwd()}
    began_s = time.monotonic()
    answer = flow.ask(args.node, request, args.timeout + HAND_OVER_S)
    took_s = time.monotonic() - began_s
    handover_ms = answer["handover_ms"]
    Console().print(f"{args.node}: swapped after {took_s:.1f} s of loading, handed over in {handover_ms} ms")
    return 0


def candidate_env(node: str, engine: str | None, settings: list[str], config: Path | None) -> dict[str, str]:
    """Environment that makes a candidate differ from what the node runs now.

    Args:
        node: The node's id.
        engine: Name of its engine.
        settings: ``KEY=VALUE`` of its configuration.
        config: Another configuration file.

    Raises:
        MioError: If a setting is malformed, or the file is missing.
    """
    env = overrides([f"{node}.{setting}" for setting in settings])
    if engine is not None:
        env |= overrides([f"{node}.engine={engine}"])
    if config is not None:
        if not config.is_file():
            raise MioError(f"{config}: no such file", "name a configuration file")
        env["MIO_CONFIG"] = str(config.resolve())
    return env
