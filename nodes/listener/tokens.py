"""Moonshine's vocabulary: pieces of words, in the binary format of ``tokenizer.bin``."""

from pathlib import Path

from mio.errors import MioError

START = 1
END = 2
SPACE = "▁"
_FIRST_TEXT = 259  # after <unk>, <s>, </s> and the 256 single bytes


class Vocabulary:
    """Pieces by number.

    The file holds one piece after the other, each behind its length in bytes: one byte below 128, otherwise two bytes,
    the low seven bits (with the top bit set) first.

    Attributes:
        pieces: Bytes of each piece; the space is U+2581.
        begins_word: Whether each piece begins a new word.
        marks: Pieces without letters and digits, such as punctuation.
    """

    def __init__(self, path: Path) -> None:
        self.pieces = _read_pieces(path)
        space = SPACE.encode()
        self.begins_word = [piece.startswith(space) for piece in self.pieces]
        self.marks = frozenset(
            number for number, piece in enumerate(self.pieces) if number >= _FIRST_TEXT and _is_mark(piece)
        )

    def text(self, tokens: list[int]) -> str:
        """The text of a token sequence, without markers."""
        data = b"".join(self.pieces[token] for token in tokens if token > END and not self._is_marker(token))
        return " ".join(data.decode("utf-8", "replace").replace(SPACE, " ").split())

    def _is_marker(self, token: int) -> bool:
        return self.pieces[token].startswith(b"<<") and self.pieces[token].endswith(b">>")


def _is_mark(piece: bytes) -> bool:
    return not any(character.isalnum() for character in piece.decode("utf-8", "ignore"))


def _read_pieces(path: Path) -> list[bytes]:
    data = path.read_bytes()
    pieces: list[bytes] = []
    at = 0
    try:
        while at < len(data):
            length = data[at]
            at += 1
            if length >= 128:
                length += 128 * data[at] - 128
                at += 1
            if at + length > len(data):
                raise IndexError
            pieces.append(data[at : at + length])
            at += length
    except IndexError as error:
        raise MioError(f"{path} ends in the middle of a piece", "reinstall the package that carries it") from error
    if len(pieces) <= _FIRST_TEXT:
        raise MioError(f"{path} holds only {len(pieces)} pieces", "reinstall the package that carries it")
    return pieces
