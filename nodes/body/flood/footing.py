"""Feet that stand stay where they are: two-bone inverse kinematics on what the network gave.

A foot that the network says is on the floor is held where it came down: its ankle and its rotation, more and more in
its first tenths of a second, exactly from then on. When it leaves, what was added fades. If a held foot is out of
reach, the pelvis comes down.
"""

from dataclasses import dataclass, field

import numpy as np

from mio.rotation import Array, about, from_matrix, matrix, quaternion, rotvec
from nodes.body.flood.leg import LEGS, REACH_M, Leg, legs
from nodes.body.skeleton import ANKLE_HEIGHT_M

_DOWN, _UP = 0.5, 0.3  # shares of the two contacts of a foot above which it comes to stand, below which it leaves
_TAKEN_UP, _MORE = 0.35, 0.08  # share of the way to the held place in the first frame, and more in each later one
_LET_GO = 0.75  # share of what was added that stays per frame
_LONGEST_PULL_M = 0.12  # a foot that is further off than this is let go
_FLOOR_M = 0.03  # an ankle this near to its height when standing is put on the floor
_LEVEL_COSINE = np.cos(np.radians(20.0))  # a foot that is level within this stands flat
_TO_FLOOR = 0.35  # share of the way to the floor per frame
_SOFTNESS_M = 0.003
_LONG = 100  # frames


@dataclass
class Stand:
    """A foot that is held.

    Attributes:
        place: ``[3]`` of its ankle, metres.
        height_m: Where its ankle goes: to its height when standing, if it is near.
        turn: ``[3, 3]`` global rotation of the foot.
        frames: For how long.
    """

    place: Array
    height_m: float
    turn: Array
    frames: int = 0

    @classmethod
    def at(cls, place: Array, turn: Array) -> "Stand":
        """A foot that comes down, flat if it nearly is."""
        near = abs(place[1] - ANKLE_HEIGHT_M) < _FLOOR_M
        return cls(place.copy(), ANKLE_HEIGHT_M if near else float(place[1]), _flat(turn))


@dataclass
class Footing:
    """What the feet do.

    Attributes:
        stands: The feet that are held; None for one in the air.
        added: ``[2, 3]`` metres by which ankles are moved now.
        turned: ``[2, 3]`` axis-angle by which feet are turned now.
    """

    stands: list[Stand | None] = field(default_factory=lambda: [None, None])
    added: Array = field(default_factory=lambda: np.zeros((2, 3)))
    turned: Array = field(default_factory=lambda: np.zeros((2, 3)))

    def apply(self, root: Array, local: Array, contacts: Array) -> tuple[Array, Array]:
        """Hold the feet of one frame.

        Args:
            root: ``[3]`` pelvis, metres.
            local: ``[22, 3, 3]`` local rotations.
            contacts: ``[4]`` of left ankle, left toes, right ankle, right toes, 0 to 1.

        Returns:
            The pelvis, perhaps lower, and local rotations with other legs.
        """
        goals = [
            self._follow(number, leg, float(contacts[2 * number : 2 * number + 2].mean()))
            for number, leg in enumerate(legs(root, local))
        ]
        root, local = self._lowered(root, local, goals), local.copy()
        for number, (leg, (place, turn)) in enumerate(zip(legs(root, local), goals, strict=True)):
            if np.abs(place - leg.ankle).max() > 1e-6 or np.abs(turn - leg.foot).max() > 1e-6:
                local[list(LEGS[number])] = leg.reaching(place, turn)
        return root, local

    def hold(self, root: Array, local: Array) -> None:
        """The body goes on from a frame: feet that are on the floor are held there exactly."""
        self.stands, self.added, self.turned = [None, None], np.zeros((2, 3)), np.zeros((2, 3))
        for number, leg in enumerate(legs(root, local)):
            if abs(leg.ankle[1] - ANKLE_HEIGHT_M) < _FLOOR_M:
                self.stands[number] = Stand(leg.ankle, ANKLE_HEIGHT_M, leg.foot, _LONG)

    def _follow(self, number: int, leg: Leg, contact: float) -> tuple[Array, Array]:
        """Where the ankle is to be, and the foot's rotation."""
        stand = self.stands[number]
        down = contact > (_DOWN if stand is None else _UP)
        turn = matrix(quaternion(self.turned[number])) @ leg.foot
        if down and stand is None:
            stand = Stand.at(leg.ankle + self.added[number], turn)
        if not down or stand is None or np.linalg.norm(stand.place - leg.ankle) > _LONGEST_PULL_M:
            self.stands[number] = None
            self.added[number] *= _LET_GO
            self.turned[number] *= _LET_GO
        else:
            self.stands[number] = stand
            share = min(1.0, _TAKEN_UP + _MORE * stand.frames)
            stand.frames += 1
            stand.place[1] += _TO_FLOOR * (stand.height_m - stand.place[1])
            self.added[number] += share * (stand.place - leg.ankle - self.added[number])
            missing = rotvec(from_matrix(stand.turn @ turn.T))
            turn = matrix(quaternion(share * missing)) @ turn
            self.turned[number] = rotvec(from_matrix(turn @ leg.foot.T))
        return leg.ankle + self.added[number], matrix(quaternion(self.turned[number])) @ leg.foot

    def _lowered(self, root: Array, local: Array, goals: list[tuple[Array, Array]]) -> Array:
        """The pelvis such that feet that stand are within reach."""
        highest: list[float] = []
        for leg, stand, (place, _) in zip(legs(root, local), self.stands, goals, strict=True):
            if stand is not None:
                aside = float(np.hypot(*(place - leg.hip)[[0, 2]]))
                highest.append(place[1] + float(np.sqrt(max(REACH_M**2 - aside**2, 0.01))) - leg.hip[1] + root[1])
        height = -_SOFTNESS_M * np.logaddexp.reduce([-root[1] / _SOFTNESS_M, *(-top / _SOFTNESS_M for top in highest)])
        lower = height if highest else root[1]
        return np.array([root[0], lower, root[2]])


def standing(contacts: Array) -> tuple[bool, bool]:
    """Whether the left and the right foot stand, by ``[4]`` contacts as :meth:`Footing.apply` takes them."""
    left, right = contacts[:2].mean(), contacts[2:].mean()
    return bool(left > _DOWN), bool(right > _DOWN)


def _flat(turn: Array) -> Array:
    """``[3, 3]`` rotation of a foot, level if it nearly is."""
    if turn[1, 1] < _LEVEL_COSINE:
        return turn
    yaw = np.arctan2(turn[0, 2], turn[2, 2])
    return matrix(about(1, np.asarray(yaw)))
