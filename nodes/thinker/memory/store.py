"""Writes a memory file: one SQLite database that many may read while one writes, readable by its owner only.

Every change is one transaction (write-ahead log), so that a process that is killed at any moment leaves the file as it
was before or after it. What the file has beyond the narrative present is read through :mod:`nodes.thinker.memory.gate`.
"""

import contextlib
import hashlib
import os
import sqlite3
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Protocol

import msgspec
import numpy as np

from nodes.thinker.memory.graph import Edge, Node, Passage, StoryGraph
from nodes.thinker.memory.schema import REMEDY, STORY_TABLES, MemoryFileError, damaged, make_tables
from nodes.thinker.memory.vectors import Vectors, signs

_BUSY_S = 5.0


class Encoder(Protocol):
    """Makes vectors of texts, as :class:`~mio.sentences.encoder.SentenceEncoder` does."""

    @property
    def fingerprint(self) -> str:
        """Names the weights."""
        ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """``[n, D]`` float32, rows of unit length."""
        ...


def open_file(path: Path) -> sqlite3.Connection:
    """Open a memory file for writing; make it if it is missing.

    Returns:
        A connection without open transaction; use :func:`transaction`.

    Raises:
        MemoryFileError: If it cannot be read or written, or another version wrote it.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        path.chmod(0o600)  # SQLite gives the files beside it the same mode
        connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None)
        connection.execute("PRAGMA journal_mode = wal")
        connection.execute("PRAGMA synchronous = normal")
        connection.execute("PRAGMA secure_delete = on")
        make_tables(connection, path)
    except (OSError, sqlite3.Error) as error:
        raise damaged(path, error) from error
    return connection


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Generator[None, None, None]:
    """All of it or nothing.

    Raises:
        MemoryFileError: If the file cannot be written.
    """
    try:
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            connection.rollback()
            raise
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        raise MemoryFileError(f"cannot write to memory: {error}", REMEDY) from error


class Store:
    """The story in a memory file, for whoever writes it."""

    def __init__(self, path: Path, encoder: Encoder) -> None:
        """Open the file; see :func:`open_file`."""
        self.path = path
        self._encoder = encoder
        self._connection = open_file(path)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def load(self, graph: StoryGraph) -> bool:
        """Make the file's story this graph, unless it is already; vectors of texts that stay are kept.

        Returns:
            Whether anything was written.

        Raises:
            MemoryFileError: If the graph does not hold together, or the file cannot be written.
        """
        fingerprint = f"{self._encoder.fingerprint} {hashlib.sha256(msgspec.json.encode(graph)).hexdigest()}"
        found = self._connection.execute("SELECT value FROM about WHERE key = 'story'").fetchone()
        if found is not None and found[0] == fingerprint:
            return False
        vectors = self._vectors([*map(node_text, graph.nodes), *(passage.text for passage in graph.passages)])
        with transaction(self._connection):
            for table in STORY_TABLES:
                self._connection.execute(f"DELETE FROM {table}")
            self._connection.execute("INSERT INTO words (words) VALUES ('delete-all')")
            self._insert(graph, vectors)
            about = [("story", fingerprint), ("encoder", self._encoder.fingerprint)]
            self._connection.executemany("REPLACE INTO about VALUES (?, ?)", about)
            self._count_version()
        return True

    def add(self, graph: StoryGraph) -> None:
        """Add to the story; edges and passages may name nodes that are there already.

        Raises:
            MemoryFileError: If something is there already, names what is not, or the file cannot be written.
        """
        vectors = self._vectors([*map(node_text, graph.nodes), *(passage.text for passage in graph.passages)])
        with transaction(self._connection):
            self._insert(graph, vectors)
            self._connection.execute("REPLACE INTO about VALUES ('story', 'grown')")
            self._count_version()

    def end_state(self, node_id: str, t_end: float) -> None:
        """Close the interval of a state: it was so until then.

        Raises:
            MemoryFileError: If there is no such node, it has ended before, or it would end before it began.
        """
        with transaction(self._connection):
            row = self._row("node", node_id)
            query = "SELECT value FROM content WHERE item = ?"
            node = msgspec.json.decode(self._connection.execute(query, (row,)).fetchone()[0], type=Node)
            if node.t_end is not None or t_end < node.t_start:
                raise MemoryFileError(f"node '{node_id}' ({node.t_start} to {node.t_end}) cannot end at {t_end}")
            content = msgspec.json.encode(msgspec.structs.replace(node, t_end=t_end))
            self._connection.execute("UPDATE content SET value = ? WHERE item = ?", (content, row))
            self._connection.execute("REPLACE INTO about VALUES ('story', 'grown')")
            self._count_version()

    def _count_version(self) -> None:
        """Tell readers that the story has changed."""
        self._connection.execute("INSERT OR IGNORE INTO about VALUES ('version', '0')")
        self._connection.execute("UPDATE about SET value = CAST(value AS INTEGER) + 1 WHERE key = 'version'")

    def _vectors(self, texts: Sequence[str]) -> dict[bytes, tuple[bytes, bytes]]:
        """Vector (float16) and signs of each text, by the text's key; those in the file are taken from it."""
        wanted = {text_key(text): text for text in texts}
        known: dict[bytes, bytes] = {}
        about = self._connection.execute("SELECT value FROM about WHERE key = 'encoder'").fetchone()
        if about is not None and about[0] == self._encoder.fingerprint:
            rows = self._connection.execute("SELECT text_key, value FROM vector")
            known = {key: value for key, value in rows if key in wanted}
        missing = sorted((text for key, text in wanted.items() if key not in known), key=len)
        if missing:  # of like length together, so that little is padded
            fresh = self._encoder.embed(missing).astype(np.float16)
            known |= {text_key(text): vector.tobytes() for text, vector in zip(missing, fresh, strict=True)}
        keys = list(known)
        halves = (
            np.frombuffer(b"".join(known.values()), np.float16).reshape(len(keys), -1) if keys else np.zeros((0, 1))
        )
        packed = signs(halves.astype(np.float32))
        return {key: (known[key], bits.tobytes()) for key, bits in zip(keys, packed, strict=True)}

    def _insert(self, graph: StoryGraph, vectors: dict[bytes, tuple[bytes, bytes]]) -> None:
        for node in graph.nodes:
            words = " ".join([node.name, *node.aliases, node.text])
            self._insert_item("node", node, words, node.salience, vectors[text_key(node_text(node))])
        for passage in graph.passages:
            row = self._insert_item("passage", passage, passage.text, 0.5, vectors[text_key(passage.text)])
            links = [(self._row("node", node), row) for node in dict.fromkeys(passage.nodes)]
            self._connection.executemany("INSERT INTO link VALUES (?, ?)", links)
        for edge in graph.edges:
            self._insert_edge(edge)

    def _insert_item(
        self, kind: str, item: Node | Passage, words: str, salience: float, vector: tuple[bytes, bytes]
    ) -> int:
        """Insert a node or passage; its row."""
        value, bits = vector
        row = self._connection.execute(
            "INSERT INTO item (node, t_start, public, salience, length) VALUES (?, ?, ?, ?, ?)",
            (kind == "node", item.t_start, not item.known_by, salience, len(words.split())),
        ).lastrowid
        assert row is not None
        content = (row, kind, item.id, msgspec.json.encode(item))
        try:
            self._connection.execute("INSERT INTO content VALUES (?, ?, ?, ?)", content)
        except sqlite3.IntegrityError as error:
            raise MemoryFileError(f"{kind} '{item.id}' is there twice", "give each its own id") from error
        self._connection.execute("INSERT INTO signs VALUES (?, ?)", (row, bits))
        knowers = [(row, knower) for knower in dict.fromkeys(item.known_by)]
        self._connection.executemany("INSERT INTO item_knower VALUES (?, ?)", knowers)
        text = item.text if isinstance(item, Passage) else node_text(item)
        self._connection.execute("INSERT INTO vector VALUES (?, ?, ?)", (row, text_key(text), value))
        self._connection.execute("INSERT INTO words (rowid, text) VALUES (?, ?)", (row, words))
        return row

    def _insert_edge(self, edge: Edge) -> None:
        ends = (self._row("node", edge.src), self._row("node", edge.dst))
        row = self._connection.execute(
            "INSERT INTO edge (src, dst, t_start, public, salience, content) VALUES (?, ?, ?, ?, ?, ?)",
            (*ends, edge.t_start, not edge.known_by, edge.salience, msgspec.json.encode(edge)),
        ).lastrowid
        knowers = [(row, knower) for knower in dict.fromkeys(edge.known_by)]
        self._connection.executemany("INSERT INTO edge_knower VALUES (?, ?)", knowers)

    def _row(self, kind: str, item_id: str) -> int:
        found = self._connection.execute(
            "SELECT item FROM content WHERE kind = ? AND id = ?", (kind, item_id)
        ).fetchone()
        if found is None:
            raise MemoryFileError(f"no {kind} '{item_id}' in the story", "edges and passages name nodes by their id")
        return int(found[0])


def node_text(node: Node) -> str:
    """What a node's vector is made of: its name, unless its text says it, and its text."""
    return node.text if node.name.lower() in node.text.lower() else f"{node.name}: {node.text}"


def text_key(text: str) -> bytes:
    """Names a text."""
    return hashlib.sha256(text.encode()).digest()[:16]
