"""Tales in sections with questions about them, as JSON lines. Knows no network.

The layout is that of FairytaleQA (Xu et al., "Fantastic Questions and Where to Find Them: FairytaleQA", 2022) as a
timeline: section numbers, from 1 on, are story time.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple, TypeVar

import msgspec

from mio.errors import ConfigError

_Row = TypeVar("_Row", bound=msgspec.Struct)


class Tale(msgspec.Struct, frozen=True):
    """A text in sections: a row of ``stories.jsonl``."""

    story: str
    split: str
    sections: tuple[str, ...]


class Question(msgspec.Struct, frozen=True):
    """A question with its answers: a row of ``qa.jsonl``.

    Attributes:
        story: Of which tale.
        question: Its words.
        answers: What is right, in different words.
        sections: Where it stands, as section numbers from 1 on.
        t_answer: Section from which on it can be answered.
        explicit: Whether the answer stands there in these words.
    """

    story: str
    split: str
    qid: str
    question: str
    answers: tuple[str, ...]
    sections: tuple[int, ...]
    t_answer: int
    explicit: bool


class SpoilerRow(msgspec.Struct, frozen=True):
    """A question asked at a narrative present: a row of ``spoiler.jsonl``.

    Attributes:
        story: Of which tale.
        question: Its words.
        t_now: The narrative present: number of the last section that has been told.
        expect: Whether it can be answered there.
        answers: What is right, if so.
        leak: What must not be said, if not.
    """

    story: str
    split: str
    qid: str
    question: str
    t_now: int
    expect: Literal["answer", "refuse"]
    answers: tuple[str, ...] = ()
    leak: tuple[str, ...] = ()


class Library(NamedTuple):
    """Tales of one split by name, and the questions about each."""

    tales: dict[str, Tale]
    questions: dict[str, list[Question]]

    def part(self, names: Sequence[str]) -> "Library":
        """Only these tales."""
        return Library({n: self.tales[n] for n in names}, {n: self.questions.get(n, []) for n in names})

    def fold(self, number: int, folds: int) -> tuple["Library", "Library"]:
        """The tales without those of a fold, and those of it; every ``folds``-th by name."""
        names = sorted(self.tales)
        held_out = names[number::folds]
        return self.part([name for name in names if name not in set(held_out)]), self.part(held_out)


def load_library(folder: Path, split: str) -> Library:
    """Read ``stories.jsonl`` and ``qa.jsonl``.

    Raises:
        ConfigError: If a file is missing or malformed, with the line.
    """
    tales = {tale.story: tale for tale in read_rows(folder / "stories.jsonl", Tale) if tale.split == split}
    questions: dict[str, list[Question]] = {name: [] for name in tales}
    for row in read_rows(folder / "qa.jsonl", Question):
        if row.split == split:
            questions[row.story].append(row)
    return Library(tales, questions)


def read_rows(path: Path, kind: type[_Row]) -> list[_Row]:
    """Read a file of JSON lines.

    Raises:
        ConfigError: If it is missing or malformed, with the line.
    """
    rows: list[_Row] = []
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}", "give the folder that has it with --data") from error
    for number, line in enumerate(lines, 1):
        try:
            rows.append(msgspec.json.decode(line, type=kind))
        except msgspec.MsgspecError as error:
            raise ConfigError(f"{path}:{number}: {error}", "see nodes/thinker/README.md for the layout") from error
    return rows
