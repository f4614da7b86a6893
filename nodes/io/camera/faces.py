"""Finds the user's face in pictures, with a detector that the user brings; none comes with Mio."""

import math
from pathlib import Path
from typing import Any, Protocol, cast

import cv2
import numpy as np

from mio.contracts.messages import ByteArray, UserPlace
from mio.errors import ConfigError
from nodes.io.camera.picture import fitted

_SIDE = 320  # pixels; faces within a few metres are found in small pictures too
_LEAST_SCORE = 0.7
_REMEDY = "name a YuNet model in ONNX, such as face_detection_yunet_2023mar.onnx of OpenCV's model zoo"


class Detector(Protocol):
    """OpenCV's ``FaceDetectorYN``."""

    def setInputSize(self, size: tuple[int, int], /) -> Any:  # noqa: N802
        """Width and height of the pictures that follow."""
        ...

    def detect(self, image: Any, /) -> tuple[Any, Any]:
        """``[n, 15]`` faces, or None, behind a return code: box, right eye, left eye, nose, mouth as x, y; score."""
        ...


def read_detector(path: Path) -> Detector:
    """The detector in a file.

    Raises:
        ConfigError: If there is none, or none that finds faces.
    """
    if not path.is_file():
        raise ConfigError(f"{path} is missing", _REMEDY)
    try:
        return cv2.FaceDetectorYN.create(str(path), "", (_SIDE, _SIDE), _LEAST_SCORE)
    except cv2.error as error:
        raise ConfigError(f"{path}: {error.err or error}", _REMEDY) from error


class FaceFinder:
    """Says where the eyes of the largest face are.

    Args:
        detector: Finds faces.
        view_deg: How wide the camera sees, from the left to the right edge of a picture.
    """

    def __init__(self, detector: Detector, view_deg: float) -> None:
        self._detector = detector
        self._half_width = math.tan(math.radians(view_deg / 2))

    def place(self, image: ByteArray) -> UserPlace | None:
        """Where the user is in a picture ``[h, w, 3]``, rgb; None if nobody is seen."""
        small = fitted(image, _SIDE, _SIDE)
        height, width = small.shape[:2]
        self._detector.setInputSize((width, height))
        faces = self._detector.detect(cv2.cvtColor(small, cv2.COLOR_RGB2BGR))[1]
        if faces is None or not len(faces):
            return None
        largest = cast("np.ndarray[Any, np.dtype[np.float32]]", faces[int(np.argmax(faces[:, 2] * faces[:, 3]))])
        x, y = (largest[4:6] + largest[6:8]) / 2
        right, down = (self._half_width * (at - size / 2) / (width / 2) for at, size in ((x, width), (y, height)))
        return UserPlace(left_deg=-math.degrees(math.atan(right)), above_deg=-math.degrees(math.atan(down)))
