"""HumanML3D's 263 features of a frame of motion, at 20 frames per second and for 22 joints.

Source: Guo et al., "Generating Diverse and Natural 3D Human Motions from Text" (CVPR 2022), section 3, and the
processing of its set HumanML3D. Layout of a frame:

======= ============================================================================================
0       yaw velocity of the root, as half an angle, rad per frame, negative to the left
1..2    velocity of the root in x and z, in the facing frame, metres per frame
3       height of the root, metres
4..66   21 joints beside the root (height above the floor), in the facing frame, metres
67..192 21 rotations, the first two columns of each matrix (Zhou et al. 2019)
193..258 velocities of all 22 joints in the facing frame, metres per frame
259..262 contacts of left ankle, left toes, right ankle, right toes with the floor, 0 or 1
======= ============================================================================================

The rotations here are SMPL's own, each relative to its parent. Those in HumanML3D's files stand for the bone that ends
in the joint and have no twist; positions say the same, so motion of such features is read from its positions.
"""

from dataclasses import dataclass, field

import numpy as np

from mio.rotation import Array, about, from_matrix, matrix, quaternion, rotate, rotvec
from nodes.body.motion.kinematics import COUNT, Motion, from_positions, pelvis_turn, positions

DIM = 263
ROOT, PLACES, TURNS, VELOCITIES, CONTACTS = slice(0, 4), slice(4, 67), slice(67, 193), slice(193, 259), slice(259, 263)

_HIPS_AND_SHOULDERS = (2, 1, 17, 16)  # right hip, left hip, right shoulder, left shoulder
_FEET = (7, 10, 8, 11)
_STILL_M2 = 0.002  # squared distance per frame below which a foot stands: HumanML3D's ``velfactor``
_SMOOTHING_FRAMES = 20.0  # of the facing direction
_SMOOTHING_REACH = 4  # standard deviations, as SciPy truncates


def encode(motion: Motion) -> Array:
    """``[T - 1, 263]`` features of a motion of ``T`` frames, at least two.

    The last frame only gives the velocities of the one before it.
    """
    places = positions(motion)
    turns = matrix(quaternion(np.asarray(motion.rotations, np.float64)))[:, 1:]
    return encode_positions(places, turns)


def encode_positions(places: Array, turns: Array) -> Array:
    """``[T - 1, 263]`` features of ``[T, 22, 3]`` joints and ``[T, 21, 3, 3]`` rotations."""
    yaw = facing(places)
    back = about(1, -yaw)  # into the facing frame
    steps = places[1:] - places[:-1]
    beside = places[:-1] - places[:-1, :1] * np.array([1.0, 0.0, 1.0])
    count = len(places) - 1
    features = np.empty((count, DIM))
    features[:, 0] = -0.5 * _wrapped(yaw[1:] - yaw[:-1])
    features[:, 1:3] = rotate(back[1:], steps[:, 0])[:, (0, 2)]
    features[:, 3] = places[:-1, 0, 1]
    features[:, PLACES] = rotate(back[:-1, None], beside[:, 1:]).reshape(count, -1)
    features[:, TURNS] = turns[:-1, :, :, :2].swapaxes(-1, -2).reshape(count, -1)
    features[:, VELOCITIES] = rotate(back[:-1, None], steps).reshape(count, -1)
    features[:, CONTACTS] = (steps[:, _FEET] ** 2).sum(-1) < _STILL_M2
    return features


def facing(places: Array) -> Array:
    """``[T]`` yaw in rad of ``[T, 22, 3]`` joints, 0 for +Z, smoothed over time."""
    right_hip, left_hip, right_shoulder, left_shoulder = (places[:, joint] for joint in _HIPS_AND_SHOULDERS)
    across = right_hip - left_hip + right_shoulder - left_shoulder
    across /= np.maximum(np.linalg.norm(across, axis=-1, keepdims=True), 1e-9)
    ahead = _smoothed(np.stack((across[:, 2], -across[:, 0]), -1))
    yaw: Array = np.unwrap(np.arctan2(ahead[:, 0], ahead[:, 1])).astype(np.float64)
    return yaw


