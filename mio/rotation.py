"""Rotations as arrays, batched over leading dimensions: axis-angle, quaternions (w, x, y, z) and matrices.

Plain numpy, because a frame needs some thirty rotations of a few joints each, where the overhead per call decides.
"""

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

_TINY = 1e-12


def _left_products() -> Array:
    """``[4, 16]``: a quaternion times this is the ``[4, 4]`` matrix by which it multiplies from the left."""
    table = np.zeros((4, 4, 4))
    for row, terms in enumerate(("+0-1-2-3", "+1+0-3+2", "+2+3+0-1", "+3-2+1+0")):
        for column in range(4):
            sign, index = terms[2 * column : 2 * column + 2]
            table[int(index), row, column] = 1.0 if sign == "+" else -1.0
    return table.reshape(4, 16)


_LEFT = _left_products()


def quaternion(rotvec: Array) -> Array:
    """``[..., 4]`` unit quaternions of ``[..., 3]`` axis-angle rotations in rad."""
    angle = np.sqrt((rotvec * rotvec).sum(-1, keepdims=True))
    scale = 0.5 * np.sinc(angle / (2.0 * np.pi))  # sin(angle / 2) / angle, also at 0
    return np.concatenate((np.cos(0.5 * angle), rotvec * scale), -1)


def product(left: Array, right: Array) -> Array:
    """``[..., 4]`` quaternion of the rotation ``right`` followed by ``left``."""
    return ((left @ _LEFT).reshape(*left.shape[:-1], 4, 4) @ right[..., None])[..., 0]


def inverse(turn: Array) -> Array:
    """``[..., 4]`` inverse of unit quaternions."""
    return turn * np.array([1.0, -1.0, -1.0, -1.0])


def rotvec(turn: Array) -> Array:
    """``[..., 3]`` axis-angle, at most half a turn, of ``[..., 4]`` unit quaternions."""
    sign = np.where(turn[..., :1] < 0.0, -1.0, 1.0)
    imaginary = turn[..., 1:] * sign
    sine = np.sqrt((imaginary * imaginary).sum(-1, keepdims=True))
    angle = 2.0 * np.arctan2(sine, turn[..., :1] * sign)
    return imaginary * np.where(sine > _TINY, angle / np.maximum(sine, _TINY), 2.0)


def _matrix_terms() -> Array:
    """``[16, 9]``: products of a unit quaternion's elements times this are its matrix."""
    table = np.zeros((4, 4, 3, 3))
    table[0, 0] = np.eye(3)
    for axis in range(3):
        ahead, back = (axis + 1) % 3, (axis + 2) % 3
        table[1 + axis, 1 + axis] = 2.0 * np.diag(np.arange(3) == axis) - np.eye(3)
        table[1 + ahead, 1 + back, ahead, back] = table[1 + ahead, 1 + back, back, ahead] = 2.0
        table[0, 1 + axis, back, ahead], table[0, 1 + axis, ahead, back] = 2.0, -2.0
    return table.reshape(16, 9)


_MATRIX = _matrix_terms()


def matrix(turn: Array) -> Array:
    """``[..., 3, 3]`` matrices of ``[..., 4]`` unit quaternions."""
    products = turn[..., :, None] * turn[..., None, :]
    return (products.reshape(*turn.shape[:-1], 16) @ _MATRIX).reshape(*turn.shape[:-1], 3, 3)


def from_matrix(turn: Array) -> Array:
    """``[..., 4]`` unit quaternions with w >= 0 of ``[..., 3, 3]`` matrices; signs undefined at half a turn."""
    xx, yy, zz = turn[..., 0, 0], turn[..., 1, 1], turn[..., 2, 2]
    squares = np.stack((1 + xx + yy + zz, 1 + xx - yy - zz, 1 - xx + yy - zz, 1 - xx - yy + zz), -1)
    size = 0.5 * np.sqrt(np.maximum(squares, 0.0))
    skew = (
        turn[..., 2, 1] - turn[..., 1, 2],
        turn[..., 0, 2] - turn[..., 2, 0],
        turn[..., 1, 0] - turn[..., 0, 1],
    )
    size[..., 1:] = np.copysign(size[..., 1:], np.stack(skew, -1))
    return size / np.sqrt((size * size).sum(-1, keepdims=True))


def about(axis: int, angle: Array) -> Array:
    """``[..., 4]`` quaternions that turn by ``[...]`` rad about coordinate axis 0 (X), 1 (Y) or 2 (Z)."""
    turn = np.zeros((*np.shape(angle), 4))
    turn[..., 0] = np.cos(0.5 * angle)
    turn[..., 1 + axis] = np.sin(0.5 * angle)
    return turn


def rotate(turn: Array, vector: Array) -> Array:
    """``[..., 3]`` vectors turned by ``[..., 4]`` quaternions."""
    axis = turn[..., 1:]
    twice = 2.0 * cross(axis, vector)
    return vector + turn[..., :1] * twice + cross(axis, twice)


def cross(left: Array, right: Array) -> Array:
    """``[..., 3]`` cross product; numpy's own takes ten times as long for few vectors."""
    ahead, back = [1, 2, 0], [2, 0, 1]
    return left[..., ahead] * right[..., back] - left[..., back] * right[..., ahead]


def unit(vector: Array) -> Array:
    """``[..., n]`` vectors scaled to length 1."""
    return vector / np.sqrt((vector * vector).sum(-1, keepdims=True))


def slerp(first: Array, second: Array, share: float | Array) -> Array:
    """``[..., 4]`` on the shorter arc from one quaternion to another; ``share`` may be ``[..., 1]``."""
    cosine = (first * second).sum(-1, keepdims=True)
    angle = np.maximum(np.arccos(np.minimum(np.abs(cosine), 1.0)), 1e-6)
    a, b = np.sin((1 - share) * angle), np.sin(share * angle)
    mixed = a * first + np.copysign(b, cosine) * second
    return mixed / np.sqrt((mixed * mixed).sum(-1, keepdims=True))


def twist_angle(quaternion: Array, axis: int) -> Array:
    """``[...]`` rad by which quaternions turn about a coordinate axis (swing-twist decomposition)."""
    w, along = quaternion[..., 0], quaternion[..., 1 + axis]
    return 2 * np.arctan2(np.where(w < 0, -along, along), np.abs(w))


def arc(start: npt.ArrayLike, end: npt.ArrayLike) -> Array:
    """``[3, 3]`` smallest rotation that takes one direction to another; they must not be opposite."""
    a, b = unit(np.asarray(start, np.float64)), unit(np.asarray(end, np.float64))
    return matrix(unit(np.concatenate(([1.0 + a @ b], cross(a, b)))))
