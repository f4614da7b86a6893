"""Catmull-Clark subdivision of quad meshes as a sparse matrix, so that whatever is linear in the vertices follows.

Quads may be refined selectively: chosen ones are split into four, their neighbours become fans that take the new edge
points in, so that no crack opens.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from nodes.renderer.bake.base_mesh import Ints

Matrix = Any
"""A ``scipy.sparse.csr_matrix`` of floats."""

CENTRE = 8
"""Slots of a quad: 0..3 its corners, 4..7 the points on the edges that leave them, 8 the point in its middle."""


def operator(quads: Ints, count: int, *, linear: bool = False) -> Matrix:
    """Values of all slots of all quads from values at the vertices.

    Rows are the old vertices, then one per edge, then one per quad; boundary edges are kept as cubic splines.

    Args:
        quads: ``[F, 4]`` vertex indices.
        count: Number of vertices ``V``.
        linear: Keep the old vertices and put the new ones at edge and quad middles, as for texture coordinates.

    Returns:
        ``[V + E + F, V]``.
    """
    edges, quad_edges = edges_of(quads)
    faces = len(quads)
    face_points = _matrix(np.repeat(np.arange(faces), 4), quads.ravel(), 0.25, (faces, count))
    middles = _matrix(np.repeat(np.arange(len(edges)), 2), edges.ravel(), 0.5, (len(edges), count))
    if linear:
        return sparse.vstack([sparse.identity(count), middles, face_points]).tocsr()
    edge_points = _edge_points(quad_edges, middles, face_points)
    return sparse.vstack([_vertex_points(quads, edges, quad_edges, face_points), edge_points, face_points]).tocsr()


def slot_rows(quads: Ints, count: int) -> Ints:
    """Row of :func:`operator` for each slot of each quad, ``[F, 9]``."""
    edges, quad_edges = edges_of(quads)
    centres = count + len(edges) + np.arange(len(quads))
    return np.concatenate([quads, count + quad_edges, centres[:, None]], 1).astype(np.int32)


def refine(quads: Ints, chosen: npt.NDArray[np.bool_]) -> Ints:
    """Triangles over quads of which some are split into four.

    Args:
        quads: ``[F, 4]``.
        chosen: ``[F]`` which to split.

    Returns:
        ``[T, 3, 2]``: for each corner of each triangle its quad and its slot.
    """
    edges, quad_edges = edges_of(quads)
    split = np.zeros(len(edges), bool)
    split[quad_edges[chosen].ravel()] = True
    triangles: list[list[tuple[int, int]]] = []
    for face, (is_chosen, own) in enumerate(zip(chosen, split[quad_edges], strict=True)):
        triangles += _children(face) if is_chosen else _fan(face, own)
    return np.array(triangles, np.int32)


def edges_of(quads: Ints) -> tuple[Ints, Ints]:
    """Distinct edges ``[E, 2]``, and for each quad the edge that leaves each of its corners, ``[F, 4]``."""
    pairs = np.stack([quads, np.roll(quads, -1, 1)], 2).reshape(-1, 2)
    edges, inverse = np.unique(np.sort(pairs, 1), axis=0, return_inverse=True)
    return edges.astype(np.int32), inverse.reshape(-1, 4).astype(np.int32)


def _children(face: int) -> list[list[tuple[int, int]]]:
    found: list[list[tuple[int, int]]] = []
    for corner in range(4):
        ring = [corner, 4 + corner, CENTRE, 4 + (corner + 3) % 4]
        found += [[(face, ring[i]) for i in (0, 1, 2)], [(face, ring[i]) for i in (0, 2, 3)]]
    return found


def _fan(face: int, split: npt.NDArray[np.bool_]) -> list[list[tuple[int, int]]]:
    """Triangulate a quad with extra points on some edges, starting the fan at an extra point where there is one."""
    ring: list[int] = []
    for corner in range(4):
        ring += [corner, 4 + corner] if split[corner] else [corner]
    start = next((i for i, slot in enumerate(ring) if slot >= 4), 0)
    ring = ring[start:] + ring[:start]
    return [[(face, ring[0]), (face, ring[i]), (face, ring[i + 1])] for i in range(1, len(ring) - 1)]


def _matrix(rows: npt.NDArray[Any], columns: npt.NDArray[Any], value: Any, shape: tuple[int, int]) -> Matrix:
    values = np.broadcast_to(np.asarray(value, np.float64), rows.shape)
    return sparse.csr_matrix((values, (rows, columns)), shape=shape)


def _edge_points(quad_edges: Ints, middles: Matrix, face_points: Matrix) -> Matrix:
    """Mean of both ends and both adjacent face points; the middle on a boundary."""
    faces = len(quad_edges)
    around = _matrix(quad_edges.ravel(), np.repeat(np.arange(faces), 4), 1.0, (middles.shape[0], faces))
    inner = np.asarray(around.sum(1)).ravel() == 2
    half = sparse.diags(np.where(inner, 0.5, 1.0))
    quarter = sparse.diags(np.where(inner, 0.25, 0.0))
    return half @ middles + quarter @ around @ face_points


def _vertex_points(quads: Ints, edges: Ints, quad_edges: Ints, face_points: Matrix) -> Matrix:
    """Catmull-Clark's (F + 2 R + (n - 3) P) / n; on a boundary (1, 6, 1) / 8 along it; untouched where loose."""
    count, faces = face_points.shape[1], len(quads)
    uses = np.bincount(quad_edges.ravel(), minlength=len(edges))
    rim = edges[uses == 1]
    on_rim = np.zeros(count, bool)
    on_rim[rim.ravel()] = True
    valence = np.bincount(edges.ravel(), minlength=count).astype(np.float64)
    used = valence > 0
    inner = used & ~on_rim
    scale = np.where(inner, 1 / np.maximum(valence, 1), 0.0)
    in_faces = _matrix(quads.ravel(), np.repeat(np.arange(faces), 4), 1.0, (count, faces))
    mean_faces = sparse.diags(scale**2) @ in_faces @ face_points  # F / n, where F is the mean of n face points
    both = np.concatenate([edges, edges[:, ::-1]])
    neighbours = _matrix(both[:, 0], both[:, 1], 1.0, (count, count))
    own = sparse.diags(valence)
    mean_edges = sparse.diags(scale**2) @ (neighbours + own)  # 2 R / n, where R is the mean of edge middles
    keep = sparse.diags(np.where(inner, (valence - 3) * scale, np.where(on_rim, 0.75, 1.0)))
    along = np.concatenate([rim, rim[:, ::-1]])
    spline = _matrix(along[:, 0], along[:, 1], 0.125, (count, count))
    return mean_faces + mean_edges + keep + spline
