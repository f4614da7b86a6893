"""From stage time to the recording's own time, which starts with the first picture and survives a new clock epoch."""

from mio.contracts.messages import Clock
from mio.contracts.stage import StageClock


class FileTime:
    """Seconds since the first picture.

    When the clock begins a new epoch (a restarted speaker), its stage time is joined where the old one had got to.
    """

    def __init__(self) -> None:
        self._clock = StageClock()
        self._offset_s = 0.0
        self._earlier_offset_s: float | None = None
        self.started = False

    @property
    def running(self) -> bool:
        """Whether there is a clock."""
        return self._clock.running

    def update(self, clock: Clock) -> None:
        """Follow the clock."""
        if self._clock.running and clock.epoch > self._clock.epoch:
            self._earlier_offset_s = self._offset_s
            self._offset_s = self.at(clock.mono_ns) - clock.stage_s
        self._clock.update(clock)

    def start(self, stage_s: float) -> None:
        """Begin at a stage time."""
        self._offset_s = -stage_s
        self._earlier_offset_s = None
        self.started = True

    def at(self, mono_ns: int) -> float:
        """File time at a ``CLOCK_MONOTONIC`` time."""
        return self._clock.stage_s(mono_ns) + self._offset_s

    def of(self, stage_s: float, now_ns: int) -> float:
        """File time of a stage time; of two epochs, the one in which it is nearer to now."""
        if self._earlier_offset_s is None:
            return stage_s + self._offset_s
        now_s = self.at(now_ns)
        return min((stage_s + self._offset_s, stage_s + self._earlier_offset_s), key=lambda s: abs(s - now_s))

    def mono_ns(self, file_s: float) -> int:
        """``CLOCK_MONOTONIC`` of a file time."""
        return self._clock.mono_ns(file_s - self._offset_s)
