"""A bob with a side parting: sheets of hair that fall from it, locks over them, a fringe that sweeps across.

Hair follows guides: from a root on the parting over the head to its widest place, then down to the tips. Sheets are
grids of guides whose columns gather into locks; loose locks are ribbons along a guide.
"""

from dataclasses import dataclass, replace

import numpy as np

from nodes.renderer.bake.base_mesh import Floats, Ints
from nodes.renderer.bake.landmarks import Landmarks
from nodes.renderer.bake.scalp import Array, Scalp, direction
from nodes.renderer.config import HairLook

_HEAD_RADIUS = 0.115  # m, to turn angles over the head into lengths
_PARTING_DEG = (34.0, 118.0)  # elevation over the front at which the parting begins and ends
_GUIDE_ROWS = 64
_ROOT_M = 0.006  # of the hair's surface over the skin at the parting
_ROOTWARD = 1.2  # rows are closer where hair bends over the head than where it hangs
_BACK = 0.5  # where along a sheet the parting's end is reached; the rest fans out from there


@dataclass(frozen=True)
class HairMesh:
    """A piece of hair.

    Attributes:
        points: ``[n, 3]`` m, bind pose.
        normals: ``[n, 3]`` outwards.
        tangents: ``[n, 3]`` from root to tip.
        uv: ``[n, 2]`` across and along, 0 at the root.
        tone: ``[n]`` 0..1, how light its lock is.
        loose: ``[n]`` 0..1, how far it lags behind the head.
        depth: ``[n]`` 0..1, how deep below the surface of the hair.
        triangles: ``[t, 3]``.
    """

    points: Floats
    normals: Floats
    tangents: Floats
    uv: Floats
    tone: Floats
    loose: Floats
    depth: Floats
    triangles: Ints


@dataclass(frozen=True)
class HairDetail:
    """How finely hair is made: columns and rows of the sheets, number and rows of the loose locks."""

    columns: int
    rows: int
    locks: int
    lock_rows: int


COARSE = HairDetail(columns=30, rows=17, locks=5, lock_rows=9)
FINE = HairDetail(columns=88, rows=26, locks=24, lock_rows=18)


