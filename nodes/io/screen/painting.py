"""Translucent panels with text, painted once and laid over every picture."""

from functools import lru_cache
from typing import NamedTuple, cast

import cv2
import numpy as np

from mio.contracts.messages import ByteArray

Colour = tuple[int, int, int]
"""Blue, green, red."""

WHITE: Colour = (250, 248, 245)
GREY: Colour = (200, 192, 184)
DIM: Colour = (168, 160, 154)
PANEL: Colour = (34, 26, 22)

_FULL = 255


class Patch(NamedTuple):
    """Pixels laid over a picture at ``x``, ``y``: ``picture * keep + add``.

    Attributes:
        x: Left edge.
        y: Upper edge.
        keep: ``[h, w, 3]``, 0..255 for 0..1.
        add: ``[h, w, 3]``.
    """

    x: int
    y: int
    keep: ByteArray
    add: ByteArray

    def lay_on(self, picture: ByteArray) -> None:
        """Blend it into a picture in place."""
        height, width = self.add.shape[:2]
        part = picture[self.y : self.y + height, self.x : self.x + width]
        keep, add = self.keep[: part.shape[0], : part.shape[1]], self.add[: part.shape[0], : part.shape[1]]
        cv2.add(cv2.multiply(part, keep, scale=1.0 / _FULL), add, dst=part)


class Type:
    """OpenCV's built-in Unicode typeface at one size.

    Args:
        size: Height, pixels.
        weight: 400 regular, 600 semibold.
    """

    def __init__(self, size: int, weight: int = 400) -> None:
        self.size = size
        self._weight = weight
        self._face = cv2.FontFace("sans")
        self._widths: dict[str, int] = {}

    def width(self, text: str) -> int:
        """Width of a text, pixels."""
        if text not in self._widths:
            if len(self._widths) > 2_000:
                self._widths.clear()
            spaces = len(text) - len(text.rstrip(" "))
            body = cv2.getTextSize((1, 1), text.rstrip(" ") or "n", (0, 0), self._face, self.size, self._weight)[2]
            self._widths[text] = body + spaces * round(self.size * 0.27)
        return self._widths[text]

    def wrap(self, text: str, width: int) -> list[tuple[int, str]]:
        """Break a text into lines no wider than ``width``; each with the offset of its first character."""
        lines: list[tuple[int, str]] = []
        start, line, at = 0, "", 0
        for word in text.split(" "):
            longer = f"{line} {word}" if line else word
            if line and self.width(longer) > width:
                lines.append((start, line))
                start, line = at, word
            else:
                line = longer
            at += len(word) + 1
        return [*lines, (start, line)] if line else lines

    def draw(self, mask: ByteArray, text: str, x: int, y: int) -> None:
        """Draw a text white into ``[h, w, 3]``, ``y`` being its baseline."""
        if text:
            cv2.putText(mask, text, (x, y), (_FULL, _FULL, _FULL), self._face, self.size, self._weight)


class Panel:
    """A rounded translucent rectangle to write on.

    Args:
        width: Pixels.
        height: Pixels.
        radius: Of its corners, pixels.
        colour: Of its ground.
        opacity: 0..1.
    """

    def __init__(self, width: int, height: int, radius: int, colour: Colour = PANEL, opacity: float = 0.62) -> None:
        shape = rounded(width, height, radius)
        cover = shape.astype(np.float32)[..., None] * np.float32(opacity / _FULL)
        self._keep = np.repeat(1.0 - cover, 3, axis=2)
        self._add = cover * np.array(colour, np.float32)

    def text(self, text: str, face: Type, x: int, y: int, colour: Colour = WHITE) -> None:
        """Write a line; ``y`` is its baseline."""
        top, bottom = max(0, y - face.size), min(self._keep.shape[0], y + face.size // 2)
        left, right = max(0, x - 2), min(self._keep.shape[1], x + face.width(text) + face.size)
        mask = np.zeros((bottom - top, right - left, 3), np.uint8)
        face.draw(mask, text, x - left, y - top)
        self._paint(mask, left, top, colour)

    def dot(self, x: int, y: int, radius: int, colour: Colour) -> None:
        """Draw a disc."""
        mask = np.zeros((2 * radius + 3, 2 * radius + 3, 3), np.uint8)
        cv2.circle(mask, (radius + 1, radius + 1), radius, (_FULL, _FULL, _FULL), -1, cv2.LINE_AA)
        self._paint(mask, x - radius - 1, y - radius - 1, colour)

    def patch(self, x: int, y: int) -> Patch:
        """The finished panel at a place."""
        keep = np.rint(self._keep * _FULL).astype(np.uint8)
        return Patch(x, y, keep, np.rint(self._add).astype(np.uint8))

    def _paint(self, mask: ByteArray, left: int, top: int, colour: Colour) -> None:
        """Cover the ground with a colour where ``[h, w, 3]`` says so."""
        part = np.s_[top : top + mask.shape[0], left : left + mask.shape[1]]
        cover = mask[: self._keep[part].shape[0], : self._keep[part].shape[1]] * np.float32(1.0 / _FULL)
        self._keep[part] *= 1.0 - cover
        self._add[part] += cover * (np.array(colour, np.float32) - self._add[part])


@lru_cache(maxsize=64)
def rounded(width: int, height: int, radius: int) -> ByteArray:
    """``[height, width]`` mask of a rectangle with smooth round corners."""
    scale = 4
    big = np.zeros((height * scale, width * scale), np.uint8)
    r = min(radius * scale, big.shape[0] // 2, big.shape[1] // 2)
    cv2.rectangle(big, (r, 0), (big.shape[1] - r - 1, big.shape[0]), _FULL, -1)
    cv2.rectangle(big, (0, r), (big.shape[1], big.shape[0] - r - 1), _FULL, -1)
    for x in (r, big.shape[1] - r - 1):
        for y in (r, big.shape[0] - r - 1):
            cv2.circle(big, (x, y), r, _FULL, -1)
    return cast(ByteArray, cv2.resize(big, (width, height), interpolation=cv2.INTER_AREA))
