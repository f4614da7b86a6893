"""Feet that stand stay where they are: two-bone inverse kinematics on what the network gave.

A foot that the network says is on the floor is held where it came down; when it leaves, what was added fades.
"""

from dataclasses import dataclass, field

import numpy as np

from mio.contracts.skeleton import JOINT_INDEX
from mio.rotation import Array, arc, cross, matrix, quaternion, unit
from nodes.body.skeleton import ANKLE_HEIGHT_M, REST, SHANK_M, THIGH_M

_LEGS = tuple(
    tuple(JOINT_INDEX[f"{side}_{name}"] for name in ("hip", "knee", "ankle", "foot")) for side in ("left", "right")
)
_DOWN = 0.5  # share of the two contacts of a foot above which it stands
_TAKEN_UP = 0.35  # share of the way to the held place per frame
_LET_GO = 0.75  # share of what was added that stays per frame
_LONGEST_PULL_M = 0.12  # a foot that is further off than this is let go
_FLOOR_M = 0.03  # an ankle this near to its height when standing is put on the floor
_REACH = 0.999


@dataclass
class Footing:
    """What the feet do.

    Attributes:
        held: Place of each ankle that is held, metres; None while it is in the air.
        added: ``[2, 3]`` metres by which ankles are moved now.
    """

    held: list[Array | None] = field(default_factory=lambda: [None, None])
    added: Array = field(default_factory=lambda: np.zeros((2, 3)))

    def apply(self, root: Array, local: Array, contacts: Array) -> Array:
        """Hold the feet of one frame.

        Args:
            root: ``[3]`` pelvis, metres.
            local: ``[22, 3, 3]`` local rotations.
            contacts: ``[4]`` of left ankle, left toes, right ankle, right toes, 0 to 1.

        Returns:
            ``[22, 3, 3]`` local rotations with other legs.
        """
        local, down = local.copy(), standing(contacts)
        for number, (hip, knee, ankle, _) in enumerate(_LEGS):
            pose = _Leg.of(root, local, (hip, knee, ankle))
            self._follow(number, pose.ankle, down[number])
            if np.abs(self.added[number]).max() > 1e-5:
                local[[hip, knee, ankle]] = pose.reaching(pose.ankle + self.added[number])
        return local

    def forget(self) -> None:
        """The body is somewhere else: nothing is held."""
        self.held, self.added = [None, None], np.zeros((2, 3))

    def _follow(self, number: int, ankle: Array, down: bool) -> None:
        held = self.held[number]
        if down and held is None:
            held = ankle + self.added[number]
            if abs(held[1] - ANKLE_HEIGHT_M) < _FLOOR_M:
                held[1] = ANKLE_HEIGHT_M
        if not down or held is None or np.linalg.norm(held - ankle) > _LONGEST_PULL_M:
            self.held[number] = None
            self.added[number] *= _LET_GO
            return
        self.held[number] = held
        self.added[number] += _TAKEN_UP * (held - ankle - self.added[number])


def standing(contacts: Array) -> tuple[bool, bool]:
    """Whether the left and the right foot stand, by ``[4]`` contacts as :meth:`Footing.apply` takes them."""
    left, right = contacts[:2].mean(), contacts[2:].mean()
    return bool(left > _DOWN), bool(right > _DOWN)


def ankles(root: Array, local: Array) -> Array:
    """``[2, 3]`` ankles of a frame: ``[3]`` pelvis in metres, ``[22, 3, 3]`` local rotations."""
    return np.stack([_Leg.of(root, local, (hip, knee, ankle)).ankle for hip, knee, ankle, _ in _LEGS])


@dataclass
class _Leg:
    """One leg of one frame: rotations are global but the pelvis', which is the parent's."""

    pelvis: Array
    turns: Array
    hip: Array
    knee: Array
    ankle: Array

    @classmethod
    def of(cls, root: Array, local: Array, joints: tuple[int, int, int]) -> "_Leg":
        hip, knee, ankle = joints
        thigh = local[0] @ local[hip]
        shank = thigh @ local[knee]
        hip_at = root + local[0] @ REST[hip]
        knee_at = hip_at + thigh @ REST[knee]
        turns = np.stack((thigh, shank, shank @ local[ankle]))
        return cls(local[0], turns, hip_at, knee_at, knee_at + shank @ REST[ankle])

    def reaching(self, target: Array) -> Array:
        """``[3, 3, 3]`` local rotations of hip, knee and ankle that bring the ankle there; the foot stays level."""
        thigh, shank = self.knee - self.hip, self.ankle - self.knee
        length = min(float(np.linalg.norm(target - self.hip)), _REACH * (THIGH_M + SHANK_M))
        cosine = (length**2 - THIGH_M**2 - SHANK_M**2) / (2 * THIGH_M * SHANK_M)
        bend = np.arccos(np.clip(cosine, -1.0, 1.0))
        axis = cross(thigh, shank)
        size = np.linalg.norm(axis)
        axis = axis / size if size > 1e-4 else self.turns[0][:, 0]
        bent = np.arctan2(size, thigh @ shank)
        more = matrix(quaternion(axis * (bend - bent)))
        swing = arc(unit(thigh + more @ shank), unit(target - self.hip))
        hip, knee, ankle = swing @ self.turns[0], swing @ more @ self.turns[1], self.turns[2]
        return np.stack((self.pelvis.T @ hip, hip.T @ knee, knee.T @ ankle))
