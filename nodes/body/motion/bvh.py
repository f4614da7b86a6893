"""BVH files of humanoids as motion of SMPL's joints.

Limbs take the directions that the file's have; the column is divided as ours is. The root moves as far as our legs are
long. Knows the joints' names of CMU's files (as converted by B. Hahne) and of Bandai-Namco's.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mio.contracts.skeleton import SMPL_JOINTS
from mio.errors import ConfigError
from mio.rotation import Array, about, matrix, product
from nodes.body.motion.kinematics import OFFSETS, Motion, from_positions

_NAMES = {
    "pelvis": ("Hips",),
    "hip": ("{}UpLeg", "UpperLeg_{}"),
    "knee": ("{}Leg", "LowerLeg_{}"),
    "ankle": ("{}Foot", "Foot_{}"),
    "foot": ("{}ToeBase", "Toes_{}"),
    "collar": ("{}Shoulder", "Shoulder_{}"),
    "shoulder": ("{}Arm", "UpperArm_{}"),
    "elbow": ("{}ForeArm", "LowerArm_{}"),
    "wrist": ("{}Hand", "Hand_{}"),
    "head": ("Head",),
}
_COLUMN = ("LowerBack", "Spine", "Spine1", "Spine2", "Chest", "Neck", "Neck1")
_OURS = ("pelvis", "spine1", "spine2", "spine3", "neck", "head")
_AXES = {"X": 0, "Y": 1, "Z": 2}


@dataclass
class _Joint:
    name: str
    parent: int
    offset: Array
    channels: list[str] = field(default_factory=list[str])


def read_bvh(path: Path) -> tuple[Motion, float]:
    """The motion and its frames per second.

    Raises:
        ConfigError: If it is no BVH file, or its joints have other names.
    """
    try:
        joints, frames, fps = _parsed(path.read_text(encoding="utf-8", errors="replace"))
        places = _positions(joints, frames)
    except (OSError, ValueError, IndexError, KeyError) as error:
        raise ConfigError(f"{path}: no motion that can be read ({error})", "export it as BVH again") from error
    index = {joint.name: number for number, joint in enumerate(joints)}
    try:
        return _retargeted(places, index), fps
    except KeyError as error:
        raise ConfigError(
            f"{path}: no joint like {error}", "name joints as CMU's or Bandai-Namco's files do"
        ) from error


def _parsed(text: str) -> tuple[list[_Joint], Array, float]:
    head, _, tail = text.partition("MOTION")
    joints = list(_hierarchy(head.split()))
    lines = [line for line in tail.strip().splitlines() if line.strip()]
    count = int(lines[0].split(":")[1])
    frame_s = float(lines[1].split(":")[1])
    frames = np.array([line.split() for line in lines[2 : 2 + count]], np.float64)
    if len(frames) < 1 or not frame_s > 0 or not np.isfinite(frames).all():
        raise ValueError("no frames")
    return joints, frames, 1.0 / frame_s


def _hierarchy(words: Sequence[str]) -> Iterator[_Joint]:
    """Joints in the order of the file; ends of limbs count as joints without channels."""
    open_joints: list[int] = []
    number, latest, at = -1, -1, 0
    joint = _Joint("", -1, np.zeros(3))
    while at < len(words):
        word = words[at]
        if word in ("ROOT", "JOINT", "End"):
            if number >= 0:
                yield joint
            number += 1
            joint = _Joint(
                words[at + 1] + str(number) * (word == "End"), open_joints[-1] if open_joints else -1, joint.offset
            )
            latest, at = number, at + 1
        elif word == "{":
            open_joints.append(latest)
        elif word == "}":
            open_joints.pop()
        elif word == "OFFSET":
            joint.offset = np.array([float(value) for value in words[at + 1 : at + 4]])
            at += 3
        elif word == "CHANNELS":
            size = int(words[at + 1])
            joint.channels = list(words[at + 2 : at + 2 + size])
            at += 1 + size
        at += 1
    yield joint


def _positions(joints: Sequence[_Joint], frames: Array) -> Array:
    """``[T, joints, 3]`` in the file's unit."""
    turns: list[Array] = []
    places = np.empty((len(frames), len(joints), 3))
    column = 0
    for number, joint in enumerate(joints):
        turn, offset = np.tile([1.0, 0.0, 0.0, 0.0], (len(frames), 1)), np.tile(joint.offset, (len(frames), 1))
        for channel in joint.channels:
            values, axis = frames[:, column], _AXES[channel[0]]
            if channel.endswith("position"):
                offset[:, axis] = values
            else:
                turn = product(turn, about(axis, np.radians(values)))
            column += 1
        local = matrix(turn)
        if joint.parent < 0:
            turns.append(local)
            places[:, number] = offset
        else:
            parent = turns[joint.parent]
            turns.append(parent @ local)
            places[:, number] = places[:, joint.parent] + np.einsum("tab,tb->ta", parent, offset)
    return places


def _retargeted(places: Array, index: dict[str, int]) -> Motion:
    ours = np.empty((len(places), len(SMPL_JOINTS), 3))
    for joint, name in enumerate(SMPL_JOINTS):
        side, _, part = name.rpartition("_")
        if part in _NAMES:
            ours[:, joint] = places[:, _found(part, side, index)]
    _divide_column(ours, places[:, [index[name] for name in _COLUMN if name in index]])
    legs = (("left_hip", "left_knee"), ("left_knee", "left_ankle"))
    lengths = [_length(ours, SMPL_JOINTS.index(a), SMPL_JOINTS.index(b)) for a, b in legs]
    wanted = [float(np.linalg.norm(OFFSETS[SMPL_JOINTS.index(b)])) for _, b in legs]
    return from_positions(ours * (sum(wanted) / sum(lengths)))


def _found(part: str, side: str, index: dict[str, int]) -> int:
    for pattern in _NAMES[part]:
        for word in (side.capitalize(), side[:1].upper()):
            if pattern.format(word) in index:
                return index[pattern.format(word)]
    raise KeyError(_NAMES[part][0].format(side.capitalize()))


def _divide_column(ours: Array, between: Array) -> None:
    """Place spine and neck along the file's column, at our shares of its length."""
    joints = [SMPL_JOINTS.index(name) for name in _OURS]
    path = np.concatenate((ours[:, joints[:1]], between, ours[:, joints[-1:]]), 1)
    ours_at = np.cumsum([0.0, *(float(np.linalg.norm(OFFSETS[joint])) for joint in joints[1:])])
    ours_at /= ours_at[-1]
    lengths = np.linalg.norm(np.diff(path, axis=1), axis=-1).mean(0)
    theirs_at = np.concatenate(([0.0], np.cumsum(lengths))) / lengths.sum()
    for joint, at in zip(joints[1:-1], ours_at[1:-1], strict=True):
        piece = int(np.clip(np.searchsorted(theirs_at, at, "right") - 1, 0, len(lengths) - 1))
        share = (at - theirs_at[piece]) / max(theirs_at[piece + 1] - theirs_at[piece], 1e-9)
        ours[:, joint] = path[:, piece] + share * (path[:, piece + 1] - path[:, piece])


def _length(places: Array, one: int, other: int) -> float:
    return float(np.linalg.norm(places[:, one] - places[:, other], axis=-1).mean())
