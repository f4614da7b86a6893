"""An oracle without a language model: reads how the person took each answer, and whether the answer broke the rules."""

import re

import numpy as np

from nodes.thinker.memory.graph import StoryGraph
from nodes.thinker.training.rules import Rules
from nodes.thinker.training.session import Brief, FloatArray, Session

_WORD = re.compile(r"[a-z]+")
_PLEASED = frozenset(
    (
        "smiles",
        "smile",
        "laughs",
        "laugh",
        "nods",
        "nod",
        "forward",
        "claps",
        "warm",
        "happy",
        "amused",
        "tender",
        "curious",
    )
)
_DISPLEASED = frozenset(
    ("frowns", "frown", "sighs", "sigh", "away", "back", "shakes", "crosses", "silence", "loud", "shocked", "angry")
    + ("disgusted", "afraid")
)


class CueOracle:
    """Counts signs of pleasure and displeasure; always of the same opinion."""

    def __init__(self, graph: StoryGraph) -> None:
        """Take the story, for leaks."""
        self._rules = Rules(graph)

    def opinion(self, brief: Brief, session: Session, rating: float, seed: int) -> FloatArray:
        """``[T]`` balance of the cues after each answer, -1..1; -1 for what breaks the rules."""
        found: list[float] = []
        for turn in session.turns:
            words = _WORD.findall(" ".join(turn.cues).lower())
            balance = sum(word in _PLEASED for word in words) - sum(word in _DISPLEASED for word in words)
            fails = self._rules.leaks(turn.reply, brief.present) or self._rules.breaks_frame(turn.reply)
            found.append(-1.0 if fails else float(np.clip(balance / 2.0, -1.0, 1.0)))
        return np.array(found, np.float64)
