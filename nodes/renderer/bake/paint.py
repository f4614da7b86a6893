"""Colours and noise for painting textures; everything is linear in memory and gamma 2 in the file."""

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from nodes.renderer.bake.base_mesh import Floats


def linear(colour: str) -> Floats:
    """Linear RGB ``[3]`` of a colour such as ``#e3b294`` (IEC 61966-2-1)."""
    code = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4).astype(np.float32)


def encode(values: Floats) -> npt.NDArray[np.uint8]:
    """Bytes of linear values in gamma 2, which shaders decode by squaring."""
    return np.round(np.sqrt(np.clip(values, 0, 1)) * 255).astype(np.uint8)


def mix(base: Floats, colour: Floats, amount: Floats) -> Floats:
    """Lay a colour over an image with an amount per pixel."""
    return base + (colour - base) * amount[..., None]


def bump(distance: Floats, radius: float) -> Floats:
    """Gaussian falloff: 1 at distance 0, 0.37 at the radius."""
    return np.exp(-((distance / radius) ** 2)).astype(np.float32)


def ramp(values: Floats, start: float | Floats, end: float | Floats) -> Floats:
    """Smooth step from 0 at ``start`` to 1 at ``end``; they may be in either order."""
    t = np.clip((values - start) / (end - start), 0, 1)
    return (t * t * (3 - 2 * t)).astype(np.float32)


def grain(random: np.random.Generator, size: int, sigma: float) -> Floats:
    """Noise of standard deviation 1 and a given grain size in texels, ``[size, size]``, tileable."""
    noise = ndimage.gaussian_filter(random.standard_normal((size, size)).astype(np.float32), sigma, mode="wrap")
    return noise / noise.std()


def clouds(random: np.random.Generator, points: Floats, wavelength: float, waves: int = 16) -> Floats:
    """Soft noise in space, about -1..1, that has no seams on any surface.

    Args:
        random: Source of the waves.
        points: ``[..., 3]`` m.
        wavelength: m.
        waves: Number of plane waves that are summed.
    """
    directions = random.standard_normal((waves, 3))
    total = np.zeros(points.shape[:-1], np.float32)
    for direction in directions:
        k = (direction / np.linalg.norm(direction) * 2 * np.pi / wavelength).astype(np.float32)
        total += np.sin(points @ k + np.float32(random.uniform(0, 2 * np.pi)))
    return total / np.float32(np.sqrt(waves / 2) * 1.5)
