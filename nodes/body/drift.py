"""Small motion that never stops: postural sway and drifting limbs, as sums of sines with random phases.

A function of time alone, so that any frame can be computed again, in any order, and without a seam.
"""

from types import MappingProxyType

import numpy as np

from mio.rotation import Array

# Standard deviation of each channel. Sway of the pelvis in metres: the body's centre of mass in quiet stance moves with
# a standard deviation of some 4 mm forward and 2.5 mm sideways (Winter 1995; Prieto et al. 1996 for the pressure under
# the feet). Tilts in degrees: that sway seen from the ankles is 0.25 degrees; trunk and limbs move a little more than
# they must, as people do who are not told to stand still.
_SPREAD = MappingProxyType(
    {
        "sway_side": 0.0030,
        "sway_ahead": 0.0042,
        "pelvis_pitch": np.radians(0.25),
        "pelvis_yaw": np.radians(0.5),
        "pelvis_roll": np.radians(0.2),
        "trunk_pitch": np.radians(0.45),
        "trunk_yaw": np.radians(0.8),
        "trunk_roll": np.radians(0.4),
        "left_lift": np.radians(0.5),
        "right_lift": np.radians(0.5),
        "left_forward": np.radians(0.5),
        "right_forward": np.radians(0.5),
        "left_shoulder_x": np.radians(0.6),
        "left_shoulder_y": np.radians(0.6),
        "left_shoulder_z": np.radians(0.5),
        "right_shoulder_x": np.radians(0.6),
        "right_shoulder_y": np.radians(0.6),
        "right_shoulder_z": np.radians(0.5),
        "left_elbow": np.radians(1.2),
        "right_elbow": np.radians(1.2),
        "left_pronation": np.radians(1.6),
        "right_pronation": np.radians(1.6),
        "left_wrist": np.radians(1.6),
        "right_wrist": np.radians(1.6),
        "left_fingers": 0.025,
        "right_fingers": 0.025,
    }
)

CHANNELS: dict[str, int] = {name: index for index, name in enumerate(_SPREAD)}

# Power is flat up to 0.15 Hz and falls from there as f to -3: the centre of mass follows the pressure under the feet,
# which has half of its power below some 0.3 Hz and 95 percent below 1 Hz (Prieto et al. 1996), like a low-pass filter.
_SINES = 14
_RANGE_HZ = (0.02, 1.3)
_CORNER_HZ = 0.15
_SLOPE = 3.0


class Drift:
    """Small motion of all channels.

    Attributes:
        phases: ``[C, 14]`` rad.
        rates: ``[C, 14]`` rad/s.
    """

    def __init__(self, phases: Array, rates: Array) -> None:
        self.phases = phases
        self.rates = rates
        power = rates / (1.0 + (rates / (2.0 * np.pi * _CORNER_HZ)) ** _SLOPE)
        share = np.sqrt(2.0 * power / power.sum(1, keepdims=True))
        self._sizes = share * np.array(list(_SPREAD.values()))[:, None]

    @classmethod
    def draw(cls, rng: np.random.Generator) -> "Drift":
        """A drift with frequencies and phases of its own."""
        shape = (len(_SPREAD), _SINES)
        low_hz, high_hz = _RANGE_HZ
        steps = np.linspace(np.log(low_hz), np.log(high_hz), _SINES)
        jitter = rng.uniform(-0.4, 0.4, shape) * (steps[1] - steps[0])
        return cls(rng.uniform(0.0, 2.0 * np.pi, shape), 2.0 * np.pi * np.exp(steps + jitter))

    def sample(self, times_s: Array) -> Array:
        """``[T, C]`` values at ``[T]`` times."""
        waves = np.sin(times_s[:, None, None] * self.rates + self.phases)
        return (waves * self._sizes).sum(-1)
