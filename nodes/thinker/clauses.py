"""Text with marks, cut into clauses: what is said, how it is meant, and what the body does with it.

Marks stand before the clause that they are for: ``[happy]`` or ``[happy 0.8]`` sets the emotion (and its intensity)
from there on, ``<greet>`` is a gesture for one clause. The same cutter takes an answer from a character pack whole and
one from a language model in pieces, which may disobey: unknown marks, markdown and hidden reasoning are left out.
"""

import re
from typing import NamedTuple, cast

from mio.contracts.emotions import EMOTIONS, GESTURES, Emotion, Gesture

DEFAULT_INTENSITY = 0.6
_LONGEST_MARK = 48  # characters; a bracket that stays open longer is no mark
_EAGER_WORDS = 8  # an eager first clause does not wait for punctuation longer than this
_LONG_WORDS = 14  # a clause of so many words also ends at a comma
_LONGEST_WORDS = 30  # and here it ends anyway

_EMOTION_WORDS: dict[str, Emotion] = {
    "joy": "happy", "joyful": "happy", "smile": "happy", "smiles": "happy", "smiling": "happy", "excited": "happy",
    "cheerful": "happy", "laugh": "amused", "laughs": "amused", "laughing": "amused", "playful": "amused",
    "funny": "amused", "warm": "tender", "gentle": "tender", "love": "tender", "caring": "tender",
    "interested": "curious", "thinking": "thoughtful", "pensive": "thoughtful", "serious": "thoughtful",
    "surprise": "surprised", "shocked": "surprised", "sadness": "sad", "sorry": "sad", "fear": "afraid",
    "scared": "afraid", "worried": "afraid", "anger": "angry", "annoyed": "angry", "disgust": "disgusted",
    "calm": "neutral",
}  # fmt: skip
_GESTURE_WORDS: dict[str, Gesture] = {
    "wave": "greet", "waves": "greet", "waving": "greet", "hello": "greet", "explains": "explain", "open": "explain",
    "points": "point", "pointing": "point", "shrugs": "shrug", "nods": "nod", "yes": "nod", "nodding": "nod",
    "thinks": "think", "thinking": "think", "ponder": "think", "shake": "no", "bows": "bow", "listens": "listen",
}  # fmt: skip

_MARK = re.compile(r"\[(?P<square>[^\[\]<>]*)\]|<(?P<angle>[^\[\]<>]*)>")
_INTENSITY = re.compile(r"(?<![\d.])(0?\.\d+|[01](?:\.\d+)?)(?![\d.])")
_HIDDEN = re.compile(r"<(think|thinking|reasoning)>.*?</\1>", re.DOTALL | re.IGNORECASE)
_HIDING = re.compile(r"\s*<(?:think|thinking|reasoning)>", re.IGNORECASE)  # at the beginning; elsewhere it is a gesture
_ACTION = re.compile(r"\*{1,2}([^*\n]{1,40})\*{1,2}(?=[^*])")
_OPEN = re.compile(r"[\[<][^\[\]<>]*\Z|\*[^\n]*\Z")
_MARKDOWN = re.compile(r"(?m)^\s*(?:#{1,6}|[-*>]|\d+\.)\s+|[`*_~\[\]<>]+|https?://\S+")
_SENTENCE_END = re.compile(r"[.!?…]+[\"'”’)]*(?=\s)")
_PAUSE = re.compile(r"(?:[,;:]|\s[–—-])(?=\s)")
_ABBREVIATION = re.compile(r"(?:\b(?:mr|mrs|ms|dr|prof|st|vs|etc|e\.g|i\.e|no)|\b[a-z])\.$", re.IGNORECASE)


class Clause(NamedTuple):
    """A stretch of speech.

    Attributes:
        text: What is said, single spaces, not empty.
        emotion: How it is meant.
        intensity: 0..1.
        gesture: What the body does with it.
    """

    text: str
    emotion: Emotion = "neutral"
    intensity: float = DEFAULT_INTENSITY
    gesture: Gesture = "none"


