"""Teeth: a row of single teeth along the base mesh's dental arch, with gums."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nodes.renderer.bake.base_mesh import Floats, Ints, read_base_mesh
from nodes.renderer.bake.paint import encode, grain, linear, mix, ramp

# From the middle outwards: width, height of the crown, and how much higher the edge is than that of the first, m. Mean
# sizes of upper and lower adult teeth (Wheeler's Dental Anatomy), widths slightly reduced for the visible part.
_UPPER = ((0.0083, 0.0100, 0.0), (0.0064, 0.0088, 0.0007), (0.0074, 0.0096, 0.0002), (0.0068, 0.0082, 0.0008))
_LOWER = ((0.0052, 0.0086, 0.0), (0.0056, 0.0088, 0.0), (0.0066, 0.0096, -0.0004), (0.0068, 0.0082, 0.0004))
_BACK = ((0.0066, 0.0078, 0.0010), (0.0098, 0.0070, 0.0014), (0.0096, 0.0066, 0.0018))
_ROWS = np.array([-0.55, 0.0, 0.35, 0.7, 0.95, 1.0])  # from inside the gum over its edge to the tooth's edge
_BULGE_M = 0.0008
_SHOW_M = 0.0022  # how far below MakeHuman's the upper teeth end, so that parted lips show them
_GUM_M = 0.006
_TEXTURE = (256, 128)
_GUM_AT = 0.55 / 1.55  # height of the gum's edge in the texture, as in _ROWS


@dataclass(frozen=True)
class ToothRow:
    """Teeth of one jaw.

    Attributes:
        points: ``[n, 3]`` m.
        uv: ``[n, 2]`` tooth (of seven, from the middle) and height, both 0..1.
        depth: ``[n]`` 0..1, how far back in the mouth.
        triangles: ``[t, 3]``.
    """

    points: Floats
    uv: Floats
    depth: Floats
    triangles: Ints


def tooth_row(shape: Floats, *, upper: bool, columns: int) -> ToothRow:
    """Make the teeth of one jaw.

    Args:
        shape: ``[V, 3]`` m, the person's rest shape.
        upper: Which jaw.
        columns: Columns of quads per tooth.
    """
    group = np.unique(read_base_mesh().groups[f"helper-{'upper' if upper else 'lower'}-teeth"].quads)
    curve, edge = _arch(shape[group], upper)
    edge -= _SHOW_M if upper else 0.0
    teeth = (*(_UPPER if upper else _LOWER), *_BACK)
    sides = [_half(curve, edge, teeth, columns, side, upper) for side in (1, -1)]
    count = len(sides[0].points)
    return ToothRow(
        points=np.concatenate([side.points for side in sides]).astype(np.float32),
        uv=np.concatenate([side.uv for side in sides]).astype(np.float32),
        depth=np.concatenate([side.depth for side in sides]).astype(np.float32),
        triangles=np.concatenate([sides[0].triangles, sides[1].triangles[:, [0, 2, 1]] + count]).astype(np.int32),
    )


def teeth_texture(random: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Texture ``[128, 256, 4]``: enamel and gums in gamma 2, gloss."""
    across, height = (np.arange(_TEXTURE[0]) + 0.5) / _TEXTURE[0] * 7, (np.arange(_TEXTURE[1]) + 0.5) / _TEXTURE[1]
    u, v = np.meshgrid(across, height)
    within = np.abs(u % 1 - 0.5) * 2
    enamel = np.broadcast_to(linear("#e9dfcf"), (*u.shape, 3))
    enamel = mix(enamel, linear("#d9c4a2"), ramp(v, 0.75, 0.2))
    enamel = mix(enamel, np.array([0.52, 0.53, 0.55]), 0.35 * ramp(v, 0.88, 1.0))
    enamel = mix(enamel, linear("#5d4334"), 0.75 * ramp(within, 0.86, 1.0))
    gum_edge = _GUM_AT + 0.05 * within**2
    blotches = np.tile(grain(random, _TEXTURE[1], 3.0), (1, 2))
    gum = linear("#b5605f") * (1 + 0.08 * blotches)[..., None]
    colour = mix(enamel, gum, ramp(v, gum_edge + 0.015, gum_edge - 0.015))
    return np.concatenate([encode(colour), np.full((*u.shape, 1), 220, np.uint8)], 2)


