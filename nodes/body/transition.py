"""From a pose that another engine left to this engine's own motion, without a jump."""

import numpy as np

from mio.contracts.rates import BODY_FPS
from mio.rotation import Array, inverse, product, quaternion, rotvec, slerp
from nodes.body.tracks import Movement, Track

TRANSITION_S = 1.0


def difference(given: Array, own: Array) -> Array:
    """``[T, 159]`` what must be added to own frames to get the given ones: root metres, then local rotations."""
    count = len(own)
    turns = product(inverse(_turns(own)), _turns(given))
    return np.concatenate((given[:, :3] - own[:, :3], rotvec(turns).reshape(count, -1)), 1)


def apply(own: Array, offset: Array) -> Array:
    """``[T, 159]`` own frames with an offset that :func:`difference` made, or a share of it."""
    turns = product(_turns(own), quaternion(offset[:, 3:].reshape(len(own), -1, 3)))
    return np.concatenate((own[:, :3] + offset[:, :3], rotvec(turns).reshape(len(own), -1)), 1)


def fading(offsets: Array, at_s: float, within_s: float = TRANSITION_S) -> Track:
    """A track that takes an offset to nothing.

    Args:
        offsets: ``[3, 159]`` of the last three frames, the last one at ``at_s``.
        at_s: Body time.
        within_s: How long that takes.
    """
    velocity = (offsets[2] - offsets[1]) * BODY_FPS
    acceleration = (offsets[2] - 2.0 * offsets[1] + offsets[0]) * BODY_FPS**2
    track = Track.still(offsets[2])
    ends = (offsets[2], velocity, acceleration)
    track.movements.append(Movement.between(at_s, within_s, ends, np.zeros_like(velocity)))
    return track


def mixed(first: Array, second: Array, share: Array) -> Array:
    """``[T, 3 + 3 J]`` frames on the way from some frames to others.

    Args:
        first: ``[T, 3 + 3 J]``.
        second: ``[T, 3 + 3 J]``.
        share: ``[T]`` of the second.
    """
    turns = slerp(_turns(first), _turns(second), share[:, None, None])
    root = first[:, :3] + share[:, None] * (second[:, :3] - first[:, :3])
    return np.concatenate((root, rotvec(turns).reshape(len(first), -1)), 1)


def _turns(frames: Array) -> Array:
    return quaternion(frames[:, 3:].reshape(len(frames), -1, 3))
