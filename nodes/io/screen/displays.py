"""Where pictures are seen: a window, or nowhere."""

from collections import deque
from typing import Any, NamedTuple, Protocol, cast

import numpy as np

from mio.contracts.messages import ByteArray, VideoFrame
from nodes.io.display import display_problem
from nodes.io.screen.config import ScreenConfig
from nodes.io.screen.keyboard import Action
from nodes.io.screen.scene import Scene

_GROUND = (30, 24, 22)


class KeyPressed(NamedTuple):
    """A key, as OpenCV numbers it."""

    code: int


class WindowClosed(NamedTuple):
    """The user closed the window."""


Input = KeyPressed | WindowClosed | Action
"""What a user does: a key, the window's own button, or a button on the picture."""


class Display(Protocol):
    """Something that shows pictures and takes keys and clicks, from when it is opened until it is closed."""

    def open(self) -> None:
        """Acquire the display; one that is open already is put where it belongs.

        Raises:
            DeviceError: If no window can be opened here.
        """
        ...

    def show(self, frame: VideoFrame | None, scene: Scene) -> None:
        """Show a picture with a scene over it; None shows the last picture again."""
        ...

    def inputs(self) -> list[Input]:
        """What the user did since the last call."""
        ...

    def set_fullscreen(self, on: bool) -> None:
        """Fill the display, or not."""
        ...

    def close(self) -> None:
        """Show nothing any more."""
        ...

    def export_state(self) -> dict[str, Any]:
        """Where the window stands."""
        ...

    def import_state(self, state: dict[str, Any]) -> None:
        """Open where a predecessor's window stood."""
        ...


class NullDisplay:
    """Shows nothing and is never touched."""

    def open(self) -> None:
        """See :class:`Display`."""

    def show(self, frame: VideoFrame | None, scene: Scene) -> None:
        """See :class:`Display`."""

    def inputs(self) -> list[Input]:
        """See :class:`Display`."""
        return []

    def set_fullscreen(self, on: bool) -> None:
        """See :class:`Display`."""

    def close(self) -> None:
        """See :class:`Display`."""

    def export_state(self) -> dict[str, Any]:
        """See :class:`Display`."""
        return {}

    def import_state(self, state: dict[str, Any]) -> None:
        """See :class:`Display`."""


class WindowDisplay:
    """A window of OpenCV. It belongs to the thread that opens it.

    Args:
        config: Its title, size and manner.
    """

    def __init__(self, config: ScreenConfig) -> None:
        self._config = config
        self._clicks: deque[Action] = deque()
        self._released: Action | None = None
        self._open = False
        self._place: list[int] = []
        self._size = (config.width, config.height)
        self._picture = _ground(config.width, config.height)
        self._make_overlay()

    def open(self) -> None:
        """See :class:`Display`."""
        if not self._open:
            self._open_window()
        elif self._place and self._place != self._where():
            self._put()

    def _open_window(self) -> None:
        import cv2

        problem = None if self._place else display_problem()  # a predecessor had a window
        if problem is not None:
            raise problem
        cv2.setNumThreads(1)
        title = self._config.title
        cv2.namedWindow(title, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL)
        self._put()
        cv2.setMouseCallback(title, self._clicked)
        cv2.imshow(title, self._picture)
        self._open = True
        if self._config.fullscreen or self._config.kiosk:
            self.set_fullscreen(True)

    def _put(self) -> None:
        import cv2

        left, top, width, height = self._place or (0, 0, self._config.width, self._config.height)
        cv2.resizeWindow(self._config.title, width, height)
        if self._place:
            cv2.moveWindow(self._config.title, left, top)

    def show(self, frame: VideoFrame | None, scene: Scene) -> None:
        """See :class:`Display`."""
        import cv2

        if not self._open:
            return
        if frame is not None:
            self._take(frame)
        shown = self._picture.copy()
        self._overlay.lay_on(shown, scene)
        cv2.imshow(self._config.title, shown)

    def inputs(self) -> list[Input]:
        """See :class:`Display`."""
        import cv2

        if not self._open:
            return []
        found: list[Input] = []
        while (key := cv2.pollKey()) >= 0:
            found.append(KeyPressed(key))
        found.extend(self._clicks)
        self._clicks.clear()
        if cv2.getWindowProperty(self._config.title, cv2.WND_PROP_VISIBLE) < 1.0:
            found.append(WindowClosed())
        return found

    def set_fullscreen(self, on: bool) -> None:
        """See :class:`Display`."""
        import cv2

        state = cv2.WINDOW_FULLSCREEN if on else cv2.WINDOW_NORMAL
        cv2.setWindowProperty(self._config.title, cv2.WND_PROP_FULLSCREEN, state)

    def close(self) -> None:
        """See :class:`Display`."""
        import cv2

        if self._open:
            self._place = self._where()
            self._open = False
            cv2.destroyAllWindows()
            cv2.pollKey()

    def export_state(self) -> dict[str, Any]:
        """See :class:`Display`."""
        return {"place": self._where() if self._open else self._place}

    def import_state(self, state: dict[str, Any]) -> None:
        """See :class:`Display`."""
        self._place = list(state.get("place", []))

    def _where(self) -> list[int]:
        """Left, top, width and height of the window's picture on the display."""
        import cv2

        place = [int(value) for value in cv2.getWindowImageRect(self._config.title)]
        return place if min(place[2:]) > 0 else self._place

    def _take(self, frame: VideoFrame) -> None:
        import cv2

        if (frame.width, frame.height) != self._size:
            self._size = (frame.width, frame.height)
            self._make_overlay()
        picture = cast(ByteArray, cv2.cvtColor(frame.image, cv2.COLOR_RGB2BGR))
        self._picture = cast(ByteArray, cv2.flip(picture, 1)) if self._config.mirrored else picture

    def _make_overlay(self) -> None:
        from nodes.io.screen.overlay import Overlay

        self._overlay = Overlay(*self._size)

    def _clicked(self, event: int, x: int, y: int, _flags: int, _user: object) -> None:
        """OpenCV's mouse callback, called while keys are polled."""
        import cv2

        if event == cv2.EVENT_LBUTTONDOWN:
            button = self._overlay.button_at(x, y)
            if button is not None:
                self._clicks.append(button.action)
                self._released = button.released
        elif event == cv2.EVENT_LBUTTONUP and self._released is not None:
            self._clicks.append(self._released)
            self._released = None


def display_for(config: ScreenConfig) -> Display:
    """The display that is configured, not opened yet."""
    return WindowDisplay(config) if config.device == "window" else NullDisplay()


def _ground(width: int, height: int) -> ByteArray:
    """What is seen before the first picture."""
    return np.full((height, width, 3), _GROUND, np.uint8)
