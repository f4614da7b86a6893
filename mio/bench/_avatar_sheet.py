"""Draws motion as a strip of pictures of the avatar, one row per motion."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from mio.contracts.rates import BODY_FPS
from mio.rotation import Array
from nodes.renderer.config import CameraConfig
from nodes.renderer.portrait import Portraitist

_CELL = (130, 200)  # width and height, pixels
_TITLE_PIXELS = 20
_QUALITY = 74
_CAMERA = CameraConfig(orbit_deg=25.0, zoom=1.2)


class AvatarStrip(NamedTuple):
    """One row.

    Attributes:
        title: What it shows.
        frames: ``[T, 159]`` as on the wire.
        marks: Frames from which something else is wanted, and what.
    """

    title: str
    frames: Array
    marks: tuple[tuple[int, str], ...] = ()


def draw(strips: Sequence[AvatarStrip], path: Path, *, every: int, columns: int) -> None:
    """Draw rows of the avatar, seen a little from the side, the pelvis in the middle.

    Args:
        strips: The rows.
        path: The picture.
        every: Frames between two pictures.
        columns: Pictures in a row.
    """
    drawer = Portraitist(tier="medium")
    rows = [_row(drawer, strip, every, columns) for strip in strips]
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.vstack(rows)).save(path, quality=_QUALITY, optimize=True)


def _row(drawer: Portraitist, strip: AvatarStrip, every: int, columns: int) -> npt.NDArray[np.uint8]:
    cells: list[npt.NDArray[np.uint8]] = []
    shown = [min(number * every, len(strip.frames) - 1) for number in range(columns)]
    for frame in shown:
        pose = strip.frames[frame].astype(np.float32)
        pose[[0, 2]] = 0.0
        cells.append(drawer.picture(body=pose, framing="full", size=_CELL, camera=_CAMERA))
    picture = np.full((_TITLE_PIXELS + _CELL[1], columns * _CELL[0], 3), 255, np.uint8)
    picture[_TITLE_PIXELS:] = np.hstack(cells)
    image = Image.fromarray(picture)
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(13)
    pen.text((4, 2), strip.title, "black", font)
    for number, frame in enumerate(shown):
        marks = [text for mark, text in strip.marks if frame - every < mark <= frame]
        label = " ".join([f"{frame / BODY_FPS:.1f} s", *marks])
        pen.text((number * _CELL[0] + 4, _TITLE_PIXELS + 2), label, "#c8e6c9" if marks else "white", font)
    return np.asarray(image)
