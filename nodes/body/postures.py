"""Resting postures of arms and hands: what gestures start from and return to."""

from types import MappingProxyType
from typing import Literal, NamedTuple

from mio.rotation import Array
from nodes.body.arms import ArmGoal, solve
from nodes.body.hands import SHAPES

Posture = Literal["hanging", "clasped_left", "clasped_right", "ready", "joined"]


class Rest(NamedTuple):
    """Targets of the four arm and hand tracks."""

    left_arm: Array
    right_arm: Array
    left_hand: Array
    right_hand: Array

    def of(self, track: str) -> Array:
        """Target of one track by name."""
        return getattr(self, track)


HANGING = ArmGoal((0.285, -0.380, 0.045), 12.0, palm=(-1.0, 0.0, -0.3), flexion_deg=8.0, hang=1.0)
_HANGING_TOO = ArmGoal((0.290, -0.385, 0.035), 10.0, palm=(-1.0, 0.0, -0.2), flexion_deg=5.0, hang=1.0)
_OUTER = ArmGoal((0.102, -0.232, 0.216), 22.0, palm=(-0.1, 0.15, -1.0), flexion_deg=6.0)
_INNER = ArmGoal((0.098, -0.252, 0.168), 22.0, palm=(-0.1, 0.3, -1.0), flexion_deg=6.0)
_READY = ArmGoal((0.160, -0.165, 0.215), 14.0, palm=(-0.9, -0.45, -0.2), flexion_deg=6.0)
_READY_TOO = ArmGoal((0.168, -0.180, 0.200), 12.0, palm=(-0.9, -0.3, -0.2), flexion_deg=8.0)


def _rest(left: ArmGoal, right: ArmGoal, shape: str) -> Rest:
    return Rest(solve(left), solve(right), SHAPES[shape], SHAPES[shape])


RESTS: MappingProxyType[Posture, Rest] = MappingProxyType(
    {
        "hanging": _rest(_HANGING_TOO, HANGING, "resting"),
        "clasped_left": _rest(_OUTER, _INNER, "resting"),
        "clasped_right": _rest(_INNER, _OUTER, "resting"),
        "ready": _rest(_READY_TOO, _READY, "relaxed"),
        "joined": _rest(_INNER.moved(up=0.045, forward=0.015), _OUTER.moved(up=0.045, forward=0.015), "relaxed"),
    }
)
"""``hanging`` at the sides; ``clasped_*`` loosely in front of the belly, the named hand outside. Between the gestures
of a speaker, at the lower edge of the centre of the gesture space (McNeill 1992): ``joined``, one hand on the other, or
``ready``, forearms level and apart."""
