"""The face in motion: actions displace vertices, then what may not touch is kept apart.

Actions are linear and know nothing of each other, so sums of them let lids pass through eyeballs, lips through each
other and through the teeth. After summing, lids are lifted off the eyeballs, crossing lips are parted where they touch,
and lips are kept in front of the teeth.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import sparse

from mio.contracts.arkit import ARKIT_INDEX
from nodes.renderer.asset import FaceShape, Floats, Ints

_CONTACT = 1  # place in a lip's column at which the lips touch
_SHUT_M = 0.0003  # lips this close hide what is between them
_LID_GAP_M = 0.00035
_TEETH_GAP_M = 0.0006
_CORNEA_RISE_M = 0.0010
_CORNEA_COSINE = np.float32(np.cos(0.45))
_AHEAD = np.array([[0, 0, 1], [0, 0, 1]], np.float32)
# How far each vertex of a lip's column goes along when its contact is moved.
_ALONG_COLUMN = np.array([1.0, 1.0, 0.92, 0.75, 0.55, 0.36, 0.20, 0.08, 0.0], np.float32)


class FaceMesh(NamedTuple):
    """A deformed face: ``[F, 3]`` positions in m in bind pose, and ``[F, 3]`` normals of any length."""

    positions: Floats
    normals: Floats


class Lids(NamedTuple):
    """Heights of the upper and the lower lid's margin over the centre of the eye, m, in bind pose."""

    upper: float
    lower: float


class FaceDeformer:
    """Deforms one face. Holds no state between frames."""

    def __init__(self, shape: FaceShape) -> None:
        self._shape = shape
        self._actions = np.ascontiguousarray(shape.actions.reshape(len(shape.actions), -1), np.float32)
        self._normals = _NormalMaker(shape.rest, shape.quads)
        self._lids = _LidGuard(shape)
        self._lips = _LipGuard(shape)

    def deform(self, weights: npt.ArrayLike, gaze: npt.NDArray[np.floating] | None = None) -> FaceMesh:
        """Apply actions.

        Args:
            weights: ``[52]`` of the ARKit actions, 0..1.
            gaze: ``[2, 3]`` unit vectors of where both eyes look, in the head's bind frame; straight ahead if left out.
        """
        amounts = np.clip(np.asarray(weights, np.float32), 0, 1)
        points = self._shape.rest.copy()
        points += (amounts @ self._actions).reshape(-1, 3)
        self._lids.keep_off(points, _AHEAD if gaze is None else np.asarray(gaze, np.float32))
        self._lips.part(points)
        return FaceMesh(points, self._normals(points))

    def lids(self, mesh: FaceMesh) -> tuple[Lids, Lids]:
        """Openings of the left and the right eye."""
        shape = self._shape
        found = []
        for line, eye in ((shape.left_lash_line, shape.eyes[0]), (shape.right_lash_line, shape.eyes[1])):
            heights = mesh.positions[line, 1] - eye[1]
            found.append(Lids(float(heights[0]), float(heights[1])))
        return found[0], found[1]

    def opening(self, mesh: FaceMesh) -> float:
        """How far the lips are apart, 0 closed .. 1 at 25 mm."""
        upper = mesh.positions[self._shape.upper_lip[:, _CONTACT], :2]
        lower = mesh.positions[self._shape.lower_lip[:, _CONTACT], :2]
        order = np.argsort(upper[:, 0])
        gap = np.interp(lower[1:-1, 0], upper[order, 0], upper[order, 1]) - lower[1:-1, 1]
        widest = float(gap.max())
        return 0.0 if widest < _SHUT_M else min(widest / 0.025, 1.0)


class _NormalMaker:
    """Area weighted normals of a quad mesh, at all vertices."""

    def __init__(self, rest: Floats, quads: Ints) -> None:
        self._corners = [np.ascontiguousarray(quads[:, k]) for k in range(4)]
        columns = np.repeat(np.arange(len(quads)), 4)
        data = np.ones(quads.size, np.float32)
        self._incidence = sparse.csr_matrix((data, (quads.ravel(), columns)), (len(rest), len(quads)))

    def __call__(self, points: Floats) -> Floats:
        a, b, c, d = (points.take(corner, axis=0) for corner in self._corners)
        first, second = c - a, d - b
        x1, y1, z1 = first.T
        x2, y2, z2 = second.T
        faces = np.stack([y1 * z2 - z1 * y2, z1 * x2 - x1 * z2, x1 * y2 - y1 * x2], 1)
        return self._incidence @ faces


