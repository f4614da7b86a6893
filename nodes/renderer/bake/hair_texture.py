"""Strands of hair: a repeating sheet and a single lock, drawn strand by strand.

Channels: tone of the strand, light that reaches it, how far its highlight is shifted, coverage.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw
from scipy import ndimage

Array = npt.NDArray[np.float64]

_EDGES: Any = ("nearest", "wrap")

_SHEET = (512, 1024)
_LOCK = (128, 512)
_CHANNELS = ((60, 70, 128, 0), (90, 120, 128, 0))  # what is seen between strands


@dataclass(frozen=True)
class _Strand:
    """A polyline in pixels with its values in the four channels."""

    points: Array
    width: int
    values: tuple[int, int, int, int]


def sheet_texture(random: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Texture ``[1024, 512, 4]`` that repeats sideways; row 0 at the roots, ragged at the tips."""
    width, height = _SHEET[0] * 2, _SHEET[1]
    clumps = np.sort(random.uniform(0, width, 11))
    tones = random.normal(0, 22, len(clumps))
    down = np.linspace(0, 1, 15)
    strands: list[_Strand] = []
    for index in range(1500):
        root = random.uniform(0, width)
        away = (clumps - root + width / 2) % width - width / 2
        clump = int(np.argmin(np.abs(away)))
        gather = away[clump] * 0.42 * down**1.8 * random.uniform(0.3, 1)
        x = root + np.cumsum(random.normal(0, 3.0, len(down))) + gather
        end = random.uniform(0.72, 1.0) ** 0.4
        above = index / 1500
        tone = 120 + tones[clump] + random.normal(0, 34) - 70 * (1 - above) + 70 * (random.uniform() < 0.05)
        values = (_byte(tone), _byte(90 + 165 * above), _byte(random.normal(128, 40)), 255)
        points = _clipped(np.stack([x, down * height], 1), end * height)
        for shift in (-width, 0, width):
            moved = points + [shift, 0]
            if moved[:, 0].max() > -8 and moved[:, 0].min() < width + 8:
                strands.append(_Strand(moved, int(random.choice([1, 2, 2, 3, 4])), values))
    image = _draw(strands, (width, height), _SHEET, _CHANNELS[0])
    solid = np.clip((0.93 - np.arange(height) / height) / 0.16, 0, 1)[:, None]
    coverage = np.maximum(image[..., 3], 255 * solid**0.5 * (image[..., 3] >= 0))
    image[..., 3] = np.where(solid >= 1, 255, np.maximum(image[..., 3], coverage * (solid > 0.35)))
    image[..., 1] = ndimage.gaussian_filter(image[..., 1], (3, 0.8), mode=_EDGES)
    return image.astype(np.uint8)


def lock_texture(random: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Texture ``[512, 128, 4]`` of a lock with loose edges; row 0 at the root."""
    width, height = _LOCK[0] * 4, _LOCK[1]
    down = np.linspace(0, 1, 25)
    strands: list[_Strand] = []
    count = 120
    for index in range(count):
        root = 0.5 + float(np.clip(random.normal(0, 0.19), -0.44, 0.44))
        tip = 0.5 + (root - 0.5) * random.uniform(0.1, 0.75) + random.normal(0, 0.05)
        x = (root + (tip - root) * down**1.3) * width + np.cumsum(random.normal(0, 1.9, len(down)))
        points = _clipped(np.stack([x, down * height], 1), (1 - abs(random.normal(0, 0.13))) * height)
        above = index / count
        tone = 120 + random.normal(0, 36) - 60 * (1 - above)
        values = (_byte(tone), _byte(110 + 145 * above), _byte(random.normal(128, 40)), 255)
        strands.append(_Strand(points, int(random.choice([2, 3, 4, 5, 7])), values))
    image = _draw(strands, (width, height), _LOCK, _CHANNELS[1])
    image[..., 3] *= np.clip(np.arange(height) / height / 0.10, 0, 1)[:, None]
    return image.astype(np.uint8)


def _draw(
    strands: list[_Strand], drawn: tuple[int, int], size: tuple[int, int], ground: tuple[int, int, int, int]
) -> npt.NDArray[np.float32]:
    images = [Image.new("L", drawn, value) for value in ground]
    pens = [ImageDraw.Draw(image) for image in images]
    for strand in strands:
        line = [tuple(point) for point in strand.points.tolist()]
        if len(line) > 1:
            for pen, value in zip(pens, strand.values, strict=True):
                pen.line(line, fill=value, width=strand.width)
    resized = [np.asarray(image.resize(size, Image.Resampling.BOX), np.float32) for image in images]
    return np.stack(resized, -1)


def _clipped(points: Array, end: float) -> Array:
    """The part of a polyline above a height, with its last point on it."""
    keep = points[:, 1] < end
    x = np.interp(end, points[:, 1], points[:, 0])
    return np.concatenate([points[keep], [[x, end]]])


def _byte(value: float) -> int:
    return int(np.clip(value, 5, 255))
