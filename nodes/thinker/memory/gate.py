"""The narrative-present gate: a connection to a memory file in which what lies beyond the present does not exist.

The gate stands in the queries themselves. A connection sees the story through views that are bound to one present, and
SQLite's authorizer refuses to prepare a statement that reads a table of the story directly, writes to the file, or
makes another view. Words that somebody said are only ever parameters of such statements.

Source: "Towards Interactive Intelligence for Digital Humans" (arXiv 2512.13674), the narrative-present gate.
"""

import sqlite3
from collections.abc import Iterable
from pathlib import Path

from nodes.thinker.memory.graph import Edge, Node, Passage, Present
from nodes.thinker.memory.schema import STORY_TABLES, damaged

_BUSY_S = 5.0
_CACHE_KIB = 8_192
_MAPPED = 1 << 30  # bytes of the file that are read in place

_PERMITTED = """{table}.t_start <= present.t_now AND ({table}.public OR present.knower = '' OR EXISTS (
  SELECT 1 FROM main.{table}_knower AS k WHERE k.{table} = {table}.row AND k.knower = present.knower))"""

_VIEWS = """
PRAGMA temp_store = memory;
CREATE TEMP TABLE present (t_now REAL NOT NULL, knower TEXT NOT NULL);
CREATE TEMP VIEW seen AS SELECT item.row FROM temp.present CROSS JOIN main.item WHERE {item};
CREATE TEMP VIEW seen_content AS SELECT item.row, content.kind, content.id, content.value
  FROM temp.present CROSS JOIN main.item JOIN main.content ON content.item = item.row WHERE {item};
CREATE TEMP VIEW seen_signs AS SELECT item.row, item.t_start, item.salience, item.length, signs.value
  FROM temp.present CROSS JOIN main.item CROSS JOIN main.signs ON signs.item = item.row WHERE {item};
CREATE TEMP VIEW seen_word AS SELECT word.term, word.doc, item.length
  FROM temp.present CROSS JOIN main.word CROSS JOIN main.item ON item.row = word.doc WHERE {item};
CREATE TEMP VIEW seen_vector AS SELECT item.row, item.node, item.t_start, item.salience, vector.value
  FROM temp.present CROSS JOIN main.item CROSS JOIN main.vector ON vector.item = item.row WHERE {item};
CREATE TEMP VIEW seen_link AS SELECT link.node, link.passage FROM main.link
  WHERE EXISTS (SELECT 1 FROM seen WHERE row = link.node) AND EXISTS (SELECT 1 FROM seen WHERE row = link.passage);
CREATE TEMP VIEW seen_edge AS SELECT edge.* FROM temp.present CROSS JOIN main.edge
  WHERE {edge} AND EXISTS (SELECT 1 FROM seen WHERE row = edge.src)
  AND EXISTS (SELECT 1 FROM seen WHERE row = edge.dst);
"""

_VIEW_NAMES = ("seen", "seen_content", "seen_signs", "seen_word", "seen_vector", "seen_link", "seen_edge")
_INDEX_TABLES = ("words_data", "words_idx", "words_docsize", "words_config", "words_content")
# What the full-text index asks for itself: whether the file has changed, and to describe itself when it connects.
_INDEX_ACTIONS = ((sqlite3.SQLITE_PRAGMA, "data_version"), (sqlite3.SQLITE_UPDATE, "sqlite_master"))
_HARMLESS = (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_TRANSACTION, sqlite3.SQLITE_RECURSIVE)
_WRITES = (sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE)


class GateError(Exception):
    """Something from beyond the present was about to be told: a fault of the program, not of its user."""


def open_gated(path: Path) -> sqlite3.Connection:
    """Open a memory file for reading through the gate; shut until :func:`set_present`.

    Returns:
        A connection with the views ``seen`` (rows of items), ``seen_content``, ``seen_signs``, ``seen_word``,
        ``seen_vector``, ``seen_link`` and ``seen_edge``.

    Raises:
        MemoryFileError: If the file is missing or damaged.
    """
    gates = {table: _PERMITTED.format(table=table) for table in ("item", "edge")}
    try:
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=_BUSY_S)
        connection.isolation_level = None
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        connection.execute(f"PRAGMA mmap_size = {_MAPPED}")
        connection.executescript(_VIEWS.format(**gates))
    except sqlite3.Error as error:
        raise damaged(path, error) from error
    connection.set_authorizer(_authorize)
    return connection


def set_present(connection: sqlite3.Connection, present: Present) -> None:
    """Bind a gated connection to a present."""
    connection.execute("DELETE FROM temp.present")
    connection.execute("INSERT INTO temp.present VALUES (?, ?)", present)


def assert_permitted(items: Iterable[Node | Edge | Passage], present: Present) -> None:
    """Check once more, in Python, what is about to enter a prompt or an answer.

    Raises:
        GateError: If something is beyond the present.
    """
    for item in items:
        if not present.permits(item):
            name = f"{item.src} {item.rel} {item.dst}" if isinstance(item, Edge) else item.id
            raise GateError(f"{name!r} (story time {item.t_start}) is beyond {present}")


def _authorize(action: int, table: str | None, column: str | None, schema: str | None, view: str | None) -> int:
    """Let statements read the story through the views only, and write nothing but the present."""
    if action in _HARMLESS:
        return sqlite3.SQLITE_OK
    if schema == "temp":
        return sqlite3.SQLITE_OK if action in (*_WRITES, sqlite3.SQLITE_READ) else sqlite3.SQLITE_DENY
    if action == sqlite3.SQLITE_READ and schema == "main":
        index = table in _INDEX_TABLES or (table, column) == ("words", "words")  # read by the index itself; no texts
        free = index or table not in (*STORY_TABLES, "word", "words")
        return sqlite3.SQLITE_OK if free or view in _VIEW_NAMES else sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK if (action, table) in _INDEX_ACTIONS else sqlite3.SQLITE_DENY