def follow(points: Floats, anchors: Floats) -> Floats:
    """Weights ``[n, a]`` by which points follow anchors ``[a, 3]``: exact for whatever moves all of them affinely."""
    system = np.concatenate([anchors.T, np.ones((1, len(anchors)))])
    target = np.concatenate([points.T, np.ones((1, len(points)))])
    return (np.linalg.pinv(system) @ target).T.astype(np.float32)


def arch(shape: Floats, *, upper: bool) -> npt.NDArray[np.float64]:
    """Coefficients of z = a + b x^2 + c x^4 along the front of the teeth of a jaw, m."""
    group = np.unique(read_base_mesh().groups[f"helper-{'upper' if upper else 'lower'}-teeth"].quads)
    return _arch(shape[group], upper)[0]


def _arch(points: Floats, upper: bool) -> tuple[npt.NDArray[np.float64], float]:
    """Coefficients of z = a + b x^2 + c x^4 along the front of the teeth, and the height of their edges."""
    edge = float(points[:, 1].min() if upper else points[:, 1].max())
    near = points[np.abs(points[:, 1] - edge) < 0.004]
    bins = np.round(np.abs(near[:, 0]) / 0.002)
    front = np.array([near[bins == b][np.argmax(near[bins == b][:, 2])] for b in np.unique(bins)])
    x = np.abs(front[:, 0])
    return np.linalg.lstsq(np.stack([np.ones_like(x), x**2, x**4], 1), front[:, 2], rcond=None)[0], edge


def _half(
    arch: npt.NDArray[np.float64],
    edge: float,
    teeth: tuple[tuple[float, float, float], ...],
    columns: int,
    side: int,
    upper: bool,
) -> ToothRow:
    x = np.linspace(0, 0.034, 400)
    z = arch[0] + arch[1] * x**2 + arch[2] * x**4
    length = np.concatenate([[0], np.cumsum(np.hypot(np.diff(x), np.diff(z)))])
    up = 1 if upper else -1
    grid: list[Floats] = []
    places: list[Floats] = []
    start = 0.0
    for number, (width, height, rise) in enumerate(teeth):
        t = np.linspace(0, 1, columns + 1)
        at = start + width * t
        px, pz = np.interp(at, length, x), np.interp(at, length, z)
        out = np.stack([-np.gradient(pz), np.gradient(px)], 1)
        out /= np.linalg.norm(out, axis=1, keepdims=True)
        rounded = 1 - np.abs(2 * t - 1) ** 2.5
        for column in range(columns + 1):
            crown = height * (1 - 0.06 * (1 - rounded[column]))
            y = edge + up * (rise + crown * (1 - np.maximum(_ROWS, 0)) - np.minimum(_ROWS, 0) * _GUM_M / 0.55)
            y[-2:] += up * 0.0007 * (1 - rounded[column])
            swell = _BULGE_M * rounded[column] * np.array([0.3, 0.5, 1.0, 0.9, 0.5, -0.6])
            swell += np.array([0.0002, 0.0003, 0, 0, -0.0002, -0.0014])
            way = out[column] * [1, 1]
            grid.append(np.stack([(px[column] + way[0] * swell) * side, y, pz[column] + way[1] * swell], 1))
            places.append(np.stack([np.full(len(_ROWS), (number + t[column] * 0.999) / 7), (_ROWS + 0.55) / 1.55], 1))
        start += width
    points = np.concatenate(grid)
    rows = len(_ROWS)
    at_row = (np.arange(len(grid) - 1)[:, None] * rows + np.arange(rows - 1)).ravel()
    at_row = at_row[(at_row // rows + 1) % (columns + 1) != 0]
    ring = np.stack([at_row, at_row + rows, at_row + rows + 1, at_row + 1], 1)
    order = ((0, 2, 1), (0, 3, 2)) if upper else ((0, 1, 2), (0, 2, 3))
    triangles = np.concatenate([ring[:, list(order[0])], ring[:, list(order[1])]])
    depth = np.clip((arch[0] - points[:, 2]) / 0.03, 0, 1)
    return ToothRow(points, np.concatenate(places), depth, triangles)
