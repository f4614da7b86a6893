"""Configuration of the screen."""

from pathlib import Path
from typing import Annotated, Literal

import msgspec

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
        transcript_path: Append the conversation to this file: Markdown if it ends in ``.md``, else one JSON object per
            line. The screen writes it because it is the node that gets both sides' words and what was heard of them.
        report_path: Write how punctual the pictures were to this JSON file at the end.
    """

    device: Literal["window", "null"] = "window"
    title: str = "Mio"
    width: Pixels = 720
    height: Pixels = 720
    fullscreen: bool = False
    kiosk: bool = False
    mirrored: bool = False
    captions: bool = True
    transcript_path: Path | None = None
    report_path: Path | None = None
