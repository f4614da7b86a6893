"""Fewer triangles of a part, for drawing at low effort: edges are collapsed onto one of their ends.

After M. Garland and P. Heckbert, "Simplifying Surfaces with Color and Texture using Quadric Error Metrics" (1998): a
collapse costs the squared distance, in the space of all that a vertex carries, that the triangles around it move by.
Vertices are only left out, never moved, so the rest keeps its skinning, texture and facial actions.
"""

import heapq
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nodes.renderer.asset import Floats, Ints

_FLATTEST = 0.35  # cosine by which a triangle may turn
_THINNEST = 0.06  # of height to longest side; slivers are shaded unevenly

Array = npt.NDArray[np.float64]


def decimated(points: Floats, carried: Floats, triangles: Ints, locked: npt.NDArray[np.bool_], error_m: float) -> Ints:
    """Collapse edges as long as the surface moves little.

    Args:
        points: ``[n, 3]`` m.
        carried: ``[n, k]`` everything else that shall be kept, scaled so that a change of 1 is as bad as 1 m.
        triangles: ``[t, 3]``.
        locked: ``[n]`` vertices that must stay. Vertices at the rim and where several are at one place always do.
        error_m: Largest root mean square distance, over the triangles around it, at which a vertex is left out.

    Returns:
        ``[s, 3]`` triangles of vertices that are left.
    """
    mesh = _Mesh(points.astype(np.float64), triangles)
    space = np.concatenate([points, carried], 1).astype(np.float64)
    quadrics = _quadrics(space, triangles)
    fixed = locked | mesh.rim() | _repeated(points)
    waiting = [(cost, a, b, 0) for a, b in mesh.edges() if not fixed[a] for cost in [quadrics.cost(a, space[b])]]
    heapq.heapify(waiting)
    version = np.zeros(len(points), np.int64)
    while waiting:
        cost, a, b, seen = heapq.heappop(waiting)
        if cost > error_m**2:
            break
        if seen != version[a] or b not in mesh.neighbours(a) or not mesh.may_collapse(a, b):
            continue
        mesh.collapse(a, b)
        quadrics.join(b, a)
        for near in (b, *mesh.neighbours(b)):
            version[near] += 1
            if not fixed[near]:
                for end in mesh.neighbours(near):
                    heapq.heappush(waiting, (quadrics.cost(near, space[end]), near, end, int(version[near])))
    return mesh.triangles()


def _repeated(points: Floats) -> npt.NDArray[np.bool_]:
    """Vertices that share their place with others, as along seams of the texture."""
    _, same, counts = np.unique(
        np.round(points * 1e6).astype(np.int64), axis=0, return_inverse=True, return_counts=True
    )
    return counts[same.ravel()] > 1


@dataclass
class _Quadrics:
    """Sums over triangles of area times squared distance to their planes, as ``x A x + 2 b x + c``.

    Attributes:
        a: ``[n, d, d]``.
        b: ``[n, d]``.
        c: ``[n]``.
        area: ``[n]`` m2.
    """

    a: Array
    b: Array
    c: Array
    area: Array

    def cost(self, vertex: int, place: Array) -> float:
        """Mean squared distance from a place to the planes around a vertex, m2."""
        squared = place @ self.a[vertex] @ place + 2 * self.b[vertex] @ place + self.c[vertex]
        return max(float(squared), 0.0) / float(self.area[vertex])

    def join(self, vertex: int, other: int) -> None:
        """Add another vertex's."""
        for values in (self.a, self.b, self.c, self.area):
            values[vertex] += values[other]


def _quadrics(space: Array, triangles: Ints) -> _Quadrics:
    """Those of all vertices, in ``d`` dimensions of which the first three are the place."""
    p, q, r = (space[triangles[:, k]] for k in range(3))
    area = 0.5 * np.linalg.norm(np.cross((q - p)[:, :3], (r - p)[:, :3]), axis=1) + 1e-15
    first = _unit(q - p)
    second = r - p
    second = _unit(second - first * (second * first).sum(1, keepdims=True))
    along, aside = (p * first).sum(1), (p * second).sum(1)
    a = np.eye(space.shape[1]) - np.einsum("ti,tj->tij", first, first) - np.einsum("ti,tj->tij", second, second)
    b = along[:, None] * first + aside[:, None] * second - p
    c = (p * p).sum(1) - along**2 - aside**2
    count, width = space.shape
    found = _Quadrics(np.zeros((count, width, width)), np.zeros((count, width)), np.zeros(count), np.zeros(count))
    for corner in triangles.T:
        np.add.at(found.a, corner, a * area[:, None, None])
        np.add.at(found.b, corner, b * area[:, None])
        np.add.at(found.c, corner, c * area)
        np.add.at(found.area, corner, area)
    return found


class _Mesh:
    """Triangles that can lose vertices."""

    def __init__(self, points: Array, triangles: Ints) -> None:
        self._points = points
        self._corners: list[tuple[int, int, int] | None] = [(int(a), int(b), int(c)) for a, b, c in triangles]
        self._around: list[set[int]] = [set() for _ in points]
        for index, corners in enumerate(triangles.tolist()):
            for corner in corners:
                self._around[corner].add(index)

    def triangles(self) -> Ints:
        """``[s, 3]`` those that are left."""
        return np.array([corners for corners in self._corners if corners is not None], np.int32).reshape(-1, 3)

    def edges(self) -> list[tuple[int, int]]:
        """All edges, both ways."""
        return [(vertex, other) for vertex in range(len(self._points)) for other in sorted(self.neighbours(vertex))]

    def rim(self) -> npt.NDArray[np.bool_]:
        """Vertices around which the triangles do not close."""
        return np.array([len(self.neighbours(v)) != len(around) for v, around in enumerate(self._around)])

    def neighbours(self, vertex: int) -> set[int]:
        """Vertices that share an edge with a vertex."""
        found = {corner for index in self._around[vertex] for corner in self._corners[index] or ()}
        found.discard(vertex)
        return found

    def may_collapse(self, vertex: int, onto: int) -> bool:
        """Whether the surface stays a surface and no triangle turns over or gets thin."""
        if len(self.neighbours(vertex) & self.neighbours(onto)) != 2:
            return False
        moved = [self._corners[index] or () for index in self._around[vertex] - self._around[onto]]
        before = self._points[np.array(moved)]
        after = self._points[np.array([[onto if corner == vertex else corner for corner in each] for each in moved])]
        old, new = (np.cross(t[:, 1] - t[:, 0], t[:, 2] - t[:, 0]) for t in (before, after))
        sides = np.linalg.norm(after - np.roll(after, 1, axis=1), axis=2).max(1)
        sizes = np.linalg.norm(new, axis=1)
        turned = (old * new).sum(1) < _FLATTEST * np.linalg.norm(old, axis=1) * sizes
        return not (turned | (sizes < _THINNEST * sides**2)).any()

    def collapse(self, vertex: int, onto: int) -> None:
        """Let a vertex's triangles end at another one."""
        for index in self._around[vertex]:
            corners = self._corners[index] or ()
            if onto in corners:
                self._corners[index] = None
                for corner in corners:
                    if corner != vertex:
                        self._around[corner].discard(index)
            else:
                a, b, c = (onto if corner == vertex else corner for corner in corners)
                self._corners[index] = (a, b, c)
                self._around[onto].add(index)
        self._around[vertex] = set()


def _unit(vectors: Array) -> Array:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-15)
