"""Eyeballs: a sphere with a cornea, and a texture with iris, limbus, sclera and veins, seen along the gaze."""

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from nodes.renderer.bake.base_mesh import Floats, Ints
from nodes.renderer.bake.landmarks import Eye
from nodes.renderer.bake.paint import bump, encode, linear, mix, ramp
from nodes.renderer.config import EyeLook

TEXTURE_REACH = 0.80
"""Sine of the angle from the gaze at which the texture ends; texture coordinates are 0.5 + sine * 0.5 / this."""

_SIZE = 512
_EYE_ANGLE = 1.30  # rad from the gaze to where the mesh ends
_CORNEA_RISE_M = 0.0010
_PUPIL = 0.36  # of the iris' radius, in a well lit room
_VEINS = 42


def eyeball(eye: Eye, iris_radius: float, rings: int, sectors: int) -> tuple[Floats, Floats, Floats, Ints]:
    """Mesh of an eyeball that looks along +Z.

    Returns:
        Points ``[n, 3]`` m, normals ``[n, 3]``, texture coordinates ``[n, 2]``, triangles ``[t, 3]``.
    """
    angle = np.linspace(0, 1, rings) ** 0.9 * _EYE_ANGLE
    around = np.linspace(0, 2 * np.pi, sectors, endpoint=False)
    a, b = np.meshgrid(angle[1:], around, indexing="ij")
    ring = np.stack([np.sin(a) * np.cos(b), np.sin(a) * np.sin(b), np.cos(a)], -1).reshape(-1, 3)
    ways = np.concatenate([[[0.0, 0.0, 1.0]], ring])
    away = np.concatenate([[0.0], np.repeat(angle[1:], sectors)])
    limbus = np.arcsin(iris_radius / eye.radius) * 1.15
    rise = _CORNEA_RISE_M * np.clip(1 - (away / limbus) ** 2, 0, 1)
    points = eye.centre + ways * (eye.radius + rise)[:, None]
    uv = 0.5 + 0.5 * ways[:, :2] / TEXTURE_REACH
    return points.astype(np.float32), ways.astype(np.float32), uv.astype(np.float32), _fan_and_rings(rings, sectors)


def eye_texture(eye: Eye, look: EyeLook, random: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Texture ``[512, 512, 4]``: colour in gamma 2; alpha is 1 on the iris."""
    at = ((np.arange(_SIZE) + 0.5) / _SIZE * 2 - 1) * TEXTURE_REACH
    x, y = np.meshgrid(at, at)
    sine = np.hypot(x, y)
    r = (sine * eye.radius / look.iris_radius_m).astype(np.float32)
    iris = _iris(r, np.arctan2(y, x), look, random)
    edge = ramp(r, 0.93, 1.07)
    colour = mix(iris, _sclera(sine, x, y, look.iris_radius_m / eye.radius, random), edge)
    colour = colour * (1 - 0.28 * bump(r - 1.05, 0.10))[..., None]
    alpha = np.round((1 - edge) * 255).astype(np.uint8)
    return np.concatenate([encode(colour), alpha[..., None]], 2)


def _iris(r: Floats, angle: Floats, look: EyeLook, random: np.random.Generator) -> Floats:
    """Radial fibres, a warmer ring around the pupil, a dark rim."""
    fibres = 0.6 * _waves(random, angle, r, (18, 90), 26) + 0.5 * _waves(random, angle, r, (6, 22), 8)
    fibres = fibres * np.clip((r - _PUPIL) / 0.2, 0, 1)
    base = linear(look.iris)
    colour = np.broadcast_to(base, (*r.shape, 3))
    colour = mix(colour, base * np.array([1.5, 1.25, 0.95], np.float32), 0.6 * bump(r - 0.50, 0.17))
    colour = colour * (1 + 0.42 * fibres - 0.45 * bump(r - _PUPIL - 0.03, 0.06))[..., None]
    colour = mix(colour, linear(look.rim), 0.94 * np.clip((r - 0.72) / 0.28, 0, 1) ** 1.6)
    return mix(colour, np.full(3, 0.003, np.float32), ramp(r, _PUPIL + 0.03, _PUPIL - 0.03))


def _sclera(sine: Floats, x: Floats, y: Floats, iris: float, random: np.random.Generator) -> Floats:
    """Off-white that darkens and reddens outwards, with fine veins."""
    white = np.array([0.70, 0.65, 0.62], np.float32) * (1 - 0.34 * np.clip((sine - 0.45) / 0.4, 0, 1) ** 1.5)[..., None]
    colour = mix(
        white.astype(np.float32), np.array([0.52, 0.28, 0.24], np.float32), 0.4 * np.clip((sine - 0.5) / 0.35, 0, 1)
    )
    return mix(colour, np.array([0.50, 0.13, 0.10], np.float32), np.clip(0.6 * _veins(iris, random), 0, 0.4))


def _veins(iris: float, random: np.random.Generator) -> Floats:
    """Random walks from the corners towards the iris."""
    image = np.zeros((_SIZE, _SIZE), np.float32)
    for _ in range(_VEINS):
        angle, reach = random.uniform(0, 2 * np.pi), random.uniform(0.70, 0.82)
        place = reach * np.array([np.cos(angle), np.sin(angle)])
        way = -place / reach
        for _ in range(int(random.uniform(30, 120))):
            way = way + random.normal(0, 0.25, 2)
            way /= np.linalg.norm(way)
            place = place + way * 0.0035
            pixel = ((place / TEXTURE_REACH + 1) / 2 * _SIZE).astype(int)
            if (pixel < 0).any() or (pixel >= _SIZE).any() or np.hypot(*place) < 1.25 * iris:
                break
            image[pixel[1], pixel[0]] = max(image[pixel[1], pixel[0]], random.uniform(0.3, 0.8))
    return ndimage.gaussian_filter(image, 0.8)


def _waves(random: np.random.Generator, angle: Floats, r: Floats, band: tuple[int, int], count: int) -> Floats:
    total = np.zeros(angle.shape, np.float32)
    for frequency in random.integers(*band, count):
        bend = 0.6 * np.sin(3 * r + random.uniform(0, 6))
        total += np.sin(frequency * angle + random.uniform(0, 6.28) + bend) * random.uniform(0.5, 1)
    return total / np.float32(np.sqrt(count))


def _fan_and_rings(rings: int, sectors: int) -> Ints:
    i = np.arange(sectors)
    j = (i + 1) % sectors
    parts = [np.stack([np.zeros_like(i), 1 + i, 1 + j], 1)]
    for ring in range(rings - 2):
        inner, outer = 1 + ring * sectors, 1 + (ring + 1) * sectors
        parts += [np.stack([inner + i, outer + i, outer + j], 1), np.stack([inner + i, outer + j, inner + j], 1)]
    return np.concatenate(parts).astype(np.int32)
