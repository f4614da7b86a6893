"""Answers with emotion and gesture as structured output, read while they are being written.

The model is asked for JSON of :data:`SCHEMA`; what it writes is turned into text with marks (``[happy 0.8] <greet>``)
piece by piece, so that the first words can be said before the JSON is complete. A model that disobeys is still
understood: other keys, fences and talk around the JSON, JSON that breaks off, or no JSON at all but plain text.
"""

import re
from dataclasses import dataclass
from enum import Enum
from typing import Any

from mio.contracts.emotions import EMOTIONS, GESTURES

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "say": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "emotion": {"type": "string", "enum": list(EMOTIONS)},
                    "gesture": {"type": "string", "enum": list(GESTURES)},
                    "text": {"type": "string"},
                },
                "required": ["emotion", "gesture", "text"],
                "additionalProperties": False,
            },
        }
    },
    "required": ["say"],
    "additionalProperties": False,
}
"""The answer: sentences in their order, each with how it is meant and what the body does. The text comes last, so that
what it is said with is known when its first word arrives."""

RESPONSE_FORMAT: dict[str, Any] = {
    "type": "json_schema",
    "json_schema": {"name": "reply", "strict": True, "schema": SCHEMA},
}

_PREAMBLE_CHARS = 60  # that are held back at most, because JSON may follow
_PREAMBLE = re.compile(r"\s*(?:sure|certainly|of course|okay|ok|here|json|`)", re.IGNORECASE)  # of the disobedient
_PAUSE = re.compile(r"[.,;:!?…]\s")
_SPOKEN = ("text", "say", "speech", "reply", "answer", "content", "message", "response", "sentence", "clauses")
_HIDDEN = re.compile(r"<(think|thinking|reasoning)>.*?</\1>", re.DOTALL | re.IGNORECASE)
_HIDING = re.compile(r"<(?:think|thinking|reasoning)>", re.IGNORECASE)
_ESCAPES = {"n": " ", "t": " ", "r": " ", "b": "", "f": " "}
_SURROGATES = range(0xD800, 0xE000)


class _At(Enum):
    """Where the reader stands.

    Transitions: ``BEFORE`` -> ``BETWEEN`` at an opening brace; ``BEFORE`` -> ``PROSE`` when so much has come that no
    JSON is to be expected; ``PROSE`` -> ``BETWEEN`` at a brace; ``BETWEEN`` -> ``STRING`` at a quotation mark and back
    at the next one; ``STRING`` -> ``ESCAPE`` at a backslash and back; ``BETWEEN`` -> ``AFTER`` at the last closing
    brace; ``AFTER`` -> ``BETWEEN`` at another opening one.
    """

    BEFORE = "before"
    PROSE = "prose"
    BETWEEN = "between"
    STRING = "string"
    ESCAPE = "escape"
    AFTER = "after"


@dataclass
class _Level:
    """An object or array that is open, and the key whose value is being read in it."""

    array: bool
    key: str = ""


