"""Rewards that cannot be hallucinated: has the character told what lies ahead, left its role, or spoken unspeakably?

A reply leaks if it names somebody or something that only exists later in the story, or uses three content words in a
row that stand in the text of what lies ahead. Words that also stand in what the character may know are no leak.
"""

import re
from collections.abc import Iterable

import numpy as np

from nodes.thinker.memory.graph import Node, Passage, Present, StoryGraph
from nodes.thinker.training.session import Brief, FloatArray, Session
from nodes.thinker.words import plain

_FRAME_BREAK = re.compile(
    r"\b(?:as an? (?:ai|assistant|language model|chat ?bot)|(?:large |ai )?language model|chat ?bot|system prompt|"
    r"my (?:training|developers?|programming|instructions)|(?:trained|created|developed) by|knowledge cut ?-?off|"
    r"open ?ai|chat ?gpt|anthropic|role-?play(?:ing)?|(?:this|the) (?:novel|script|scenario) (?:says|is|ends))\b",
    re.IGNORECASE,
)
_SMALL = frozenset((
    "a", "an", "and", "are", "as", "at", "be", "been", "but", "by", "can", "did", "do", "does", "for", "from",
    "had", "has", "have", "he", "her", "him", "his", "how", "i", "if", "in", "is", "it", "its", "just", "me", "my",
    "no", "not", "of", "on", "or", "our", "she", "so", "that", "the", "their", "them", "then", "there", "they",
    "this", "to", "up", "was", "we", "were", "what", "when", "where", "which", "who", "will", "with", "would",
    "you", "your",
))  # fmt: skip
_WORDS_IN_A_ROW = 3
_MOST_WORDS = 80  # half a minute of speech
_UNSPEAKABLE = re.compile(r"https?://|^\s*(?:[-*#]|\d+\.)\s|```|\|", re.MULTILINE)


class Rules:
    """Knows the story and looks at replies."""

    def __init__(self, graph: StoryGraph) -> None:
        """Take a story.

        Args:
            graph: All of it; without nodes nothing can leak.
        """
        self._graph = graph
        self._ahead: dict[Present, frozenset[str]] = {}

    def leaks(self, text: str, present: Present) -> bool:
        """Whether a text tells what the character cannot know."""
        words = f" {plain(text)} "
        terms = self._terms(present)
        return any(f" {term} " in words for term in terms) or bool(_runs(text) & terms)

    def breaks_frame(self, text: str) -> bool:
        """Whether a text is spoken by a language model rather than by a character."""
        return bool(_FRAME_BREAK.search(text))

    def speakable(self, text: str, earlier: Iterable[str]) -> bool:
        """Whether a text is plain speech of bearable length and not what was said before."""
        spoken = plain(text)
        fits = 0 < len(spoken.split()) <= _MOST_WORDS and not _UNSPEAKABLE.search(text)
        return fits and spoken not in {plain(other) for other in earlier}

    def score(self, brief: Brief, session: Session, *, rubric_weight: float, timeline_weight: float) -> FloatArray:
        """``[T]`` rewards of the replies.

        A leak or a broken frame costs the timeline's weight; in a trap, standing firm earns it. What cannot be spoken,
        or is repeated, costs the rubric's weight.

        Args:
            brief: What the session was about.
            session: What was said.
            rubric_weight: Paper's design: 0.2.
            timeline_weight: Paper's design: 0.2.
        """
        rewards: list[float] = []
        earlier: list[str] = []
        for turn in session.turns:
            fails = self.leaks(turn.reply, brief.present) or self.breaks_frame(turn.reply)
            timeline = -1.0 if fails else float(brief.trap != "none")
            rubric = 0.0 if self.speakable(turn.reply, earlier) else -1.0
            rewards.append(timeline_weight * timeline + rubric_weight * rubric)
            earlier.append(turn.reply)
        return np.array(rewards, np.float64)

    def _terms(self, present: Present) -> frozenset[str]:
        """Names and runs of words that stand only in what the character may not know."""
        if present not in self._ahead:
            items = (*self._graph.nodes, *self._graph.passages)
            known = " ".join(_told(item) for item in items if present.permits(item))
            spoken, runs = f" {plain(known)} ", _runs(known)
            hidden = [item for item in items if not present.permits(item)]
            names = {plain(name) for item in hidden if isinstance(item, Node) for name in (item.name, *item.aliases)}
            ahead = {name for name in names if name and f" {name} " not in spoken}
            self._ahead[present] = frozenset(ahead.union(*(_runs(_told(item)) for item in hidden)) - runs)
        return self._ahead[present]


def _told(item: Node | Passage) -> str:
    return item.text if isinstance(item, Passage) else ". ".join((item.name, *item.aliases, item.text))


def _runs(text: str) -> set[str]:
    """Runs of three content words."""
    words = [word for word in plain(text).split() if word not in _SMALL]
    return {" ".join(words[at : at + _WORDS_IN_A_ROW]) for at in range(len(words) - _WORDS_IN_A_ROW + 1)}
