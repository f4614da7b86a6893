"""Where pictures are seen: a window, or nowhere."""

from collections import deque
from typing import NamedTuple, Protocol, cast

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
    """Something that shows pictures and takes keys and clicks."""

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


class NullDisplay:
    """Shows nothing and is never touched."""

    def show(self, frame: VideoFrame | None, scene: Scene) -> None:
        """See :class:`Display`."""

    def inputs(self) -> list[Input]:
        """See :class:`Display`."""
        return []

    def set_fullscreen(self, on: bool) -> None:
        """See :class:`Display`."""

    def close(self) -> None:
        """See :class:`Display`."""


class WindowDisplay:
    """A window of OpenCV. It opens with the first call of :meth:`inputs`, in the thread that makes it.

    Args:
        config: Its title, size and manner.

    Raises:
        DeviceError: If no window can be opened here.
    """

    def __init__(self, config: ScreenConfig) -> None:
        problem = display_problem()
        if problem is not None:
            raise problem
        self._config = config
        self._clicks: deque[Action] = deque()
        self._released: Action | None = None
        self._open = False
        self._size = (config.width, config.height)
        self._picture = _ground(config.width, config.height)
        self._make_overlay()

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
            self._open_window()
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
            self._open = False
            cv2.destroyAllWindows()
            cv2.pollKey()

    def _open_window(self) -> None:
        import cv2

        cv2.setNumThreads(1)
        title = self._config.title
        cv2.namedWindow(title, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL)
        cv2.resizeWindow(title, self._config.width, self._config.height)
        cv2.setMouseCallback(title, self._clicked)
        cv2.imshow(title, self._picture)
        self._open = True
        if self._config.fullscreen or self._config.kiosk:
            self.set_fullscreen(True)

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


def open_display(config: ScreenConfig) -> Display:
    """The display that is configured.

    Raises:
        DeviceError: If no window can be opened here.
    """
    return NullDisplay() if config.device == "null" else WindowDisplay(config)


def _ground(width: int, height: int) -> ByteArray:
    """What is seen before the first picture."""
    return np.full((height, width, 3), _GROUND, np.uint8)
