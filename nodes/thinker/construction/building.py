"""Builds the story of a pack with a language model, piece by piece; what has been read is kept, and not read again."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import msgspec

from mio.errors import MioError
from nodes.thinker.construction.assembly import Assembly
from nodes.thinker.construction.manuscript import Chapter
from nodes.thinker.construction.model_reader import Usage
from nodes.thinker.construction.reading import Piece, Reading, instruction, pieces_of, question
from nodes.thinker.memory.graph import StoryGraph

READINGS = ".readings"


class Reader(Protocol):
    """Reads a piece."""

    def read(self, question: str) -> tuple[Reading, Usage]:
        """What it found, and what that took."""
        ...


class Progress(NamedTuple):
    """How far a build has come.

    Attributes:
        done: Pieces that have been read.
        total: All pieces.
        used: Tokens of this run.
        kept: Pieces that an earlier run had read.
    """

    done: int
    total: int
    used: Usage
    kept: int


class Build(NamedTuple):
    """What a build brought.

    Attributes:
        graph: The graph of all pieces that were read.
        progress: How far it came.
        unknown: Names that the model used without having introduced them.
    """

    graph: StoryGraph
    progress: Progress
    unknown: list[str]


def plan(chapters: Sequence[Chapter]) -> list[Piece]:
    """The pieces of a text in the order in which they are read."""
    return [piece for chapter in chapters for piece in pieces_of(chapter)]


def build_graph(chapters: Sequence[Chapter], reader: Reader, folder: Path, report: Callable[[Progress], None]) -> Build:
    """Read a text.

    Args:
        chapters: In order.
        reader: Who reads the pieces.
        folder: The pack; readings are kept in a folder of it, and used if the text up to there is the same.
        report: Hears of every piece.

    Raises:
        MioError: If the reader gives up, or the folder cannot be written; what has been read stays.
    """
    assembly = Assembly()
    pieces = plan(chapters)
    progress = Progress(0, len(pieces), Usage(), 0)
    for piece, path, asked in _questions(pieces, assembly, folder / READINGS):
        reading = _kept(path)
        if reading is None:
            reading, used = reader.read(asked)
            _keep(path, reading)
            progress = progress._replace(used=progress.used.plus(used))
        else:
            progress = progress._replace(kept=progress.kept + 1)
        assembly.add(piece, reading)
        progress = progress._replace(done=progress.done + 1)
        report(progress)
    return Build(assembly.graph(chapters), progress, assembly.unknown)


def _questions(pieces: Sequence[Piece], assembly: Assembly, folder: Path) -> Iterator[tuple[Piece, Path, str]]:
    """Each piece with the file of its reading, whose name follows from all that it is asked with."""
    for piece in pieces:
        asked = question(piece, assembly.known_things(), assembly.known_conditions())
        digest = hashlib.sha256(f"{instruction()}\n{asked}".encode()).hexdigest()[:16]
        yield piece, folder / f"{piece.chapter:04d}-{piece.number:02d}-{digest}.json", asked


def _kept(path: Path) -> Reading | None:
    """A reading of an earlier run; a file that a crash has cut is read anew."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Reading)
    except (OSError, msgspec.MsgspecError):
        return None


def _keep(path: Path, reading: Reading) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_bytes(msgspec.json.format(msgspec.json.encode(reading)))
        part.replace(path)
    except OSError as error:
        raise MioError(f"{path}: {error.strerror or error}", "choose another folder") from error