class _LidGuard:
    """Keeps the skin around the eyes off the eyeballs."""

    def __init__(self, shape: FaceShape) -> None:
        sides = np.repeat([0, 1], [len(shape.left_lids), len(shape.right_lids)])
        self._vertices = np.concatenate([shape.left_lids, shape.right_lids]).astype(np.intp)
        self._sides = sides
        self._centres = shape.eyes[sides, :3].astype(np.float32)
        self._least = (shape.eyes[sides, 3] + _LID_GAP_M).astype(np.float32)

    def keep_off(self, points: Floats, gaze: Floats) -> None:
        """Push vertices out to just over the eyeballs, whose corneas bulge where they look, ``[2, 3]``."""
        offset = points.take(self._vertices, axis=0) - self._centres
        distance = np.sqrt(np.einsum("nk,nk->n", offset, offset))
        facing = np.einsum("nk,nk->n", offset, gaze.take(self._sides, axis=0)) / distance
        bulge = np.maximum((facing - _CORNEA_COSINE) / (1 - _CORNEA_COSINE), 0)
        least = self._least + _CORNEA_RISE_M * bulge
        near = np.flatnonzero(distance < least)
        if len(near):
            stretch = (least[near] / distance[near])[:, None]
            points[self._vertices[near]] = self._centres[near] + offset[near] * stretch


class _LipGuard:
    """Parts lips that cross, and keeps them in front of the teeth."""

    def __init__(self, shape: FaceShape) -> None:
        self._upper, self._lower = shape.upper_lip, shape.lower_lip
        self._upper_arch, self._lower_arch = shape.upper_arch, shape.lower_arch
        self._teeth = shape.lower_teeth
        self._teeth_rest = shape.rest[shape.lower_teeth].mean(0)
        self._inner_upper = np.unique(shape.upper_lip[:, :4])
        self._inner_lower = np.unique(shape.lower_lip[:, :4])

    def part(self, points: Floats) -> None:
        """Move lips in place."""
        jaw = points[self._teeth].mean(0) - self._teeth_rest
        self._in_front(points, self._inner_upper, self._upper_arch, np.zeros(3, np.float32))
        self._in_front(points, self._inner_lower, self._lower_arch, jaw)
        upper, lower = points[self._upper[:, _CONTACT]], points[self._lower[:, _CONTACT]]
        order = np.argsort(upper[:, 0])
        above = np.interp(lower[:, 0], upper[order, 0], upper[order, 1])
        crossing = np.maximum(lower[:, 1] - above, 0)
        crossing[[0, -1]] = 0
        if crossing.max() < 1e-5:
            return
        self._shift(points, self._lower, -0.5 * crossing)
        order = np.argsort(lower[:, 0])
        back = np.interp(upper[:, 0], lower[order, 0], crossing[order])
        self._shift(points, self._upper, 0.5 * back)

    @staticmethod
    def _shift(points: Floats, columns: Ints, by: npt.NDArray[np.floating]) -> None:
        points[columns, 1] += (by[:, None] * _ALONG_COLUMN).astype(np.float32)

    @staticmethod
    def _in_front(points: Floats, vertices: Ints, arch: Floats, shift: Floats) -> None:
        lips = points[vertices]
        x2 = (lips[:, 0] - shift[0]) ** 2
        front = arch[0] + arch[1] * x2 + arch[2] * x2 * x2 + shift[2] + _TEETH_GAP_M
        lack = front - lips[:, 2]
        behind = lack > 0
        if behind.any():
            points[vertices[behind], 2] += lack[behind]


EYE_LOOKS: tuple[tuple[int, int, int, int], ...] = tuple(
    (
        ARKIT_INDEX[f"eyeLookUp{side}"],
        ARKIT_INDEX[f"eyeLookDown{side}"],
        ARKIT_INDEX[f"eyeLookIn{side}"],
        ARKIT_INDEX[f"eyeLookOut{side}"],
    )
    for side in ("Left", "Right")
)
"""Actions up, down, in and out of the left and the right eye's lids."""

_FOLLOW_PER_RAD = np.array([1.0 / np.radians(25), 1.0 / np.radians(30), 1.0 / np.radians(35), 1.0 / np.radians(35)])


def with_lids_following(weights: Floats, eyes: npt.NDArray[np.floating]) -> Floats:
    """Let the lids follow the eyeballs where an engine leaves ``eyeLook*`` at zero.

    Args:
        weights: ``[52]``.
        eyes: ``[2, 3]`` rotations of the left and the right eyeball, axis-angle.
    """
    followed = weights.copy()
    for index, (actions, rotation) in enumerate(zip(EYE_LOOKS, eyes, strict=True)):
        if weights[list(actions)].max() > 1e-3:
            continue
        down, left = float(rotation[0]), float(rotation[1])
        outward = left if index == 0 else -left
        amounts = np.array([max(-down, 0), max(down, 0), max(-outward, 0), max(outward, 0)]) * _FOLLOW_PER_RAD
        followed[list(actions)] = np.clip(amounts, 0, 1)
    return followed
