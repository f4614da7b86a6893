"""Eyebrows: single hairs over a soft shade, following the brow's arch as hairs grow there."""

import numpy as np

from nodes.renderer.bake.base_mesh import Floats
from nodes.renderer.bake.drawing import FrontalDrawing

# Along the brow, 0 at the nose: place relative to the eye in m, half thickness in m, direction and length of the hairs.
_ALONG = np.array([0.0, 0.12, 0.35, 0.62, 0.82, 1.0])
_X = np.array([-0.0180, -0.0135, -0.0035, 0.0105, 0.0195, 0.0270])
_Y = np.array([0.0178, 0.0188, 0.0208, 0.0226, 0.0212, 0.0172])
_HALF = np.array([0.0019, 0.0027, 0.0026, 0.0020, 0.0013, 0.0003])
_LEAN_DEG = np.array([82.0, 66.0, 36.0, 10.0, -14.0, -28.0])
_LENGTH = np.array([0.0048, 0.0068, 0.0072, 0.0066, 0.0056, 0.0042])
_HAIRS = 620


def draw_brows(hairs: FrontalDrawing, shade: FrontalDrawing, eye: Floats, random: np.random.Generator) -> None:
    """Draw both brows, each with its own chance, over and around the eyes.

    Args:
        hairs: Gets the single hairs.
        shade: Gets the area that they darken together.
        eye: ``[3]`` centre of the left eyeball; the right one is its mirror image.
        random: Where chance comes from.
    """
    for side in (1, -1):
        for along in random.uniform(0, 1, _HAIRS) ** 0.92:
            _draw_hair(hairs, eye, side, float(along), random)
        outline = [_place(eye, t, s) for s in (0.85, -0.85) for t in (np.linspace(0.02, 1, 30)[:: int(np.sign(s))])]
        shade.polygon(np.array(outline) * [side, 1], 0.6)


def _place(eye: Floats, along: float, across: float) -> Floats:
    half = np.interp(along, _ALONG, _HALF)
    x, y = np.interp(along, _ALONG, _X), np.interp(along, _ALONG, _Y)
    return np.array([eye[0] + x, eye[1] + y + across * half])


def _draw_hair(hairs: FrontalDrawing, eye: Floats, side: int, along: float, random: np.random.Generator) -> None:
    across = random.uniform(-1, 0.85)
    root = _place(eye, along, across) + random.normal(0, 0.00025, 2)
    length = np.interp(along, _ALONG, _LENGTH) * random.uniform(0.65, 1.05) * (1 - 0.25 * max(across, 0))
    lean = np.interp(along, _ALONG, _LEAN_DEG) - 18 * across + random.normal(0, 6)
    angles = np.radians([lean, lean - 12 - 8 * across])
    steps = 0.5 * length * np.stack([np.cos(angles), np.sin(angles)], 1)
    line = np.array([root, root + steps[0], root + steps.sum(0)])
    hairs.line(line * [side, 1], random.uniform(0.45, 0.92), 2 if random.uniform() < 0.3 else 1)
