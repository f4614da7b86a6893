"""What a node measures of itself: messages, gaps, waiting and computing times, CPU and memory.

Written once a second to ``$MIO_RUN_DIR/<node>.stats.json``, where reports read it, and told to the node's supervisor.
"""

import json
import math
import os
import resource
import time
from pathlib import Path
from typing import Any

from mio.errors import ConfigError
from mio.runtime.recent import RecentTimes

BUDGET_VARIABLE = "MIO_BUDGET_MS"
"""In a node's ``env``: milliseconds that a step of it may compute. Longer ones are counted."""

_NEWEST = 256  # durations that stand for now
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class PortStats:
    """Counters of one port.

    Attributes:
        count: Messages received or sent.
        lost: Messages that the sender numbered but that never arrived.
        refused: Messages that broke their contract.
        replaced: Messages dropped here because a newer one came or an input flushed them.
    """

    def __init__(self) -> None:
        self.count = 0
        self.lost = 0
        self.refused = 0
        self.replaced = 0
        self._last_seq = -1
        self._waited = RecentTimes()
        self._computed = RecentTimes()

    def received(self, seq: int, waited_ns: int | None) -> None:
        """Count a message that arrived; a gap in ``seq`` counts as lost, a smaller ``seq`` as a restarted sender.

        Args:
            seq: Its number.
            waited_ns: Time since it was sent; None if it comes from another host.
        """
        self.count += 1
        if seq > self._last_seq + 1 and self._last_seq >= 0:
            self.lost += seq - self._last_seq - 1
        self._last_seq = seq
        if waited_ns is not None:
            self._waited.note(waited_ns)

    def computed(self, duration_ns: int) -> None:
        """Note how long the engine worked on a message of this port."""
        self._computed.note(duration_ns)

    def summary(self, **newest: int) -> dict[str, Any]:
        """Plain values for a report; ``newest`` durations count, by default the last few thousand."""
        figures: dict[str, Any] = {
            "count": self.count,
            "lost": self.lost,
            "refused": self.refused,
            "replaced": self.replaced,
        }
        for name, times in (("waited_ms", self._waited), ("computed_ms", self._computed)):
            if times.count:
                figures[name] = times.percentiles_ms(**newest)
        return figures


class NodeStats:
    """All that a node measures of itself.

    Attributes:
        node_id: The node.
        inputs: Counters of its input ports, and of ``tick``.
        outputs: Counters of its output ports.
        engine: What it runs.
        queued: Messages that wait in the loop.
        longest_queue: The most that have waited at once.
        ticks_skipped: Ticks that were due while it did something else.
        budget_ms: How long a step may compute; 0 if nobody has said.
        over_budget: Steps that computed longer.
    """

    def __init__(self, node_id: str, folder: Path | None = None, budget_ms: float = 0.0) -> None:
        self.node_id = node_id
        self.budget_ms = budget_ms
        self.over_budget = 0
        self.engine = ""
        self.queued = 0
        self.longest_queue = 0
        self.inputs: dict[str, PortStats] = {}
        self.outputs: dict[str, PortStats] = {}
        self.ticks_skipped = 0
        self._folder = folder
        self._started = time.monotonic()
        self._written = 0.0

    def input(self, port: str) -> PortStats:
        """Counters of an input port."""
        return self.inputs.setdefault(port, PortStats())

    def output(self, port: str) -> PortStats:
        """Counters of an output port."""
        return self.outputs.setdefault(port, PortStats())

    def step_computed(self, port: str, duration_ns: int) -> None:
        """Note how long the engine worked on one step, over all its yields."""
        self.input(port).computed(duration_ns)
        if 0.0 < self.budget_ms * 1e6 < duration_ns:
            self.over_budget += 1

    def waiting(self, count: int) -> None:
        """Note how many messages wait in the loop."""
        self.queued = count
        self.longest_queue = max(self.longest_queue, count)

    def now(self) -> dict[str, Any]:
        """The summary with the durations of the last moments only, for who watches."""
        return self.summary(newest=_NEWEST)

    def summary(self, **newest: int) -> dict[str, Any]:
        """Plain values for a report; ``newest`` durations of each port count, by default the last few thousand."""
        own = resource.getrusage(resource.RUSAGE_SELF)
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return {
            "node": self.node_id,
            "engine": self.engine,
            "pid": os.getpid(),
            "uptime_s": round(time.monotonic() - self._started, 3),
            "mono_ns": time.monotonic_ns(),
            "cpu_s": round(own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime, 3),
            "rss_mb": round(_resident_bytes() / 1e6, 1),
            "peak_rss_mb": round(own.ru_maxrss / 1e3, 1),
            "queued": self.queued,
            "longest_queue": self.longest_queue,
            "ticks_skipped": self.ticks_skipped,
            "budget_ms": self.budget_ms,
            "over_budget": self.over_budget,
            "inputs": {port: stats.summary(**newest) for port, stats in self.inputs.items()},
            "outputs": {port: stats.count for port, stats in self.outputs.items()},
        }

    def write_if_due(self, *, now: bool = False) -> None:
        """Write the summary if a second has passed, or ``now``; without a folder nothing is written."""
        at = time.monotonic()
        if self._folder is None or (at - self._written < 1.0 and not now):
            return
        self._written = at
        path = self._folder / f"{self.node_id}.stats.json"
        partial = path.with_suffix(".tmp")
        try:
            partial.write_text(json.dumps(self.summary()))
            partial.replace(path)
        except OSError:  # a full disk must not stop the conversation
            partial.unlink(missing_ok=True)


def _resident_bytes() -> int:
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE_BYTES
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def run_folder() -> Path | None:
    """Folder for this run's measurements, from ``MIO_RUN_DIR``; None if nobody wants them."""
    name = os.environ.get("MIO_RUN_DIR")
    if not name:
        return None
    folder = Path(name)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def budget_ms() -> float:
    """How many milliseconds a step of this node may compute, from ``MIO_BUDGET_MS``; 0 if nobody has said.

    Raises:
        ConfigError: If it is no positive number.
    """
    return parse_budget_ms(os.environ.get(BUDGET_VARIABLE, ""))


def parse_budget_ms(text: str) -> float:
    """The value of ``MIO_BUDGET_MS``; 0 if it is empty.

    Raises:
        ConfigError: If it is no positive number.
    """
    try:
        value = float(text or 0.0)
    except ValueError:
        value = -1.0
    if not 0.0 <= value < math.inf:
        raise ConfigError(f"{BUDGET_VARIABLE} is '{text}'", "give milliseconds per step, such as 20")
    return value
