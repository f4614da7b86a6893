"""What else used the machine's processors during a measurement, so that its figures can be judged."""

import os
import time
from typing import NamedTuple

import psutil


class Shares(NamedTuple):
    """What did not serve a measurement, in percent.

    Attributes:
        taken_pct: Of the processor time that the machine wanted, what the host of a virtual machine gave to others; 0
            where the system does not tell.
        others_pct: Of all processor time, what processes used that are not this one's: what a child used counts once
            it has ended.
    """

    taken_pct: float
    others_pct: float


class Disturbance:
    """Measures from its making on."""

    def __init__(self) -> None:
        self._began_s = time.monotonic()
        self._busy_s, self._taken_s, self._own_s = _used()

    def shares(self) -> Shares:
        """What was used so far."""
        busy_s, taken_s, own_s = _used()
        whole_s = max(time.monotonic() - self._began_s, 1e-3) * (os.cpu_count() or 1)
        others_s = (busy_s - self._busy_s) - (own_s - self._own_s)
        taken_s -= self._taken_s
        wanted_s = busy_s - self._busy_s + taken_s
        return Shares(100.0 * taken_s / max(wanted_s, 1e-3), max(0.0, 100.0 * others_s / whole_s))


def _used() -> tuple[float, float, float]:
    """Seconds since the start of the machine: busy, taken by the host, and used by this process and its children."""
    times = psutil.cpu_times()
    taken_s = float(getattr(times, "steal", 0.0))
    unused_s = times.idle + float(getattr(times, "iowait", 0.0)) + taken_s
    guests_s = float(getattr(times, "guest", 0.0)) + float(getattr(times, "guest_nice", 0.0))  # in user and nice, too
    own = os.times()
    return sum(times) - unused_s - guests_s, taken_s, own.user + own.system + own.children_user + own.children_system
