"""Blocks from a device to one stream of 16 kHz samples without gaps, each with the time it was captured at.

A block that comes later than the samples before it explain means that sound was lost: silence takes its place, so that
positions keep pace with time. It knows no device.
"""

import logging
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mio.audio import Resampler
from mio.contracts.messages import FloatArray
from mio.contracts.rates import MICROPHONE_HZ
from nodes.io.microphone.sources import Captured
from nodes.io.sample_clock import SampleClock

_GAP_S = 0.05  # lateness beyond any driver's jitter
_GAP_LASTS_S = 0.3  # a gap that the driver did not report must be seen for so long
_LARGEST_GAP_S = 10.0

_log = logging.getLogger(__name__)


@dataclass
class _State:
    """Where the stream stands.

    Attributes:
        written: Samples added so far.
        sent: Samples taken so far.
        waiting: ``[written - sent]`` those in between.
        first: Position of the first sample that the resampler got.
        fed: Samples that it got since, at the device's rate.
        late_s: For how long blocks have come late.
        ahead_s: By how much positions are ahead of time, because a driver has put its times back.
        gaps: Times that lost sound was replaced by silence.
    """

    written: int = 0
    sent: int = 0
    waiting: FloatArray = field(default_factory=lambda: np.zeros(0, np.float32))
    first: int = 0
    fed: int = 0
    late_s: float = 0.0
    ahead_s: float = 0.0
    gaps: int = 0


class Capture:
    """Collects blocks and silence, gives out chunks."""

    def __init__(self) -> None:
        self._state = _State()
        self._clock = SampleClock(MICROPHONE_HZ)
        self._resampler: Resampler | None = None
        self._cleaned = False

    @property
    def gaps(self) -> int:
        """Times that lost sound was replaced by silence."""
        return self._state.gaps

    def add(self, block: Captured) -> None:
        """Append a captured block; after :meth:`silence`, what lies between is filled."""
        samples = self._finite(block.samples)
        resampler = self._resampler_for(block)
        if self._state.late_s == 0.0:
            self._clock.observe(self._input_position(block.rate_hz), block.time_s)
        self._state.fed += len(samples)
        self._append(resampler.process(samples))

    def silence(self, until_s: float) -> None:
        """Append silence up to a time, because the device is away."""
        self._end_run()
        written = self._state.written
        if not self._clock.started:
            self._clock.restart(written, until_s)
        missing = min(round(self._clock.position(until_s)) - written, round(_LARGEST_GAP_S * MICROPHONE_HZ))
        self._append(np.zeros(max(0, missing), np.float32))

    def next_s(self) -> float:
        """Time at which the next sample to be taken was captured, seconds."""
        return self._clock.time_s(self._state.sent)

    def take(self, count: int) -> tuple[int, int, FloatArray] | None:
        """Take the next ``count`` samples from the stream.

        Returns:
            Position of the first, the time it was captured (ns), and the samples; None if there are not enough yet.
        """
        state = self._state
        if len(state.waiting) < count:
            return None
        start = state.sent
        chunk, state.waiting = state.waiting[:count], state.waiting[count:]
        state.sent += count
        return start, round(self._clock.time_s(start) * 1e9), chunk

    def export_state(self) -> dict[str, Any]:
        """Position, clock and the samples that wait."""
        state = self._state
        return {
            "sent": state.sent,
            "waiting": state.waiting.copy(),
            "gaps": state.gaps,
            "clock": self._clock.export_state(),
        }

    def import_state(self, state: dict[str, Any]) -> None:
        """Take over exported values; the stream goes on where it was, with silence for the time between."""
        waiting = np.asarray(state["waiting"], np.float32)
        sent = int(state["sent"])
        self._state = _State(written=sent + len(waiting), sent=sent, waiting=waiting, gaps=int(state["gaps"]))
        self._clock.import_state(state["clock"])
        self._resampler = None

    def _resampler_for(self, block: Captured) -> Resampler:
        """The running resampler, or a new one after silence, a change of rate, or a gap."""
        if self._resampler is None or self._resampler.from_hz != block.rate_hz:
            self._end_run()
            self._join(block)
        elif self._moved(block):
            self._end_run()
            lost_s = self._join(block)
            if lost_s > _GAP_S:
                self._state.gaps += 1
                _log.warning("%.0f ms of the microphone were lost; silence instead", lost_s * 1e3)
        if self._resampler is None:
            self._resampler = Resampler(block.rate_hz, MICROPHONE_HZ)
        return self._resampler

    def _end_run(self) -> None:
        if self._resampler is not None:
            self._append(self._resampler.finish())
            self._resampler = None

    def _join(self, block: Captured) -> float:
        """Begin a run of blocks: fill up to its first sample, and start the clock anew there.

        Returns:
            Seconds of silence that were filled in.
        """
        state = self._state
        away_s = block.time_s - self._clock.time_s(state.written) if self._clock.started else 0.0
        missing_s = min(max(0.0, away_s - state.ahead_s), _LARGEST_GAP_S)
        state.ahead_s = max(0.0, state.ahead_s - away_s)
        self._append(np.zeros(round(missing_s * MICROPHONE_HZ), np.float32))
        state.first, state.fed, state.late_s = state.written, 0, 0.0
        self._clock.restart(state.written, block.time_s)
        return missing_s

    def _moved(self, block: Captured) -> bool:
        """Whether sound is missing before a block, or the driver's times have moved for good."""
        state = self._state
        late_s = block.time_s - self._clock.time_s(self._input_position(block.rate_hz))
        state.late_s = state.late_s + len(block.samples) / block.rate_hz if abs(late_s) > _GAP_S else 0.0
        return state.late_s > 0.0 and (block.lossy or state.late_s >= _GAP_LASTS_S)

    def _input_position(self, rate_hz: int) -> float:
        return self._state.first + self._state.fed * MICROPHONE_HZ / rate_hz

    def _append(self, samples: FloatArray) -> None:
        if len(samples):
            self._state.waiting = np.concatenate([self._state.waiting, samples])
            self._state.written += len(samples)

    def _finite(self, samples: FloatArray) -> FloatArray:
        if np.isfinite(samples).all():
            return samples
        if not self._cleaned:
            self._cleaned = True
            _log.warning("the microphone gives values that are not finite; they become silence")
        return np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0)
