"""From rotations of SMPL's 22 joints to their positions and back, on HumanML3D's canonical skeleton."""

from typing import NamedTuple

import numpy as np

from mio.contracts.skeleton import PARENTS, SMPL_JOINTS
from mio.rotation import Array, from_matrix, matrix, quaternion, rotvec, unit
from nodes.body.skeleton import REST

COUNT = len(SMPL_JOINTS)
OFFSETS: Array = REST[:COUNT]
"""``[22, 3]`` metres, each joint from its parent in T-pose."""

_CHILDREN = {joint: [child for child in range(1, COUNT) if PARENTS[child] == joint] for joint in range(COUNT)}
_MIRRORED = [
    SMPL_JOINTS.index(name.replace("left", "@").replace("right", "left").replace("@", "right")) for name in SMPL_JOINTS
]
_TINY = 1e-8


class Motion(NamedTuple):
    """A motion of SMPL's body.

    Attributes:
        root: ``[T, 3]`` pelvis, metres, Y up.
        rotations: ``[T, 22, 3]`` local axis-angle rotations, rad.
    """

    root: Array
    rotations: Array


def positions(motion: Motion, offsets: Array = OFFSETS) -> Array:
    """``[T, 22, 3]`` joints of a motion in metres, on a skeleton of ``[22, 3]`` rest offsets."""
    local = matrix(quaternion(np.asarray(motion.rotations, np.float64)))
    turns, places = np.empty_like(local), np.empty(local.shape[:-1])
    turns[:, 0], places[:, 0] = local[:, 0], motion.root
    for joint in range(1, COUNT):
        parent = PARENTS[joint]
        turns[:, joint] = turns[:, parent] @ local[:, joint]
        places[:, joint] = places[:, parent] + turns[:, parent] @ offsets[joint]
    return places


def from_positions(places: Array, offsets: Array = OFFSETS) -> Motion:
    """The motion whose bones point as given, without twist where positions do not show any.

    A joint with several children gets the rotation that fits them best (Kabsch 1976), one with a single child the
    smallest rotation from its parent's; hands, head and toes keep their parent's rotation.

    Args:
        places: ``[T, 22, 3]`` joints in metres.
        offsets: ``[22, 3]`` rest offsets, metres.
    """
    turns = np.empty((len(places), COUNT, 3, 3))
    for joint in range(COUNT):
        parent = turns[:, PARENTS[joint]] if joint else np.broadcast_to(np.eye(3), (len(places), 3, 3))
        children = _CHILDREN[joint]
        bones = places[:, children] - places[:, joint : joint + 1]
        if len(children) > 1:
            turns[:, joint] = _fit(offsets[children], bones)
        elif children:
            turns[:, joint] = _swing(parent @ offsets[children[0]], bones[:, 0]) @ parent
        else:
            turns[:, joint] = parent
    local = turns.copy()
    for joint in range(1, COUNT):
        local[:, joint] = turns[:, PARENTS[joint]].swapaxes(-1, -2) @ turns[:, joint]
    return Motion(places[:, 0].copy(), rotvec(from_matrix(local)))


def pelvis_turn(hips_and_spine: Array) -> Array:
    """``[T, 3, 3]`` rotation of the pelvis from ``[T, 3, 3]``: left hip, right hip and first spine joint beside it."""
    return _fit(OFFSETS[_CHILDREN[0]], hips_and_spine)


def mirrored(motion: Motion) -> Motion:
    """The motion as in a mirror: left and right change places."""
    flip = np.array([-1.0, 1.0, 1.0])
    return Motion(motion.root * flip, motion.rotations[:, _MIRRORED] * -flip)


def _fit(rest: Array, bones: Array) -> Array:
    """``[T, 3, 3]`` rotations that take ``[n, 3]`` rest vectors nearest to ``[T, n, 3]``."""
    left, _, right = np.linalg.svd(np.einsum("tna,nb->tab", bones, rest))
    sign = np.ones((len(bones), 3))
    sign[:, 2] = np.sign(np.linalg.det(left @ right))
    return (left * sign[:, None]) @ right


def _swing(start: Array, end: Array) -> Array:
    """``[T, 3, 3]`` smallest rotations that take ``[T, 3]`` directions to others."""
    start, end = unit(start), unit(np.where(np.abs(end).sum(-1, keepdims=True) < _TINY, start, end))
    axis = np.cross(start, end)
    sine, cosine = np.linalg.norm(axis, axis=-1, keepdims=True), (start * end).sum(-1, keepdims=True)
    angle = np.arctan2(sine, cosine)
    other = np.cross(start, np.eye(3)[np.abs(start).argmin(-1)])
    axis = np.where(sine < _TINY, other / np.linalg.norm(other, axis=-1, keepdims=True), axis / np.maximum(sine, _TINY))
    return matrix(quaternion(axis * angle))