class Hairdresser:
    """Makes the hair of one head."""

    def __init__(self, scalp: Scalp, marks: Landmarks, look: HairLook, seed: int) -> None:
        self._scalp = scalp
        self._marks = marks
        self._look = look
        self._seed = seed

    def lining(self, detail: HairDetail) -> HairMesh:
        """The inside of the hair, which shows where it hangs free."""
        sheets = [self._sheet(side, detail.columns // 2 + 4, detail.rows // 2 + 2, 0.12) for side in (1, -1)]
        mesh = join(sheets)
        return replace(mesh, normals=-mesh.normals, triangles=mesh.triangles[:, [0, 2, 1]])

    def sheets(self, detail: HairDetail) -> HairMesh:
        """The surface of the hair, both sides of the parting."""
        return join([self._sheet(side, detail.columns, detail.rows, 0.0) for side in (1, -1)])

    def locks(self, detail: HairDetail) -> HairMesh:
        """Ribbons over the sheets, from the inner to the outer ones."""
        random = np.random.default_rng(self._seed + 1)
        found: list[HairMesh] = []
        for index in range(detail.locks):
            for side in (1, -1):
                along = (index + random.uniform(0.1, 0.9)) / detail.locks
                found.append(self._lock(side, along, detail, random))
        return join(found)

    def _roots(self, along: Array) -> Array:
        elevation = np.radians(np.interp(np.minimum(along / _BACK, 1) ** 0.9, [0, 1], _PARTING_DEG))
        sideways = np.full_like(along, self._look.parting_m / _HEAD_RADIUS)
        roots = np.stack([sideways, np.sin(elevation), np.cos(elevation)], -1)
        return roots / np.linalg.norm(roots, axis=-1, keepdims=True)

    def _guides(self, side: int, along: Array, down: Array, inner: float) -> Array:
        """Points ``[columns, rows, 3]`` of guides; ``inner`` 0 on the surface, 1 close to the head."""
        fine = np.linspace(0, 1.04, _GUIDE_ROWS)
        points = self._fine_guides(side, along, fine, inner)
        at = np.interp(down, fine, np.arange(_GUIDE_ROWS))
        row = np.minimum(at.astype(int), _GUIDE_ROWS - 2)
        share = (at - row)[None, :, None]
        return points[:, row] * (1 - share) + points[:, row + 1] * share

    def _fine_guides(self, side: int, along: Array, down: Array, inner: float) -> Array:
        look, marks = self._look, self._marks
        root = self._roots(along)
        widest = side * np.interp(along, [0, 0.25, _BACK, 1], [55, 74, 100, 182])
        level = np.interp(along, [0, _BACK, 1], [0, -4, -10])
        side_on = direction(widest, level)
        sweep = np.interp(along, [0, 0.3], [1, 0]) * look.fringe
        over = direction(side * np.interp(along, [0, 0.3], [46 if side > 0 else 16, 80]), 34 if side > 0 else 19)
        turn = np.arccos(np.clip((root * side_on).sum(-1), -1, 1))
        arc_m = turn * _HEAD_RADIUS * (1 + 0.12 * sweep)
        volume = np.interp(along, [0, 0.15, _BACK, 1], [0.75, 0.85, 1.0, 1.0]) * look.volume_m * (1 - 0.55 * inner)
        start = self._scalp.lift(side_on, volume)
        tips = marks.mouth[1] - look.length_m + np.interp(along, [0, 0.3, 1], [0.0, 0.004, 0.020]) + 0.012 * inner
        fall_m = np.maximum(start[:, 1] - tips, 0.02)
        way = down[None] * (arc_m + fall_m)[:, None]
        t = np.clip(way / arc_m[:, None], 0, 1)
        over_head = _bend(root, over, side_on, t, sweep)
        height = _ROOT_M + (volume[:, None] - _ROOT_M) * _smooth(t, 0, 0.42)
        on_head = self._scalp.lift(over_head, height)
        points = np.where(
            (way > arc_m[:, None])[..., None], self._falling(start, way - arc_m[:, None], fall_m), on_head
        )
        for _ in range(_GUIDE_ROWS // 6):
            points[:, 1:-1] = 0.25 * points[:, :-2] + 0.5 * points[:, 1:-1] + 0.25 * points[:, 2:]
        return points

    def _falling(self, start: Array, below: Array, fall_m: Array) -> Array:
        """Hair that hangs from its widest place, swings out a little and turns in at the tips."""
        below = np.maximum(below, 0)
        share = below / fall_m[:, None]
        outward = start - self._scalp.centre
        outward[:, 1] = 0
        reach = np.linalg.norm(outward, axis=-1)
        radius = reach[:, None] + 0.005 * np.sin(np.pi * np.minimum(share * 1.1, 1)) - 0.021 * share**2.2
        points = self._scalp.centre + (outward / reach[:, None])[:, None] * radius[..., None]
        points[..., 1] = start[:, None, 1] - below
        return points

    def _sheet(self, side: int, columns: int, rows: int, inner: float) -> HairMesh:
        random = np.random.default_rng(self._seed + 10 * (side > 0))
        along, down = np.linspace(0, 1, columns), (1 - 0.6 * inner) * np.linspace(0, 1, rows) ** _ROOTWARD
        edges = _lock_edges(random, 0.062)
        lock = np.clip(np.searchsorted(edges, along, side="right") - 1, 0, len(edges) - 2)
        within = 2 * (along - edges[lock]) / (edges[lock + 1] - edges[lock]) - 1
        middle = (edges[lock] + edges[lock + 1]) / 2
        points = self._guides(side, along, down, inner)
        gather = (0.34 * (1 - 0.6 * inner) * _smooth(down, 0.35, 1.0) ** 1.2)[None, :, None]
        points += (self._guides(side, middle, down, inner) - points) * gather
        count = len(edges) - 1
        longer, higher, tone, phase = (random.normal(0, 1, count)[lock] for _ in range(4))
        roundness = 1 - within**2
        rise = (0.0052 * roundness - 0.0022 + 0.0013 * higher)[:, None] * _smooth(down, 0.10, 0.6)
        points += self._outward(points) * (rise * (1 - 0.7 * inner))[..., None]
        points += self._waves(points, down, phase)
        stretch = (0.0065 * longer + 0.009 * (roundness - 0.6))[:, None] * _smooth(down, 0.6, 1.0)
        points += _unit(np.gradient(points, axis=1)) * stretch[..., None]
        shades = np.clip(0.5 + 0.22 * tone, 0, 1)
        return self._grid(points, along, down, shades, inner, side)

    def _lock(self, side: int, along: float, detail: HairDetail, random: np.random.Generator) -> HairMesh:
        """A ribbon of three strips that stands out from the sheet."""
        first, last = random.uniform(0.03, 0.14), random.uniform(0.92, 1.03)
        down = np.linspace(first, last, detail.lock_rows)
        spine = self._guides(side, np.array([along]), down, 0.0)[0]
        outward = self._outward(spine[None])[0]
        way = np.linspace(0, 1, detail.lock_rows)
        sideways = _unit(np.cross(_unit(np.gradient(spine, axis=0)), outward))
        drift = random.normal(0, 0.007) * way**1.5 + random.uniform(0.001, 0.003) * np.sin(
            5 * way + random.uniform(0, 6)
        )
        rise = random.uniform(0.0015, 0.0055) * np.sin(np.pi * way) * _smooth(way, 0.0, 0.4)
        spine = spine + outward * rise[:, None] + sideways * drift[:, None]
        width = random.uniform(0.016, 0.030) * (1 - 0.4 * way**2)
        across = np.array([-0.5, -0.17, 0.17, 0.5])
        points = spine[None] + sideways[None] * (across[:, None] * width)[..., None]
        points = points - outward[None] * (np.abs(across)[:, None] ** 2 * 0.45 * width)[..., None]
        points += self._waves(points, down, np.full(4, random.normal()))
        tone = np.full(4, np.clip(0.55 + 0.26 * random.normal(), 0, 1))
        return self._grid(points, across + 0.5, way, tone, 0.0, side)

    def _waves(self, points: Array, down: Array, phase: Array) -> Array:
        """Sideways waves that grow towards the tips, each lock with its own phase."""
        sideways = np.cross(_unit(np.gradient(points, axis=1)), self._outward(points))
        swing = np.sin(2 * np.pi * 1.6 * down[None] + 1.3 * phase[:, None]) * down[None] ** 1.5
        return sideways * (self._look.wave_m * swing)[..., None]

    def _outward(self, points: Array) -> Array:
        out = points - self._scalp.centre
        out[..., 1] *= np.where(out[..., 1] > 0, 1.0, 0.1)
        return _unit(out)

    def _grid(self, points: Array, across: Array, down: Array, tone: Array, inner: float, side: int) -> HairMesh:
        columns, rows = points.shape[:2]
        tangents = _unit(np.gradient(points, axis=1))
        normals = _unit(np.cross(tangents, np.gradient(points, axis=0)))
        normals *= np.sign((normals * self._outward(points)).sum()) or 1.0
        corner = (np.arange(columns - 1)[:, None] * rows + np.arange(rows - 1)).ravel()
        ring = np.stack([corner, corner + 1, corner + rows + 1, corner + rows], 1)
        order = (0, 1, 2, 3) if _winding(points, normals) > 0 else (0, 3, 2, 1)
        ring = ring[:, list(order)]
        triangles = np.concatenate([ring[:, [0, 1, 2]], ring[:, [0, 2, 3]]])
        loose = _smooth(self._scalp.centre[1] - points[..., 1], -0.02, 0.12)
        spread = np.broadcast_to
        return HairMesh(
            points=points.reshape(-1, 3).astype(np.float32),
            normals=normals.reshape(-1, 3).astype(np.float32),
            tangents=tangents.reshape(-1, 3).astype(np.float32),
            uv=np.stack([*np.broadcast_arrays(across[:, None], down[None])], -1).reshape(-1, 2).astype(np.float32),
            tone=spread(tone[:, None], (columns, rows)).ravel().astype(np.float32),
            loose=loose.ravel().astype(np.float32),
            depth=np.full(columns * rows, inner, np.float32),
            triangles=triangles.astype(np.int32),
        )


def join(pieces: list[HairMesh]) -> HairMesh:
    """One mesh of several, in their order."""
    offsets = np.cumsum([0] + [len(piece.points) for piece in pieces[:-1]])
    fields = ("points", "normals", "tangents", "uv", "tone", "loose", "depth")
    joined = {name: np.concatenate([getattr(piece, name) for piece in pieces]) for name in fields}
    triangles = np.concatenate([piece.triangles + offset for piece, offset in zip(pieces, offsets, strict=True)])
    return HairMesh(**joined, triangles=triangles.astype(np.int32))


def _winding(points: Array, normals: Array) -> float:
    """Positive if triangles that go down a column first, then along a row, face where the normals do."""
    down, along = points[:-1, 1:] - points[:-1, :-1], points[1:, :-1] - points[:-1, :-1]
    return float((np.cross(down, along) * normals[:-1, :-1]).sum())


def _bend(start: Array, over: Array, end: Array, t: Array, pull: Array) -> Array:
    """Directions ``[columns, rows, 3]`` from start to end, pulled towards a third one on the way."""
    straight = _slerp(start[:, None], end[:, None], t)
    curved = _slerp(_slerp(start[:, None], over[:, None], t), _slerp(over[:, None], end[:, None], t), t)
    return _unit(straight + (curved - straight) * pull[:, None, None])


def _slerp(a: Array, b: Array, t: Array) -> Array:
    angle = np.arccos(np.clip((a * b).sum(-1, keepdims=True), -1, 1)) + 1e-9
    t = t[..., None]
    return (np.sin((1 - t) * angle) * a + np.sin(t * angle) * b) / np.sin(angle)


def _lock_edges(random: np.random.Generator, width: float) -> Array:
    steps = width * random.uniform(0.6, 1.4, round(1 / width))
    return np.concatenate([[0], np.cumsum(steps) / steps.sum()])


def _smooth(x: Array, low: float, high: float) -> Array:
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def _unit(vectors: Array) -> Array:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)
