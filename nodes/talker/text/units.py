"""A clause as units that a voice says in one go: one language, one sentence or a part of it, and the pause after it."""

import re
import unicodedata
from typing import NamedTuple

from nodes.talker.text import english, german
from nodes.talker.text.cleaning import Rule, apply, smooth, unmark
from nodes.talker.text.mapped import Mapped

MAX_UNIT_CHARS = 180
"""About twelve seconds: what a voice may plan at once, and what one step may cost."""

_RULES: dict[str, tuple[Rule, ...]] = {"en": english.RULES, "de": german.RULES}
_QUESTION_WORDS = {"en": english.QUESTION_WORDS, "de": german.QUESTION_WORDS}

_SENTENCE_END = re.compile(r"[.!?…]+(?=\s|$)")
_NO_SENTENCE_END = re.compile(r"(?:\b[A-Z]|\b(?:Dr|Mr|Mrs|Ms|St|Mt|Jr|Sr))$")  # initials and titles before a dot
_BREAKS = (re.compile(r"[;:]\s"), re.compile(r",\s"), re.compile(r"\s"))

# Scripts that need a voice of their own language, and the language that stands for each.
_SCRIPTS = {
    "GREEK": "el",
    "CYRILLIC": "ru",
    "ARMENIAN": "hy",
    "GEORGIAN": "ka",
    "HEBREW": "he",
    "ARABIC": "ar",
    "DEVANAGARI": "hi",
    "BENGALI": "bn",
    "TAMIL": "ta",
    "TELUGU": "te",
    "HANGUL": "ko",
    "HIRAGANA": "ja",
    "KATAKANA": "ja",
    "CJK": "cmn",
}
_SAME_SCRIPT = {
    "CYRILLIC": {"ru", "uk", "be", "bg", "mk", "sr", "kk", "ky", "tt", "ba", "cv", "bs", "uz"},
    "ARABIC": {"ar", "fa", "ur", "sd", "ug"},
    "DEVANAGARI": {"hi", "mr", "ne", "kok"},
    "HEBREW": {"he", "yi"},
    "GREEK": {"el", "grc"},
    "BENGALI": {"bn", "as", "bpy"},
    "CJK": {"cmn", "zh", "yue", "hak", "ja"},
    "HIRAGANA": {"ja"},
    "KATAKANA": {"ja"},
}
_LETTERS = re.compile(r"[^\W\d_]")


class Unit(NamedTuple):
    """What a voice says in one go.

    Attributes:
        text: The text, with marks around what is emphasised.
        language: BCP 47.
        pause: The punctuation mark that it ends with, whose pause follows; empty if none.
    """

    text: Mapped
    language: str
    pause: str


def units_of(text: str, language: str) -> list[Unit]:
    """Units of a clause; none if there is nothing in it that can be spoken.

    Args:
        text: As it was written.
        language: BCP 47.
    """
    whole = unmark(Mapped.of(text))
    primary = language.lower().replace("_", "-").partition("-")[0]
    whole = smooth(apply(whole, _RULES.get(primary, ())))
    found: list[Unit] = []
    for sentence in _sentences(whole):
        for part, spoken in _by_script(sentence, language):
            found.extend(_unit(piece, spoken) for piece in _limit(part))
    return [unit for unit in found if any(character.isalnum() for character in unit.text.text)]


def _sentences(text: Mapped) -> list[Mapped]:
    sentences: list[Mapped] = []
    start = 0
    for match in _SENTENCE_END.finditer(text.text):
        before, after = text.text[max(0, match.start() - 4) : match.start()], text.text[match.end() : match.end() + 2]
        ordinal = before[-1:].isdigit() and after[1:].islower()
        if match[0] == "." and after and (ordinal or _NO_SENTENCE_END.search(before)):
            continue
        sentences.append(text.cut(start, match.end()).strip())
        start = match.end()
    return [*sentences, text.cut(start).strip()]


def _by_script(text: Mapped, language: str) -> list[tuple[Mapped, str]]:
    """Runs of one script with the language whose voice can read it."""
    if text.text.isascii():
        return [(text, language)]
    runs: list[tuple[int, str]] = []
    for match in _LETTERS.finditer(text.text):
        spoken = _language_of(match[0], text.text, language)
        if not runs or runs[-1][1] != spoken:
            runs.append((match.start() if runs else 0, spoken))
    if not runs:
        return [(text, language)]
    ends = [start for start, _ in runs[1:]] + [len(text.text)]
    return [(text.cut(start, end).strip(), spoken) for (start, spoken), end in zip(runs, ends, strict=True)]


def _language_of(letter: str, around: str, language: str) -> str:
    if letter.isascii():
        return language
    script = unicodedata.name(letter, "").partition(" ")[0]
    primary = language.lower().partition("-")[0]
    if script not in _SCRIPTS or primary in _SAME_SCRIPT.get(script, {_SCRIPTS[script]}):
        return language
    if script == "CJK" and any("\u3040" <= character <= "\u30ff" for character in around):
        return "ja"
    return _SCRIPTS[script]


def _limit(text: Mapped) -> list[Mapped]:
    """Cut what is too long at the best places there are."""
    pieces: list[Mapped] = []
    while len(text.text) > MAX_UNIT_CHARS:
        at = _break(text.text)
        pieces.append(text.cut(0, at).strip())
        text = text.cut(at).strip()
    return [*pieces, text]


def _break(text: str) -> int:
    for pattern in _BREAKS:
        ends = [match.end() for match in pattern.finditer(text, MAX_UNIT_CHARS // 3, MAX_UNIT_CHARS)]
        if ends:
            return ends[-1]
    return MAX_UNIT_CHARS


def _unit(text: Mapped, language: str) -> Unit:
    mark = re.search(r"[,;:.!?…]$", text.text)
    pause = mark[0] if mark else ""
    primary = language.lower().partition("-")[0]
    words = _QUESTION_WORDS.get(primary)
    if pause == "?" and words is not None and words.search(text.text):
        text = text.sub(re.compile(r"\?$"), ".")
    return Unit(text, language, pause)
