"""``mio doctor``."""

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import NamedTuple

import psutil
from packaging.requirements import Requirement
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from mio import __version__
from mio.cli.devices import device_listings
from mio.errors import MioError
from mio.flow.check import check_flow
from mio.flow.dora import dora_command
from mio.paths import share

_FREE_GB = 1.0
_QUIET = {"MIO_MICROPHONE__DEVICE": "null"}  # the demo makes its question first; devices have lines of their own


class Finding(NamedTuple):
    """What was found out about one thing.

    Attributes:
        what: The thing.
        state: ``ok``; ``missing`` for what only some uses need; ``error`` for what the demo needs.
        text: What was found.
        remedy: What to do if it is not ok.
    """

    what: str
    state: str
    text: str
    remedy: str = ""


_STYLES = {"ok": "green", "missing": "yellow", "error": "bold red"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    del parser


def run(args: argparse.Namespace) -> int:
    """Print the findings; 1 if something that the demo needs is missing."""
    del args
    table = Table("", "", "", "to do", box=None)
    findings = list(examine())
    for found in findings:
        table.add_row(found.what, f"[{_STYLES[found.state]}]{found.state}[/]", escape(found.text), escape(found.remedy))
    console = Console()
    console.print(table)
    failed = any(found.state == "error" for found in findings)
    console.print("[bold red]The demo cannot run here yet.[/]" if failed else "[green]The demo can run here.[/]")
    return int(failed)


def examine() -> Iterator[Finding]:
    """Look at everything that Mio uses, each on its own: one that fails does not hide the next."""
    yield Finding("mio", "ok", f"{__version__}, Python {sys.version.split()[0]}, {sys.platform}")
    yield from _guarded("machine", _machine)
    yield from _guarded("packages", _packages)
    yield from _guarded("dora", _dora)
    yield from _guarded("graphics", _graphics)
    yield from _guarded("gpu", _gpu)
    yield from _guarded("espeak-ng", _espeak)
    yield from _guarded("video", _video)
    yield from _guarded("devices", _devices)
    yield from _guarded("weights", _weights)
    yield from _guarded("flows", _flows)


def _guarded(what: str, look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        yield from look()
    except MioError as error:
        yield Finding(what, "error", error.problem, error.remedy)
    except ImportError as error:
        yield Finding(what, "error", f"cannot import {error.name or error}", "pip install 'mio[all]'")


def _machine() -> Iterator[Finding]:
    memory_gb = psutil.virtual_memory().total / 1e9
    free_gb = shutil.disk_usage(Path.cwd()).free / 1e9
    text = f"{psutil.cpu_count()} cores, {memory_gb:.0f} GB memory, {free_gb:.0f} GB free on disk"
    if free_gb < _FREE_GB:
        yield Finding("machine", "error", text, "free some disk space for recordings")
    else:
        yield Finding("machine", "ok", text)


def _packages() -> Iterator[Finding]:
    """Every package that this installation of Mio asks for, extras included."""
    wrong = list(_unmet(requires("mio") or []))
    if wrong:
        yield Finding("packages", "missing", ", ".join(wrong), "pip install -c constraints.txt 'mio[all]'")
    else:
        yield Finding("packages", "ok", "all there")


def _unmet(requirements: list[str]) -> Iterator[str]:
    for line in requirements:
        requirement = Requirement(line)
        wanted = any(requirement.marker is None or requirement.marker.evaluate({"extra": e}) for e in ("", "all"))
        if not wanted or requirement.name == "mio":
            continue
        try:
            found = version(requirement.name)
        except PackageNotFoundError:
            yield f"no {requirement.name}"
            continue
        if not requirement.specifier.contains(found, prereleases=True):
            yield f"{requirement.name} {found} is not {requirement.specifier}"


def _dora() -> Iterator[Finding]:
    command = dora_command()
    done = subprocess.run([command, "--version"], capture_output=True, text=True, timeout=20, check=False)
    yield Finding("dora", "ok" if done.returncode == 0 else "error", done.stdout.strip().replace("\n", ", "), "")


def _graphics() -> Iterator[Finding]:
    from nodes.renderer.context import describe

    found = describe()
    kind = "software" if found["software"] else "GPU"
    yield Finding("graphics", "ok", f"OpenGL {found['version']}, {found['renderer']} ({kind})")


def _gpu() -> Iterator[Finding]:
    try:
        import torch
    except ImportError:
        yield Finding("gpu", "ok", "torch is not installed; no default engine needs it")
        return
    if torch.cuda.is_available():
        yield Finding("gpu", "ok", torch.cuda.get_device_name())
    else:
        yield Finding("gpu", "ok", "none for torch; every default engine runs on the CPU")


def _espeak() -> Iterator[Finding]:
    from mio.espeak import Espeak

    yield Finding("espeak-ng", "ok", f"{Espeak.shared().version}, {len(Espeak.shared().voices())} voices")


def _video() -> Iterator[Finding]:
    import av

    has_encoder = "libx264" in av.codecs_available
    text = f"PyAV {av.__version__}, H.264 encoder {'there' if has_encoder else 'missing'}"
    yield Finding("video", "ok" if has_encoder else "error", text, "" if has_encoder else "pip install av")


def _devices() -> Iterator[Finding]:
    for kind, listing in device_listings().items():
        if listing.devices:
            rows = [row.name + (" (default)" if row.default else "") for row in listing.devices]
            yield Finding(kind, "ok", "; ".join(rows))
        else:
            yield Finding(kind, "missing", listing.problem, listing.remedy)


def _weights() -> Iterator[Finding]:
    folder = share("weights")
    found = sorted(path.parent.name for path in folder.glob("*/MODEL_CARD.md"))
    yield Finding("weights", "ok", ", ".join(found) or "none shipped; no default engine needs any of ours")


def _flows() -> Iterator[Finding]:
    for path in sorted(share("dataflows").glob("*.yml")):
        if path.name.count(".") > 1:
            continue
        errors = [problem for problem in check_flow(path, {**os.environ, **_QUIET}) if problem.severity == "error"]
        state = "ok" if not errors else "error" if path.name == "demo.yml" else "missing"
        text = "; ".join(problem.text for problem in errors) or "all is well"
        yield Finding(path.name, state, text, errors[0].remedy if errors else "")
