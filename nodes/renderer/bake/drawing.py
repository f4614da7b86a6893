"""Drawing fine lines in the frontal plane, which texels then look up by their place."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from nodes.renderer.bake.base_mesh import Floats

_METRES_PER_PIXEL = 0.00006


class FrontalDrawing:
    """A grey image over a rectangle of the frontal plane."""

    def __init__(self, half_width: float, bottom: float, top: float) -> None:
        self._left, self._top = -half_width, top
        width = round(2 * half_width / _METRES_PER_PIXEL)
        height = round((top - bottom) / _METRES_PER_PIXEL)
        self._image = Image.new("L", (width, height))
        self._pen = ImageDraw.Draw(self._image)

    def line(self, points: Floats, strength: float, width: int = 1) -> None:
        """Draw a polyline through ``[n, 2]`` places in m with a strength of 0..1."""
        self._pen.line([self._at(x, y) for x, y in points], fill=round(255 * strength), width=width)

    def polygon(self, points: Floats, strength: float) -> None:
        """Fill a polygon with corners ``[n, 2]`` in m."""
        self._pen.polygon([self._at(x, y) for x, y in points], fill=round(255 * strength))

    def dot(self, x: float, y: float, radius: float, strength: float) -> None:
        """Draw a disc; all in m."""
        box = (*self._at(x - radius, y + radius), *self._at(x + radius, y - radius))
        self._pen.ellipse(box, fill=round(255 * strength))

    def sample(self, points: Floats, blur: float) -> Floats:
        """Values 0..1 at places ``[..., 3]``, after a Gaussian blur of a radius in pixels."""
        image = np.asarray(self._image.filter(ImageFilter.GaussianBlur(blur)), np.float32) / 255
        column = ((points[..., 0] - self._left) / _METRES_PER_PIXEL).astype(np.int32)
        row = ((self._top - points[..., 1]) / _METRES_PER_PIXEL).astype(np.int32)
        inside = (column >= 0) & (row >= 0) & (column < image.shape[1]) & (row < image.shape[0])
        return np.where(inside, image[np.where(inside, row, 0), np.where(inside, column, 0)], 0).astype(np.float32)

    def _at(self, x: float, y: float) -> tuple[float, float]:
        return (x - self._left) / _METRES_PER_PIXEL, (self._top - y) / _METRES_PER_PIXEL
