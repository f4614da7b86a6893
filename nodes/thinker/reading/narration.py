"""Answers questions about a story in the story's own words, as far as the narrative present permits. Knows no persona.

What lies ahead is compared with what lies behind, and only whether it fits better is used; the words of an answer are
taken from windows that are permitted, by scores that know of no others.
"""

from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mio.paths import share
from nodes.thinker.encoder import SentenceEncoder, TokenStates
from nodes.thinker.memory.graph import Passage, Present
from nodes.thinker.memory.lookahead import AHEAD_ODDS, lies_ahead, log_odds_ahead
from nodes.thinker.reading.reader import Reader, best_stretch, load_reader
from nodes.thinker.reading.relevance import Heads, WindowIndex, ask, load_heads, told_tokens
from nodes.thinker.reading.windows import windows

Array = npt.NDArray[np.float32]

WEIGHTS = share("weights", "thinker-reading")
_READ = 3  # windows, the best ones, that an answer is looked for in


class Fate(Enum):
    """What becomes of a question: ``TOLD`` it can be answered; ``AHEAD`` its answer lies ahead; ``UNKNOWN`` neither."""

    TOLD = "told"
    AHEAD = "ahead"
    UNKNOWN = "unknown"


class Finding(NamedTuple):
    """What is known about a question.

    Attributes:
        fate: What becomes of it.
        words: The words of the answer, if it can be answered.
        window: The window that they stand in.
    """

    fate: Fate
    words: str = ""
    window: str = ""


class Learnt(NamedTuple):
    """What was learnt about questions and stories."""

    heads: Heads
    reader: Reader


class _Window(NamedTuple):
    text: str
    passage: Passage
    vector: Array
    relevance: npt.NDArray[np.float16]
    reading: npt.NDArray[np.float16]
    spans: npt.NDArray[np.int64]


def load_learnt(folder: Path = WEIGHTS) -> Learnt:
    """Read the weights folder.

    Raises:
        ConfigError: If it is missing or damaged.
    """
    return Learnt(load_heads(folder / "relevance"), load_reader(folder / "reader"))


class Narration:
    """A story that was read, and what of it may be told."""

    def __init__(self, passages: Sequence[Passage], encoder: SentenceEncoder, learnt: Learnt) -> None:
        """Read the passages: about 25 ms for 100 words."""
        self._encoder = encoder
        self._learnt = learnt
        cut = [(text, passage) for passage in passages for text in windows(passage.text)]
        read = encoder.read([text for text, _ in cut])
        self._windows = [
            _window(text, passage, states, learnt) for (text, passage), states in zip(cut, read, strict=True)
        ]
        self._whole = _index(self._windows, learnt)
        self._present: Present | None = None
        self._behind: list[_Window] = []
        self._index = _index([], learnt)

    def consider(self, question: str, present: Present, threshold: float = AHEAD_ODDS) -> Finding:
        """Decide whether a question can be answered at a present, and answer it.

        Args:
            question: In words.
            present: What may be told.
            threshold: Log odds from which on the answer is taken to lie ahead.
        """
        read = self._encoder.read([question])[0]
        asked = ask(question, read, self._learnt.heads)
        if lies_ahead(self._whole.scores(asked), self._permitted(present), threshold):
            return Finding(Fate.AHEAD)
        return self.answer(question, present)

    def answer(self, question: str, present: Present) -> Finding:
        """The best answer that is permitted, whether or not a better one lies ahead."""
        self._turn_to(present)
        if not self._behind:
            return Finding(Fate.UNKNOWN)
        read = self._encoder.read([question])[0]
        scores = self._index.scores(ask(question, read, self._learnt.heads))
        best = np.argsort(-scores, kind="stable")[:_READ]
        asked = self._learnt.reader.asked(read.states)
        return max((self._read(self._behind[at], asked, float(scores[at])) for at in best), key=lambda found: found[0])[
            1
        ]

    def log_odds_ahead(self, question: str, present: Present) -> float:
        """What the threshold is compared with: for calibration only."""
        asked = ask(question, self._encoder.read([question])[0], self._learnt.heads)
        return log_odds_ahead(self._whole.scores(asked), self._permitted(present))

    def _read(self, window: _Window, asked: Array, relevance: float) -> tuple[float, Finding]:
        stretch = best_stretch(self._learnt.reader.bounds(asked, window.reading.astype(np.float32)))
        begin, end = window.spans[stretch.first][0], window.spans[stretch.last][1]
        words = _whole_words(window.text, int(begin), int(end))
        return stretch.score + relevance, Finding(Fate.TOLD, words, window.text)

    def _permitted(self, present: Present) -> npt.NDArray[np.bool_]:
        return np.array([present.permits(window.passage) for window in self._windows], bool)

    def _turn_to(self, present: Present) -> None:
        if present != self._present:
            self._behind = [window for window in self._windows if present.permits(window.passage)]
            self._index = _index(self._behind, self._learnt)
            self._present = present


def _window(text: str, passage: Passage, read: TokenStates, learnt: Learnt) -> _Window:
    reading = learnt.reader.told(read.states).astype(np.float16)
    return _Window(text, passage, read.vector, told_tokens(read, learnt.heads), reading, read.spans)


def _index(told: Sequence[_Window], learnt: Learnt) -> WindowIndex:
    vectors = np.stack([window.vector for window in told]) if told else np.zeros((0, 0), np.float32)
    return WindowIndex([window.text for window in told], vectors, [window.relevance for window in told], learnt.heads)


def _whole_words(text: str, begin: int, end: int) -> str:
    while begin > 0 and not text[begin - 1].isspace():
        begin -= 1
    while end < len(text) and not text[end].isspace():
        end += 1
    return text[begin:end]
