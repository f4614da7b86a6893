"""Arms: from where a hand shall be to the channels of an arm, and from those to joint rotations.

Channels are anatomical (clavicle lift and protraction, upper arm, elbow flexion, forearm pronation, wrist), so that
what lies between two postures is a posture too. Everything is written for the left arm; the right one
mirrors it.
"""

from typing import NamedTuple

import numpy as np

from mio.contracts.skeleton import JOINT_INDEX
from mio.rotation import (
    Array,
    about,
    cross,
    from_matrix,
    inverse,
    matrix,
    product,
    quaternion,
    rotate,
    rotvec,
    unit,
)
from nodes.body.skeleton import FOREARM_M, REST, UPPER_ARM_M

ARM_CHANNELS = 10  # collar lift, collar forward, upper arm x 3, elbow, pronation, wrist flexion, wrist radial, hang

_COLLAR = REST[JOINT_INDEX["left_collar"]]
_SHOULDER = REST[JOINT_INDEX["left_shoulder"]]
_REACH_M = 0.995 * (UPPER_ARM_M + FOREARM_M)

_MIRROR = np.array([[1.0, 1.0, 1.0], [1.0, -1.0, -1.0]])[:, None]  # of axis-angle, left and right
_PLUMB = np.array([[-1.0, 0.0, -1.0], [-1.0, 0.0, 1.0]])  # against pitch and roll, in each arm's own sense

# Active ranges of motion in degrees from neutral: American Academy of Orthopaedic Surgeons (1965), rounded down.
_PRONATION_RANGE = np.radians((-80.0, 75.0))
_WRIST_FLEXION_RANGE = np.radians((-65.0, 70.0))
_WRIST_RADIAL_RANGE = np.radians((-30.0, 20.0))

# Where the clavicle is when the arm hangs, seen from T-pose: medians over standing people in the Bandai-Namco
# captures, retargeted, are 7 degrees down and 15 back; the smaller figures keep the shoulders of a mesh round.
_LIFT_AT_REST = np.radians(-6.0)
_FORWARD_AT_REST = np.radians(-5.0)

# Above 30 degrees of elevation the clavicle rises with the arm (scapulohumeral rhythm, Inman et al. 1944).
_RHYTHM_FROM = np.radians(30.0)
_RHYTHM_SHARE = 0.16


class ArmGoal(NamedTuple):
    """A posture of the left arm, told by its hand.

    Attributes:
        reach: Wrist from spine3 in the chest's axes, metres: outward, up, forward.
        elbow_deg: Swivel of the elbow about the line from shoulder to wrist; 0 hangs down, positive goes outward.
        palm: Where the palm faces in the chest's axes (outward, up, forward), as far as the forearm can turn.
        flexion_deg: Wrist towards the palm (negative: extension).
        radial_deg: Wrist towards the thumb (negative: towards the little finger).
        lift_deg: Clavicle upward, on top of what the arm's elevation brings.
        forward_deg: Clavicle forward.
        hang: How far the arm hangs by its weight and so stays vertical when the chest tilts, 0..1.
    """

    reach: tuple[float, float, float]
    elbow_deg: float = 15.0
    palm: tuple[float, float, float] = (-1.0, 0.0, 0.0)
    flexion_deg: float = 0.0
    radial_deg: float = 0.0
    lift_deg: float = 0.0
    forward_deg: float = 0.0
    hang: float = 0.0

    def moved(self, out: float = 0.0, up: float = 0.0, forward: float = 0.0) -> "ArmGoal":
        """The same with the hand elsewhere, metres."""
        reach = (self.reach[0] + out, self.reach[1] + up, self.reach[2] + forward)
        return self._replace(reach=reach)


def solve(goal: ArmGoal) -> Array:
    """``[10]`` channels of a posture. A hand out of reach goes as far as the arm does."""
    lift = least = _LIFT_AT_REST + np.radians(goal.lift_deg)
    ahead = _FORWARD_AT_REST + np.radians(goal.forward_deg)
    for _ in range(2):  # the shoulder's place depends on the clavicle, whose lift depends on the arm
        upper, _ = _two_bones(goal, _collar(lift, ahead))
        elevation = np.arccos(np.clip(-upper[1, 0], -1.0, 1.0))
        lift = least + _RHYTHM_SHARE * max(0.0, elevation - _RHYTHM_FROM)
    collar = _collar(lift, ahead)
    upper, elbow = _two_bones(goal, collar)
    shoulder = rotvec(product(inverse(collar), from_matrix(upper)))
    forearm = upper @ matrix(about(1, np.array(-elbow)))
    palm = np.asarray(goal.palm, np.float64)
    pronation = np.arctan2(-palm @ forearm[:, 2], -palm @ forearm[:, 1])
    return np.array(
        [
            lift,
            ahead,
            *shoulder,
            elbow,
            np.clip(pronation, *_PRONATION_RANGE),
            np.clip(np.radians(goal.flexion_deg), *_WRIST_FLEXION_RANGE),
            np.clip(np.radians(goal.radial_deg), *_WRIST_RADIAL_RANGE),
            goal.hang,
        ]
    )


def rotations(channels: Array, chest: Array) -> Array:
    """Joint rotations of both arms.

    Args:
        channels: ``[T, 2, 10]``, left arm first.
        chest: ``[T, 3]`` tilt of the chest (pitch, yaw, roll), which a hanging arm makes up for.

    Returns:
        ``[T, 2, 4, 3]`` axis-angle of collar, shoulder, elbow and wrist.
    """
    lift, forward, elbow, pronation, flexion, radial, hang = (channels[..., i] for i in (0, 1, 5, 6, 7, 8, 9))
    back = chest[:, None] * hang[..., None] * _PLUMB
    twist = about(0, 0.5 * pronation)  # the forearm's turn is shared by the two joints at its ends
    turns = np.stack(
        (
            _collar(lift, forward),
            product(quaternion(back), quaternion(channels[..., 2:5])),
            product(about(1, -elbow), twist),
            product(twist, product(about(2, -flexion), about(1, -radial))),
        ),
        -2,
    )
    return rotvec(turns) * _MIRROR


def _collar(lift: Array | float, forward: Array | float) -> Array:
    return quaternion(np.stack((np.zeros_like(lift), np.negative(forward), lift), -1))


def _two_bones(goal: ArmGoal, collar: Array) -> tuple[Array, float]:
    """Upper arm's rotation in the chest (X along the bone, Z towards the forearm) and the elbow's flexion."""
    shoulder = _COLLAR + rotate(collar, _SHOULDER)
    way = np.asarray(goal.reach, np.float64) - shoulder
    distance = float(np.clip(np.linalg.norm(way), 0.15, _REACH_M))
    axis = unit(way)
    down = unit(np.array([0.12, -1.0, -0.15]))
    down = unit(down - axis * (down @ axis))
    swivel = np.radians(goal.elbow_deg)
    side = np.cos(swivel) * down + np.sin(swivel) * cross(axis, down)
    along = (distance**2 + UPPER_ARM_M**2 - FOREARM_M**2) / (2.0 * distance)
    aside = np.sqrt(max(UPPER_ARM_M**2 - along**2, 0.0))
    bone = unit(along * axis + aside * side)
    forearm = unit(distance * axis - UPPER_ARM_M * bone)
    bend = unit(forearm - bone * (forearm @ bone))
    flexion = float(np.arccos(np.clip(bone @ forearm, -1.0, 1.0)))
    return np.stack((bone, cross(bend, bone), bend), -1), flexion
