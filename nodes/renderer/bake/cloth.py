"""Cloth over the body: offset and smoothed surfaces, cut along lines, with the weave laid out in real size."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.spatial import KDTree

from nodes.renderer.bake.base_mesh import Floats, Ints
from nodes.renderer.bake.mesh import vertex_normals

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Cloth:
    """A piece of cloth in bind pose.

    Attributes:
        points: ``[n, 3]`` m.
        weights: ``[n, 59]`` skinning.
        triangles: ``[t, 3]``.
        uv: ``[n, 2]`` place on the fabric, m; zeros until laid out.
    """

    points: Floats
    weights: Floats
    triangles: Ints
    uv: Floats


def cloth_of(points: Floats, weights: Floats, quads: Ints) -> Cloth:
    """Take quads of the base mesh as cloth."""
    used, inverse = np.unique(quads, return_inverse=True)
    ring = inverse.reshape(-1, 4)
    triangles = np.concatenate([ring[:, [0, 1, 2]], ring[:, [0, 2, 3]]]).astype(np.int32)
    return Cloth(points[used].astype(np.float32), weights[used], triangles, np.zeros((len(used), 2), np.float32))


def smooth(points: Floats, triangles: Ints, rounds: int, amount: Floats | float = 0.6) -> Floats:
    """Pull every vertex towards the mean of its neighbours; boundaries only along themselves.

    Args:
        points: ``[n, 3]``.
        triangles: ``[t, 3]``.
        rounds: How often.
        amount: 0..1, one value or one per vertex.
    """
    edges, uses = _edges(triangles)
    rim = edges[uses == 1]
    on_rim = np.zeros(len(points), bool)
    on_rim[rim.ravel()] = True
    inner = _neighbours(edges, len(points))
    along = _neighbours(rim, len(points))
    share = np.broadcast_to(np.asarray(amount, np.float64), len(points))[:, None]
    moved = points.astype(np.float64)
    for _ in range(rounds):
        mean = np.where(on_rim[:, None], along @ moved, inner @ moved)
        moved = moved + share * (mean - moved)
    return moved.astype(np.float32)


def keep_outside(points: Floats, body: Floats, body_normals: Floats, distance: Floats | float) -> Floats:
    """Push points out to a distance from the body where they come closer."""
    _, nearest = KDTree(body).query(points, k=4)
    offset = points[:, None] - body[nearest]
    height = (offset * body_normals[nearest]).sum(-1).min(1)
    normal = body_normals[nearest].mean(1)
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
    lack = np.maximum(np.asarray(distance) - height, 0)
    return (points + normal * lack[:, None]).astype(np.float32)


def cut(cloth: Cloth, values: Floats) -> Cloth:
    """Keep what lies where values ``[n]`` per vertex are positive, cutting triangles along the zero line."""
    positive = values > 0
    count = positive[cloth.triangles].sum(1)
    kept = [cloth.triangles[count == 3]]
    new_edges: list[npt.NDArray[np.int64]] = []
    next_index = len(cloth.points)
    crossing: dict[tuple[int, int], int] = {}
    cut_triangles: list[list[int]] = []
    for triangle in cloth.triangles[(count == 1) | (count == 2)].tolist():
        ring: list[int] = []
        for a, b in zip(triangle, triangle[1:] + triangle[:1], strict=True):
            if positive[a]:
                ring.append(a)
            if positive[a] != positive[b]:
                key = (min(a, b), max(a, b))
                if key not in crossing:
                    crossing[key] = next_index
                    next_index += 1
                ring.append(crossing[key])
        cut_triangles += [[ring[0], ring[i], ring[i + 1]] for i in range(1, len(ring) - 1)]
    new_edges = [np.array(list(crossing), np.int64).reshape(-1, 2)]
    a, b = new_edges[0].T
    t = (values[a] / (values[a] - values[b]))[:, None].astype(np.float32)
    grown = [
        np.concatenate([array, array[a] + t * (array[b] - array[a])])
        for array in (cloth.points, cloth.weights, cloth.uv)
    ]
    triangles = np.concatenate([*kept, np.array(cut_triangles, np.int32).reshape(-1, 3)]).astype(np.int32)
    return compact(Cloth(grown[0], grown[1], triangles, grown[2]))


def compact(cloth: Cloth) -> Cloth:
    """Leave out vertices that no triangle uses."""
    used, inverse = np.unique(cloth.triangles, return_inverse=True)
    return Cloth(cloth.points[used], cloth.weights[used], inverse.reshape(-1, 3).astype(np.int32), cloth.uv[used])


def rims(cloth: Cloth) -> list[Ints]:
    """Boundary loops as vertex indices in order, the longest first."""
    directed = np.concatenate([cloth.triangles[:, [0, 1]], cloth.triangles[:, [1, 2]], cloth.triangles[:, [2, 0]]])
    _, inverse, uses = np.unique(np.sort(directed, 1), axis=0, return_inverse=True, return_counts=True)
    following = {int(a): int(b) for a, b in directed[uses[inverse.ravel()] == 1]}
    loops: list[Ints] = []
    while following:
        start, at = following.popitem()
        loop = [start]
        while at != start and at in following:
            loop.append(at)
            at = following.pop(at)
        loops.append(np.array(loop, np.int32))
    return sorted(loops, key=len, reverse=True)


def lay_out(
    cloth: Cloth, chart_of: Callable[[Floats], npt.NDArray[np.int64]], place: Callable[[Floats, int], Floats]
) -> Cloth:
    """Place a cloth on its fabric, piece by piece, splitting vertices along the seams between pieces.

    Args:
        cloth: The cloth.
        chart_of: Piece of the pattern for each of ``[t, 3]`` triangle centres.
        place: ``[k, 2]`` m on the fabric, and the period of the first coordinate as a third column (0 for none), of
            ``[k, 3]`` points of a piece.
    """
    centres = cloth.points[cloth.triangles].mean(1)
    chart = chart_of(centres)
    uv = np.zeros((len(cloth.triangles), 3, 2), np.float32)
    for piece in np.unique(chart):
        here = chart == piece
        placed = place(cloth.points[cloth.triangles[here]].reshape(-1, 3), int(piece)).reshape(-1, 3, 3)
        u, period = placed[..., 0], placed[..., 2]
        jump = (u - u[:, :1]) > period / 2, (u[:, :1] - u) > period / 2
        uv[here, :, 0] = u - np.where(jump[0], period, 0) + np.where(jump[1], period, 0)
        uv[here, :, 1] = placed[..., 1]
    key = np.column_stack([cloth.triangles.ravel(), np.round(uv.reshape(-1, 2) * 2e4).astype(np.int64)])
    _, first, inverse = np.unique(key, axis=0, return_index=True, return_inverse=True)
    source = cloth.triangles.ravel()[first]
    return Cloth(
        cloth.points[source], cloth.weights[source], inverse.reshape(-1, 3).astype(np.int32), uv.reshape(-1, 2)[first]
    )


def tube(path: Floats, weights: Floats, profile: Floats, outward: Floats, up: Floats) -> Cloth:
    """Sweep an open profile along a closed path, as for ribbed bands.

    Args:
        path: ``[n, 3]`` m.
        weights: ``[n, 59]`` of the path.
        profile: ``[k, 2]`` m, outwards and upwards.
        outward: ``[n, 3]`` unit vectors.
        up: ``[n, 3]`` unit vectors.
    """
    count, rows = len(path), len(profile)
    points = path[:, None] + outward[:, None] * profile[None, :, :1] + up[:, None] * profile[None, :, 1:]
    length = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(path, axis=0, append=path[:1]), axis=1))])
    height = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(profile, axis=0), axis=1))])
    closed = np.concatenate([points, points[:1]]).reshape(-1, 3)
    uv = np.stack(np.broadcast_arrays(length[:, None], height[None]), -1).reshape(-1, 2)
    at = (np.arange(count)[:, None] * rows + np.arange(rows - 1)).ravel()
    ring = np.stack([at, at + rows, at + rows + 1, at + 1], 1)
    triangles = np.concatenate([ring[:, [0, 1, 2]], ring[:, [0, 2, 3]]]).astype(np.int32)
    spread = np.repeat(np.concatenate([weights, weights[:1]]), rows, axis=0)
    cloth = Cloth(closed.astype(np.float32), spread.astype(np.float32), triangles, uv.astype(np.float32))
    facing = (
        vertex_normals(cloth.points, triangles) * np.repeat(np.concatenate([outward, outward[:1]]), rows, axis=0)
    ).sum()
    return cloth if facing > 0 else replace(cloth, triangles=triangles[:, [0, 2, 1]])


def join(pieces: list[Cloth]) -> Cloth:
    """One cloth of several."""
    offsets = np.cumsum([0] + [len(piece.points) for piece in pieces[:-1]])
    triangles = np.concatenate([piece.triangles + offset for piece, offset in zip(pieces, offsets, strict=True)])
    points, weights, uv = (np.concatenate([getattr(p, n) for p in pieces]) for n in ("points", "weights", "uv"))
    return Cloth(points, weights, triangles.astype(np.int32), uv)


def _edges(triangles: Ints) -> tuple[Ints, Ints]:
    pairs = np.sort(np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), 1)
    edges, uses = np.unique(pairs, axis=0, return_counts=True)
    return edges, uses


def _neighbours(edges: Ints, count: int) -> sparse.csr_matrix:
    both = np.concatenate([edges, edges[:, ::-1]])
    graph = sparse.csr_matrix((np.ones(len(both)), (both[:, 0], both[:, 1])), (count, count))
    return sparse.diags(1 / np.maximum(np.asarray(graph.sum(1)).ravel(), 1)) @ graph
