"""Where the camera stands: framings of the avatar, and the matrices that follow."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mio.contracts.skeleton import JOINT_INDEX
from nodes.renderer.config import CameraConfig, Framing
from nodes.renderer.skeleton import LEFT_EYE, RIGHT_EYE, Skeleton

Array = npt.NDArray[np.float64]

_NEAR_M, _FAR_M = 0.1, 20.0


@dataclass(frozen=True)
class Camera:
    """A view of the scene.

    Attributes:
        eye: ``[3]`` where it stands, m.
        matrix: ``[4, 4]`` from the world to clip space; rows of pictures run from the top.
    """

    eye: Array
    matrix: Array

    def clip(self, points: npt.ArrayLike) -> Array:
        """``[..., 4]`` clip coordinates of ``[..., 3]`` points in the world."""
        places = np.asarray(points, np.float64)
        return places @ self.matrix[:, :3].T + self.matrix[:, 3]


def frame(skeleton: Skeleton, framing: Framing, config: CameraConfig, aspect: float) -> Camera:
    """Place the camera for a framing of the avatar as she stands at rest.

    Args:
        skeleton: Her bones, which say how tall she is.
        framing: How much of her is seen.
        config: Lens and deviations from the framing.
        aspect: Width over height of the picture.
    """
    eyes = skeleton.places[[LEFT_EYE, RIGHT_EYE]].mean(0)
    pelvis = skeleton.places[JOINT_INDEX["pelvis"]]
    top = eyes[1] + 0.150
    bottom = {
        "face": eyes[1] - 0.185,
        "bust": eyes[1] - 0.400,
        "waist": pelvis[1] - 0.165,
        "full": -0.080,
    }[framing]
    top += {"face": 0.0, "bust": 0.030, "waist": 0.050, "full": 0.070}[framing]
    half = np.tan(np.radians(config.fov_deg) / 2)
    tall = (top - bottom) / 2 / min(aspect, 1.0) / config.zoom
    distance = tall / half if config.distance_m <= 0 else config.distance_m
    target = np.array([0.0, (top + bottom) / 2 + config.height_m, eyes[2] - 0.06])
    orbit, pitch = np.radians(config.orbit_deg), np.radians(config.pitch_deg)
    way = np.array([np.sin(orbit) * np.cos(pitch), np.sin(pitch), np.cos(orbit) * np.cos(pitch)])
    place = target + way * (distance + 0.06)
    return Camera(place, _projection(config.fov_deg, aspect) @ _view(place, target))


def _view(eye: Array, target: Array) -> Array:
    forward = (target - eye) / np.linalg.norm(target - eye)
    right = np.cross(forward, [0.0, 1.0, 0.0])
    right /= np.linalg.norm(right)
    up = np.cross(right, forward)
    matrix = np.eye(4)
    matrix[:3, :3] = [right, up, -forward]
    matrix[:3, 3] = -matrix[:3, :3] @ eye
    return matrix


def _projection(fov_deg: float, aspect: float) -> Array:
    """Perspective with the picture upside down, so that its first row in memory is its top."""
    scale = 1 / np.tan(np.radians(fov_deg) / 2)
    matrix = np.zeros((4, 4))
    matrix[0, 0], matrix[1, 1] = scale / aspect, -scale
    matrix[2, 2] = (_FAR_M + _NEAR_M) / (_NEAR_M - _FAR_M)
    matrix[2, 3] = 2 * _FAR_M * _NEAR_M / (_NEAR_M - _FAR_M)
    matrix[3, 2] = -1
    return matrix
