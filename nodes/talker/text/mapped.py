"""Text that is rewritten step by step and still knows where in the original each of its characters comes from."""

import re
from collections.abc import Callable
from dataclasses import dataclass

_GROUP = re.compile(r"\\(\d)")

Replacement = str | Callable[[re.Match[str]], str]
"""What a match becomes; ``\\1`` to ``\\9`` stand for its groups, which keep their places in the original."""


@dataclass(frozen=True, slots=True)
class Mapped:
    """A text and the span of the original behind each of its characters.

    Attributes:
        text: The text as it is now.
        starts: First character of the original for each character.
        ends: One past the last.
    """

    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]

    @classmethod
    def of(cls, text: str) -> "Mapped":
        """The original itself."""
        return cls(text, tuple(range(len(text))), tuple(range(1, len(text) + 1)))

    def cut(self, first: int, last: int | None = None) -> "Mapped":
        """The part from one character up to, without, another."""
        return Mapped(self.text[first:last], self.starts[first:last], self.ends[first:last])

    def sub(self, pattern: re.Pattern[str], replacement: Replacement) -> "Mapped":
        """Replace all matches; a literal character of the replacement stands for the whole match."""
        matches = list(pattern.finditer(self.text))
        if not matches:
            return self
        pieces: list[Mapped] = []
        done = 0
        for match in matches:
            pieces.append(self.cut(done, match.start()))
            template = replacement if isinstance(replacement, str) else replacement(match)
            pieces.extend(self._expand(match, template))
            done = match.end()
        pieces.append(self.cut(done))
        return join(pieces)

    def strip(self) -> "Mapped":
        """Without white space at both ends."""
        left = len(self.text) - len(self.text.lstrip())
        return self.cut(left, max(left, len(self.text.rstrip())))

    def source(self, position: int) -> int:
        """Character of the original behind a character of this text; the last one's end behind it."""
        if position < len(self.starts):
            return self.starts[max(position, 0)]
        return self.ends[-1] if self.ends else 0

    def _expand(self, match: re.Match[str], template: str) -> list["Mapped"]:
        start, end = self._span(match)
        pieces: list[Mapped] = []
        for index, piece in enumerate(_GROUP.split(template)):
            if index % 2:
                pieces.append(self.cut(*match.span(int(piece))) if match[int(piece)] is not None else _EMPTY)
            elif piece:
                pieces.append(Mapped(piece, (start,) * len(piece), (end,) * len(piece)))
        return pieces

    def _span(self, match: re.Match[str]) -> tuple[int, int]:
        first, last = match.span()
        if first == last:
            at = self.source(first)
            return at, at
        return self.starts[first], self.ends[last - 1]


_EMPTY = Mapped("", (), ())


def join(pieces: list[Mapped]) -> Mapped:
    """Texts one after the other."""
    return Mapped(
        "".join(piece.text for piece in pieces),
        tuple(start for piece in pieces for start in piece.starts),
        tuple(end for piece in pieces for end in piece.ends),
    )
