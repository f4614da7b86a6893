"""From a pose that another engine left to this engine's own motion, without a jump."""

import numpy as np

from mio.contracts.rates import BODY_FPS
from mio.rotation import Array, inverse, product, quaternion, rotvec
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


def fading(offsets: Array, at_s: float) -> Track:
    """A track that takes an offset to nothing.

    Args:
        offsets: ``[3, 159]`` of the last three frames, the last one at ``at_s``.
        at_s: Body time.
    """
    velocity = (offsets[2] - offsets[1]) * BODY_FPS
    acceleration = (offsets[2] - 2.0 * offsets[1] + offsets[0]) * BODY_FPS**2
    track = Track.still(offsets[2])
    ends = (offsets[2], velocity, acceleration)
    track.movements.append(Movement.between(at_s, TRANSITION_S, ends, np.zeros_like(velocity)))
    return track


def _turns(frames: Array) -> Array:
    return quaternion(frames[:, 3:].reshape(len(frames), -1, 3))
