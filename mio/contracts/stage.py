"""Stage time as a consumer sees it: the last ``Clock`` message, extrapolated."""

from typing import Any

import msgspec

from mio.contracts.messages import Clock
from mio.contracts.rates import SPEECH_HZ


class StageClock:
    """Maps ``CLOCK_MONOTONIC`` to stage time and back, between two ``Clock`` messages.

    Before the first message stage time is unknown: :attr:`running` is false and stage times are negative infinity.
    """

    def __init__(self) -> None:
        self._last: Clock | None = None

    @property
    def running(self) -> bool:
        """Whether a clock message has arrived."""
        return self._last is not None

    @property
    def epoch(self) -> int:
        """Restarts of the clock so far; stage times of different epochs are not comparable."""
        return self._last.epoch if self._last else 0

    @property
    def segment_id(self) -> int:
        """The turn that is being spoken, or about to be; 0 if none."""
        return self._last.segment_id if self._last else 0

    @property
    def heard_char(self) -> int:
        """Characters of the speaking turn's text that have been heard, at the last message."""
        return self._last.heard_char if self._last else 0

    def update(self, clock: Clock) -> None:
        """Take over a clock message; an older epoch is ignored."""
        if self._last is None or clock.epoch >= self._last.epoch:
            self._last = clock

    def export_state(self) -> dict[str, Any] | None:
        """The last clock message as plain values; None before the first."""
        return None if self._last is None else msgspec.structs.asdict(self._last)

    def import_state(self, state: dict[str, Any] | None) -> None:
        """Go on with a predecessor's last clock message."""
        self._last = None if state is None else Clock(**state)

    def stage_s(self, mono_ns: int) -> float:
        """Stage time at a monotonic time."""
        if self._last is None:
            return float("-inf")
        return self._last.stage_s + (mono_ns - self._last.mono_ns) * 1e-9 * self._last.rate

    def mono_ns(self, stage_s: float) -> int:
        """Monotonic time at which a stage time is reached; 0 while the clock is not running."""
        if self._last is None:
            return 0
        return self._last.mono_ns + round((stage_s - self._last.stage_s) / self._last.rate * 1e9)

    def stage_of_speech(self, segment_id: int, at_s: float) -> float | None:
        """Stage time at which a moment of a turn's sound is heard.

        Args:
            segment_id: The turn.
            at_s: Seconds since the turn's first sample.

        Returns:
            Stage time in seconds, or None if that turn is not the one being spoken.
        """
        if self._last is None or segment_id == 0 or self._last.segment_id != segment_id:
            return None
        return self._last.stage_s + at_s - self._last.heard_sample / SPEECH_HZ
