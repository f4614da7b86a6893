"""The last stretch of the microphone's sound, addressed by sample position."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from mio.contracts.rates import MICROPHONE_HZ

FloatArray = npt.NDArray[np.float32]

CAPACITY_SAMPLES = 64 * MICROPHONE_HZ
_LOOK_BACK_SAMPLES = 16 * MICROPHONE_HZ  # twice what the end of a turn is judged from


@dataclass
class Recording:
    """A bounded buffer: the newest half of its capacity is always there, older sound is forgotten.

    Attributes:
        buffer: ``[CAPACITY_SAMPLES]`` memory.
        first_sample: Position of ``buffer[0]`` in microphone time.
        length: Samples in use.
        anchor_sample: A position whose capture time is known.
        anchor_ns: ``CLOCK_MONOTONIC`` of its capture; 0 if unknown.
    """

    buffer: FloatArray = field(default_factory=lambda: np.zeros(CAPACITY_SAMPLES, np.float32))
    first_sample: int = 0
    length: int = 0
    anchor_sample: int = 0
    anchor_ns: int = 0

    @property
    def end_sample(self) -> int:
        """One past the newest sample."""
        return self.first_sample + self.length

    def restart(self, at_sample: int) -> None:
        """Forget all; the next sound starts at this position."""
        self.first_sample, self.length = at_sample, 0

    def append(self, sound: FloatArray, origin_ns: int) -> None:
        """Add sound that follows the newest sample.

        Args:
            sound: ``[n]``, at most half the capacity.
            origin_ns: Capture time of its first sample; 0 if unknown.
        """
        if self.length + len(sound) > CAPACITY_SAMPLES:
            kept = self.buffer[self.length - CAPACITY_SAMPLES // 2 : self.length].copy()
            self.first_sample += self.length - len(kept)
            self.length = len(kept)
            self.buffer[: self.length] = kept
        if origin_ns:
            self.anchor_sample, self.anchor_ns = self.end_sample, origin_ns
        self.buffer[self.length : self.length + len(sound)] = sound
        self.length += len(sound)

    def trimmed(self, needed_sample: int) -> "Recording":
        """A copy without what nobody will ask for, in as much memory as that takes.

        Args:
            needed_sample: Position from which on sound is still needed; the last 16 s are kept in any case.
        """
        first = min(max(self.first_sample, min(needed_sample, self.end_sample - _LOOK_BACK_SAMPLES)), self.end_sample)
        kept = self.between(first, self.end_sample)
        return Recording(kept, first, len(kept), self.anchor_sample, self.anchor_ns)

    def regain(self) -> None:
        """Have full capacity again after :meth:`trimmed`."""
        buffer = np.zeros(CAPACITY_SAMPLES, np.float32)
        buffer[: self.length] = self.buffer[: self.length]
        self.buffer = buffer

    def between(self, start_sample: int, end_sample: int) -> FloatArray:
        """A copy of a stretch, as far as it is still there."""
        start = min(max(0, start_sample - self.first_sample), self.length)
        end = min(max(start, end_sample - self.first_sample), self.length)
        return self.buffer[start:end].copy()

    def mono_ns(self, sample: int) -> int:
        """``CLOCK_MONOTONIC`` at which a sample was captured; 0 if unknown."""
        if self.anchor_ns == 0:
            return 0
        return self.anchor_ns + round((sample - self.anchor_sample) / MICROPHONE_HZ * 1e9)
