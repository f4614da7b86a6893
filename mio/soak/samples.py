"""What a running flow holds and does, sampled over time into one table."""

import csv
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from mio.flow.live import LiveFlow
from mio.measure.leaks import megabytes, shared_memory
from mio.measure.nodes import Reading, read_nodes
from mio.soak.verdict import Values

_OF_A_NODE = ("memory_mb", "handles", "threads", "queued", "longest_queue", "dropped", "deaths", "waited_p95_ms")
_TOTALS = ("memory_mb", "handles", "threads")


class Sampler:
    """Samples all nodes of a flow, and writes a line each time.

    Attributes:
        shared: Every file of shared memory that has been seen.

    Args:
        flow: The running dataflow.
        path: CSV file; one column per node and figure.
        processes: What belongs to the flow besides its nodes.
    """

    def __init__(
        self, flow: LiveFlow, path: Path, processes: Callable[[], Iterable[psutil.Process]] = lambda: ()
    ) -> None:
        self.shared: set[Path] = set()
        self._flow = flow
        self._nodes = sorted(flow.sockets)
        self._processes = processes
        self._rows: list[dict[str, float]] = []
        self._file = path.open("w", newline="", buffering=1)
        names = [f"{node}.{name}" for node in self._nodes for name in _OF_A_NODE]
        self._csv = csv.DictWriter(self._file, ["mono_s", *_TOTALS, "shared_mb", *names])
        self._csv.writeheader()

    def sample(self) -> None:
        """Take one sample."""
        readings = {reading.node: reading for reading in read_nodes(self._flow)}
        row: dict[str, float] = {"mono_s": round(time.monotonic(), 3)}
        for node, reading in readings.items():
            row |= {f"{node}.{name}": value for name, value in _figures(reading).items()}
        for name in _TOTALS:  # a node that is being restarted counts as it was
            row[name] = round(sum(self._last(row, f"{node}.{name}") for node in self._nodes), 2)
        files = shared_memory([*self._processes(), *_workers(readings.values())])
        self.shared |= files
        row["shared_mb"] = round(megabytes(files), 2)
        self._rows.append(row)
        self._csv.writerow(row)

    def columns(self) -> dict[str, Values]:
        """All samples: ``[n]`` by name, not a number where a node did not answer."""
        names = ["mono_s", *_TOTALS, "shared_mb", *(f"{node}.{name}" for node in self._nodes for name in _OF_A_NODE)]
        return {name: np.array([row.get(name, np.nan) for row in self._rows]) for name in names}

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _last(self, row: dict[str, float], name: str) -> float:
        return next((known[name] for known in (row, *reversed(self._rows)) if name in known), 0.0)


def read_columns(path: Path) -> dict[str, Values]:
    """Columns of a CSV file of numbers; a line that is being written is left out."""
    with path.open(newline="") as file:
        header, *lines = list(csv.reader(file))
    whole = [line for line in lines if len(line) == len(header)]
    table = np.array(whole, float).reshape(len(whole), len(header))
    return {name: table[:, place] for place, name in enumerate(header)}


def _figures(reading: Reading) -> dict[str, float]:
    held, figures = reading.resources, reading.figures
    drops: dict[str, Any] = reading.dropped
    waited = [port["waited_ms"]["p95"] for port in reading.inputs.values() if "waited_ms" in port]
    return {
        "memory_mb": round(held.own_mb, 2),
        "handles": held.handles,
        "threads": held.threads,
        "queued": figures.get("queued", 0),
        "longest_queue": figures.get("longest_queue", 0),
        "dropped": drops["lost"] + drops["refused"],
        "deaths": reading.standing["deaths"],
        "waited_p95_ms": max(waited, default=0.0),
    }


def _workers(readings: Iterable[Reading]) -> list[psutil.Process]:
    found: list[psutil.Process] = []
    for reading in readings:
        try:
            found.append(psutil.Process(reading.standing["worker_pid"]))
        except psutil.NoSuchProcess:
            continue
    return found
