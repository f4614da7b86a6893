"""From SMPL's pose to the bones of the avatar.

The avatar's rig has the joints of SMPL one to one. Every joint's rotation is SMPL's global rotation times a constant
that turns the avatar's bone from its bind pose (arms hanging at an angle) into SMPL's T-pose, so limbs point where
SMPL's point whatever the avatar's proportions are.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from mio.contracts.skeleton import JOINT_INDEX, PARENTS, REST_OFFSETS_M, SMPL_JOINTS
from mio.rotation import Array, about, matrix, quaternion, twist_angle

BODY_BONES = len(PARENTS)
LEFT_EYE, RIGHT_EYE, HAIR = 52, 53, 54
LEFT_FOREARM_TWIST, RIGHT_FOREARM_TWIST = 55, 56
LEFT_SHOULDER_SWING, RIGHT_SHOULDER_SWING = 57, 58
BONES = 59
"""Bones of the avatar: SMPL's joints, both eyes, the hair's tips, forearms turned with the hand, shoulders unturned."""

_SOLE_M = 0.0614  # height of the ankle over the floor in that skeleton
_NECK_SHARE = 0.45  # of a head rotation: about half of it happens in the upper neck joints (White and Panjabi 1990)
_TWISTED = np.array([LEFT_FOREARM_TWIST, RIGHT_FOREARM_TWIST, LEFT_SHOULDER_SWING, RIGHT_SHOULDER_SWING])
_ON_HEAD = np.array([LEFT_EYE, RIGHT_EYE, HAIR])
_ARM_JOINTS = np.array([JOINT_INDEX[name] for name in ("left_elbow", "right_elbow", "left_shoulder", "right_shoulder")])
_HANDS = [JOINT_INDEX[name] for name in ("left_wrist", "right_wrist")]
_LEGS = tuple(JOINT_INDEX[f"{side}_{name}"] for side in ("left", "right") for name in ("hip", "knee", "ankle"))


_PARENTS = np.array(PARENTS)


def _levels() -> tuple[npt.NDArray[np.intp], ...]:
    """Joints by their distance from the pelvis, without the pelvis."""
    depth = np.zeros(BODY_BONES, int)
    for joint in range(1, BODY_BONES):
        depth[joint] = depth[PARENTS[joint]] + 1
    return tuple(np.flatnonzero(depth == level) for level in range(1, depth.max() + 1))


_LEVELS = _levels()


def _lineage() -> Array:
    """``[52, 51]``: 1 where an offset (of joints 1 to 51) lies on the way from the pelvis to a joint."""
    table = np.zeros((BODY_BONES, BODY_BONES - 1))
    for joint in range(1, BODY_BONES):
        table[joint] = table[PARENTS[joint]]
        table[joint, joint - 1] = 1.0
    return table


_LINEAGE = _lineage()


def smpl_rest() -> Array:
    """``[22, 3]`` offset of each SMPL joint from its parent in T-pose, m."""
    offsets = np.zeros((len(SMPL_JOINTS), 3))
    for name, offset in REST_OFFSETS_M.items():
        offsets[JOINT_INDEX[name]] = offset
        offsets[JOINT_INDEX[name.replace("left", "right")]] = np.array(offset) * [1 - 2 * ("left" in name), 1, 1]
    return offsets


SMPL_REST: Array = smpl_rest()
PELVIS_HEIGHT_M = float(_SOLE_M - SMPL_REST[[JOINT_INDEX[f"left_{n}"] for n in ("hip", "knee", "ankle")], 1].sum())
"""Height of SMPL's pelvis when it stands straight on its floor."""


@dataclass(frozen=True)
class Pose:
    """Everything that turns bones.

    Attributes:
        root: ``[3]`` SMPL's pelvis, m.
        joints: ``[52, 4]`` local rotations as quaternions.
        head: ``[3]`` rotation of the head relative to the torso, axis-angle, on top of the body's.
        eyes: ``[2, 3]`` rotation of the left and the right eyeball relative to the head, axis-angle.
        hair: ``[3]`` rotation by which the hair's tips lag behind the head, axis-angle in the head's frame.
    """

    root: npt.NDArray[np.float64]
    joints: Array
    head: npt.NDArray[np.float64]
    eyes: npt.NDArray[np.float64]
    hair: npt.NDArray[np.float64]

    @classmethod
    def rest(cls) -> "Pose":
        """SMPL's T-pose, standing on the floor."""
        joints = np.tile(np.array([1.0, 0, 0, 0]), (BODY_BONES, 1))
        return cls(np.array([0, PELVIS_HEIGHT_M, 0]), joints, np.zeros(3), np.zeros((2, 3)), np.zeros(3))


