"""Samples that wait to be played, each at its position on the stage clock.

One thread puts, another takes, without locks: the putting side may rewrite what has not been taken, and where nothing
was put the taking side gets silence and goes on. A position is published only after its samples are in place.
"""

import numpy as np

from mio.contracts.messages import FloatArray

_CAPACITY = 1 << 16  # 2.7 s at 24 kHz


class PlayQueue:
    """A ring of samples addressed by position.

    Attributes:
        position: The next sample to be taken.
    """

    def __init__(self) -> None:
        self.position = 0
        self._end = 0
        self._ring = np.zeros(_CAPACITY, np.float32)

    def put(self, position: int, samples: FloatArray) -> None:
        """Set the samples from a position on; those that have been taken already are ignored."""
        start = max(position, self.position)
        samples = samples[start - position :][: self.position + _CAPACITY - start]
        if not len(samples):
            return
        if start > self._end:
            gap = np.zeros(min(start - max(self._end, self.position), _CAPACITY), np.float32)
            self._write(start - len(gap), gap)
        self._write(start, samples)
        self._end = max(self._end, start + len(samples))

    def take(self, count: int) -> FloatArray:
        """The next ``[count]`` samples; silence where nothing was put."""
        start = self.position
        taken = np.zeros(count, np.float32)
        there = max(0, min(self._end - start, count, _CAPACITY))
        first = start % _CAPACITY
        head = min(there, _CAPACITY - first)
        taken[:head] = self._ring[first : first + head]
        taken[head:there] = self._ring[: there - head]
        self.position = start + count
        return taken

    def move(self, position: int) -> None:
        """Go on taking at another position; called by the taking side."""
        self.position = position

    def clear(self) -> None:
        """Forget what was put; called while nothing is taken."""
        self._end = self.position

    def _write(self, position: int, samples: FloatArray) -> None:
        first = position % _CAPACITY
        head = min(len(samples), _CAPACITY - first)
        self._ring[first : first + head] = samples[:head]
        self._ring[: len(samples) - head] = samples[head:]
