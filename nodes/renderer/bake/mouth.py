"""Lips as columns: from the inner rim outwards over the red of the lips, one column per vertex of the rim."""

from dataclasses import dataclass

import numpy as np

from nodes.renderer.bake.base_mesh import Floats, Ints
from nodes.renderer.bake.unwrap import boundary_loops

COLUMN_LENGTH = 9
CONTACT = 1
"""Place in a column of the vertex at which the lips touch: the lowest of the upper lip, the highest of the lower."""

_OVERLAP_M = 0.0002
_FADE_M = 0.006


@dataclass(frozen=True)
class Lips:
    """Vertex columns of both lips, each ``[n, 9]``, from her right corner to her left one."""

    upper: Ints
    lower: Ints


def lip_columns(quads: Ints, points: Floats) -> Lips:
    """Find the columns.

    Args:
        quads: Quads of the head's skin, whose mouth is a hole.
        points: ``[V, 3]`` m.
    """
    loop = _mouth_loop(quads, points)
    right, left = int(np.argmin(points[loop, 0])), int(np.argmax(points[loop, 0]))
    halves = [
        np.roll(loop, -right)[: (left - right) % len(loop) + 1],
        np.roll(loop, -left)[: (right - left) % len(loop) + 1],
    ]
    halves = [half if points[half[0], 0] < points[half[-1], 0] else half[::-1] for half in halves]
    halves.sort(key=lambda half: -float(points[half[len(half) // 2], 1]))
    walker = _Walker(quads)
    columns = [np.array([walker.column(int(rim), set(loop.tolist())) for rim in half], np.int32) for half in halves]
    middle = [float(points[column[len(column) // 2, -1], 1]) for column in columns]
    upper, lower = (columns[0], columns[1]) if middle[0] > middle[1] else (columns[1], columns[0])
    return Lips(upper, lower)


def closed_at_rest(points: Floats, lips: Lips, region: Ints) -> Floats:
    """Close the lips where they gape, by raising what lies below their line, fading out towards the chin.

    Args:
        points: ``[V, 3]`` m.
        lips: Their columns.
        region: Vertices of the skin of head and mouth.
    """
    upper, lower = points[lips.upper[:, CONTACT]], points[lips.lower[:, CONTACT]]
    x = points[region, 0]
    line = np.interp(x, upper[:, 0], upper[:, 1])
    gap = np.interp(x, lower[:, 0], np.interp(lower[:, 0], upper[:, 0], upper[:, 1]) - lower[:, 1])
    inside = (x > lower[0, 0]) & (x < lower[-1, 0])
    depth = line - points[region, 1]
    front = points[region, 2] > upper[:, 2].min() - 0.012
    lift = (np.maximum(gap, 0) + _OVERLAP_M) * np.exp(-((np.maximum(depth, 0) / _FADE_M) ** 2))
    below = inside & front & ((depth > 0) | np.isin(region, lips.lower[:, :3]))
    below &= ~np.isin(region, lips.upper)
    moved = points.copy()
    moved[region[below], 1] += lift[below]
    return moved


def _mouth_loop(quads: Ints, points: Floats) -> Ints:
    holes = boundary_loops(quads)[1:]
    return min(holes, key=lambda loop: abs(float(points[loop, 0].mean())))


class _Walker:
    """Walks straight on along edges of a quad mesh."""

    def __init__(self, quads: Ints) -> None:
        self._neighbours: dict[int, set[int]] = {}
        self._faces: dict[int, set[int]] = {}
        for face, quad in enumerate(quads.tolist()):
            for a, b in zip(quad, quad[1:] + quad[:1], strict=True):
                self._neighbours.setdefault(a, set()).add(b)
                self._neighbours.setdefault(b, set()).add(a)
                self._faces.setdefault(a, set()).add(face)

    def column(self, rim: int, loop: set[int]) -> list[int]:
        """Vertices from the rim outwards; the last one is repeated where the mesh does not go straight on."""
        found = [rim, next(iter(self._neighbours[rim] - loop))]
        while len(found) < COLUMN_LENGTH:
            behind, at = found[-2], found[-1]
            ahead = [n for n in self._neighbours[at] if n != behind and not self._faces[n] & self._faces[behind]]
            if len(self._neighbours[at]) != 4 or len(ahead) != 1:
                return found + [at] * (COLUMN_LENGTH - len(found))
            found.append(ahead[0])
        return found
