"""Body frames from channels: the only place where tracks, drift and breath become joint rotations."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from mio.contracts.rates import BODY_DIM
from mio.contracts.skeleton import JOINT_INDEX
from mio.rotation import Array, about, matrix, product, rotvec
from nodes.body import arms, hands, legs
from nodes.body.drift import CHANNELS

TRACKS: Mapping[str, int] = MappingProxyType(
    {
        "stance": 5,  # pelvis to the left and ahead (m); pitch, yaw, roll (rad)
        "posture": 3,  # trunk pitch, yaw, roll of the turn's state (rad)
        "bend": 2,  # pelvis ahead (m) and its pitch (rad), of a gesture
        "trunk": 3,  # trunk pitch, yaw, roll of a gesture (rad)
        "head": 3,  # head pitch, yaw, roll of a gesture (rad)
        "left_arm": arms.ARM_CHANNELS,
        "right_arm": arms.ARM_CHANNELS,
        "left_hand": hands.HAND_CHANNELS,
        "right_hand": hands.HAND_CHANNELS,
        "breath": 1,  # depth of the breath, 1 is a usual one's peak
        "energy": 1,  # size of the drift, 1 when idle
    }
)
"""Tracks and how many channels they have. Pitch is forward, yaw to the left, roll is the left side up."""

_COLUMN = [JOINT_INDEX[name] for name in ("pelvis", "spine1", "spine2", "spine3", "neck", "head")]
_ARMS = np.array(
    [[JOINT_INDEX[f"{side}_{name}"] for name in ("collar", "shoulder", "elbow", "wrist")] for side in ("left", "right")]
)

# How a tilt of trunk and head is shared out among joints, lowest first.
_SPINE_SHARES = np.array([0.25, 0.35, 0.40])[:, None]
_NECK_SHARES = np.array([0.4, 0.6])[:, None]
_UPRIGHT = 0.7  # share of the trunk's tilt that neck and head make up for, so that the eyes stay level
_STANCE_COUNTER = np.array([-0.6, -0.6, -0.85])  # the trunk turns back what the pelvis does to it

# With a breath the chest's front rises by some millimetres (Konno and Mead 1967); on a skeleton that shows as a spine
# that straightens, a head that stays level, and shoulders that rise and open. Pitch of the joints of the column;
# clavicle lift and forward, rad.
_BREATH_PITCH = np.radians([0.0, 0.0, -0.7, -1.0, 0.7, 1.0])
_BREATH_SHOULDERS = np.radians([1.5, -0.7])


def _channels(*names: str) -> list[int]:
    return [CHANNELS[name] for name in names]


_SWAY = _channels("sway_side", "sway_ahead")
_PELVIS_TILT = _channels("pelvis_pitch", "pelvis_yaw", "pelvis_roll")
_TRUNK_TILT = _channels("trunk_pitch", "trunk_yaw", "trunk_roll")
_ARM_PARTS = ("lift", "forward", "shoulder_x", "shoulder_y", "shoulder_z", "elbow", "pronation", "wrist")
_ARM_DRIFT = np.array([_channels(*(f"{side}_{part}" for part in _ARM_PARTS)) for side in ("left", "right")])
_FINGER_DRIFT = _channels("left_fingers", "right_fingers")
_FINGER_SHARES = np.array([1.0, 1.0, 1.0, 1.0, 0.0, 0.5, 0.0])


def compose(values: Mapping[str, Array], drift: Array) -> Array:
    """Build frames.

    Args:
        values: ``[T, D]`` samples of every track in ``TRACKS``.
        drift: ``[T, C]`` samples of the drift.

    Returns:
        ``[T, 159]`` root translation in metres and 52 axis-angle rotations.
    """
    count = len(drift)
    frames = np.zeros((count, BODY_DIM))
    joints = frames[:, 3:].reshape(count, -1, 3)
    drift = drift * values["energy"]
    stance, bend, breath = values["stance"], values["bend"], values["breath"]

    bow = np.zeros((count, 3))
    bow[:, 0] = bend[:, 1]
    tilt = stance[:, 2:5] + drift[:, _PELVIS_TILT]
    lean = values["posture"] + tilt * _STANCE_COUNTER + drift[:, _TRUNK_TILT]
    turns = _column(tilt + bow, lean + values["trunk"], values["head"] - _UPRIGHT * (lean + tilt), breath)
    joints[:, _COLUMN] = rotvec(turns)

    pelvis = matrix(turns[:, 0])
    frames[:, (0, 2)] = stance[:, :2] + drift[:, _SWAY]
    frames[:, 2] += bend[:, 0]
    frames[:, 1] = legs.pelvis_height(frames[:, (0, 2)], pelvis)
    joints[:, legs.LEG_JOINTS] = legs.rotations(frames[:, :3], pelvis)

    joints[:, _ARMS] = arms.rotations(_arm_channels(values, drift, breath), lean + tilt + values["trunk"] + bow)
    joints[:, JOINT_INDEX["left_index1"] :] = hands.rotations(_hand_channels(values, drift))
    return frames


def _column(pelvis: Array, lean: Array, level: Array, breath: Array) -> Array:
    """``[T, 6, 4]`` rotations of pelvis, spine, neck and head from the tilts of pelvis, trunk and head."""
    tilts = np.concatenate((pelvis[:, None], lean[:, None] * _SPINE_SHARES, level[:, None] * _NECK_SHARES), 1)
    tilts[:, :, 0] += breath * _BREATH_PITCH
    return product(about(1, tilts[..., 1]), product(about(0, tilts[..., 0]), about(2, tilts[..., 2])))


def _arm_channels(values: Mapping[str, Array], drift: Array, breath: Array) -> Array:
    channels = np.stack((values["left_arm"], values["right_arm"]), 1)
    channels[:, :, :8] += drift[:, _ARM_DRIFT]
    channels[:, :, :2] += breath[:, None] * _BREATH_SHOULDERS
    return channels


def _hand_channels(values: Mapping[str, Array], drift: Array) -> Array:
    shapes = np.stack((values["left_hand"], values["right_hand"]), 1)
    return shapes + drift[:, _FINGER_DRIFT, None] * _FINGER_SHARES
