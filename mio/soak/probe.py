"""A node that listens to pictures and clock of a conversation and writes down how well they keep time.

Run by dora as ``python -m mio.soak.probe FILE.csv``. One line a second; see :data:`COLUMNS`.
"""

# ruff: noqa: E402 (threads are limited before numpy is imported)

import sys

from mio.runtime.compute import limit_threads

limit_threads()

# isort: split
import csv
import time
from pathlib import Path

import numpy as np

from mio.contracts.engine import Engine, Outputs
from mio.contracts.messages import Clock, Message, Tick, VideoFrame
from mio.contracts.stage import StageClock
from mio.runtime.loop import Loop
from mio.runtime.manifest import InputPort, Manifest
from mio.runtime.stats import NodeStats, run_folder
from mio.runtime.transport import DoraTransport

COLUMNS = (
    *("mono_s", "epoch", "stage_ahead_ms", "clock_step_ms", "frames"),
    *("interval_p50_ms", "interval_p95_ms", "interval_max_ms", "late_p50_ms", "late_p95_ms", "late_max_ms"),
)
"""Of each second: the clock's epoch; stage time minus ``CLOCK_MONOTONIC`` since the epoch's first message; the largest
correction of one clock message against the one before; pictures; times between them; how long after its stage time a
picture was there (negative: before, as it should be, so that it can be shown with its sound)."""

MANIFEST = Manifest.of_ports(
    name="mio-probe",
    inputs={
        "frame": InputPort("mio/v1/VideoFrame"),
        "clock": InputPort("mio/v1/Clock", delivery="urgent"),
    },
    outputs={},
)


class ProbeEngine(Engine):
    """Notes when pictures arrive and what the clock says, and writes a line on every tick."""

    tick_hz = 1.0

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", newline="", buffering=1)
        self._csv = csv.writer(self._file)
        self._csv.writerow(COLUMNS)
        self._stage = StageClock()
        self._first: Clock | None = None
        self._ahead_s = self._step_s = 0.0
        self._arrived_s: list[float] = []
        self._late_s: list[float] = []

    def step(self, port: str, message: Message) -> Outputs:
        """Take a picture, a clock, or write a line."""
        match message:
            case Clock(fin=False):
                self._follow(message)
            case VideoFrame():
                now_ns = time.monotonic_ns()
                self._arrived_s.append(now_ns / 1e9)
                if self._stage.running:
                    self._late_s.append(self._stage.stage_s(now_ns) - message.stage_s)
            case Tick():
                self._write(message.mono_ns)
            case _:
                pass
        return ()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _follow(self, clock: Clock) -> None:
        if self._first is None or clock.epoch != self._first.epoch:
            self._first = clock
        else:
            self._step_s = max(self._step_s, abs(clock.stage_s - self._stage.stage_s(clock.mono_ns)), key=abs)
        self._ahead_s = (clock.stage_s - self._first.stage_s) - (clock.mono_ns - self._first.mono_ns) / 1e9
        self._stage.update(clock)

    def _write(self, now_ns: int) -> None:
        if self._first is None:
            return
        intervals = _shares_ms(np.diff(self._arrived_s))
        row = [now_ns / 1e9, self._first.epoch, 1e3 * self._ahead_s, 1e3 * self._step_s, len(self._late_s)]
        self._csv.writerow([round(value, 4) for value in (*row, *intervals, *_shares_ms(np.array(self._late_s)))])
        self._arrived_s, self._late_s, self._step_s = self._arrived_s[-1:], [], 0.0


def _shares_ms(values_s: "np.typing.NDArray[np.float64]") -> list[float]:
    """Median, 95th percentile and maximum; not a number where there are none."""
    if not len(values_s):
        return [float("nan")] * 3
    return [float(1e3 * np.quantile(values_s, share)) for share in (0.5, 0.95, 1.0)]


def main() -> None:
    """Listen until the dataflow ends."""
    engine = ProbeEngine(Path(sys.argv[1]))
    transport = DoraTransport()
    Loop(engine, MANIFEST, transport, NodeStats(transport.node_id, run_folder())).run()


if __name__ == "__main__":
    main()