class ClauseCutter:
    """Cuts a growing text into clauses.

    Attributes:
        unknown: Marks that are neither emotion nor gesture, as they were written.
    """

    def __init__(self, *, eager: bool = False) -> None:
        """Begin a text.

        Args:
            eager: Whether the first clause shall come early, at any punctuation or after eight words.
        """
        self.unknown: list[str] = []
        self._eager = eager
        self._rest = ""
        self._emotion: Emotion = "neutral"
        self._intensity = DEFAULT_INTENSITY
        self._gesture: Gesture = "none"

    def feed(self, text: str) -> list[Clause]:
        """Take more text and give the clauses that are complete."""
        self._rest += text
        return self._cut(final=False)

    def finish(self) -> list[Clause]:
        """Give what is left."""
        return self._cut(final=True)

    def _cut(self, *, final: bool) -> list[Clause]:
        text = _HIDDEN.sub(" ", self._rest)
        if self._eager and not final and _HIDING.match(text):
            self._rest = text
            return []
        text, self._rest = _settled(text, final=final)
        clauses: list[Clause] = []
        at = 0
        for mark in _MARK.finditer(text):
            clauses += self._clauses(text[at : mark.start()], closed=True)
            self._read(mark)
            at = mark.end()
        tail = text[at:]
        clauses += self._clauses(tail, closed=final)
        return clauses

    def _clauses(self, text: str, *, closed: bool) -> list[Clause]:
        """Clauses of a text without marks; what is not complete goes back, unless the text is closed."""
        clauses: list[Clause] = []
        while (end := self._end(text)) is not None:
            clauses += self._clause(text[:end])
            text = text[end:]
        if closed:
            return clauses + self._clause(text)
        self._rest = text + self._rest
        return clauses

    def _clause(self, text: str) -> list[Clause]:
        text = " ".join(_MARKDOWN.sub(" ", text).split())
        if not any(c.isalnum() for c in text):
            return []
        clause = Clause(text, self._emotion, self._intensity, self._gesture)
        self._gesture = "none"
        self._eager = False
        return [clause]

    def _end(self, text: str) -> int | None:
        """Where the first clause of a text ends, if that is certain."""
        ends = [m.end() for m in _SENTENCE_END.finditer(text) if not _ABBREVIATION.search(text[: m.end()])]
        sentence = ends[0] if ends else None
        if self._eager:
            return _earliest(sentence, _comma(text, words=1), _words_end(text, _EAGER_WORDS))
        if sentence is not None and len(text[:sentence].split()) <= _LONG_WORDS:
            return sentence
        return _earliest(sentence, _comma(text, words=_LONG_WORDS), _words_end(text, _LONGEST_WORDS))

    def _read(self, mark: re.Match[str]) -> None:
        name, intensity = _name(mark["square"] or mark["angle"] or "")
        emotion = _EMOTION_WORDS.get(name, name)
        gesture = _GESTURE_WORDS.get(name, name)
        angled = mark["angle"] is not None
        if gesture in GESTURES and (angled or emotion not in EMOTIONS):
            self._gesture = cast(Gesture, gesture)
        elif emotion in EMOTIONS:
            self._emotion = cast(Emotion, emotion)
            self._intensity = DEFAULT_INTENSITY if intensity is None else intensity
        else:
            self.unknown.append(mark.group())


def cut_clauses(text: str) -> list[Clause]:
    """Cut a complete text into clauses."""
    cutter = ClauseCutter()
    return cutter.feed(text) + cutter.finish()


def _settled(text: str, *, final: bool) -> tuple[str, str]:
    """What of a growing text can be read now, and what may still become a mark."""
    text = _ACTION.sub(_action, text + " " if final else text)
    opened = None if final else _OPEN.search(text)
    if opened is None or len(text) - opened.start() > _LONGEST_MARK:
        return text, ""
    return text[: opened.start()], text[opened.start() :]


def _action(match: re.Match[str]) -> str:
    """A stage direction between asterisks as a mark; emphasised words as they are."""
    name = match[1].strip().lower().split(" ")[0]
    if name in _GESTURE_WORDS or name in GESTURES:
        return f"<{name}>"
    if name in _EMOTION_WORDS or name in EMOTIONS:
        return f"[{name}]"
    return match[1]


def _name(content: str) -> tuple[str, float | None]:
    """Name and intensity in a mark, such as ``emotion: happy 0.8``."""
    number = _INTENSITY.search(content)
    words = re.findall(r"[a-z]+", content.lower())
    words = [word for word in words if word not in ("emotion", "gesture", "mood")]
    return words[0] if words else "", min(1.0, float(number[1])) if number else None


def _comma(text: str, words: int) -> int | None:
    """End of the first comma-like pause after at least so many words."""
    return next((m.end() for m in _PAUSE.finditer(text) if len(text[: m.end()].split()) >= words), None)


def _words_end(text: str, count: int) -> int | None:
    """End of the so many-th word, if another one has begun."""
    words = list(re.finditer(r"\S+", text))
    return words[count - 1].end() if len(words) > count else None


def _earliest(*ends: int | None) -> int | None:
    known = [end for end in ends if end is not None]
    return min(known) if known else None
