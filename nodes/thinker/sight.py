"""The user's picture, for models that see: the newest frame, as small as it has to be, and only while it is new."""

import base64
import io

from PIL import Image

from mio.contracts.messages import VideoFrame

_LASTS_NS = 3_000_000_000  # an older picture shows what is no longer so
_QUALITY = 80  # of JPEG


class Sight:
    """Keeps the newest frame of the camera; encodes it only when it is asked for."""

    def __init__(self, longest_px: int) -> None:
        """Begin blind.

        Args:
            longest_px: Longest side of the pictures that are given out.
        """
        self._longest_px = longest_px
        self._frame: VideoFrame | None = None
        self._came_ns = 0

    def see(self, frame: VideoFrame, now_ns: int) -> None:
        """Keep a frame.

        Args:
            frame: It.
            now_ns: When it came.
        """
        self._frame, self._came_ns = frame, now_ns

    def picture(self, now_ns: int) -> str:
        """What is seen, as a ``data:`` address of a JPEG; empty if nothing new is."""
        if self._frame is None or now_ns - self._came_ns > _LASTS_NS:
            return ""
        image = Image.fromarray(self._frame.image)
        image.thumbnail((self._longest_px, self._longest_px))
        file = io.BytesIO()
        image.save(file, "JPEG", quality=_QUALITY)
        return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()
