"""What is kept of each person between conversations: what they told, what they were told, turn by turn.

It lies in the same file as the character's story, in tables of its own. A turn is written whole or not at all.
"""

import logging
import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nodes.thinker.memory.recollection import Recollection, Remembered
from nodes.thinker.memory.schema import MemoryFileError, damaged
from nodes.thinker.memory.store import open_file, transaction

_TOPICS = 4  # of the last conversation
_RECALLED = 64
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Said:
    """A turn as it is kept.

    Attributes:
        segment_id: The turn's number in its conversation.
        user: The person's words.
        answer: What they heard of the answer.
        topic: What it was about, in words that the character would use; empty if that is not known.
        told: What follows from it.
    """

    segment_id: int
    user: str
    answer: str
    topic: str = ""
    told: Sequence[Recollection] = ()


@dataclass(frozen=True)
class Person:
    """Somebody in the memory.

    Attributes:
        name: By which they are kept.
        conversations: How many there were.
        turns: How many, in all of them.
        last_s: When the last turn was kept, seconds since 1970.
    """

    name: str
    conversations: int
    turns: int
    last_s: float


class People:
    """The people in a memory file. The file is made when something is first kept."""

    def __init__(self, path: Path, now_s: Callable[[], float] = time.time) -> None:
        """Name the file; nothing is opened yet.

        Args:
            path: The file.
            now_s: Seconds since 1970.
        """
        self.path = path
        self._now_s = now_s
        self._opened: sqlite3.Connection | None = None

    def close(self) -> None:
        """Close the file; it is opened again when needed."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def recall(self, person: str) -> Remembered:
        """What comes to mind when a person is met.

        Raises:
            MemoryFileError: If the file is damaged.
        """
        if not self.path.exists():
            return Remembered()
        where = "FROM conversation WHERE person = ?"
        before = self._ask(f"SELECT count(*) {where}", person)[0][0]
        topics = self._ask(
            "SELECT topic FROM turn WHERE topic != '' AND conversation ="
            f" (SELECT max(row) {where}) GROUP BY topic ORDER BY max(segment_id) DESC LIMIT {_TOPICS}",
            person,
        )
        told = self._ask(
            "SELECT kind, what, about, words FROM recollection WHERE person = ? AND until_s IS NULL"
            f" ORDER BY row DESC LIMIT {_RECALLED}",
            person,
        )
        recollections = [Recollection(*row) for row in reversed(told)]
        return Remembered(recollections, before, [topic for (topic,) in reversed(topics)])

    def keep(self, person: str, conversation: str, said: Sequence[Said]) -> None:
        """Keep turns, all or none of them; of a turn that is there already, more may have been heard since.

        Args:
            person: Who said it.
            conversation: Names the conversation.
            said: Turns that are over.

        Raises:
            MemoryFileError: If the file cannot be written.
        """
        connection, now_s = self._connection(), self._now_s()
        with transaction(connection):
            row = self._conversation(connection, person, conversation, now_s)
            for turn in said:
                values = (row, turn.segment_id, now_s, turn.user, turn.answer, turn.topic)
                new = connection.execute("INSERT OR IGNORE INTO turn VALUES (?, ?, ?, ?, ?, ?)", values).rowcount
                query = "UPDATE turn SET answer = ? WHERE conversation = ? AND segment_id = ?"
                connection.execute(query, (turn.answer, row, turn.segment_id))
                for told in turn.told if new else ():
                    self._learn(connection, person, row, told, now_s)

    def everybody(self) -> list[Person]:
        """Who is in the memory, the last one met first."""
        if not self.path.exists():
            return []
        rows = self._ask(
            "SELECT person, count(DISTINCT conversation.row), count(segment_id), max(began_s, coalesce(max(at_s), 0))"
            " FROM conversation LEFT JOIN turn ON turn.conversation = conversation.row"
            " GROUP BY person ORDER BY 4 DESC"
        )
        return [Person(*row) for row in rows]

    def export(self, person: str) -> dict[str, Any]:
        """All that is kept of a person, plain values.

        Raises:
            MemoryFileError: If nothing is.
        """
        self._require(person)
        conversations: list[dict[str, Any]] = []
        for row, began_s in self._ask("SELECT row, began_s FROM conversation WHERE person = ? ORDER BY row", person):
            turns = self._ask(
                "SELECT at_s, user, answer, topic FROM turn WHERE conversation = ? ORDER BY segment_id", row
            )
            names = ("at_s", "user", "answer", "topic")
            said = [dict(zip(names, turn, strict=True)) for turn in turns]
            conversations.append({"number": row, "began_s": began_s, "turns": said})
        names = ("kind", "what", "of", "words", "since_s", "until_s", "conversation")
        told = self._ask(
            "SELECT kind, what, about, words, since_s, until_s, conversation FROM recollection WHERE person = ?"
            " ORDER BY row",
            person,
        )
        recollections = [dict(zip(names, row, strict=True)) for row in told]
        return {"person": person, "conversations": conversations, "recollections": recollections}

    def delete(self, person: str, conversation: int | None = None) -> int:
        """Delete a person, or one conversation with what was told in it, so that nothing of it stays in the file.

        Returns:
            How many conversations are gone.

        Raises:
            MemoryFileError: If there is no such person or conversation, or somebody reads the file for too long.
        """
        self._require(person, conversation)
        connection = self._connection()
        which, values = "person = ?", [person]
        if conversation is not None:
            which, values = "person = ? AND row = ?", [person, conversation]
        with transaction(connection):
            rows = [row for (row,) in connection.execute(f"SELECT row FROM conversation WHERE {which}", values)]
            for row in rows:
                connection.execute("DELETE FROM turn WHERE conversation = ?", (row,))
                connection.execute("DELETE FROM recollection WHERE conversation = ?", (row,))
                connection.execute("DELETE FROM conversation WHERE row = ?", (row,))
        busy = connection.execute("PRAGMA wal_checkpoint(truncate)").fetchone()[0]
        if busy:
            _log.warning("%s is being read: its log keeps deleted words until the readers have closed it", self.path)
        return len(rows)

    def _require(self, person: str, conversation: int | None = None) -> None:
        known = {somebody.name for somebody in self.everybody()}
        if person not in known:
            raise MemoryFileError(f"nobody called '{person}' is remembered", f"known: {', '.join(known) or 'nobody'}")
        numbers = [row for (row,) in self._ask("SELECT row FROM conversation WHERE person = ?", person)]
        if conversation is not None and conversation not in numbers:
            raise MemoryFileError(
                f"no conversation {conversation} with '{person}'", f"known: {', '.join(map(str, numbers))}"
            )

    def _conversation(self, connection: sqlite3.Connection, person: str, name: str, now_s: float) -> int:
        """Number of a conversation, new or not."""
        query = "SELECT row FROM conversation WHERE person = ? AND name = ?"
        found = connection.execute(query, (person, name)).fetchone()
        if found is not None:
            return int(found[0])
        query = "INSERT INTO conversation (person, name, began_s) VALUES (?, ?, ?) RETURNING row"
        return int(connection.execute(query, (person, name, now_s)).fetchone()[0])

    def _learn(
        self, connection: sqlite3.Connection, person: str, conversation: int, told: Recollection, now_s: float
    ) -> None:
        """Open what was told and close what it replaces; nothing is overwritten."""
        query = "SELECT row, kind, what, about FROM recollection WHERE person = ? AND until_s IS NULL"
        for row, *old in connection.execute(query, (person,)).fetchall():
            if told.replaces(Recollection(*old)):
                connection.execute("UPDATE recollection SET until_s = ? WHERE row = ?", (now_s, row))
        connection.execute(
            "INSERT INTO recollection (person, conversation, kind, what, about, words, since_s)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (person, conversation, told.kind, told.what, told.of, told.words, now_s),
        )

    def _ask(self, query: str, *values: Any) -> list[Any]:
        try:
            return self._connection().execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise damaged(self.path, error) from error

    def _connection(self) -> sqlite3.Connection:
        if self._opened is None:
            self._opened = open_file(self.path)
        return self._opened
