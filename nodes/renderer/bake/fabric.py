"""Fabrics as small repeating textures: light that reaches the yarn, its colour, and nothing else.

Channels: openness (1 on top of the yarn), tint, height, 1.
"""

import numpy as np
import numpy.typing as npt
from scipy import ndimage

_SIZE = 128

KNIT_REPEAT_M = 0.026
"""Side of the piece of knitwear that the texture shows: six columns of stitches."""
RIB_REPEAT_M = 0.020
WEAVE_REPEAT_M = 0.012


def knit(random: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Stocking stitch: columns of V-shaped stitches."""
    y, x = np.mgrid[0:_SIZE, 0:_SIZE] / _SIZE
    across = np.abs((x * 6) % 1 - 0.5) * 2
    phase = (y * 8 + across * 0.75) % 1
    height = np.sqrt(np.clip(1 - (2 * phase - 1) ** 2, 0, 1)) * np.sqrt(np.clip(1 - 0.9 * (2 * across - 1) ** 2, 0, 1))
    return _encode(height, 0.42, random)


def rib(random: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Ribs across the first coordinate."""
    y, x = np.mgrid[0:_SIZE, 0:_SIZE] / _SIZE
    wave = 0.5 + 0.5 * np.cos(2 * np.pi * 6 * x)
    stitches = 0.5 + 0.5 * np.cos(2 * np.pi * 7 * y)
    return _encode(np.clip(wave**0.7 * (0.85 + 0.15 * stitches), 0, 1), 0.55, random)


def weave(random: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Twill: fine diagonal lines."""
    y, x = np.mgrid[0:_SIZE, 0:_SIZE] / _SIZE
    line = 0.5 + 0.5 * np.cos(2 * np.pi * 8 * (x + y))
    thread = 0.5 + 0.5 * np.cos(2 * np.pi * 16 * x)
    return _encode(0.7 * line + 0.3 * thread, 0.16, random)


def plain(random: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Smooth material with a hint of grain."""
    return _encode(np.ones((_SIZE, _SIZE)), 0.15, random)


def _encode(height: npt.NDArray[np.float64], depth: float, random: np.random.Generator) -> npt.NDArray[np.uint8]:
    fibres = ndimage.gaussian_filter(random.standard_normal((_SIZE, _SIZE)), 0.7, mode="wrap")
    height = np.clip(height + 0.12 * fibres, 0, 1)
    openness = 1 - depth + depth * height
    tint = 1 - 0.3 * depth * (1 - height) + 0.03 * fibres
    layers = np.stack([openness, tint, height, np.ones_like(height)], -1)
    return np.round(np.clip(layers, 0, 1) * 255).astype(np.uint8)
