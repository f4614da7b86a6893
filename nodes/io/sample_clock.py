"""When a stream's samples are captured or heard: a smooth line through times that jitter.

A delay-locked loop as in F. Adriaensen, "Using a DLL to filter time" (Linux Audio Conference 2005), with a bandwidth
that narrows while it settles. It knows no device and reads no clock.
"""

import math
from dataclasses import asdict, dataclass
from typing import Any

_BANDWIDTH_HZ = 0.05
_FIRST_BANDWIDTH_S = 0.3  # bandwidth while settling: this over the seconds observed
_SETTLED_S = 1.0
_LARGEST_STEP_S = 0.005  # of one observation's error, once settled; larger ones are outliers
_LARGEST_DRIFT = 1e-3  # sound cards are within 200 ppm of nominal
_JITTER_SHARE = 0.05


@dataclass
class _Line:
    """Position ``position`` is at ``time_s``, and each further sample ``period_s`` later."""

    position: float = 0.0
    time_s: float = 0.0
    period_s: float = 0.0
    observed_s: float = 0.0
    jitter_s: float = 0.0
    started: bool = False


class SampleClock:
    """Maps sample positions of a stream to times and back, from observed pairs.

    Args:
        rate_hz: Nominal samples per second.
    """

    def __init__(self, rate_hz: float) -> None:
        self._nominal_s = 1.0 / rate_hz
        self._line = _Line(period_s=self._nominal_s)

    @property
    def started(self) -> bool:
        """Whether a pair has been observed."""
        return self._line.started

    @property
    def observed_s(self) -> float:
        """How much of the stream has been observed, seconds."""
        return self._line.observed_s

    @property
    def settled(self) -> bool:
        """Whether a second of the stream has been observed."""
        return self._line.observed_s >= _SETTLED_S

    @property
    def speed(self) -> float:
        """Measured over nominal sample rate."""
        return self._nominal_s / self._line.period_s

    @property
    def jitter_s(self) -> float:
        """Recent mean distance of an observation from the line, seconds."""
        return self._line.jitter_s

    def time_s(self, position: float) -> float:
        """Time of a sample position, seconds."""
        return self._line.time_s + (position - self._line.position) * self._line.period_s

    def position(self, time_s: float) -> float:
        """Sample position at a time in seconds."""
        return self._line.position + (time_s - self._line.time_s) / self._line.period_s

    def observe(self, position: float, time_s: float) -> float:
        """Take in that a position was seen at a time; positions must not decrease.

        Returns:
            How much later than expected it was seen, seconds.
        """
        line = self._line
        if not line.started:
            self.restart(position, time_s)
            return 0.0
        count = position - line.position
        late_s = time_s - self.time_s(position)
        line.jitter_s += _JITTER_SHARE * (abs(late_s) - line.jitter_s)
        passed_s = count * self._nominal_s
        step_s = max(-_LARGEST_STEP_S, min(_LARGEST_STEP_S, late_s)) if self.settled else late_s
        turn = 2.0 * math.pi * max(_BANDWIDTH_HZ, _FIRST_BANDWIDTH_S / max(line.observed_s, passed_s, 1e-3)) * passed_s
        line.time_s = self.time_s(position) + min(1.0, math.sqrt(2.0) * turn) * step_s
        line.position = position
        if count > 0:
            period_s = line.period_s + min(0.5, turn * turn) * step_s / count
            slack_s = self._nominal_s * _LARGEST_DRIFT
            line.period_s = max(self._nominal_s - slack_s, min(self._nominal_s + slack_s, period_s))
        line.observed_s += passed_s
        return late_s

    def restart(self, position: float, time_s: float) -> None:
        """Begin a new line there, keeping the measured speed."""
        period_s = self._line.period_s
        self._line = _Line(position, time_s, period_s, started=True)

    def export_state(self) -> dict[str, Any]:
        """The line as plain values."""
        return asdict(self._line)

    def import_state(self, state: dict[str, Any]) -> None:
        """Take over an exported line."""
        self._line = _Line(**state)
