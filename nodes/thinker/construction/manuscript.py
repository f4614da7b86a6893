"""A text as the builders read it: chapters of paragraphs, without line breaks inside a paragraph.

Knows Markdown headings, the headings of Project Gutenberg's books and bare chapter numbers. A text without headings is
cut at its ornaments (``* * *``), and one without those into sections of some hundred words.
"""

import re
from pathlib import Path
from typing import NamedTuple

from mio.errors import MioError

SECTION_WORDS = 250  # of a text that has no chapters
_PREFACE_WORDS = 40  # fewer in front of the first heading are a title page
_NUMBER = r"(?:\d+|[IVXLCDM]+|[a-z-]+teen|(?:twenty|thirty|forty|fifty|sixty)(?:-[a-z]+)?|[a-z]{3,7})"
_HEADING = re.compile(
    rf"#{{1,4}}\s+(?P<markdown>\S.*)"
    rf"|(?P<named>(?:chapter|book|part|letter|section|act|scene|canto|kapitel|teil)\s+{_NUMBER}\b.{{0,80}})"
    r"|(?P<bare>(?-i:[IVXLCDM])+\.?|\d{1,3}\.?)"
    r"|(?P<framed>prologue|epilogue|prolog|epilog|preface|introduction)\.?",
    re.IGNORECASE,
)
_ORNAMENT = re.compile(r"(?:[*#~•–-]\s*){3,}|⁂|§")
_BEGIN = re.compile(r"^\*\*\* ?START OF .*$", re.MULTILINE)
_END = re.compile(r"^\*\*\* ?END OF .*$", re.MULTILINE)


class Chapter(NamedTuple):
    """A chapter, or a section of a text that has none.

    Attributes:
        number: From 1 on.
        title: Its heading; empty if it has none.
        text: Its paragraphs, separated by an empty line.
    """

    number: int
    title: str
    text: str


def read_manuscript(path: Path) -> list[Chapter]:
    """Read a text file.

    Args:
        path: Plain text or Markdown, UTF-8.

    Raises:
        MioError: If it cannot be read, or has no words.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise MioError(f"{path}: not UTF-8 text (byte {error.start})", "give a text file, saved as UTF-8") from error
    except OSError as error:
        raise MioError(f"{path}: {error.strerror or error}", "name a text file") from error
    chapters = chapters_of(text)
    if not chapters:
        raise MioError(f"{path}: there are no words in it", "give a text file with a story")
    return chapters


def chapters_of(text: str) -> list[Chapter]:
    """Cut a text into its chapters, in order."""
    paragraphs = _paragraphs(_without_licence(text))
    parts = _by_headings(paragraphs) or _by_ornaments(paragraphs) or _by_length(paragraphs)
    return [Chapter(number, title, "\n\n".join(body)) for number, (title, body) in enumerate(parts, 1)]


def _without_licence(text: str) -> str:
    """What stands between Project Gutenberg's marks."""
    if begin := _BEGIN.search(text):
        text = text[begin.end() :]
    end = _END.search(text)
    return text[: end.start()] if end else text


def _paragraphs(text: str) -> list[str]:
    """Paragraphs and headings, each on one line; a Markdown heading needs no empty line around it."""
    lines = re.sub(r"^(#{1,4}\s.*)$", r"\n\1\n", text.replace("\r\n", "\n"), flags=re.MULTILINE)
    return [" ".join(block.split()) for block in re.split(r"\n\s*\n", lines) if block.strip()]


def _by_headings(paragraphs: list[str]) -> list[tuple[str, list[str]]]:
    parts: list[tuple[str, list[str]]] = [("", [])]
    for paragraph in paragraphs:
        if _HEADING.fullmatch(paragraph):
            parts.append((paragraph.lstrip("# "), []))
        elif not _ORNAMENT.fullmatch(paragraph):
            parts[-1][1].append(paragraph)
    if len(parts) < 2:
        return []
    first, *rest = parts
    preface = [first] if _words(first[1]) >= _PREFACE_WORDS else []
    return [part for part in preface + rest if part[1]]  # a table of contents has headings without a body


def _by_ornaments(paragraphs: list[str]) -> list[tuple[str, list[str]]]:
    parts: list[tuple[str, list[str]]] = [("", [])]
    for paragraph in paragraphs:
        if _ORNAMENT.fullmatch(paragraph):
            parts.append(("", []))
        else:
            parts[-1][1].append(paragraph)
    return [part for part in parts if part[1]] if len(parts) > 1 else []


def _by_length(paragraphs: list[str]) -> list[tuple[str, list[str]]]:
    parts: list[tuple[str, list[str]]] = []
    for paragraph in paragraphs:
        if not parts or _words(parts[-1][1]) >= SECTION_WORDS:
            parts.append(("", []))
        parts[-1][1].append(paragraph)
    return parts


def _words(paragraphs: list[str]) -> int:
    return sum(len(paragraph.split()) for paragraph in paragraphs)
