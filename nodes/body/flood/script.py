"""Which text the body follows at which time.

Gestures with a name are timed by the procedural engine, which knows speech, turns and interruptions; while one of its
gestures lasts, that gesture's description is the text. A prompt whose text names no gesture is followed as it is, until
it must end, or until it has been made once, but for some seconds at most. Otherwise the body stands at ease.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mio.contracts.messages import MotionPrompt
from nodes.body.performance import Performance

AT_EASE = "a person stands relaxed."
_TEXTS = {
    "beat": "a person talks and moves a hand in time with the words.",
    "greet": "a person raises a hand and waves in greeting.",
    "explain": "a person opens both hands and explains something.",
    "point": "a person points with a hand.",
    "shrug": "a person shrugs with both shoulders.",
    "nod": "a person nods.",
    "think": "a person thinks with one hand at the chin.",
    "no": "a person shakes the head.",
    "bow": "a person bows politely.",
    "listen": "a person leans forward and listens.",
}
_LONGEST_S = 6.0
_RETURN_S = 1.1  # that the body needs to come back to rest by the end
_LONGEST_TEXT = 200
_GOING = re.compile(r"\b(walk|run|jog|step|stride|march|skip|hop|jump|danc|turn|spin|circl|crawl|go(es|ing)?\b|move)")


@dataclass
class Wish:
    """A prompt that is followed by its text.

    Attributes:
        text: What is wanted.
        segment_id: Its turn; 0 for none.
        from_s: Body time from which it may be seen.
        until_s: When it ends.
        once: Whether it ends as soon as it has been made.
    """

    text: str
    segment_id: int
    from_s: float
    until_s: float
    once: bool = False


@dataclass
class Script:
    """What is wanted by text now.

    Attributes:
        wish: The last prompt that is followed by its text; None for none.
    """

    wish: Wish | None = None

    def ask(self, prompt: MotionPrompt, from_s: float, until_s: float) -> None:
        """Take a prompt; one with a gesture's name ends what was followed by text.

        Args:
            prompt: What is asked for.
            from_s: Earliest body time at which it may be seen.
            until_s: Body time at which it must have ended; infinity if it does not say.
        """
        text = " ".join(prompt.text[:_LONGEST_TEXT].split())
        if prompt.gesture != "none" or not text:
            self.wish = None
            return
        until_s, once = min(until_s, from_s + _LONGEST_S), not np.isfinite(until_s)
        self.wish = Wish(text, prompt.segment_id, from_s, until_s, once)

    def end(self, at_s: float, least_s: float) -> None:
        """What is wanted by text has been made; it ends, unless it has said until when.

        Args:
            at_s: Body time.
            least_s: For how long it is followed at least.
        """
        if self.wish is not None and self.wish.once and self.wish.from_s + least_s < at_s:
            self.wish.until_s = min(self.wish.until_s, at_s)

    def give_up(self, segment_id: int) -> None:
        """Drop what was wanted in a turn or an older one."""
        if self.wish is not None and 0 < self.wish.segment_id <= segment_id:
            self.wish = None

    def text_at(self, at_s: float, performances: Sequence[Performance]) -> str:
        """What shall be seen at a body time.

        Args:
            at_s: The time.
            performances: Gestures of the procedural engine.
        """
        wish = self.wish
        if wish is not None:
            ends_s = wish.until_s if wish.once else _begins_to_end_s(wish.from_s, wish.until_s)
            if wish.from_s <= at_s < ends_s:
                return wish.text
        for entry in reversed(performances):
            if entry.start_s <= at_s < _begins_to_end_s(entry.start_s, entry.end_s) and entry.name in _TEXTS:
                return _TEXTS[entry.name]
        return AT_EASE


def _begins_to_end_s(start_s: float, end_s: float) -> float:
    """When a text must give way so that the body is at rest by the end; of short ones half is shown."""
    return max(end_s - _RETURN_S, 0.5 * (start_s + end_s))


def goes(text: str) -> bool:
    """Whether a text asks the body to leave its place or turn."""
    return _GOING.search(text.lower()) is not None
