"""Configuration of the screen."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from mio.errors import MioError

Pixels = Annotated[int, msgspec.Meta(ge=64, le=8_192)]


class ScreenConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is shown, and where.

    Attributes:
        device: ``window``, or ``null`` for a virtual display that shows nothing and keeps time like one that does.
        title: Title of the window.
        width: Width of the window when it opens, pixels.
        height: Its height.
        fullscreen: Fill the display.
        kiosk: Fill the display, without buttons and without a key to quit.
        mirrored: Swap left and right of the picture.
        captions: Show what is said.
        report_path: Write how punctual the pictures were to this JSON file at the end.
    """

    device: Literal["window", "null"] | None = "window"
    title: str = "Mio"
    width: Pixels = 720
    height: Pixels = 720
    fullscreen: bool = False
    kiosk: bool = False
    mirrored: bool = False
    captions: bool = True
    report_path: Path | None = None

    def check(self) -> Iterator[MioError]:
        """The display, if no window can be opened."""
        from nodes.io.display import display_problem

        problem = display_problem() if self.device == "window" else None
        if problem is not None:
            yield problem
