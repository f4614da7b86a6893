"""``mio bench NAME``: each module of ``mio.bench`` that has a ``run`` is a benchmark."""

import argparse
import importlib
import pkgutil
from pathlib import Path
from types import ModuleType

from rich.console import Console
from rich.table import Table

import mio.bench
from mio.bench.report import Report
from mio.errors import MioError, Needing, did_you_mean


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.add_argument("name", nargs="?", help="benchmark; see --list")
    parser.add_argument("--list", action="store_true", help="say what each measures and how long it takes")
    parser.add_argument("rest", nargs=argparse.REMAINDER, help="options of the benchmark; see: mio bench NAME --help")


def run(args: argparse.Namespace) -> int:
    """Run one benchmark, or list them."""
    if args.list or args.name is None:
        _list()
        return 0
    module = load(args.name)
    parser = argparse.ArgumentParser(prog=f"mio bench {args.name}", description=module.__doc__)
    parser.add_argument("--out", type=Path, default=Path("out/bench"), help="folder for the figures")
    module.add_arguments(parser)
    options = parser.parse_args(args.rest)
    report = Report(args.name)
    module.run(options, report)
    report.print()
    report.console.print(f"written: {report.write(options.out)}")
    return 0


def load(name: str) -> ModuleType:
    """Import a benchmark.

    Raises:
        MioError: If there is none of that name, or a package that it needs is missing.
    """
    if name not in names():
        raise MioError(f"no benchmark '{name}'", did_you_mean(name, names()))
    with Needing(f"benchmark '{name}'", "all"):
        return importlib.import_module(f"mio.bench.{name.replace('-', '_')}")


def names() -> list[str]:
    """All benchmarks."""
    modules = (module.name for module in pkgutil.iter_modules(mio.bench.__path__) if not module.ispkg)
    return [name.replace("_", "-") for name in modules if name != "report" and not name.startswith("_")]


def _list() -> None:
    table = Table("benchmark", "takes", "measures", box=None)
    for name in names():
        module = load(name)
        table.add_row(name, module.DURATION, (module.__doc__ or "").strip().splitlines()[0])
    Console().print(table)