@dataclass
class RootTrack:
    """Where the root is, frame by frame: a frame's velocities move the next one.

    Attributes:
        yaw: Facing, rad.
        place: ``[2]`` x and z, metres.
        pending: Yaw velocity (as in the features) and ``[2]`` velocity that the next frame still has to follow.
    """

    yaw: float = 0.0
    place: Array = field(default_factory=lambda: np.zeros(2))
    pending: Array = field(default_factory=lambda: np.zeros(3))

    def follow(self, features: Array) -> tuple[Array, Array]:
        """Yaw ``[n]`` and place ``[n, 2]`` of ``[n, 263]`` further frames."""
        motion = np.concatenate((self.pending[None], features[:, :3]))
        yaw = self.yaw - 2.0 * np.cumsum(motion[:-1, 0])
        step = np.zeros((len(features), 3))
        step[:, (0, 2)] = motion[:-1, 1:]
        place = self.place + np.cumsum(rotate(about(1, yaw), step)[:, (0, 2)], 0)
        if len(features):
            self.yaw, self.place, self.pending = float(yaw[-1]), place[-1], motion[-1]
        return yaw, place


def decode(features: Array, track: RootTrack | None = None) -> Motion:
    """The motion that features with SMPL's own rotations stand for.

    Args:
        features: ``[n, 263]``.
        track: Where the root stands before the first frame, changed by this; by default at the origin, facing +Z.
    """
    track = track or RootTrack()
    yaw, place = track.follow(features)
    beside = features[:, PLACES].reshape(len(features), COUNT - 1, 3)
    beside = beside - np.array([0.0, 1.0, 0.0]) * features[:, None, 3:4]
    pelvis = matrix(about(1, yaw)) @ pelvis_turn(beside[:, :3])
    local = np.concatenate((pelvis[:, None], turn_matrices(features)), 1)
    root = np.stack((place[:, 0], features[:, 3], place[:, 1]), -1)
    return Motion(root, rotvec(from_matrix(local)))


def decode_positions(features: Array, track: RootTrack | None = None) -> Array:
    """``[n, 22, 3]`` joints in metres that ``[n, 263]`` features of either convention stand for."""
    track = track or RootTrack()
    yaw, place = track.follow(features)
    places = rotate(about(1, yaw)[:, None], features[:, PLACES].reshape(len(features), COUNT - 1, 3))
    places[..., (0, 2)] += place[:, None]
    root = np.stack((place[:, 0], features[:, 3], place[:, 1]), -1)
    return np.concatenate((root[:, None], places), 1)


def decode_bones(features: Array, track: RootTrack | None = None) -> Motion:
    """The motion of features as in HumanML3D's files, whose rotations are not SMPL's: from their positions."""
    return from_positions(decode_positions(features, track))


def turn_matrices(features: Array) -> Array:
    """``[n, 21, 3, 3]`` rotations of ``[n, 263]`` features, made orthogonal by Gram and Schmidt."""
    columns = features[:, TURNS].reshape(len(features), COUNT - 1, 2, 3)
    first = columns[:, :, 0] / np.maximum(np.linalg.norm(columns[:, :, 0], axis=-1, keepdims=True), 1e-9)
    second = columns[:, :, 1] - (columns[:, :, 1] * first).sum(-1, keepdims=True) * first
    second = second / np.maximum(np.linalg.norm(second, axis=-1, keepdims=True), 1e-9)
    return np.stack((first, second, np.cross(first, second)), -1)


def _smoothed(ahead: Array) -> Array:
    """``[T, 2]`` filtered along time by a Gaussian, the ends held."""
    reach = round(_SMOOTHING_REACH * _SMOOTHING_FRAMES)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / _SMOOTHING_FRAMES) ** 2)
    weights /= weights.sum()
    held = np.concatenate((np.repeat(ahead[:1], reach, 0), ahead, np.repeat(ahead[-1:], reach, 0)))
    windows: Array = np.lib.stride_tricks.sliding_window_view(held, len(weights), 0)
    return windows @ weights


def _wrapped(angle: Array) -> Array:
    return (angle + np.pi) % (2 * np.pi) - np.pi
