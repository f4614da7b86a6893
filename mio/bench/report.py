"""What a benchmark prints and keeps: figures by name with the unit in the name, tables, hardware, versions, commit."""

import json
import os
import platform
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from mio.measure.disturbance import Disturbance

_PACKAGES = ("dora-rs", "numpy", "onnxruntime", "torch", "moderngl", "av", "moonshine-voice", "pocketsphinx")


class Report:
    """Collects the figures of one benchmark run.

    Attributes:
        figures: Numbers by name, such as ``first_sound_p50_ms``.
        tables: Rows by table title, for what does not fit into one number.
        notes: Remarks a reader needs, such as what was not measured and why.
    """

    def __init__(self, name: str, console: Console | None = None) -> None:
        self.name = name
        self.figures: dict[str, float] = {}
        self.tables: dict[str, list[dict[str, Any]]] = {}
        self.notes: list[str] = []
        self.console = console or Console()
        self._began = time.monotonic()
        self._disturbance = Disturbance()

    def figure(self, name: str, value: float, *, target: float | None = None, at_least: bool = False) -> None:
        """Keep one number.

        Args:
            name: Name with its unit.
            value: The number.
            target: What was aimed at, shown beside it.
            at_least: Whether the target is a lower bound.
        """
        self.figures[name] = round(float(value), 4)
        if target is not None:
            met = bool(value >= target if at_least else value <= target)
            sign = ">=" if at_least else "<="
            self.tables.setdefault("targets", []).append(
                {"figure": name, "measured": round(float(value), 3), "target": f"{sign} {target:g}", "met": met}
            )

    def row(self, table: str, **cells: Any) -> None:
        """Add a row to a table."""
        self.tables.setdefault(table, []).append(cells)

    def note(self, text: str) -> None:
        """Add a remark."""
        self.notes.append(text)

    def print(self) -> None:
        """Print all tables, figures and notes."""
        for title, rows in self.tables.items():
            self.console.print(_table(title, rows))
        rest = [{"figure": name, "value": value} for name, value in self.figures.items()]
        if rest:
            self.console.print(_table(self.name, rest))
        for note in self.notes:
            self.console.print(f"[dim]{note}[/dim]")
        taken_pct, others_pct = self._disturbance.shares()
        self.console.print(
            f"[dim]of the processors, the host took {taken_pct:.1f} %, other programs {others_pct:.1f} %[/dim]"
        )

    def write(self, folder: Path) -> Path:
        """Write ``NAME.json`` into a folder and return its path."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.name}.json"
        shares = self._disturbance.shares()
        content = {
            "benchmark": self.name,
            "when": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
            "duration_s": round(time.monotonic() - self._began, 1),
            "disturbance": {name: round(share, 1) for name, share in shares._asdict().items()},
            "figures": self.figures,
            "tables": self.tables,
            "notes": self.notes,
            **environment(),
        }
        path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        return path


def environment() -> dict[str, Any]:
    """Hardware, versions and commit, as every report has them."""
    return {
        "hardware": {
            "cpu": _cpu_name(),
            "cores": os.cpu_count(),
            "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
            "load_average": [round(load, 2) for load in os.getloadavg()],
        },
        "versions": {"python": sys.version.split()[0], "system": platform.platform(), **_versions()},
        "commit": _commit(),
    }


def percentile(values: list[float], share: float) -> float:
    """The value below which a share (0..1) of the values lies, linearly interpolated.

    Raises:
        ValueError: If there are no values.
    """
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    at = share * (len(ordered) - 1)
    low = int(at)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (at - low)


def _table(title: str, rows: list[dict[str, Any]]) -> Table:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    table = Table(*columns, title=title, title_justify="left")
    for row in rows:
        table.add_row(*(str(row.get(name, "")) for name in columns))
    return table


def _cpu_name() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _versions() -> dict[str, str]:
    found: dict[str, str] = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _commit() -> str:
    root = Path(__file__).resolve().parents[2]
    try:
        command = ["git", "-C", str(root), "describe", "--always", "--dirty"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
