"""What is wrong with a character pack, and where."""

from pathlib import Path
from typing import NamedTuple

from mio.yaml_source import YamlSource


class Problem(NamedTuple):
    """Something wrong with a pack.

    Attributes:
        path: File.
        line: Line in it.
        text: What is wrong.
        remedy: What to do about it.
    """

    path: Path
    line: int
    text: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text} -> {self.remedy}"


def problem_at(source: YamlSource, key: str, text: str, remedy: str) -> Problem:
    """A problem with the value of a dotted key."""
    return Problem(source.path, source.line(key), text, remedy)
