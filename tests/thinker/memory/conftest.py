from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from nodes.thinker.memory.graph import StoryGraph
from nodes.thinker.memory.retrieval import Retrieval
from nodes.thinker.memory.store import Store
from nodes.thinker.memory.testing import WordEncoder


class Book:
    """A memory file with a story in it, opened for writing and for reading."""

    def __init__(self, path: Path, graph: StoryGraph) -> None:
        self.path = path
        self.encoder = WordEncoder()
        self.store = Store(path, self.encoder)
        self.store.load(graph)
        self.retrieval = Retrieval(path, self.encoder)

    def close(self) -> None:
        self.retrieval.close()
        self.store.close()


class Write(Protocol):
    def __call__(self, graph: StoryGraph, path: Path | None = None) -> Book: ...


@pytest.fixture(scope="session")
def write(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Write]:
    """Writes stories into memory files, each into its own unless told which."""
    books: list[Book] = []

    def write(graph: StoryGraph, path: Path | None = None) -> Book:
        books.append(Book(path or tmp_path_factory.mktemp("memory") / "memory.sqlite", graph))
        return books[-1]

    yield write
    for book in books:
        book.close()
