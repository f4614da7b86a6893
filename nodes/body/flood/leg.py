"""One leg of one frame: where its ankle is, and the rotations that bring it somewhere else."""

from dataclasses import dataclass

import numpy as np

from mio.contracts.skeleton import JOINT_INDEX
from mio.rotation import Array, arc, cross, unit
from nodes.body.skeleton import REST, SHANK_M, THIGH_M

REACH_M = 0.9995 * (THIGH_M + SHANK_M)
"""How far an ankle is from its hip at most; a knee is never quite straight."""

_AHEAD_M = 0.015  # of a knee, before the line between hip and ankle; straighter ones bend as the hinge says

LEGS = tuple(tuple(JOINT_INDEX[f"{side}_{name}"] for name in ("hip", "knee", "ankle")) for side in ("left", "right"))
"""Hip, knee and ankle of the left leg, then of the right one."""


@dataclass
class Leg:
    """A leg.

    Attributes:
        pelvis: ``[3, 3]`` global rotation of the pelvis.
        turns: ``[3, 3, 3]`` global rotations of thigh, shank and foot.
        hip: ``[3]`` metres.
        knee: ``[3]`` metres.
        ankle: ``[3]`` metres.
    """

    pelvis: Array
    turns: Array
    hip: Array
    knee: Array
    ankle: Array

    @classmethod
    def of(cls, root: Array, local: Array, joints: tuple[int, ...]) -> "Leg":
        """The leg of one of ``LEGS``, of a frame's ``[3]`` pelvis in metres and ``[22, 3, 3]`` local rotations."""
        hip, knee, ankle = joints
        thigh = local[0] @ local[hip]
        shank = thigh @ local[knee]
        hip_at = root + local[0] @ REST[hip]
        knee_at = hip_at + thigh @ REST[knee]
        turns = np.stack((thigh, shank, shank @ local[ankle]))
        return cls(local[0], turns, hip_at, knee_at, knee_at + shank @ REST[ankle])

    @property
    def foot(self) -> Array:
        """``[3, 3]`` global rotation of the foot."""
        return self.turns[2]

    def reaching(self, target: Array, foot: Array) -> Array:
        """Rotations that bring the ankle somewhere.

        Args:
            target: ``[3]`` metres; if it is too far away, the ankle comes as near as it can.
            foot: ``[3, 3]`` global rotation of the foot then.

        Returns:
            ``[3, 3, 3]`` local rotations of hip, knee and ankle.
        """
        thigh, shank = self.knee - self.hip, self.ankle - self.knee
        length = min(float(np.linalg.norm(target - self.hip)), REACH_M)
        along = (THIGH_M**2 + length**2 - SHANK_M**2) / (2.0 * length)
        down, downward = unit(self.ankle - self.hip), unit(target - self.hip)
        bent = arc(down, downward) @ self._bent(down)
        knee = along * downward + np.sqrt(max(THIGH_M**2 - along**2, 0.0)) * bent
        upper = arc(thigh, knee) @ self.turns[0]
        lower = arc(shank, length * downward - knee) @ self.turns[1]
        return np.stack((self.pelvis.T @ upper, upper.T @ lower, lower.T @ foot))

    def _bent(self, down: Array) -> Array:
        """``[3]`` unit vector from the line between hip and ankle to the knee; never backwards."""
        thigh = self.knee - self.hip
        ahead = unit(cross(self.turns[0][:, 0], -down))
        aside = thigh - (thigh @ down) * down
        return unit(aside + max(0.0, _AHEAD_M - float(aside @ ahead)) * ahead)


def legs(root: Array, local: Array) -> tuple[Leg, Leg]:
    """The left and the right leg of a frame: ``[3]`` pelvis in metres, ``[22, 3, 3]`` local rotations."""
    return Leg.of(root, local, LEGS[0]), Leg.of(root, local, LEGS[1])
