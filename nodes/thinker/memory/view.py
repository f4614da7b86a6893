"""What can be seen from a present: candidates by meaning and by words, and what they say.

Nothing here knows what lies beyond it: also the statistics that rare words are told by are those of what is
seen, so an answer is the same whether the file has a future or not.
"""

import contextlib
import math
import sqlite3
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt

from nodes.thinker.memory.gate import open_gated, set_present
from nodes.thinker.memory.graph import Edge, Node, Passage, Present
from nodes.thinker.memory.schema import TOKENIZER, damaged
from nodes.thinker.memory.vectors import Rows, SignIndex, Vectors

Dated = TypeVar("Dated", Node, Edge)
Numbers = npt.NDArray[np.float64]

_SATURATION = 1.2  # k1 and b of Robertson and Zaragoza, "The Probabilistic Relevance Framework" (2009), section 3.4
_LENGTH = 0.75
_COMMON = 500  # a word that more items have says little; it is passed over
_READ = 1_500  # occurrences that are looked at for one question

# Function words of English as the Porter stemmer leaves them: in questions they ask, they do not name.
_ASKING = """
a about after all am an and ani ar as at be been befor but by can could did do doe for from ha had hav have he her hi
him how i if in is it its me mi my no not of on or our she should so some tell than that the thei their them then there
they thi this to up us wa was we were what when where which who whom whose whi why will with would you your
"""
_FUNCTION_WORDS = frozenset(_ASKING.split())


class Meaning(NamedTuple):
    """How near items are in meaning, and what else their score needs.

    Attributes:
        rows: ``[n]`` the items.
        nodes: ``[n]`` whether they are nodes; the others are passages.
        cosines: ``[n]`` of the angle between question and item.
        t_start: ``[n]`` story times.
        salience: ``[n]`` 0..1.
    """

    rows: Rows
    nodes: npt.NDArray[np.bool_]
    cosines: Vectors
    t_start: npt.NDArray[np.float64]
    salience: npt.NDArray[np.float64]


class _Snapshot(NamedTuple):
    """What holds for one present as long as nobody writes.

    Attributes:
        signs: Of all vectors.
        t_start: ``[n]`` story times of their items.
        salience: ``[n]`` of their items, 0..1.
        items: How many there are.
        words: How long they are together.
        common: Words found to be too common to tell anything.
    """

    signs: SignIndex
    t_start: Numbers
    salience: Numbers
    items: int
    words: int
    common: set[str]

    @property
    def average(self) -> float:
        """Mean length of an item in words."""
        return max(1.0, self.words / max(1, self.items))


_NONE = np.zeros(0, np.float64)
_NOTHING = _Snapshot(SignIndex.empty(), _NONE, _NONE, 0, 0, set())

Prior = Callable[[Present, Numbers, Numbers], Vectors]  # from story times and saliences


class Tokenizer:
    """Cuts texts into words in the way of the full-text index: lower case, without accents and English endings."""

    def __init__(self) -> None:
        self._connection = sqlite3.connect(":memory:", isolation_level=None)
        self._connection.execute(f"CREATE VIRTUAL TABLE asked USING fts5 (text, content='', tokenize='{TOKENIZER}')")
        self._connection.execute("CREATE VIRTUAL TABLE word USING fts5vocab (asked, row)")

    def close(self) -> None:
        """Free what it holds."""
        self._connection.close()

    def terms(self, text: str) -> list[str]:
        """The different words of a text that are not function words."""
        self._connection.execute("INSERT INTO asked (text) VALUES (?)", (text,))
        terms = [term for (term,) in self._connection.execute("SELECT term FROM word")]
        self._connection.execute("INSERT INTO asked (asked) VALUES ('delete-all')")
        return [term for term in terms if term not in _FUNCTION_WORDS]


