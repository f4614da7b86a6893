"""A gain that moves smoothly from one value to another, as a function of stage position."""

from dataclasses import dataclass

import numpy as np

from mio.contracts.messages import FloatArray


@dataclass
class Fader:
    """A half cosine from ``before`` to ``after``, ``length`` samples long, beginning at stage position ``start``."""

    before: float = 1.0
    after: float = 1.0
    start: int = 0
    length: int = 1

    def at(self, position: int) -> float:
        """Gain at a stage position."""
        return float(self.between(position, position + 1)[0])

    def between(self, first: int, last: int) -> FloatArray:
        """``[last - first]`` gains of the stage positions from ``first``."""
        if self.before == self.after:
            return np.full(last - first, self.after, np.float32)
        way = np.clip((np.arange(first, last) - self.start) / self.length, 0.0, 1.0)
        gains = self.before + (self.after - self.before) * 0.5 * (1.0 - np.cos(np.pi * way))
        return gains.astype(np.float32)

    def fade(self, gain: float, start: int, length: int) -> None:
        """Move to another gain from a stage position on, beginning with the one it has there."""
        self.before, self.after, self.start, self.length = self.at(start), gain, start, max(1, length)

    @property
    def end(self) -> int:
        """Stage position at which the move is over."""
        return self.start + self.length
