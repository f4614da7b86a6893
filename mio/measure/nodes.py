"""What the nodes of a running dataflow do now: rates, times, queues, drops, CPU, memory, handles, read from outside.

Counters and times come from the nodes' supervisors, the rest from the operating system.
"""

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from mio.errors import MioError
from mio.flow.live import LiveFlow

_ANSWER_WITHIN_S = 2.0
_TICK = "tick"


class Resources(NamedTuple):
    """What the processes of a node hold.

    Attributes:
        cpu_s: CPU time so far, seconds.
        rss_mb: Memory, shared pages included.
        pss_mb: Memory, shared pages divided among those who share them; 0 where the system does not tell.
        own_mb: Memory that the processes have written themselves, swapped or not: neither shared memory, which others
            hold too, nor files that are mapped, whose share changes with who else maps them. Where the system does not
            tell, memory that no other process shares.
        handles: Open file descriptors.
        threads: Threads.
    """

    cpu_s: float = 0.0
    rss_mb: float = 0.0
    pss_mb: float = 0.0
    own_mb: float = 0.0
    handles: int = 0
    threads: int = 0

    def plus(self, other: "Resources") -> "Resources":
        """What both hold."""
        return Resources(
            self.cpu_s + other.cpu_s,
            self.rss_mb + other.rss_mb,
            self.pss_mb + other.pss_mb,
            self.own_mb + other.own_mb,
            self.handles + other.handles,
            self.threads + other.threads,
        )


class Reading(NamedTuple):
    """A node at one moment.

    Attributes:
        node: Its id.
        at_s: When it was read, monotonic seconds.
        standing: What its supervisor says: ``state``, ``pid``, ``worker_pid``, ``deaths``, ``swaps``, ``uptime_s``.
        figures: What its worker says, as :meth:`mio.runtime.stats.NodeStats.summary`; empty while it starts.
        resources: Supervisor and worker together.
    """

    node: str
    at_s: float
    standing: dict[str, Any]
    figures: dict[str, Any]
    resources: Resources

    @property
    def received(self) -> int:
        """Messages received so far on all inputs."""
        return sum(port["count"] for port in self.inputs.values())

    @property
    def sent(self) -> int:
        """Messages sent so far on all outputs."""
        return sum(self.figures.get("outputs", {}).values())

    @property
    def inputs(self) -> dict[str, dict[str, Any]]:
        """Figures by input, and of the timer as ``tick``."""
        return self.figures.get("inputs", {})

    @property
    def dropped(self) -> dict[str, int]:
        """Messages that did not get through so far, by cause; and ticks left out."""
        drops = {cause: sum(port[cause] for port in self.inputs.values()) for cause in ("lost", "refused", "replaced")}
        return {**drops, "skipped": self.figures.get("ticks_skipped", 0)}


class Activity(NamedTuple):
    """What a node did between two readings.

    Attributes:
        received_hz: Messages received per second.
        sent_hz: Messages sent per second.
        cpu_pct: CPU time, percent of one core.
    """

    received_hz: float
    sent_hz: float
    cpu_pct: float


def read_nodes(flow: LiveFlow, nodes: Iterable[str] | None = None) -> list[Reading]:
    """All nodes of a flow that answer, or those named."""
    found: list[Reading] = []
    for node in flow.sockets if nodes is None else nodes:
        try:
            answer = flow.ask(node, {"do": "stats"}, _ANSWER_WITHIN_S)
        except MioError:
            continue
        figures = answer.pop("figures")
        resources = resources_of([answer["pid"], answer["worker_pid"]])
        found.append(Reading(node, time.monotonic(), answer, figures, resources))
    return found


def activity(before: Reading, now: Reading) -> Activity:
    """What happened between two readings of a node; a restarted worker counts from its start."""
    passed_s = max(now.at_s - before.at_s, 1e-3)
    if before.standing["worker_pid"] != now.standing["worker_pid"]:
        before = before._replace(figures={}, resources=Resources())
    counted_s = (now.figures.get("mono_ns", 0) - before.figures.get("mono_ns", 0)) / 1e9 if before.figures else passed_s
    if counted_s <= 0:  # the worker has not told anything new
        return Activity(0.0, 0.0, 100 * (now.resources.cpu_s - before.resources.cpu_s) / passed_s)
    return Activity(
        (now.received - before.received) / counted_s,
        (now.sent - before.sent) / counted_s,
        100 * (now.resources.cpu_s - before.resources.cpu_s) / passed_s,
    )


def slowest(reading: Reading, what: str) -> dict[str, float]:
    """Times of the input on which messages waited longest, or that took longest to compute.

    Args:
        reading: A node.
        what: ``waited_ms`` or ``computed_ms``.
    """
    return max((port[what] for port in reading.inputs.values() if what in port), key=lambda t: t["p95"], default={})


def resources_of(pids: Iterable[int]) -> Resources:
    """What processes hold together; those that are gone count nothing."""
    total = Resources()
    for pid in pids:
        try:
            process = psutil.Process(pid)
            with process.oneshot():
                cpu, memory = process.cpu_times(), process.memory_full_info()
                one = Resources(
                    cpu.user + cpu.system,
                    memory.rss / 1e6,
                    getattr(memory, "pss", 0) / 1e6,
                    own_bytes(pid, memory.uss) / 1e6,
                    process.num_fds(),
                    process.num_threads(),
                )
        except psutil.Error:
            continue
        total = total.plus(one)
    return total


def own_bytes(pid: int, otherwise: int = 0) -> int:
    """Anonymous memory of a process, in RAM or swapped out, less what it has given back already.

    Args:
        pid: The process.
        otherwise: What to answer where the system does not tell.
    """
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return otherwise
    kilobytes = {line.partition(":")[0]: line.split()[1] for line in lines if line.endswith(" kB")}
    held = int(kilobytes.get("Anonymous", 0)) + int(kilobytes.get("Swap", 0)) - int(kilobytes.get("LazyFree", 0))
    return 1024 * held
