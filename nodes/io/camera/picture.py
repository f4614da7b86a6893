"""One picture, and how it is made to fit."""

from typing import NamedTuple, cast

import cv2
import numpy as np

from mio.contracts.messages import ByteArray


class Picture(NamedTuple):
    """A picture of the user.

    Attributes:
        image: ``[height, width, 3]`` rgb.
        taken_ns: ``CLOCK_MONOTONIC`` at which it was taken.
    """

    image: ByteArray
    taken_ns: int


def fitted(image: ByteArray, width: int, height: int) -> ByteArray:
    """``[h, w, 3]`` picture made smaller, in proportion, until it fits; contiguous."""
    scale = min(width / image.shape[1], height / image.shape[0])
    if scale < 1.0:
        size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
        image = cast(ByteArray, cv2.resize(image, size, interpolation=cv2.INTER_AREA))
    return np.ascontiguousarray(image)


def rgb_from_bgr(image: ByteArray) -> ByteArray:
    """``[h, w, 3]`` as OpenCV gives it, or ``[h, w]`` grey, as rgb."""
    code = cv2.COLOR_GRAY2RGB if image.ndim == 2 else cv2.COLOR_BGR2RGB
    return cast(ByteArray, cv2.cvtColor(image, code))
