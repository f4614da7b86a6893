"""``mio check FLOW``."""

import argparse
from pathlib import Path

from rich.console import Console

from mio.flow.check import Problem, check_flow
from mio.paths import share

_STYLES = {"error": "bold red", "warning": "yellow"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.add_argument("flow", type=Path, nargs="?", default=share("dataflows", "mio.yml"), help="dataflow YAML")


def run(args: argparse.Namespace) -> int:
    """Print all problems; 1 if there is an error."""
    problems = check_flow(args.flow)
    print_problems(problems)
    if not problems:
        Console().print(f"[green]{args.flow}: all is well[/green]")
    return int(any(problem.severity == "error" for problem in problems))


def print_problems(problems: list[Problem]) -> None:
    """One line per problem."""
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    for problem in problems:
        console.print(f"{problem.severity}:", style=_STYLES[problem.severity], end=" ")
        console.print(problem.text + (f" -> {problem.remedy}" if problem.remedy else ""), markup=False)