class ReplyReader:
    """Turns what a model writes into text with marks.

    Attributes:
        obeyed: Whether there was JSON with something to say.
    """

    def __init__(self, *, expecting: bool) -> None:
        """Begin an answer.

        Args:
            expecting: Whether JSON was asked for; else text goes through as it is.
        """
        self.obeyed = False
        self._at = _At.BEFORE if expecting else _At.PROSE
        self._expecting = expecting
        self._held = ""
        self._levels: list[_Level] = []
        self._string = ""
        self._bare = ""
        self._escape = ""
        self._high = 0
        self._gap = ""
        self._said_last = False
        self._marks: dict[str, str] = {}
        self._out: list[str] = []

    def feed(self, piece: str) -> str:
        """Take a piece of the answer and give the text with marks that it adds."""
        if not self._expecting:
            return piece
        for char in piece:
            self._take(char)
        return self._given()

    def finish(self) -> str:
        """Give what was held back."""
        if self._at is _At.BEFORE:
            self._out.append(_HIDDEN.sub("", self._held))
            self._held = ""
        return self._given()

    def _given(self) -> str:
        out, self._out = "".join(self._out), []
        return out

    def _take(self, char: str) -> None:
        match self._at:
            case _At.BEFORE:
                self._take_before(char)
            case _At.PROSE | _At.AFTER:
                if char == "{":
                    self._open(char)
                elif self._at is _At.PROSE:
                    self._out.append(char)
            case _At.BETWEEN:
                self._take_between(char)
            case _At.STRING:
                self._take_in_string(char)
            case _At.ESCAPE:
                self._take_escape(char)

    def _take_before(self, char: str) -> None:
        self._held = _HIDDEN.sub("", self._held + char)
        if _HIDING.search(self._held):
            return
        if char == "{":
            self._open(char)
        elif self._is_prose():
            self._out.append(self._held)
            self._held, self._at = "", _At.PROSE

    def _is_prose(self) -> bool:
        """Whether what is held back is meant to be said, and no talk before the JSON."""
        held = self._held.strip()
        talk = _PREAMBLE.match(held) is not None
        return len(held) > _PREAMBLE_CHARS or (not talk and _PAUSE.search(self._held) is not None)

    def _open(self, char: str) -> None:
        key = self._levels[-1].key if char == "[" and self._levels else ""
        self._levels.append(_Level(array=char == "[", key=key))
        self._at, self._held, self._bare, self._said_last = _At.BETWEEN, "", "", False

    def _take_between(self, char: str) -> None:
        level = self._levels[-1]
        if char == '"':
            self._begin_string()
        elif char in "{[":
            self._open(char)
        elif char in "}],":
            self._keep(level, self._bare.strip())
            self._close(char)
        elif char == ":" and not level.key:
            level.key, self._bare = (self._string or self._bare).strip().lower(), ""
        elif self._said_last and not char.isspace():
            self._go_on_saying(char)
        else:
            self._bare += char
            self._gap += char

    def _close(self, char: str) -> None:
        """End a value, and with a bracket what it stands in."""
        self._bare, self._said_last = "", False
        if char == "}":
            self._marks = {}
        if char != ",":
            self._levels.pop()
            if not self._levels:
                self._at = _At.AFTER
        elif not self._levels[-1].array:
            self._levels[-1].key = ""

    def _begin_string(self) -> None:
        if self._said_last:  # a quotation mark within the text that was not escaped
            self._go_on_saying("")
            return
        self._string, self._gap, self._at = "", "", _At.STRING
        if self._speaks():
            self._out.append(self._marked())
            self.obeyed = True

    def _go_on_saying(self, char: str) -> None:
        """Take what follows a closed text for a part of it, since it is no JSON."""
        self._out.append(self._gap + char)
        self._gap, self._bare, self._said_last, self._at = "", "", False, _At.STRING

    def _take_in_string(self, char: str) -> None:
        if char == "\\":
            self._escape, self._at = "", _At.ESCAPE
        elif char == '"':
            self._end_string()
        else:
            self._add(" " if char in "\r\n\t" else char)

    def _end_string(self) -> None:
        level = self._levels[-1]
        self._at, self._gap, self._bare = _At.BETWEEN, "", ""
        self._said_last = self._speaks()
        if level.key and not self._said_last:
            self._keep(level, self._string)

    def _take_escape(self, char: str) -> None:
        self._escape += char
        if self._escape[0] != "u":
            self._add(_ESCAPES.get(char, char))
        elif len(self._escape) < 5:
            return
        else:
            self._add(self._unicode())
        self._at = _At.STRING

    def _unicode(self) -> str:
        """The character of an escape such as u00e9; the halves of a pair give one at the second."""
        try:
            code = int(self._escape[1:], 16)
        except ValueError:
            return ""
        high, self._high = self._high, 0
        if code not in _SURROGATES:
            return chr(code)
        if code < 0xDC00:
            self._high = code
            return ""
        return chr(0x10000 + ((high - 0xD800) << 10) + (code - 0xDC00)) if high else ""

    def _add(self, text: str) -> None:
        if self._speaks():
            self._out.append(text)
        else:
            self._string += text

    def _speaks(self) -> bool:
        return self._levels[-1].key in _SPOKEN

    def _keep(self, level: _Level, value: str) -> None:
        """Remember what the next text is said with."""
        if level.key in ("emotion", "mood", "gesture", "action", "intensity") and value:
            name = {"mood": "emotion", "action": "gesture"}.get(level.key, level.key)
            self._marks[name] = re.sub(r"[^\w.]+", " ", value)

    def _marked(self) -> str:
        """Marks for a text that begins; they also end the one before."""
        emotion, gesture = self._marks.get("emotion", ""), self._marks.get("gesture", "")
        intensity = self._marks.get("intensity", "")
        marks = f" [{emotion} {intensity}]" if emotion else " "
        self._marks = {}
        return f"{marks} <{gesture}> " if gesture and gesture != "none" else f"{marks} "
