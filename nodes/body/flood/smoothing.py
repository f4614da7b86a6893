"""Takes the trembling out of generated motion: slow motion is smoothed much, fast motion hardly.

Source: Casiez, Roussel and Vogel, "1 Euro Filter" (CHI 2012), on quaternions and on the root's height.
"""

from dataclasses import dataclass

import numpy as np

from mio.contracts.rates import BODY_FPS
from mio.rotation import Array, unit

_LEAST_HZ = 0.9  # cut-off at rest
_PER_SPEED = 1.2  # by which the cut-off rises, Hz per rad/s
_HEIGHT_PER_SPEED = 12.0  # Hz per m/s
_SPEED_HZ = np.array(2.0)  # cut-off of the speed itself


@dataclass
class Smoothing:
    """State of the filter.

    Attributes:
        turns: ``[22, 4]`` last local rotations; None at the beginning.
        speeds: ``[22, 1]`` rad/s.
        height: Last height of the root, metres.
        height_speed: m/s.
    """

    turns: Array | None = None
    speeds: Array | None = None
    height: float = 0.0
    height_speed: float = 0.0

    def smooth(self, turns: Array, height: float) -> tuple[Array, float]:
        """The next frame's ``[22, 4]`` local rotations and height of the root, smoothed."""
        if self.turns is None or self.speeds is None:
            self.turns, self.speeds, self.height = turns, np.zeros((len(turns), 1)), height
            return turns, height
        same = np.where((self.turns * turns).sum(-1, keepdims=True) < 0, -1.0, 1.0) * turns
        speeds = 2.0 * np.linalg.norm(same - self.turns, axis=-1, keepdims=True) * BODY_FPS
        steady = self.speeds + _share(_SPEED_HZ) * (speeds - self.speeds)
        self.turns = unit(self.turns + _share(_LEAST_HZ + _PER_SPEED * steady) * (same - self.turns))
        self.speeds = steady
        self.height_speed += float(_share(_SPEED_HZ)) * (abs(height - self.height) * BODY_FPS - self.height_speed)
        cut_hz = np.array(_LEAST_HZ + _HEIGHT_PER_SPEED * self.height_speed)
        self.height += float(_share(cut_hz)) * (height - self.height)
        return self.turns, self.height


def _share(cut_hz: Array) -> Array:
    """How much of a new value is taken."""
    return 1.0 / (1.0 + BODY_FPS / (2.0 * np.pi * cut_hz))
