"""Cuts a text into sentences, and these into windows that a small network reads at once. Knows no time and no story."""

import re
from collections.abc import Sequence

LONGEST_WORDS = 120  # of a window: about 160 word pieces

_ABBREVIATIONS = frozenset({"mr", "mrs", "ms", "dr", "st", "capt", "col", "no", "vs", "etc"})
_END = re.compile(r"""[.!?]+["'\u2019\u201d)\]]*\s+(?=["'\u2018\u201c(\[]*[A-Z0-9])""")


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """First character of each sentence, and one behind its last; between them is only white space."""
    found: list[tuple[int, int]] = []
    begin = 0
    for match in _END.finditer(text):
        before = text[begin : match.start()].rsplit(maxsplit=1)
        if before and before[-1].strip("\"'(").lower() in _ABBREVIATIONS:
            continue
        found.append((begin, begin + len(text[begin : match.end()].rstrip())))
        begin = match.end()
    return [*found, (begin, len(text.rstrip()))] if text[begin:].strip() else found


def sentences(text: str) -> list[str]:
    """Cut at the ends of sentences; together they have all words of the text."""
    return [text[begin:end].strip() for begin, end in sentence_spans(text)]


def windows(text: str, longest: int = LONGEST_WORDS) -> list[str]:
    """Cut into stretches of whole sentences of about the same length.

    Args:
        text: Any text.
        longest: Words that a window may have; a longer sentence is cut.
    """
    parts = [part for sentence in sentences(text) for part in _cut(sentence.split(), longest)]
    total = sum(map(len, parts))
    target = total / max(1, -(-total // longest))
    found: list[list[str]] = []
    done = 0
    for part in parts:
        begins_next = not found or done >= target * len(found) - len(part) / 2
        if begins_next or len(found[-1]) + len(part) > longest:
            found.append([])
        found[-1] += part
        done += len(part)
    return [" ".join(words) for words in found]


def _cut(words: Sequence[str], longest: int) -> list[list[str]]:
    return [list(words[at : at + longest]) for at in range(0, len(words), longest)]
