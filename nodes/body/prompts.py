"""From a motion prompt to a gesture: by its name, else by the words of its text."""

import re
from types import MappingProxyType
from typing import NamedTuple

from mio.contracts.emotions import Gesture
from mio.contracts.messages import MotionPrompt

_LONGEST_TEXT = 2_000
_ENOUGH = 1.0

# Beginnings of words that speak for a gesture, and how much. A trailing dot stands for the whole word.
_STEMS: MappingProxyType[Gesture, MappingProxyType[str, float]] = MappingProxyType(
    {
        "greet": MappingProxyType(
            {"wav": 1.5, "greet": 1.5, "hello": 1.2, "hi.": 1.0, "welcom": 1.0, "goodbye": 1.2, "bye": 1.2, "rais": 0.8}
            | {"hand": 0.2}
        ),
        "bow": MappingProxyType({"bow.": 1.5, "bows": 1.5, "bowing": 1.5, "curts": 1.2}),
        "shrug": MappingProxyType({"shrug": 1.6, "unsure": 1.0, "uncertain": 1.0, "clueless": 1.0}),
        "point": MappingProxyType({"point": 1.5, "index": 0.7, "indicat": 1.0, "toward": 0.2}),
        "nod": MappingProxyType({"nod": 1.6, "agree": 1.0, "yes.": 1.0, "affirm": 1.0, "approv": 1.0}),
        "no": MappingProxyType(
            {"shak": 0.7, "head": 0.4, "disagree": 1.2, "refus": 1.0, "deny": 1.0, "denies": 1.0, "no.": 1.0}
        ),
        "think": MappingProxyType(
            {"think": 1.4, "ponder": 1.4, "wonder": 1.0, "consider": 1.0, "chin.": 1.3, "contemplat": 1.4}
        ),
        "listen": MappingProxyType({"listen": 1.5, "attentiv": 1.2, "hear.": 1.0, "hears": 1.0}),
        "explain": MappingProxyType(
            {"explain": 1.5, "describ": 1.3, "gestur": 1.0, "present": 1.0, "show": 1.0, "open": 0.7, "spread": 1.0}
            | {"offer": 1.0, "hand": 0.3, "arm": 0.3, "talk": 1.0, "guid": 1.0, "palm": 0.5}
        ),
        "beat": MappingProxyType({"beat": 1.4, "emphasi": 1.2, "stress": 1.0, "speak": 1.0, "rhythm": 1.0}),
    }
)
_QUIET = ("slow", "gentl", "small", "slight", "calm", "soft", "sad.", "sadly", "shy", "tired")
_LIVELY = ("quick", "fast", "big", "wide", "larg", "energetic", "excite", "enthusias", "happ", "strong", "wild")
_AIMS: MappingProxyType[str, tuple[str, ...]] = MappingProxyType(
    {
        "self": ("self", "himself", "herself", "themsel", "chest", "heart"),
        "up": ("up.", "upward", "sky", "ceiling"),
        "side": ("side", "aside", "leftward", "rightward", "there.", "away"),
        "ahead": ("you.", "camera", "viewer", "forward", "front", "ahead"),
    }
)


class Request(NamedTuple):
    """What is asked of the body.

    Attributes:
        gesture: ``none`` for standing at ease.
        side: ``left``, ``right``, ``both`` or empty.
        size: Factor on the size of the movements.
        tempo: Factor on their speed.
        aim: ``self``, ``up``, ``side``, ``ahead`` or empty, for pointing.
    """

    gesture: Gesture
    side: str = ""
    size: float = 1.0
    tempo: float = 1.0
    aim: str = ""


def understand(prompt: MotionPrompt) -> Request:
    """Find the gesture a prompt asks for, and how and with which hand; ``none`` if its text asks for nothing known."""
    words = re.findall(r"[a-z]+", prompt.text[:_LONGEST_TEXT].lower())
    gesture = prompt.gesture if prompt.gesture != "none" else _by_words(words)
    lively, quiet = _any(words, _LIVELY), _any(words, _QUIET)
    size, tempo = (1.0, 1.0) if lively == quiet else (1.2, 1.12) if lively else (0.75, 0.85)
    aim = next((name for name, stems in _AIMS.items() if _any(words, stems)), "") if gesture == "point" else ""
    return Request(gesture, _side(words), size, tempo, aim)


def _by_words(words: list[str]) -> Gesture:
    """The gesture that most words speak for, of equals the first."""
    scores: dict[Gesture, float] = {
        gesture: sum(weight for stem, weight in stems.items() if _any(words, (stem,)))
        for gesture, stems in _STEMS.items()
    }
    best, score = max(scores.items(), key=lambda item: item[1])
    return best if score >= _ENOUGH else "none"


def _side(words: list[str]) -> str:
    left, right = "left" in words, "right" in words
    if "both" in words or (left and right):
        return "both"
    return "left" if left else "right" if right else ""


def _any(words: list[str], stems: tuple[str, ...]) -> bool:
    """Whether a word begins with one of the stems, or is it where that ends in a dot."""
    return any(word == stem[:-1] if stem.endswith(".") else word.startswith(stem) for word in words for stem in stems)
