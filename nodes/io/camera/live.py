"""A camera through OpenCV, read in a thread of its own, opened again when it was unplugged."""

import logging
import threading
import time
from collections.abc import Callable
from enum import Enum, auto
from typing import Any, Protocol, cast

from mio.contracts.messages import ByteArray
from nodes.io.camera.config import CameraConfig
from nodes.io.camera.picture import Picture, rgb_from_bgr
from nodes.io.devices import find_camera

_RETRY_S = 1.0
_ENDING_S = 3.0  # drivers give up a picture that does not come after some seconds

_log = logging.getLogger(__name__)


class Capture(Protocol):
    """The part of ``cv2.VideoCapture`` that is used."""

    def read(self) -> tuple[bool, Any]:
        """Wait for the next picture."""
        ...

    def release(self) -> None:
        """Release the camera."""
        ...


class CameraState(Enum):
    """Whether the camera gives pictures.

    CLOSED -> OPEN when it can be opened, tried every second; OPEN -> CLOSED when a picture fails.
    """

    CLOSED = auto()
    OPEN = auto()


class LiveCamera:
    """The newest picture of a camera.

    The first :meth:`open` fails if there is no such camera. Later ones, and that of a successor, wait for it. Each loss
    and each return is logged once.

    Args:
        choice: What the user wrote.
        config: Wanted size and rate.
        open_capture: Opens a camera by number; None if it cannot be opened.
        now_ns: ``CLOCK_MONOTONIC``.
    """

    def __init__(
        self,
        choice: str,
        config: CameraConfig,
        open_capture: Callable[[int, CameraConfig], Capture | None] | None = None,
        now_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._choice = choice
        self._config = config
        self._open_capture = open_capture or _open_capture
        self._now_ns = now_ns
        self._number = -1
        self._capture: Capture | None = None
        self._newest: Picture | None = None
        self._lost = False
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def state(self) -> CameraState:
        """Whether it gives pictures."""
        return CameraState.CLOSED if self._capture is None else CameraState.OPEN

    def prepare(self, state: dict[str, Any]) -> None:
        """See :class:`nodes.io.camera.sources.Source`."""

    def open(self) -> None:
        """See :class:`nodes.io.camera.sources.Source`."""
        if self._number < 0:
            self._number = int(find_camera(self._choice).choice)
        self._ending.clear()
        self._thread = threading.Thread(target=self._run, name="camera", daemon=True)
        self._thread.start()

    def read(self, now_ns: int) -> Picture | None:
        """See :class:`nodes.io.camera.sources.Source`."""
        newest, self._newest = self._newest, None
        return newest._replace(image=rgb_from_bgr(newest.image)) if newest is not None else None

    def close(self) -> None:
        """See :class:`nodes.io.camera.sources.Source`."""
        self._ending.set()
        if self._thread is not None:
            self._thread.join(_ENDING_S)
            self._thread = None

    def export_state(self) -> dict[str, Any]:
        """See :class:`nodes.io.camera.sources.Source`."""
        return {"choice": self._choice, "number": self._number}

    def import_state(self, state: dict[str, Any]) -> None:
        """See :class:`nodes.io.camera.sources.Source`."""
        if state.get("choice") == self._choice:
            self._number = int(state["number"])

    def turn(self) -> bool:
        """Wait for the next picture, or try to open the camera; whether it is there."""
        if self._capture is None:
            self._capture = self._open_capture(self._number, self._config)
        seen, image = self._capture.read() if self._capture is not None else (False, None)
        if not seen or image is None:
            self._lose()
            return False
        self._newest = Picture(cast(ByteArray, image), self._now_ns())
        if self._lost:
            _log.info("camera %s is back", self._number)
            self._lost = False
        return True

    def _lose(self) -> None:
        if not self._lost:
            _log.warning("camera %s gives no pictures; trying again every second", self._number)
            self._lost = True
        self._release()

    def _release(self) -> None:
        capture, self._capture = self._capture, None
        if capture is not None:
            capture.release()

    def _run(self) -> None:
        """The thread: reading waits for the camera, so it never waits long for the next turn."""
        while not self._ending.is_set():
            if not self.turn():
                self._ending.wait(_RETRY_S)
        self._release()


def _open_capture(number: int, config: CameraConfig) -> Capture | None:
    import cv2

    capture = cv2.VideoCapture(number)
    if not capture.isOpened():
        capture.release()
        return None
    capture.set(cv2.CAP_PROP_FRAME_WIDTH, config.width)
    capture.set(cv2.CAP_PROP_FRAME_HEIGHT, config.height)
    capture.set(cv2.CAP_PROP_FPS, config.fps)
    capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
    return cast(Capture, capture)
