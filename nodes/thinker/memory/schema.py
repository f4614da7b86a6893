"""Tables of a memory file. Knows SQL and no story.

``item`` has what searches need of nodes and passages, ``content`` what they say, ``words`` the full-text index of both,
by the item's row; ``signs`` has the signs of an item's vector, one bit each, ``vector`` the vector itself, float16.
``public`` says that everybody knows of an item or edge; who else does stands in ``item_knower`` and ``edge_knower``.
``conversation``, ``turn`` and ``recollection`` have what was said with people, and what they told of themselves.
"""

import sqlite3
from pathlib import Path

from mio.errors import MioError

VERSION = 1

TOKENIZER = "porter unicode61 remove_diacritics 2"

_TABLES = f"""
CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE item (
  row INTEGER PRIMARY KEY, node INTEGER NOT NULL, t_start REAL NOT NULL, public INTEGER NOT NULL,
  salience REAL NOT NULL, length INTEGER NOT NULL);
CREATE INDEX item_t_start ON item (t_start);
CREATE TABLE content (item INTEGER PRIMARY KEY, kind TEXT NOT NULL, id TEXT NOT NULL, value BLOB NOT NULL,
  UNIQUE (kind, id));
CREATE TABLE signs (item INTEGER PRIMARY KEY, value BLOB NOT NULL);
CREATE TABLE item_knower (item INTEGER NOT NULL, knower TEXT NOT NULL, PRIMARY KEY (item, knower)) WITHOUT ROWID;
CREATE TABLE vector (item INTEGER PRIMARY KEY, text_key BLOB NOT NULL, value BLOB NOT NULL);
CREATE TABLE edge (
  row INTEGER PRIMARY KEY, src INTEGER NOT NULL, dst INTEGER NOT NULL, t_start REAL NOT NULL, public INTEGER NOT NULL,
  salience REAL NOT NULL, content BLOB NOT NULL);
CREATE INDEX edge_src ON edge (src);
CREATE INDEX edge_dst ON edge (dst);
CREATE TABLE edge_knower (edge INTEGER NOT NULL, knower TEXT NOT NULL, PRIMARY KEY (edge, knower)) WITHOUT ROWID;
CREATE TABLE link (node INTEGER NOT NULL, passage INTEGER NOT NULL, PRIMARY KEY (node, passage)) WITHOUT ROWID;
CREATE TABLE conversation (
  row INTEGER PRIMARY KEY AUTOINCREMENT, person TEXT NOT NULL, name TEXT NOT NULL, began_s REAL NOT NULL,
  UNIQUE (person, name));
CREATE TABLE turn (
  conversation INTEGER NOT NULL, segment_id INTEGER NOT NULL, at_s REAL NOT NULL, user TEXT NOT NULL,
  answer TEXT NOT NULL, topic TEXT NOT NULL, PRIMARY KEY (conversation, segment_id));
CREATE TABLE recollection (
  row INTEGER PRIMARY KEY, person TEXT NOT NULL, conversation INTEGER NOT NULL, kind TEXT NOT NULL, what TEXT NOT NULL,
  about TEXT NOT NULL, words TEXT NOT NULL, since_s REAL NOT NULL, until_s REAL);
CREATE INDEX recollection_person ON recollection (person);
CREATE VIRTUAL TABLE words USING fts5 (text, content='', tokenize='{TOKENIZER}');
CREATE VIRTUAL TABLE word USING fts5vocab (words, instance);
"""

STORY_TABLES = ("item", "content", "signs", "item_knower", "vector", "edge", "edge_knower", "link")
REMEDY = "delete it, or put a copy of it in its place"


class MemoryFileError(MioError):
    """A memory file that cannot be used."""


def damaged(path: Path, error: OSError | sqlite3.Error) -> MemoryFileError:
    """The error for a file that cannot be read or written as it is."""
    return MemoryFileError(f"{path}: {error}", REMEDY)


def make_tables(connection: sqlite3.Connection, path: Path) -> None:
    """Make the tables of a new file; check the version of an older one.

    Raises:
        MemoryFileError: If another version of the program wrote the file.
    """
    if _version(connection) == 0:
        connection.execute("BEGIN IMMEDIATE")
        if _version(connection) == 0:  # nobody else has been faster
            for statement in _TABLES.split(";\n"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    if (found := _version(connection)) != VERSION:
        raise MemoryFileError(f"{path}: memory of version {found}, this program reads {VERSION}", "move it away")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
