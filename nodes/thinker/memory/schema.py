"""Tables of a memory file. Knows SQL and no story.

``item`` has nodes and passages; ``words`` is the full-text index of both, without their texts, by the item's row; an
item's ``signs`` are the signs of its vector, one bit each, and ``vector`` has the vector itself, float16. ``public``
says that everybody knows of an item or edge; who else does stands in ``item_knower`` and ``edge_knower``.
"""

import sqlite3
from pathlib import Path

from mio.errors import MioError

VERSION = 1

TOKENIZER = "porter unicode61 remove_diacritics 2"

_TABLES = f"""
CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE item (
  row INTEGER PRIMARY KEY, kind TEXT NOT NULL, id TEXT NOT NULL, t_start REAL NOT NULL, public INTEGER NOT NULL,
  salience REAL NOT NULL, length INTEGER NOT NULL, signs BLOB NOT NULL, content BLOB NOT NULL, UNIQUE (kind, id));
CREATE TABLE item_knower (item INTEGER NOT NULL, knower TEXT NOT NULL, PRIMARY KEY (item, knower)) WITHOUT ROWID;
CREATE TABLE vector (item INTEGER PRIMARY KEY, text_key BLOB NOT NULL, value BLOB NOT NULL);
CREATE TABLE edge (
  row INTEGER PRIMARY KEY, src INTEGER NOT NULL, dst INTEGER NOT NULL, t_start REAL NOT NULL, public INTEGER NOT NULL,
  salience REAL NOT NULL, content BLOB NOT NULL);
CREATE INDEX edge_src ON edge (src);
CREATE INDEX edge_dst ON edge (dst);
CREATE TABLE edge_knower (edge INTEGER NOT NULL, knower TEXT NOT NULL, PRIMARY KEY (edge, knower)) WITHOUT ROWID;
CREATE TABLE link (node INTEGER NOT NULL, passage INTEGER NOT NULL, PRIMARY KEY (node, passage)) WITHOUT ROWID;
CREATE VIRTUAL TABLE words USING fts5 (text, content='', tokenize='{TOKENIZER}');
CREATE VIRTUAL TABLE word USING fts5vocab (words, instance);
"""

STORY_TABLES = ("item", "item_knower", "vector", "edge", "edge_knower", "link")


class MemoryFileError(MioError):
    """A memory file that cannot be used."""


def make_tables(connection: sqlite3.Connection, path: Path) -> None:
    """Make the tables of a new file; check the version of an older one.

    Raises:
        MemoryFileError: If another version of the program wrote the file.
    """
    found = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if found == VERSION:
        return
    if found != 0:
        raise MemoryFileError(f"{path}: memory of version {found}, this program reads {VERSION}", "move it away")
    connection.executescript(f"BEGIN IMMEDIATE; {_TABLES} PRAGMA user_version = {VERSION}; COMMIT;")
