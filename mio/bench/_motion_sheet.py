"""Draws motion as a strip of skeletons, one row per motion."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from mio.contracts.rates import BODY_FPS
from mio.contracts.skeleton import PARENTS
from mio.rotation import Array

_JOINTS = 22
_COLOURS = 24  # of the file, which is a fifth as large with a palette
_LEFT, _RIGHT, _MIDDLE = "#c0392b", "#2471a3", "#444444"
_SIDES = (_MIDDLE, _LEFT, _RIGHT)
_SIDE_OF = (0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 1, 2, 1, 2)


class Strip(NamedTuple):
    """One row.

    Attributes:
        title: What it shows.
        places: ``[T, 22, 3]`` joints, metres.
        marks: Frames from which something else is wanted, and what.
    """

    title: str
    places: Array
    marks: tuple[tuple[int, str], ...] = ()


def draw(strips: Sequence[Strip], path: Path, *, every: int, columns: int) -> None:
    """Draw rows of skeletons, seen from the front and a little from the side, the pelvis in the middle.

    Args:
        strips: The rows.
        path: The picture.
        every: Frames between two skeletons.
        columns: Skeletons in a row.
    """
    figure: Any = Figure(figsize=(0.75 * columns, 1.75 * len(strips)), dpi=90)
    panels = figure.subplots(len(strips), columns, squeeze=False)
    for row, strip in zip(panels, strips, strict=True):
        for number, panel in enumerate(row):
            frame = min(number * every, len(strip.places) - 1)
            _skeleton(panel, strip.places[frame])
            panel.text(0.5, -0.02, f"{frame / BODY_FPS:.1f} s", transform=panel.transAxes, fontsize=6, ha="center")
            for mark, text in strip.marks:
                if frame - every < mark <= frame:
                    panel.text(0.02, 0.97, text, transform=panel.transAxes, fontsize=6, color="#1e8449", wrap=True)
        row[0].set_title(strip.title, fontsize=8, weight="bold", loc="left", pad=10)
    figure.subplots_adjust(0.01, 0.01, 0.99, 0.97, wspace=0.0, hspace=0.2)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
    with Image.open(path) as picture:
        few = picture.convert("RGB").quantize(_COLOURS)
    few.save(path, optimize=True)


def _skeleton(panel: Any, places: Array) -> None:
    turn = np.radians(25.0)
    beside = places - places[0]
    across = beside[:, 0] * np.cos(turn) + beside[:, 2] * np.sin(turn)
    for joint in range(1, _JOINTS):
        ends = [PARENTS[joint], joint]
        panel.plot(across[ends], places[ends, 1], color=_SIDES[_SIDE_OF[joint]], linewidth=1.5)
    panel.plot([-0.75, 0.75], [0, 0], color="#bbbbbb", linewidth=0.6)
    panel.set_xlim(-0.75, 0.75)
    panel.set_ylim(-0.1, 1.95)
    panel.set_aspect("equal")
    panel.axis("off")
