"""From quads of the base mesh to the vertices of a part: refinement, texture seams, skinning, normals."""

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from nodes.renderer.asset import Bytes, Part
from nodes.renderer.bake.base_mesh import Floats, Ints
from nodes.renderer.bake.subdivide import Matrix, operator, refine, slot_rows

MOST_BONES = 4


@dataclass(frozen=True)
class Surface:
    """A triangle mesh whose vertices are linear in those of a coarser one.

    Attributes:
        matrix: ``[n, V]`` from values at the coarse vertices.
        uv: ``[n, 2]``.
        triangles: ``[t, 3]``.
    """

    matrix: Matrix
    uv: Floats
    triangles: Ints


def build_surface(
    quads: Ints, count: int, uv_quads: Ints, uv: Floats, *, fine: bool, around: Ints | None = None
) -> Surface:
    """Smooth quads, perhaps splitting each into four, and split vertices where the texture has seams.

    Args:
        quads: ``[F, 4]`` indices of coarse vertices.
        count: Number of coarse vertices.
        uv_quads: ``[F, 4]`` indices of texture coordinates.
        uv: ``[T, 2]``.
        fine: Whether to split the quads.
        around: ``[G, 4]`` a larger mesh that has the quads in it, so that pieces of it fit together at their rims.
    """
    corners = refine(quads, np.full(len(quads), fine))
    whole = quads if around is None else around
    own = np.arange(len(quads)) if around is None else _rows_in(around, quads)
    rows = slot_rows(whole, count)[own][corners[..., 0], corners[..., 1]]
    uv_rows = slot_rows(uv_quads, len(uv))[corners[..., 0], corners[..., 1]]
    pairs, inverse = np.unique(np.stack([rows.ravel(), uv_rows.ravel()], 1), axis=0, return_inverse=True)
    fine_uv = operator(uv_quads, len(uv), linear=True) @ uv
    matrix = operator(whole, count)[pairs[:, 0]]
    return Surface(matrix.tocsr(), fine_uv[pairs[:, 1]].astype(np.float32), inverse.reshape(-1, 3).astype(np.int32))


def _rows_in(whole: Ints, quads: Ints) -> Ints:
    """Row of each quad in a larger mesh."""
    row_of = {tuple(quad): row for row, quad in enumerate(whole.tolist())}
    return np.array([row_of[tuple(quad)] for quad in quads.tolist()], np.int32)


def vertex_normals(points: Floats, triangles: Ints) -> Floats:
    """Area weighted normals ``[n, 3]``, merged over vertices at the same place."""
    _, same = np.unique(np.round(points * 1e6).astype(np.int64), axis=0, return_inverse=True)
    corners = points[triangles]
    face = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    merged = same.ravel()[triangles]
    shape = (int(merged.max()) + 1, len(triangles))
    incidence = sparse.csr_matrix((np.ones(merged.size), (merged.ravel(), np.repeat(np.arange(len(face)), 3))), shape)
    normals = (incidence @ face)[np.minimum(same.ravel(), shape[0] - 1)]
    return (normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)).astype(np.float32)


def skinning(weights: Floats) -> tuple[Bytes, Bytes]:
    """The four strongest bones of each vertex.

    Args:
        weights: ``[n, joints]``.

    Returns:
        Their numbers ``[n, 4]`` and weights ``[n, 4]`` as uint8 that sum to 255.
    """
    joints = np.argsort(-weights, axis=1)[:, :MOST_BONES]
    strongest = np.take_along_axis(weights, joints, 1)
    share = strongest / np.maximum(strongest.sum(1, keepdims=True), 1e-9)
    quantised = np.floor(share * 255).astype(np.int32)
    quantised[:, 0] += 255 - quantised.sum(1)
    return joints.astype(np.uint8), quantised.astype(np.uint8)


def compacted(part: Part) -> Part:
    """Leave out vertices that no triangle uses."""
    used, inverse = np.unique(part.triangles, return_inverse=True)
    names = ("positions", "normals", "uv", "joints", "weights", "shade", *(("tangents",) if len(part.tangents) else ()))
    kept = {name: getattr(part, name)[used] for name in names}
    follows = None if part.follows is None else part.follows[used]
    return replace(part, **kept, triangles=inverse.reshape(-1, 3).astype(np.int32), follows=follows)
