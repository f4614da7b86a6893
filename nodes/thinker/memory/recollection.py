"""What is remembered of a person: what they told of themselves, and what was promised. Plain values, no files."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, get_args

Kind = Literal[
    "name", "home", "work", "birthday", "relation", "has", "likes", "dislikes", "plan", "promise", "promised_to_them"
]
KINDS: tuple[Kind, ...] = get_args(Kind)

_ONE_AT_A_TIME = ("name", "home", "work", "birthday")
_OPPOSITE: dict[Kind, Kind] = {"likes": "dislikes", "dislikes": "likes"}
_LONGEST = 64  # so many are kept in mind; what was told longest ago is forgotten there, not in the file


@dataclass(frozen=True)
class Recollection:
    """One thing that was told.

    Attributes:
        kind: What it is about.
        what: What was told: ``the sea``, ``Anna``, ``call you on Monday``.
        of: Whom it is about, for a relation: ``sister``; empty otherwise.
        words: The words that it was told in.
    """

    kind: Kind
    what: str
    of: str = ""
    words: str = ""

    def replaces(self, other: "Recollection") -> bool:
        """Whether another one holds no more once this was told."""
        if self.kind == other.kind:
            same = self.of == other.of and (self.kind == "relation" or self.what == other.what)
            return same or self.kind in _ONE_AT_A_TIME
        return _OPPOSITE.get(self.kind) == other.kind and self.what == other.what


@dataclass
class Remembered:
    """What is in mind of the person who is talked to.

    Attributes:
        recollections: What holds, oldest first.
        before: How many conversations there were before this one.
        last_topics: What the last one was about.
    """

    recollections: list[Recollection] = field(default_factory=lambda: [])
    before: int = 0
    last_topics: list[str] = field(default_factory=lambda: [])

    def learn(self, told: Iterable[Recollection]) -> None:
        """Take in what was told; what it contradicts holds no more."""
        for new in told:
            self.recollections = [old for old in self.recollections if not new.replaces(old)]
            self.recollections = [*self.recollections, new][-_LONGEST:]

    def of_kind(self, kind: Kind) -> list[Recollection]:
        """What holds of a kind, oldest first."""
        return [recollection for recollection in self.recollections if recollection.kind == kind]

    @property
    def name(self) -> str:
        """What the person is called; empty if they have not said."""
        names = self.of_kind("name")
        return names[-1].what if names else ""
