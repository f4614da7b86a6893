"""Texture coordinates for the head, with room where one looks: eyes, lips, face; little for the scalp.

Stretch-minimising parameterisation after Yoshizawa, Belyaev and Seidel, "A fast and simple stretch-minimizing mesh
parameterization" (SMI 2004): a convex combination map onto a disc (so no triangle can flip), whose weights are divided
by the local stretch and solved again. Holes are closed by one virtual vertex each.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.sparse.linalg import splu

from nodes.renderer.bake.base_mesh import Floats, Ints

_ROUNDS = 14
_RELAXATION = 0.6
_HOLE_WEIGHT = 60.0  # ties of a hole's rim to its virtual vertex, in 1/m like the edges' weights


def unwrap(points: Floats, quads: Ints, importance: Floats) -> Floats:
    """Lay a disc-like surface with holes onto the unit square.

    Args:
        points: ``[n, 3]`` m.
        quads: ``[q, 4]``; the longest boundary becomes the circle, the front-most point of it its bottom.
        importance: ``[n]`` texture area per surface area that each point's surroundings shall get.

    Returns:
        ``[n, 2]`` texture coordinates in 0..1, forehead up.
    """
    loops = boundary_loops(quads)
    outer, holes = loops[0], loops[1:]
    count = len(points)
    total = count + len(holes)
    triangles = _both_diagonals(quads)
    wanted = _areas(points, triangles) * importance[triangles].mean(1)
    weights = _weights(points, triangles, holes, total)
    uv = np.zeros((total, 2))
    uv[outer] = _circle(points[outer])
    free = np.ones(total, bool)
    free[outer] = False
    scale = np.ones(total)
    for _ in range(_ROUNDS):
        uv[free] = _solve(weights @ sparse.diags(1 / scale), uv, free)
        stretch = np.sqrt(_around(triangles, wanted, count) / _around(triangles, _areas(uv, triangles), count))
        stretch /= np.exp(np.log(stretch).mean())
        scale[:count] *= np.clip(stretch, 0.2, 5.0) ** _RELAXATION
    return uv[:count].astype(np.float32)


def boundary_loops(quads: Ints) -> list[Ints]:
    """Closed boundaries as vertex indices in order, the longest first."""
    edges = np.stack([quads, np.roll(quads, -1, 1)], 2).reshape(-1, 2)
    _, inverse, uses = np.unique(np.sort(edges, 1), axis=0, return_inverse=True, return_counts=True)
    following = {int(a): int(b) for a, b in edges[uses[inverse.ravel()] == 1]}
    loops: list[Ints] = []
    while following:
        start, at = following.popitem()
        loop = [start]
        while at != start:
            loop.append(at)
            at = following.pop(at)
        loops.append(np.array(loop, np.int32))
    return sorted(loops, key=len, reverse=True)


def _both_diagonals(quads: Ints) -> Ints:
    return np.concatenate([quads[:, corners] for corners in ((0, 1, 2), (0, 2, 3), (0, 1, 3), (1, 2, 3))])


def _areas(points: npt.NDArray[Any], triangles: Ints) -> npt.NDArray[np.float64]:
    a, b = points[triangles[:, 1]] - points[triangles[:, 0]], points[triangles[:, 2]] - points[triangles[:, 0]]
    if points.shape[1] == 2:
        return np.abs(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]) + 1e-12
    return np.linalg.norm(np.cross(a, b), axis=1) + 1e-12


def _around(triangles: Ints, values: npt.NDArray[Any], count: int) -> npt.NDArray[np.float64]:
    return np.sum([np.bincount(triangles[:, k], values, count) for k in range(3)], axis=0) + 1e-14


def _weights(points: Floats, triangles: Ints, holes: list[Ints], total: int) -> Any:
    a, b = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]).T
    inverse_length = 1 / (np.linalg.norm(points[a] - points[b], axis=1) + 1e-5)
    rim = np.concatenate([*holes, np.zeros(0, np.int32)]).astype(np.int64)
    centre = len(points) + np.repeat(np.arange(len(holes)), [len(hole) for hole in holes])
    rows, columns = np.concatenate([a, rim]), np.concatenate([b, centre])
    values = np.concatenate([inverse_length, np.full(len(rim), _HOLE_WEIGHT)])
    half = sparse.coo_matrix((values, (rows, columns)), (total, total)).tocsr()
    return half + half.T


def _circle(rim: Floats) -> npt.NDArray[np.float64]:
    steps = np.linalg.norm(rim - np.roll(rim, 1, 0), axis=1)
    angle = np.cumsum(steps) / steps.sum() * 2 * np.pi
    front = np.argmax(rim[:, 2] - 10 * np.abs(rim[:, 0]))
    angle = np.pi / 2 + angle - angle[front]
    return 0.5 + 0.5 * np.stack([np.cos(angle), np.sin(angle)], 1)


def _solve(weights: Any, uv: npt.NDArray[np.float64], free: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    laplacian = (sparse.diags(np.asarray(weights.sum(1)).ravel()) - weights).tocsr()
    right = -laplacian[free][:, ~free] @ uv[~free]
    return splu(laplacian[free][:, free].tocsc()).solve(right)
