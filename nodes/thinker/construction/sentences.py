"""Where the sentences of a text begin and end."""

import re
from typing import NamedTuple

_CLOSING = "\"'”’»)]"
_STOP = re.compile(rf"[.!?…]+[{re.escape(_CLOSING)}]*(?=\s)|\n\n")
_ABBREVIATION = re.compile(r"(?:^|[\s(\"'“‘])(?:Mr|Mrs|Ms|Dr|St|Prof|Rev|Capt|Lt|Col|Gen|Sr|Jr|vs|No|[A-Z])\.\Z")
_OPENING = "\"'“‘«(["


class Sentence(NamedTuple):
    """A sentence of a chapter.

    Attributes:
        text: Its words.
        begin: Its first character in the chapter's text.
        end: One behind its last.
    """

    text: str
    begin: int
    end: int


def sentences_of(text: str) -> list[Sentence]:
    """Cut a text into sentences; what is quoted stays with who says it (``"Who is there?" asked the king.``)."""
    found: list[Sentence] = []
    begin = 0
    for stop in _STOP.finditer(text):
        if stop.group().isspace() or _ends_here(text, stop):
            _add(found, text, begin, stop.end())
            begin = stop.end()
    _add(found, text, begin, len(text))
    return found


def _ends_here(text: str, stop: re.Match[str]) -> bool:
    if stop.group() == "." and _ABBREVIATION.search(text[max(0, stop.start() - 8) : stop.end()]):
        return False
    following = text[stop.end() : stop.end() + 8].lstrip().lstrip(_OPENING)
    return not following[:1].islower()


def _add(found: list[Sentence], text: str, begin: int, end: int) -> None:
    words = text[begin:end]
    begin += len(words) - len(words.lstrip())
    words = words.strip()
    if any(character.isalnum() for character in words):
        found.append(Sentence(words, begin, begin + len(words)))
