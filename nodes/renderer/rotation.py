"""Rotations as arrays, batched over leading dimensions: axis-angle, quaternions (w, x, y, z) and matrices."""

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def quaternions(rotvec: npt.ArrayLike) -> Array:
    """``[..., 4]`` unit quaternions of ``[..., 3]`` axis-angle rotations in rad."""
    vector = np.asarray(rotvec, np.float64)
    angle = np.sqrt((vector * vector).sum(-1, keepdims=True))
    scale = 0.5 * np.sinc(angle / (2 * np.pi))  # sin(angle / 2) / angle, also at 0
    return np.concatenate([np.cos(angle / 2), vector * scale], -1)


def matrices(quaternion: Array) -> Array:
    """``[..., 3, 3]`` rotation matrices of ``[..., 4]`` unit quaternions."""
    w, x, y, z = np.moveaxis(quaternion, -1, 0)
    rows = (
        (1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
        (2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
        (2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
    )
    return np.stack([np.stack(row, -1) for row in rows], -2)


def rotvecs(quaternion: Array) -> Array:
    """``[..., 3]`` axis-angle, at most half a turn, of ``[..., 4]`` unit quaternions."""
    sign = np.where(quaternion[..., :1] < 0, -1.0, 1.0)
    imaginary = quaternion[..., 1:] * sign
    sine = np.sqrt((imaginary * imaginary).sum(-1, keepdims=True))
    angle = 2 * np.arctan2(sine, quaternion[..., :1] * sign)
    return imaginary * np.where(sine > 1e-12, angle / np.maximum(sine, 1e-12), 2.0)


def products(left: Array, right: Array) -> Array:
    """``[..., 4]`` quaternions of the rotation ``right`` followed by ``left``."""
    (a, b, c, d), (e, f, g, h) = np.moveaxis(left, -1, 0), np.moveaxis(right, -1, 0)
    return np.stack(
        [
            a * e - b * f - c * g - d * h,
            a * f + b * e + c * h - d * g,
            a * g - b * h + c * e + d * f,
            a * h + b * g - c * f + d * e,
        ],
        -1,
    )


def slerp(first: Array, second: Array, share: float) -> Array:
    """``[..., 4]`` on the shorter arc from one quaternion to another."""
    cosine = (first * second).sum(-1, keepdims=True)
    second = np.where(cosine < 0, -second, second)
    angle = np.arccos(np.clip(np.abs(cosine), 0.0, 1.0))
    sine = np.sin(angle)
    close = sine < 1e-6
    sine = np.where(close, 1.0, sine)
    a = np.where(close, 1 - share, np.sin((1 - share) * angle) / sine)
    b = np.where(close, share, np.sin(share * angle) / sine)
    mixed = a * first + b * second
    return mixed / np.sqrt((mixed * mixed).sum(-1, keepdims=True))


def twist_angle(quaternion: Array, axis: int) -> Array:
    """``[...]`` rad by which quaternions turn about a coordinate axis (swing-twist decomposition)."""
    w, along = quaternion[..., 0], quaternion[..., 1 + axis]
    return 2 * np.arctan2(np.where(w < 0, -along, along), np.abs(w))


def about(axis: int, angle: npt.ArrayLike) -> Array:
    """``[..., 3, 3]`` rotations by angles in rad about a coordinate axis."""
    angles = np.asarray(angle, np.float64)
    vectors = np.zeros((*angles.shape, 3))
    vectors[..., axis] = angles
    return matrices(quaternions(vectors))


def arc(start: npt.ArrayLike, end: npt.ArrayLike) -> Array:
    """``[3, 3]`` smallest rotation that takes one direction to another; they must not be opposite."""
    a, b = np.asarray(start, np.float64), np.asarray(end, np.float64)
    a, b = a / np.linalg.norm(a), b / np.linalg.norm(b)
    quaternion = np.concatenate([[1 + a @ b], np.cross(a, b)])
    return matrices(quaternion / np.linalg.norm(quaternion))
