"""Stage time on a tape: what the clock said, before and after."""

import numpy as np

from mio.contracts.messages import Clock
from mio.tape.contents import Tape
from mio.tape.format import metadata_of


class StageTime:
    """Maps ``CLOCK_MONOTONIC`` of a tape to stage time; the last epoch counts.

    Without a clock on the tape, stage time is that of the tape, from its beginning.
    """

    def __init__(self, tape: Tape) -> None:
        headers = [metadata_of(event) for events in tape.streams().values() for event in events]
        clocks = [header for header in headers if header.get("kind") == Clock.KIND]
        epoch = max((clock["epoch"] for clock in clocks), default=0)
        points = sorted((clock["mono_ns"], clock["stage_s"]) for clock in clocks if clock["epoch"] == epoch)
        self._mono_ns = np.array([point[0] for point in points] or [tape.began_ns], np.int64)
        self._stage_s = np.array([point[1] for point in points] or [0.0])

    def of(self, mono_ns: int) -> float:
        """Stage time in seconds; beyond the first and last clock message it goes on at a second per second."""
        first, last = int(self._mono_ns[0]), int(self._mono_ns[-1])
        if mono_ns <= first:
            return float(self._stage_s[0]) - (first - mono_ns) / 1e9
        if mono_ns >= last:
            return float(self._stage_s[-1]) + (mono_ns - last) / 1e9
        return float(np.interp(mono_ns - first, self._mono_ns - first, self._stage_s))
