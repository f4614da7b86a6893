"""Rotations of head and eyes as axis-angle vectors: X to the avatar's left, Y up, Z forward."""

import numpy as np

from mio.rotation import matrix, quaternion
from nodes.face.score import Array

EYE_LIMITS_RAD = np.radians((25.0, 35.0))
"""Largest pitch and yaw of an eye in the head."""


def head_rotation(angles: Array) -> Array:
    """``[n, 3]`` axis-angle of ``[n, 3]`` pitch (down), yaw (to the left) and roll (to the right shoulder), rad.

    The head turns, then nods, then tilts, each about its own axis.
    """
    (sp, sy, sr), (cp, cy, cr) = np.sin(angles.T / 2.0), np.cos(angles.T / 2.0)
    real = cy * cp * cr + sy * sp * sr
    axis = np.stack((cy * sp * cr + sy * cp * sr, sy * cp * cr - cy * sp * sr, cy * cp * sr - sy * sp * cr), axis=1)
    size = np.linalg.norm(axis, axis=1)
    angle = 2.0 * np.arctan2(size, real)
    return axis * (angle / np.maximum(size, 1e-12))[:, None]


def head_angles(rotation: Array) -> Array:
    """``[n, 3]`` pitch, yaw and roll, rad, of ``[n, 3]`` axis-angle: what :func:`head_rotation` was given."""
    turn = matrix(quaternion(rotation))
    pitch = np.arcsin(np.clip(-turn[:, 1, 2], -1.0, 1.0))
    return np.stack((pitch, np.arctan2(turn[:, 0, 2], turn[:, 2, 2]), np.arctan2(turn[:, 1, 0], turn[:, 1, 1])), axis=1)


def eye_in_head(gaze: Array, head: Array) -> Array:
    """``[n, 2]`` pitch and yaw of the eyes in the head that look in a direction although the head turns.

    Args:
        gaze: ``[n, 2]`` pitch and yaw relative to the torso, rad.
        head: ``[n, 3]`` pitch, yaw and roll of the head, rad.
    """
    pitch, yaw = gaze.T
    x, y, z = np.sin(yaw) * np.cos(pitch), -np.sin(pitch), np.cos(yaw) * np.cos(pitch)
    (sp, sy, sr), (cp, cy, cr) = np.sin(head.T), np.cos(head.T)
    x, z = cy * x - sy * z, sy * x + cy * z  # undo the turn ...
    y, z = cp * y + sp * z, -sp * y + cp * z  # ... the nod ...
    x, y = cr * x + sr * y, -sr * x + cr * y  # ... and the tilt
    eyes = np.stack((np.arcsin(np.clip(-y, -1.0, 1.0)), np.arctan2(x, z)), axis=1)
    return eyes.clip(-EYE_LIMITS_RAD, EYE_LIMITS_RAD)


def eye_rotation(pitch: Array, yaw: Array) -> Array:
    """``[n, 3]`` axis-angle of an eye: the shortest way from straight ahead, so without torsion (Listing's law)."""
    x, y, z = np.sin(yaw) * np.cos(pitch), -np.sin(pitch), np.cos(yaw) * np.cos(pitch)
    size = np.hypot(x, y)
    scale = np.arctan2(size, z) / np.maximum(size, 1e-12)
    return np.stack((-y * scale, x * scale, np.zeros_like(scale)), axis=1)
