"""One leg of one frame: where its ankle is, and the rotations that bring it somewhere else."""

from dataclasses import dataclass

import numpy as np

from mio.contracts.skeleton import JOINT_INDEX
from mio.rotation import Array, arc, cross, matrix, quaternion, unit
from nodes.body.skeleton import REST, SHANK_M, THIGH_M

REACH_M = 0.9995 * (THIGH_M + SHANK_M)
"""How far an ankle is from its hip at most; a knee is never quite straight."""

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
        cosine = (length**2 - THIGH_M**2 - SHANK_M**2) / (2 * THIGH_M * SHANK_M)
        bend = np.arccos(np.clip(cosine, -1.0, 1.0))
        axis = cross(thigh, shank)
        size = np.linalg.norm(axis)
        axis = axis / size if size > 1e-4 else self.turns[0][:, 0]
        bent = np.arctan2(size, thigh @ shank)
        more = matrix(quaternion(axis * (bend - bent)))
        swing = arc(unit(thigh + more @ shank), unit(target - self.hip))
        upper, lower = swing @ self.turns[0], swing @ more @ self.turns[1]
        return np.stack((self.pelvis.T @ upper, upper.T @ lower, lower.T @ foot))


def legs(root: Array, local: Array) -> tuple[Leg, Leg]:
    """The left and the right leg of a frame: ``[3]`` pelvis in metres, ``[22, 3, 3]`` local rotations."""
    return Leg.of(root, local, LEGS[0]), Leg.of(root, local, LEGS[1])
