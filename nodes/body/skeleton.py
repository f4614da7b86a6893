"""The skeleton that the engine plans on: rest offsets of the 52 joints, and forward kinematics.

Rotations are what travels; positions on this skeleton serve to place feet and hands. Floor is y = 0 at the balls of the
feet, as in HumanML3D, whose clips stand with their lowest joint on it.
"""

import numpy as np

from mio.contracts.skeleton import JOINT_INDEX, JOINTS, PARENTS, REST_OFFSETS_M
from mio.rotation import Array, matrix, quaternion

# HumanML3D has no fingers: these are lengths of the MakeHuman base mesh's hand (CC0), stretched flat as in SMPL-H,
# times 1.1, the ratio of the forearms.
_HAND: dict[str, tuple[float, float, float]] = {
    "left_index1": (0.113, 0.006, 0.028),
    "left_index2": (0.028, 0.0, 0.004),
    "left_index3": (0.025, 0.0, 0.003),
    "left_middle1": (0.112, 0.0, 0.0),
    "left_middle2": (0.037, 0.0, 0.0),
    "left_middle3": (0.030, 0.0, 0.0),
    "left_pinky1": (0.096, -0.012, -0.036),
    "left_pinky2": (0.023, 0.0, -0.005),
    "left_pinky3": (0.017, 0.0, -0.003),
    "left_ring1": (0.106, -0.004, -0.020),
    "left_ring2": (0.033, 0.0, -0.003),
    "left_ring3": (0.027, 0.0, -0.002),
    "left_thumb1": (0.041, 0.0, 0.026),
    "left_thumb2": (0.024, -0.008, 0.028),
    "left_thumb3": (0.028, -0.005, 0.026),
}

_MIRROR = np.array([-1.0, 1.0, 1.0])


def _rest() -> Array:
    offsets = np.zeros((len(JOINTS), 3))
    for name, offset in {**REST_OFFSETS_M, **_HAND}.items():
        offsets[JOINT_INDEX[name]] = offset
        if name.startswith("left"):
            offsets[JOINT_INDEX[name.replace("left", "right")]] = np.array(offset) * _MIRROR
    return offsets


REST: Array = _rest()
"""``[52, 3]`` offset of each joint from its parent in T-pose, metres."""

ANKLE_HEIGHT_M = 0.0614
UPPER_ARM_M = 0.2600
FOREARM_M = 0.2680
THIGH_M = 0.3919
SHANK_M = 0.4290

_TIPS = {name: REST[JOINT_INDEX[name]] for name in JOINTS if name.endswith("3") and name != "spine3"}


def forward(frames: Array) -> tuple[Array, Array]:
    """Place all joints of body frames.

    Args:
        frames: ``[T, 159]`` as on the wire: root translation, then 52 axis-angle rotations.

    Returns:
        ``[T, 52, 3]`` joint positions in metres, and ``[T, 52, 3, 3]`` global rotations.
    """
    frames = np.asarray(frames, np.float64)
    local = matrix(quaternion(frames[:, 3:].reshape(len(frames), len(JOINTS), 3)))
    turns = np.empty_like(local)
    places = np.empty((len(frames), len(JOINTS), 3))
    turns[:, 0], places[:, 0] = local[:, 0], frames[:, :3]
    for joint in range(1, len(JOINTS)):
        parent = PARENTS[joint]
        turns[:, joint] = turns[:, parent] @ local[:, joint]
        places[:, joint] = places[:, parent] + turns[:, parent] @ REST[joint]
    return places, turns


def finger_tips(places: Array, turns: Array) -> Array:
    """``[T, 10, 3]`` ends of the fingers, left hand first; the last bone is as long as the one before it."""
    joints = [JOINT_INDEX[name] for name in _TIPS]
    offsets = np.stack([_TIPS[name] for name in _TIPS])
    return places[:, joints] + np.einsum("tjab,jb->tja", turns[:, joints], offsets)
