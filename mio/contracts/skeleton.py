"""The 52 joints of ``BodyMotion``: SMPL's 22, then SMPL-H's 30 finger joints, with their parents.

Rest pose of the rotations is SMPL's T-pose, facing +Z, Y up, the avatar's left on +X.
"""

SMPL_JOINTS: tuple[str, ...] = (
    "pelvis",
    "left_hip",
    "right_hip",
    "spine1",
    "left_knee",
    "right_knee",
    "spine2",
    "left_ankle",
    "right_ankle",
    "spine3",
    "left_foot",
    "right_foot",
    "neck",
    "left_collar",
    "right_collar",
    "head",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
)

_FINGERS = ("index", "middle", "pinky", "ring", "thumb")

FINGER_JOINTS: tuple[str, ...] = tuple(
    f"{side}_{finger}{number}" for side in ("left", "right") for finger in _FINGERS for number in (1, 2, 3)
)

JOINTS: tuple[str, ...] = SMPL_JOINTS + FINGER_JOINTS
JOINT_INDEX: dict[str, int] = {name: index for index, name in enumerate(JOINTS)}

_SMPL_PARENTS = (-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19)


def _finger_parent(name: str) -> int:
    side = name.split("_")[0]
    number = int(name[-1])
    return JOINT_INDEX[f"{side}_wrist"] if number == 1 else JOINT_INDEX[f"{name[:-1]}{number - 1}"]


PARENTS: tuple[int, ...] = _SMPL_PARENTS + tuple(_finger_parent(name) for name in FINGER_JOINTS)

REST_OFFSETS_M: dict[str, tuple[float, float, float]] = {
    "left_hip": (0.0602, -0.0841, -0.0250),
    "spine1": (0.0, 0.1316, 0.0),
    "left_knee": (0.0, -0.3919, 0.0),
    "spine2": (0.0, 0.1432, 0.0),
    "left_ankle": (0.0, -0.4290, 0.0),
    "spine3": (0.0, 0.0574, 0.0),
    "left_foot": (0.0, -0.0614, 0.1329),
    "neck": (0.0, 0.2194, 0.0),
    "left_collar": (0.0718, 0.1197, -0.0151),
    "head": (0.0, 0.1030, 0.0),
    "left_shoulder": (0.1273, 0.0, 0.0),
    "left_elbow": (0.2600, 0.0, 0.0),
    "left_wrist": (0.2680, 0.0, 0.0),
}
"""Metres in T-pose from the parent joint, of the joints in the middle and on the left.

HumanML3D's canonical skeleton (its target skeleton 000021), left and right averaged, limbs stretched along the axes.
Its floor is at the balls of the feet.
"""