@dataclass(frozen=True)
class Skeleton:
    """The avatar's bones in bind pose.

    Attributes:
        places: ``[59, 3]`` m; the floor is y = 0 below the soles.
        to_tpose: ``[52, 3, 3]`` rotation of each bone from bind pose to SMPL's T-pose, in the avatar's frame.
        wrist_roll: ``[2]`` rad by which the left and the right hand are turned about the arm against the forearm from
            bind pose to T-pose.
        sole: Height of the ankles when the avatar stands, m.
    """

    places: npt.NDArray[np.float64]
    to_tpose: npt.NDArray[np.float64]
    wrist_roll: npt.NDArray[np.float64]
    sole: float

    def bones(self, pose: Pose) -> npt.NDArray[np.float32]:
        """Matrices ``[59, 3, 4]`` that take vertices from bind pose to the world."""
        single = np.concatenate([[pose.head, _NECK_SHARE * pose.head, pose.hair], pose.eyes])
        whole, neck, hair, left_eye, right_eye = matrix(quaternion(single))
        local = _with_head(matrix(pose.joints), whole, neck)
        world, joints = self._chain(pose.root, local)
        turns, places = np.empty((BONES, 3, 3)), np.empty((BONES, 3))
        turns[:BODY_BONES], places[:BODY_BONES] = world @ self.to_tpose, joints
        head = JOINT_INDEX["head"]
        turns[_ON_HEAD] = turns[head] @ np.stack([left_eye, right_eye, hair])
        on_head = self.places[_ON_HEAD] - self.places[head]
        places[_ON_HEAD] = places[head] + on_head @ turns[head].T
        turns[_TWISTED] = world[_ARM_JOINTS] @ matrix(about(0, self._twists(pose))) @ self.to_tpose[_ARM_JOINTS]
        places[_TWISTED] = places[_ARM_JOINTS]
        moved = (turns @ self.places[:, :, None])[:, :, 0]
        return np.concatenate([turns, (places - moved)[:, :, None]], 2).astype(np.float32)

    def _twists(self, pose: Pose) -> Array:
        """How far forearms turn with their hands, and shoulders stay behind their arms, rad, as in ``_TWISTED``."""
        hands = twist_angle(pose.joints[_HANDS], 0) + self.wrist_roll
        return np.concatenate([hands, -twist_angle(pose.joints[_ARM_JOINTS[2:]], 0)])

    def joints(self, pose: Pose) -> Array:
        """``[52, 3]`` positions of the joints in the world, m."""
        whole, neck = matrix(quaternion(np.stack([pose.head, _NECK_SHARE * pose.head])))
        return self._chain(pose.root, _with_head(matrix(pose.joints), whole, neck))[1]

    def _chain(self, root: npt.NDArray[np.float64], local: Array) -> tuple[Array, Array]:
        """Global rotations relative to T-pose, and positions with the feet where SMPL's feet are."""
        world = _chained(local)
        parents = _PARENTS[1:]
        bound = self.places[1:BODY_BONES] - self.places[parents]
        offsets = (world[parents] @ (self.to_tpose[parents] @ bound[:, :, None]))[:, :, 0]
        places = _summed(offsets, BODY_BONES)
        return world, places + self._root(root, world, places)

    def _root(self, root: npt.NDArray[np.float64], world: Array, places: Array) -> Array:
        """Where the pelvis must be so that the feet, the lower one foremost, stand as SMPL's do.

        SMPL's legs are scaled to the avatar's length; what differs in proportions is shared out between both feet.
        """
        targets = _smpl_places(world) + root
        ankles = [_LEGS[2], _LEGS[5]]
        height = targets[ankles, 1] - _SOLE_M
        wanted = targets[ankles] * self.scale
        wanted[:, 1] = height * self.scale + self.sole
        lower = np.exp(-(height - height.min()) / 0.03)
        return ((wanted - places[ankles]) * (lower / lower.sum())[:, None]).sum(0)

    @cached_property
    def scale(self) -> float:
        """Length of the avatar's legs over that of SMPL's."""
        ours = np.linalg.norm(np.diff(self.places[list(_LEGS[:3])], axis=0), axis=1).sum()
        return float(ours / -SMPL_REST[list(_LEGS[1:3]), 1].sum())


def _smpl_places(world: Array) -> Array:
    """``[22, 3]`` SMPL's joints relative to its pelvis, of global rotations."""
    count = len(SMPL_REST)
    return _summed((world[_PARENTS[1:count]] @ SMPL_REST[1:, :, None])[:, :, 0], count)


def _chained(local: Array) -> Array:
    """Global rotations of local ones, ``[n, 3, 3]``."""
    world = local.copy()
    for level in _LEVELS:
        joints = level[level < len(local)]
        world[joints] = world[_PARENTS[joints]] @ local[joints]
    return world


def _summed(offsets: Array, count: int) -> Array:
    """Positions ``[count, 3]`` relative to the pelvis, of offsets ``[count - 1, 3]`` from each joint's parent."""
    return _LINEAGE[:count, : count - 1] @ offsets


def _with_head(local: Array, whole: Array, share: Array) -> Array:
    """Add a rotation ``[3, 3]`` of the head relative to the torso, of which the neck takes a share."""
    neck, skull = JOINT_INDEX["neck"], JOINT_INDEX["head"]
    together = whole @ local[neck] @ local[skull]
    local = local.copy()
    local[neck] = share @ local[neck]
    local[skull] = local[neck].T @ together
    return local
