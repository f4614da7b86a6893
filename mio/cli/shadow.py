"""``mio shadow NODE [ENGINE]``."""

import argparse
from pathlib import Path

from rich.console import Console
from rich.table import Table

from mio.cli.swap import candidate_env
from mio.flow.live import find_flow


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.add_argument("node", help="id of the running node whose inputs the candidate gets")
    parser.add_argument("engine", nargs="?", help="engine to try; the same one if left out")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a key of its configuration")
    parser.add_argument("--config", type=Path, help="another configuration file")
    parser.add_argument("--seconds", type=float, default=30.0, metavar="N", help="how long (30; Ctrl-C ends it)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="keep its outputs on a tape, as mio record does")
    parser.add_argument("--screen", action="store_true", help="show its pictures in a window")
    parser.add_argument("--flow", metavar="ID", help="which dataflow, where several are running")


def run(args: argparse.Namespace) -> int:
    """Try the candidate, then print how it compares."""
    from mio.shadow.session import Shadow

    env = candidate_env(args.node, args.engine, args.set, args.config)
    out = args.out.resolve() if args.out else None
    shadow = Shadow(find_flow(args.flow), args.node, env, out, screen=args.screen)
    console = Console()
    console.print(f"{args.node}: the candidate follows for {args.seconds:g} s; Ctrl-C ends it", highlight=False)
    costs = shadow.run(args.seconds)
    console.print(_table("cost", costs))
    console.print(_table("outputs: messages, milliseconds computed p50 / p95, difference", shadow.comparison.rows()))
    for complaint in dict.fromkeys(shadow.complaints):
        console.print(f"the candidate says: {complaint}", highlight=False)
    if shadow.lost:
        console.print(f"{shadow.lost} events of {args.node} were not followed: this machine is too busy")
    if out:
        console.print(f"written: {out}")
    return 0


def _table(title: str, rows: list[dict[str, object]]) -> Table:
    table = Table(*(rows[0] if rows else ()), title=title, title_justify="left")
    for row in rows:
        table.add_row(*(str(cell) for cell in row.values()))
    return table
