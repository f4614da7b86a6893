"""The head as seen from its middle: how far its surface is in each direction, and where hair grows."""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.interpolate import RegularGridInterpolator
from scipy.spatial import KDTree

from nodes.renderer.bake.base_mesh import Floats
from nodes.renderer.bake.landmarks import Landmarks
from nodes.renderer.bake.paint import ramp

Array = Floats

_EDGES: Any = ("wrap", "nearest")

# The hairline: elevation in degrees over azimuth, from the forehead to the nape.
_HAIRLINE_AZIMUTH = np.array([0.0, 18.0, 34.0, 48.0, 58.0, 66.0, 78.0, 100.0, 130.0, 180.0])
_HAIRLINE_ELEVATION = np.array([37.0, 37.5, 35.0, 25.0, 10.0, -6.0, -4.0, -16.0, -34.0, -38.0])


class Scalp:
    """Directions and distances from the middle of the head.

    Azimuth is 0 at the front and grows towards her left; elevation is 0 at the level of the middle; both in degrees.

    Attributes:
        centre: ``[3]`` m.
    """

    def __init__(self, points: Floats, marks: Landmarks) -> None:
        """Measure a head from points ``[n, 3]`` on its skin; ears and what is below the jaw are left out."""
        self.centre = np.array([0.0, marks.left_eye.centre[1] + 0.022, marks.crown[2] - 0.002])
        ears = (np.abs(points[:, 0]) > 0.077) & (points[:, 1] < self.centre[1] + 0.03)
        offset = points[~ears & (points[:, 1] > marks.mouth[1] - 0.06)] - self.centre
        distance = np.linalg.norm(offset, axis=1)
        azimuth, elevation = np.linspace(-180, 180, 181), np.linspace(-90, 90, 91)
        grid = direction(*np.meshgrid(azimuth, elevation, indexing="ij"))
        apart, nearest = KDTree(offset / distance[:, None]).query(grid.reshape(-1, 3), k=6)
        weight = 1 / (apart + 0.01) ** 2
        radius = ((distance[nearest] * weight).sum(1) / weight.sum(1)).reshape(grid.shape[:2])
        radius = ndimage.gaussian_filter(radius, (2.2, 1.6), mode=_EDGES)
        beyond: Any = None  # extrapolate
        self._radius = RegularGridInterpolator((azimuth, elevation), radius, bounds_error=False, fill_value=beyond)

    def lift(self, directions: Array, height: npt.ArrayLike) -> Array:
        """Points ``[..., 3]`` at a height in m over the skin in given directions ``[..., 3]``."""
        unit = directions / np.linalg.norm(directions, axis=-1, keepdims=True)
        reach = self._radius(np.stack(angles(unit), -1)) + height
        return self.centre + unit * reach[..., None]

    def hairy(self, points: Floats, softness_deg: float = 5.0, inwards_deg: float = 0.0) -> Floats:
        """How much hair grows at points ``[..., 3]``, 0..1, from the hairline, or so far inside it, upwards."""
        offset = points - self.centre
        azimuth, elevation = angles(offset / np.linalg.norm(offset, axis=-1, keepdims=True))
        line = np.interp(np.abs(azimuth), _HAIRLINE_AZIMUTH, _HAIRLINE_ELEVATION) + inwards_deg
        return ramp((elevation - line).astype(np.float32), -softness_deg, softness_deg)


def direction(azimuth: npt.ArrayLike, elevation: npt.ArrayLike) -> Array:
    """Unit vectors ``[..., 3]`` of angles in degrees."""
    a, e = np.broadcast_arrays(np.radians(azimuth), np.radians(elevation))
    return np.stack([np.sin(a) * np.cos(e), np.sin(e), np.cos(a) * np.cos(e)], -1)


def angles(unit: npt.NDArray[np.floating]) -> tuple[npt.NDArray[np.floating], npt.NDArray[np.floating]]:
    """Azimuth and elevation in degrees of unit vectors ``[..., 3]``."""
    azimuth = np.degrees(np.arctan2(unit[..., 0], unit[..., 2]))
    return azimuth, np.degrees(np.arcsin(np.clip(unit[..., 1], -1, 1)))
