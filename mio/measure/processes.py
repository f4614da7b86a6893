"""CPU time and memory of a process and all that it started, sampled in the background."""

import threading
import time
from pathlib import Path
from typing import NamedTuple

import psutil

_PREFIX = "mio-"
_WORKER = "mio.runtime.worker"


class Sample(NamedTuple):
    """One look at the processes.

    Attributes:
        mono_s: ``CLOCK_MONOTONIC`` when it was taken.
        cpu_s: CPU seconds used so far, by name.
        rss_mb: Resident memory, by name.
    """

    mono_s: float
    cpu_s: dict[str, float]
    rss_mb: dict[str, float]


class ProcessSampler:
    """Looks at a process tree every second until it is stopped.

    Attributes:
        samples: In the order of time.
    """

    def __init__(self, pid: int, every_s: float = 1.0) -> None:
        self.samples: list[Sample] = []
        self._root = psutil.Process(pid)
        self._every_s = every_s
        self._names: dict[int, str] = {}
        self._ended_cpu_s: dict[int, tuple[str, float]] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="process sampler", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Take a last look and end."""
        self._stop.set()
        self._thread.join()

    def cores_by_name(self, start_s: float, end_s: float) -> dict[str, float]:
        """CPU cores that each process used on average between two monotonic times; empty if too few samples."""
        within = [sample for sample in self.samples if start_s <= sample.mono_s <= end_s]
        if len(within) < 2:
            return {}
        first, last = within[0], within[-1]
        lasted_s = last.mono_s - first.mono_s
        return {name: (used - first.cpu_s.get(name, 0.0)) / lasted_s for name, used in last.cpu_s.items()}

    def totals(self) -> dict[str, dict[str, float]]:
        """CPU seconds and peak memory of each process by name."""
        if not self.samples:
            return {}
        last = self.samples[-1]
        peaks: dict[str, float] = {}
        for sample in self.samples:
            for name, megabytes in sample.rss_mb.items():
                peaks[name] = max(peaks.get(name, 0.0), megabytes)
        return {
            name: {"cpu_s": round(cpu_s, 2), "peak_rss_mb": round(peaks.get(name, 0.0), 1)}
            for name, cpu_s in sorted(last.cpu_s.items())
        }

    def _run(self) -> None:
        while True:
            self._look()
            if self._stop.wait(self._every_s):
                return

    def _look(self) -> None:
        rss: dict[str, float] = {}
        try:
            processes = [self._root, *self._root.children(recursive=True)]
        except psutil.NoSuchProcess:
            return
        for process in processes:
            try:
                name = self._name(process)
                times = process.cpu_times()
                self._ended_cpu_s[process.pid] = (name, times.user + times.system)
                rss[name] = rss.get(name, 0.0) + process.memory_info().rss / 1e6
            except psutil.Error:
                continue
        cpu: dict[str, float] = {}
        for name, seconds in self._ended_cpu_s.values():
            cpu[name] = cpu.get(name, 0.0) + seconds
        self.samples.append(Sample(time.monotonic(), cpu, rss))

    def _name(self, process: psutil.Process) -> str:
        """Node of a process; the name of its program, which may still change, if it is none."""
        if process.pid not in self._names:
            node = _node(process.cmdline())
            if not node:
                return process.name()
            self._names[process.pid] = node
        return self._names[process.pid]


def _node(command: list[str]) -> str:
    """Node of a supervisor (from its console script) or of a worker (from its package); empty for others."""
    if _WORKER in command:
        return command[command.index(_WORKER) + 1].rpartition(".")[2]
    for part in command[:3]:
        stem = Path(part).name
        if stem.startswith(_PREFIX):
            return stem.removeprefix(_PREFIX)
    return ""