class View:
    """A memory file as a present permits it. Not for two threads at once."""

    def __init__(self, path: Path, prior: Prior) -> None:
        """Open a memory file.

        Args:
            path: The file.
            prior: What speaks for each item whatever is asked.
        """
        self._path = path
        self._connection = open_gated(path)
        self._prior_of = prior
        self._prior = np.zeros(0, np.float32)
        self._tokenizer = Tokenizer()
        self._present: Present | None = None
        self._version = ""
        self._snapshot = _NOTHING

    def close(self) -> None:
        """Close the file."""
        self._connection.close()
        self._tokenizer.close()

    @contextlib.contextmanager
    def reading(self) -> Generator[None]:
        """Make one clear error of whatever the file's state raises inside.

        Raises:
            MemoryFileError: If it is damaged.
        """
        try:
            yield
        except sqlite3.Error as error:
            raise damaged(self._path, error) from error

    def turn_to(self, present: Present) -> None:
        """Look from a present at the file as it is now.

        Free as long as neither has changed, cheap if only time has passed; 0.1 s for 100,000 items otherwise.
        """
        version = self._story_version()
        if present == self._present and version == self._version:
            return
        set_present(self._connection, present)
        old = self._present if version == self._version else None
        self._present = None
        if old is not None and old.knower == present.knower and old.t_now <= present.t_now:
            self._snapshot = self._look("WHERE t_start > ?", [old.t_now], self._snapshot)
        else:
            self._snapshot = self._look("", [], _NOTHING)
        self._present, self._version = present, version
        self._prior = self._prior_of(present, self._snapshot.t_start, self._snapshot.salience)

    def _look(self, where: str, values: Sequence[float], before: _Snapshot) -> _Snapshot:
        """What was seen before together with what is seen besides."""
        query = f"SELECT row, t_start, salience, length, value FROM seen_signs {where}"
        found = self._connection.execute(query, values).fetchall()
        rows, t_start, salience, lengths, packed = zip(*found, strict=True) if found else ((), (), (), (), ())
        return _Snapshot(
            before.signs.extended(np.array(rows, np.int64), b"".join(packed)),
            np.concatenate([before.t_start, np.array(t_start, np.float64)]),
            np.concatenate([before.salience, np.array(salience, np.float64)]),
            before.items + len(rows),
            before.words + sum(lengths),
            set(before.common),
        )

    def _story_version(self) -> str:
        found = self._connection.execute("SELECT value FROM about WHERE key = 'version'").fetchone()
        return found[0] if found else ""

    def near(self, vector: Vectors, count: int, weight: float, also: Iterable[int] = ()) -> Meaning:
        """Items that may be best by what speaks for them and their meaning, and some more.

        Args:
            vector: ``[D]`` of the question, unit length.
            count: How many of the best by the signs of their vectors.
            weight: How much the cosine counts beside what speaks for an item whatever is asked.
            also: Rows that are wanted whatever they are like.
        """
        wanted = sorted({*self._snapshot.signs.best(vector, count, self._prior, weight).tolist(), *also})
        query = f"SELECT row, node, t_start, salience, value FROM seen_vector WHERE row IN ({_marks(wanted)})"
        found = self._connection.execute(query, wanted).fetchall()
        rows, nodes, t_start, salience, values = zip(*found, strict=True) if found else ((), (), (), (), ())
        vectors = np.frombuffer(b"".join(values), np.float16).reshape(len(rows), -1 if rows else len(vector))
        return Meaning(
            np.array(rows, np.int64),
            np.array(nodes, np.bool_),
            vectors.astype(np.float32) @ vector,
            np.array(t_start, np.float64),
            np.array(salience, np.float64),
        )

    def worded(self, text: str) -> dict[int, float]:
        """Share (0..1) of a question's weight in words (BM25) that each item covers which has any rare one of them."""
        scores: dict[int, float] = {}
        total, left = 0.0, _READ
        for term in self._terms(text):
            holders = self._holders(term, min(_COMMON, left))
            if holders is None:
                continue
            left -= len(holders)
            rarity = math.log(1 + (self._snapshot.items - len(holders) + 0.5) / (len(holders) + 0.5))
            total += rarity
            for row, count, length in holders:
                norm = _SATURATION * (1 - _LENGTH + _LENGTH * length / self._snapshot.average)
                saturated = min(1.0, count * (_SATURATION + 1) / (count + norm))
                scores[row] = scores.get(row, 0.0) + rarity * saturated
        return {row: score / total for row, score in scores.items()}

    def items(self, rows: Sequence[int]) -> dict[int, Node | Passage]:
        """What items say, by row; only those that are seen."""
        query = f"SELECT row, kind, value FROM seen_content WHERE row IN ({_marks(rows)})"
        return {row: self._decode(kind, content) for row, kind, content in self._connection.execute(query, list(rows))}

    def passages_of(self, nodes: Sequence[int]) -> Iterator[tuple[int, int]]:
        """Pairs of a node's row and that of a passage which it was taken from."""
        query = f"SELECT node, passage FROM seen_link WHERE node IN ({_marks(nodes)})"
        yield from self._connection.execute(query, list(nodes))

    def edges_of(self, nodes: Sequence[int], limit: int) -> list[tuple[int, int, Edge]]:
        """Edges out of and into nodes with the rows of their ends, those that matter most."""
        marks = _marks(nodes)
        query = (
            f"SELECT src, dst, content FROM seen_edge WHERE src IN ({marks}) OR dst IN ({marks})"
            f" ORDER BY salience DESC, t_start DESC, row LIMIT {int(limit)}"
        )
        found = self._connection.execute(query, [*nodes, *nodes])
        return [(src, dst, self._as_of_now(msgspec.json.decode(content, type=Edge))) for src, dst, content in found]

    def _terms(self, text: str) -> list[str]:
        """The question's words as the index has them, long ones first: those are the rare ones."""
        terms = set(self._tokenizer.terms(text)) - self._snapshot.common
        return sorted(terms, key=lambda term: (-len(term), term))

    def _holders(self, term: str, limit: int) -> list[tuple[int, int, int]] | None:
        """Row, number of occurrences and length of the items that have a word; None if there are too many."""
        query = f"SELECT doc, length FROM seen_word WHERE term = ? LIMIT {limit + 1}"
        found = self._connection.execute(query, (term,)).fetchall()
        if len(found) > limit:
            if limit == _COMMON:
                self._snapshot.common.add(term)
            return None
        counts: dict[int, tuple[int, int]] = {}
        for row, length in found:
            counts[row] = (counts.get(row, (0, 0))[0] + 1, length)
        return [(row, count, length) for row, (count, length) in counts.items()]

    def _decode(self, kind: str, content: bytes) -> Node | Passage:
        if kind == "node":
            return self._as_of_now(msgspec.json.decode(content, type=Node))
        passage = msgspec.json.decode(content, type=Passage)
        if not passage.nodes:
            return passage
        query = f"SELECT id FROM seen_content WHERE kind = 'node' AND id IN ({_marks(passage.nodes)})"
        seen = {node for (node,) in self._connection.execute(query, passage.nodes)}
        return msgspec.structs.replace(passage, nodes=tuple(node for node in passage.nodes if node in seen))

    def _as_of_now(self, item: Dated) -> Dated:
        """The item without an end that is yet to come."""
        if item.t_end is None or self._present is None or item.t_end <= self._present.t_now:
            return item
        return msgspec.structs.replace(item, t_end=None)


def _marks(values: Sequence[object]) -> str:
    """Placeholders of a query."""
    return ",".join("?" * len(values))
