"""Pictures on a tape: JPEG, which is a hundredth of the pixels."""

from typing import Any

import numpy as np
import numpy.typing as npt

from mio.errors import MioError

_QUALITY = 85


def to_jpeg(pixels: bytes, width: int, height: int) -> bytes:
    """Compress rgb pixels, rows from the top.

    Raises:
        MioError: If OpenCV is missing.
    """
    cv2 = require_opencv()
    image = np.frombuffer(pixels, np.uint8).reshape(height, width, 3)
    _, encoded = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return encoded.tobytes()


def from_jpeg(data: bytes) -> npt.NDArray[np.uint8]:
    """``[height, width, 3]`` rgb pixels of a JPEG.

    Raises:
        MioError: If OpenCV is missing.
    """
    cv2 = require_opencv()
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)


def require_opencv() -> Any:
    """The module ``cv2``.

    Raises:
        MioError: If it is missing.
    """
    try:
        import cv2
    except ImportError as error:
        raise MioError("pictures as JPEG need OpenCV", "pip install 'mio[io]', or record with --video none") from error
    cv2.setNumThreads(1)
    return cv2
