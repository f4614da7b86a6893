"""Eyelashes: the base mesh's strips along the lids, with single hairs in their texture."""

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from nodes.renderer.bake.base_mesh import Floats, Ints, read_base_mesh
from nodes.renderer.bake.landmarks import Eye
from nodes.renderer.bake.mesh import Surface, build_surface
from nodes.renderer.bake.unwrap import boundary_loops

UPPER_PART = 0.5
"""The texture's part, from the left, that holds the upper lashes; the rest holds the lower ones."""

_SIZE = (512, 128)
_LENGTHS = ([0, 0.12, 0.5, 0.8, 0.93, 1], [0.35, 0.55, 0.95, 0.95, 0.55, 0.25])  # of hairs from the nose outwards
_STRIPS = (("eyelashes-2", 0.0), ("eyelashes-1", UPPER_PART))


def lash_surface(points: Floats, eyes: dict[str, Eye], *, fine: bool) -> Surface:
    """Both strips of both eyes over the vertices of the base mesh.

    Args:
        points: ``[V, 3]`` m.
        eyes: Eyeballs by side, ``l`` and ``r``.
        fine: Split every quad into four.
    """
    quads: list[Ints] = []
    places: list[Floats] = []
    indices: list[Ints] = []
    count = 0
    for side, eye in eyes.items():
        for name, left in _STRIPS:
            strip = read_base_mesh().groups[f"helper-{side}-{name}"].quads
            used, ring = np.unique(strip, return_inverse=True)
            place = _across_and_along(points, strip, used, eye)
            quads.append(strip)
            places.append(np.column_stack([left + UPPER_PART * (0.01 + 0.98 * place[:, 0]), place[:, 1]]))
            indices.append(ring.reshape(-1, 4) + count)
            count += len(used)
    all_quads, uv_quads = np.concatenate(quads), np.concatenate(indices).astype(np.int32)
    uv = np.concatenate(places).astype(np.float32)
    return build_surface(all_quads, len(points), uv_quads, uv, fine=fine)


def lash_texture(random: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Texture ``[128, 512, 4]``: black, with the hairs in alpha; row 0 at the roots."""
    scale = 4
    width, height = _SIZE[0] * scale, _SIZE[1] * scale
    image = Image.new("L", (width, height))
    pen = ImageDraw.Draw(image)
    half = width // 2
    _draw_hairs(pen, (0, half), height, 74, (0.70, 1.0), random)
    _draw_hairs(pen, (half, width), height, 44, (0.34, 0.56), random)
    alpha = np.asarray(image.resize(_SIZE, Image.Resampling.LANCZOS))
    colour = np.full((_SIZE[1], _SIZE[0], 3), 22, np.uint8)
    return np.concatenate([colour, alpha[..., None]], 2)


def _draw_hairs(
    pen: ImageDraw.ImageDraw,
    span: tuple[int, int],
    height: int,
    count: int,
    reach: tuple[float, float],
    random: np.random.Generator,
) -> None:
    """Tapered, curved hairs in small clumps; longer and leaning outwards towards the outer corner."""
    left, right = span
    for index in range(count):
        along = (index + random.uniform(0.2, 0.8)) / count
        length = random.uniform(*reach) * np.interp(
            along, [0, 0.12, 0.5, 0.8, 0.93, 1], [0.35, 0.55, 0.95, 0.95, 0.55, 0.25]
        )
        clump = round(along * count / 4) * 4 / count
        way = np.linspace(0, 1, 12)
        lean = 0.020 + 0.030 * along
        x = along + lean * way + 0.35 * (clump - along) * way**2
        x = left + np.clip(0.015 + 0.97 * x, 0.01, 0.99) * (right - left)
        y = way * length * height * 0.96
        for k in range(len(way) - 1):
            thickness = max(1, round(12 * (1 - way[k]) ** 0.7))
            pen.line([(x[k], y[k]), (x[k + 1], y[k + 1])], fill=235, width=thickness)


def _across_and_along(points: Floats, strip: Ints, used: Ints, eye: Eye) -> Floats:
    """Place on the strip, ``[k, 2]``: along the lid from the nose outwards, and from root to tip, both 0..1."""
    loop = boundary_loops(strip)[0]
    rim = points[loop]
    first, last = int(np.argmin(np.abs(rim[:, 0]))), int(np.argmax(np.abs(rim[:, 0])))
    one = np.roll(loop, -first)[: (last - first) % len(loop) + 1]
    other = np.roll(loop, -last)[: (first - last) % len(loop) + 1][::-1]
    roots, tips = sorted((one, other), key=lambda side: float(np.linalg.norm(points[side] - eye.centre, axis=1).mean()))
    here = points[used]
    along, to_root = _nearest_on(points[roots], here)
    _, to_tip = _nearest_on(points[tips], here)
    return np.stack([along, to_root / (to_root + to_tip + 1e-9)], 1).astype(np.float32)


def _nearest_on(curve: Floats, points: Floats) -> tuple[Floats, Floats]:
    """Share of the curve's length at the nearest place, and the distance to it."""
    lengths = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(curve, axis=0), axis=1))])
    at = np.linspace(0, lengths[-1], 200)
    dense = np.stack([np.interp(at, lengths, curve[:, k]) for k in range(3)], 1)
    distance = np.linalg.norm(points[:, None] - dense[None], axis=2)
    return at[distance.argmin(1)] / lengths[-1], distance.min(1)
