"""The skin's texture: colour with lips, brows, blush, lash line and pores, and gloss in the alpha channel."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy.spatial import KDTree

from nodes.renderer.bake.base_mesh import Floats
from nodes.renderer.bake.brows import draw_brows
from nodes.renderer.bake.drawing import FrontalDrawing
from nodes.renderer.bake.landmarks import Landmarks
from nodes.renderer.bake.paint import bump, clouds, encode, grain, linear, mix, ramp
from nodes.renderer.bake.scalp import Scalp
from nodes.renderer.config import HairLook, SkinLook

_COARSE = 4  # soft shapes are worked out on every fourth texel


@dataclass(frozen=True)
class FaceTexels:
    """What lies at each texel of the head's texture.

    Attributes:
        points: ``[s, s, 3]`` m, bind pose.
        normals: ``[s, s, 3]``.
        lips: ``[s, s]`` 0..1.
        inside: ``[s, s]`` 1 inside the mouth and behind the lids.
    """

    points: Floats
    normals: Floats
    lips: Floats
    inside: Floats


def complexion(points: Floats, tone: Floats, random: np.random.Generator) -> Floats:
    """Even skin of a tone, then blood and shade varying over centimetres, millimetres and pores, ``[s, s, 3]``."""
    size = len(points)
    coarse = points[::2, ::2]
    patches = _enlarge(clouds(random, coarse, 0.035), size)
    mottling = _enlarge(clouds(random, coarse, 0.006, 24), size)
    pores = grain(random, size, 0.8) * 0.020 + grain(random, size, 2.2) * 0.013
    red, green, blue = (
        1 + patches * a + mottling * b + pores for a, b in ((0.012, 0.01), (0.028, 0.02), (0.032, 0.02))
    )
    return tone * np.stack([red, green, blue], -1)


class FacePainter:
    """Paints one face."""

    def __init__(self, texels: FaceTexels, marks: Landmarks, scalp: Scalp, random: np.random.Generator) -> None:
        self._t = texels
        self._marks = marks
        self._scalp = scalp
        self._random = random
        self._size = len(texels.lips)
        self._coarse = texels.points[::_COARSE, ::_COARSE]
        self._front = ramp(texels.normals[..., 2], -0.1, 0.35)

    def paint(self, look: SkinLook, hair: HairLook) -> npt.NDArray[np.uint8]:
        """Texture ``[s, s, 4]``: colour in gamma 2, gloss."""
        tone = linear(look.tone)
        colour = complexion(self._t.points, tone, self._random)
        colour = self._blood(colour, tone, look.blush)
        colour = self._eye_shades(colour, tone, look.eyeshadow)
        colour = self._freckles(colour, tone, look.freckles)
        colour = self._hairline(colour, linear(hair.colour))
        colour = self._brows(colour, linear(look.brows))
        colour = self._lash_lines(colour)
        colour = self._lips(colour, linear(look.lips))
        colour = mix(colour, linear("#7c3a3a"), self._t.inside)
        return np.concatenate([encode(colour), encode(self._gloss() ** 2)[..., None]], 2)

    def _near(self, place: npt.ArrayLike, radii: tuple[float, float, float], *, mirrored: bool = True) -> Floats:
        """Soft ellipsoid around a place of her left half, and around its mirror image."""
        centre = np.asarray(place, np.float32)
        offset = self._coarse - centre
        if mirrored:
            offset[..., 0] = np.abs(self._coarse[..., 0]) - centre[0]
        return _enlarge(np.exp(-((offset / np.array(radii, np.float32)) ** 2).sum(-1)), self._size)

    def _blood(self, colour: Floats, tone: Floats, blush: float) -> Floats:
        """Redness of cheeks, nose, chin and ears."""
        marks, eye = self._marks, self._marks.left_eye.centre
        rosy = tone * np.array([1.03, 0.62, 0.58], np.float32)
        cheek = eye + np.array([0.013, -0.034, 0.005], np.float32)
        colour = mix(colour, rosy, 0.46 * blush * self._near(cheek, (0.020, 0.017, 0.05)))
        colour = mix(colour, rosy, 0.48 * blush * self._near(marks.nose_tip, (0.014, 0.010, 0.016), mirrored=False))
        colour = mix(colour, rosy, 0.28 * blush * self._near(marks.chin, (0.016, 0.012, 0.02), mirrored=False))
        ears = _enlarge(ramp(np.abs(self._coarse[..., 0]), 0.068, 0.078), self._size)
        colour = mix(colour, rosy, 0.45 * ears)
        wing = marks.nose_tip + np.array([0.0125, -0.006, -0.011], np.float32)
        return mix(
            colour, tone * np.array([0.84, 0.52, 0.46], np.float32), 0.42 * self._near(wing, (0.006, 0.005, 0.009))
        )

    def _eye_shades(self, colour: Floats, tone: Floats, shadow: float) -> Floats:
        """Eye shadow on the lids, redder corners, cooler hollows below."""
        eye = self._marks.left_eye.centre
        lids = self._near(eye + np.array([0.003, 0.0085, 0.014]), (0.0205, 0.0062, 0.03))
        outer = self._near(eye + np.array([0.0135, 0.0055, 0.012]), (0.009, 0.0060, 0.03))
        colour = mix(colour, tone * np.array([0.66, 0.47, 0.44], np.float32), np.clip(0.80 * shadow * lids, 0, 1))
        colour = mix(colour, tone * np.array([0.42, 0.28, 0.26], np.float32), np.clip(0.75 * shadow * outer, 0, 1))
        corner = self._near(eye + np.array([-0.0135, -0.002, 0.014]), (0.0045, 0.004, 0.012))
        colour = mix(colour, tone * np.array([0.92, 0.60, 0.58], np.float32), 0.5 * corner)
        bags = self._near(eye + np.array([-0.003, -0.0135, 0.012]), (0.015, 0.0050, 0.03))
        return mix(colour, tone * np.array([0.84, 0.76, 0.79], np.float32), 0.26 * bags)

    def _freckles(self, colour: Floats, tone: Floats, amount: float) -> Floats:
        eye, drawing = self._marks.left_eye.centre, self._drawing()
        count = int(260 * amount)
        places = self._random.normal([0, eye[1] - 0.026], [0.030, 0.011], (count, 2))
        for (x, y), radius in zip(places, self._random.uniform(0.00028, 0.0007, count), strict=True):
            drawing.dot(x, y, radius, self._random.uniform(0.2, 0.6))
        strength = drawing.sample(self._t.points, blur=1.6) * self._front * (1 - self._t.lips)
        return mix(colour, tone * np.array([0.62, 0.42, 0.32], np.float32), 0.45 * strength)

    def _hairline(self, colour: Floats, hair: Floats) -> Floats:
        """Roots shine through the scalp and thin out over the hairline."""
        hairy = _enlarge(self._scalp.hairy(self._coarse), self._size)
        thinned = np.clip(hairy + 0.16 * grain(self._random, self._size, 1.4) * (hairy > 0.02) * (hairy < 0.98), 0, 1)
        return mix(colour, 0.75 * hair + 0.25 * colour, 0.9 * thinned)

    def _brows(self, colour: Floats, dark: Floats) -> Floats:
        hairs, shade = self._drawing(), self._drawing()
        draw_brows(hairs, shade, self._marks.left_eye.centre, self._random)
        colour = mix(colour, dark, np.clip(0.9 * shade.sample(self._t.points, blur=15) * self._front, 0, 1))
        strength = hairs.sample(self._t.points, blur=0.8) * self._front
        return mix(colour, 0.55 * dark, np.clip(1.25 * strength, 0, 0.94))

    def _lash_lines(self, colour: Floats) -> Floats:
        """The dark line at the roots of the lashes, strong above and outside, faint below."""
        for roots, width, strength in (
            (self._marks.left_lashes, 0.0010, 0.92),
            (self._marks.left_lower_lashes, 0.0006, 0.40),
        ):
            places = self._t.points.copy()
            places[..., 0] = np.abs(places[..., 0])
            close = (np.abs(places - roots.mean(0)) < 0.017).all(-1)
            places = places[close]
            distance = KDTree(_dense(roots)).query(places)[0].astype(np.float32)
            outward = ramp(places[:, 0], float(roots[:, 0].min()) - 0.002, float(roots[:, 0].mean()))
            amount = strength * bump(distance, width) * (0.5 + 0.5 * outward)
            colour[close] = mix(colour[close], linear("#1a100c"), amount)
        return colour

    def _lips(self, colour: Floats, red: Floats) -> Floats:
        lips = ramp(self._t.lips, 0.10, 0.85)
        here = lips > 0
        x, y = self._t.points[here][:, 0], self._t.points[here][:, 1] - self._marks.mouth[1]
        seam = bump(np.abs(y), 0.0019)
        bent = x + 0.0006 * np.sin(x / 0.0031 + 2.0 * np.sin(x / 0.0013))
        creases = 0.5 + 0.5 * np.sin(bent / 0.00042 + 3.1 * np.sin(y / 0.0023))
        lower = ramp(y, 0.001, -0.006)
        tint = (1 - 0.50 * seam - 0.10 * creases) * (1.06 + 0.06 * lower)
        colour[here] = mix(colour[here], (red * tint[:, None]).astype(np.float32), 0.88 * lips[here])
        return colour

    def _gloss(self) -> Floats:
        marks, eye = self._marks, self._marks.left_eye.centre
        gloss = np.full(self._t.lips.shape, 0.34, np.float32)
        forehead = [0, eye[1] + 0.045, marks.nose_tip[2] - 0.02]
        gloss += 0.16 * self._near(forehead, (0.03, 0.02, 0.04), mirrored=False)
        bridge = marks.nose_tip + np.array([0, 0.012, 0], np.float32)
        gloss += 0.22 * self._near(bridge, (0.009, 0.022, 0.03), mirrored=False)
        gloss += 0.10 * self._near(eye + np.array([0.016, -0.024, 0.01]), (0.014, 0.010, 0.04))
        gloss *= 1 + 0.16 * grain(self._random, self._size, 1.0) + 0.10 * grain(self._random, self._size, 2.5)
        lips = ramp(self._t.lips, 0.12, 0.75)
        seam = bump(np.abs(self._t.points[..., 1] - marks.mouth[1]), 0.004)  # a gleam there would look like teeth
        gloss += (0.64 * (1 - 0.75 * seam) - gloss) * lips
        gloss *= 1 - 0.8 * _enlarge(self._scalp.hairy(self._coarse), self._size)
        return np.clip(gloss + (0.9 - gloss) * self._t.inside, 0, 1)

    def _drawing(self) -> FrontalDrawing:
        eye = float(self._marks.left_eye.centre[1])
        return FrontalDrawing(half_width=0.075, bottom=eye - 0.075, top=eye + 0.055)


def _enlarge(values: Floats, size: int) -> Floats:
    return np.asarray(Image.fromarray(values.astype(np.float32)).resize((size, size), Image.Resampling.BILINEAR))


def _dense(curve: Floats) -> Floats:
    """Points every tenth of a millimetre on a smoothed polyline."""
    padded = np.concatenate([curve[:1], curve, curve[-1:]])
    smooth = np.concatenate([curve[:1], (padded[:-2] + padded[1:-1] + padded[2:])[1:-1] / 3, curve[-1:]])
    lengths = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(smooth, axis=0), axis=1))])
    at = np.arange(0, lengths[-1], 0.0001)
    return np.stack([np.interp(at, lengths, smooth[:, axis]) for axis in range(3)], 1)
