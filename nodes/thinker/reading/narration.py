"""Answers questions about a story in the story's own words, as far as the narrative present permits. Knows no persona.

What lies ahead is compared with what lies behind, and only whether it fits better is used; the words of an answer are
taken from windows that are permitted, by scores that know of no others.
"""

import hashlib
import math
from collections.abc import Sequence
from enum import Enum
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mio.paths import share
from mio.sentences.encoder import SentenceEncoder, TokenStates
from nodes.thinker.memory.graph import Node, Passage, Present
from nodes.thinker.memory.lookahead import AHEAD_ODDS, lies_ahead, log_odds_ahead
from nodes.thinker.reading.cues import cues
from nodes.thinker.reading.overlap import most_agreed
from nodes.thinker.reading.reader import Reader, likely_stretches, load_reader
from nodes.thinker.reading.relevance import Asked, Comparison, WindowIndex, ask, load_heads
from nodes.thinker.reading.shelf import Learnt, ReadWindow, read_windows
from nodes.thinker.reading.windows import sentence_spans, windows

Array = npt.NDArray[np.float32]

WEIGHTS = share("weights", "thinker-reading")


_STRETCHES = 30  # that may be the answer, of which one is chosen


class Fate(Enum):
    """What becomes of a question: ``TOLD`` it is answered; ``AHEAD`` its answer lies ahead; ``UNKNOWN`` neither."""

    TOLD = "told"
    AHEAD = "ahead"
    UNKNOWN = "unknown"


class Finding(NamedTuple):
    """What is known about a question.

    Attributes:
        fate: What becomes of it.
        words: The words of the answer, if there is one.
        sentence: The sentence that they stand in.
        item: The passage or node that it is of.
        lead: Log odds that the answer stands in the story, not in what is known besides; infinite if nothing is.
    """

    fate: Fate
    words: str = ""
    sentence: str = ""
    item: Passage | Node | None = None
    lead: float = math.inf


class _Told(NamedTuple):
    text: str
    item: Passage | Node
    read: ReadWindow


def load_learnt(folder: Path = WEIGHTS) -> Learnt:
    """Read the weights folder.

    Raises:
        ConfigError: If it is missing or damaged.
    """
    heads = load_heads(folder / "relevance")
    reader = load_reader(folder / "reader") if (folder / "reader").is_dir() else None
    files = sorted(folder.glob("*/weights.safetensors"))
    return Learnt(heads, reader, hashlib.sha256(b"".join(map(Path.read_bytes, files))).hexdigest()[:16])


class Narration:
    """A story that was read, and what of it may be told."""

    def __init__(
        self,
        story: Sequence[Passage | Node],
        encoder: SentenceEncoder,
        learnt: Learnt,
        cache_dir: Path | None = None,
        besides: Sequence[Passage] = (),
    ) -> None:
        """Read a story.

        Args:
            story: What can be told, and when.
            encoder: Reads it.
            learnt: What is made of what it reads.
            cache_dir: Where that is kept.
            besides: What else is known; nothing is answered from it, but what it answers does not lie ahead.
        """
        self._encoder = encoder
        self._learnt = learnt
        cut = [(text, item) for item in (*story, *besides) for text in windows(item.text)]
        read = read_windows([text for text, _ in cut], encoder, learnt, cache_dir)
        self._told = [_Told(text, item, window) for (text, item), window in zip(cut, read, strict=True)]
        self._whole = self._index(self._told)
        self._besides = {id(item) for item in besides}
        self._present: Present | None = None
        self._behind: list[_Told] = []
        self._index_behind = self._whole
        self._asked: Asked | None = None
        self._states: TokenStates | None = None

    def consider(self, question: str, present: Present, *, threshold: float = AHEAD_ODDS, fit: float = -1.0) -> Finding:
        """Decide whether a question can be answered at a present, and answer it.

        Args:
            question: In words.
            present: What may be told.
            threshold: Log odds from which on the answer is taken to lie ahead.
            fit: How well a window must fit at least (-1..1), lest the question is about something else.
        """
        asked = self._ask(question)
        compared = self._whole.compare(asked)
        about_it = bool((compared.fits >= fit).any())
        if about_it and lies_ahead(compared.scores, self._permitted(present), threshold):
            return Finding(Fate.AHEAD)
        return self.answer(question, present, fit)

    def answer(self, question: str, present: Present, fit: float = -1.0) -> Finding:
        """The best answer that is permitted, whether or not a better one lies ahead."""
        compared = self._compare_behind(self._ask(question), present)
        story = np.array([id(told.item) not in self._besides for told in self._behind], bool)
        fitting = story & (compared.fits >= fit)
        if not fitting.any():
            return Finding(Fate.UNKNOWN)
        best = int(np.where(fitting, compared.scores, -np.inf).argmax())
        found = self._read(self._behind[best], question)
        return found._replace(lead=-log_odds_ahead(compared.scores, story))

    def log_odds_ahead(self, question: str, present: Present) -> float:
        """What the threshold is compared with; for calibration only."""
        return log_odds_ahead(self._whole.compare(self._ask(question)).scores, self._permitted(present))

    def _ask(self, question: str) -> Asked:
        if self._asked is None or self._asked.text != question:
            self._states = self._encoder.read([question])[0]
            self._asked = ask(question, self._states, self._learnt.heads)
        return self._asked

    def _read(self, told: _Told, question: str) -> Finding:
        """The answer in a window, and the sentence that it stands in."""
        asked = self._ask(question)
        if self._learnt.reader is None:
            begin, end = _sentence(told, asked)
            return Finding(Fate.TOLD, _whole_words(told.text, begin, end), told.text[begin:end], told.item)
        begin, end = self._stretch(told, asked, self._learnt.reader)
        sentence = next(told.text[first:last] for first, last in sentence_spans(told.text) if begin < last)
        return Finding(Fate.TOLD, _whole_words(told.text, begin, end), sentence, told.item)

    def _stretch(self, told: _Told, asked: Asked, reader: Reader) -> tuple[int, int]:
        """Where in a window the reader finds the answer: first character, and one behind the last."""
        assert self._states is not None
        spans = told.read.spans
        known = cues(asked, told.text, told.read.relevance, spans)
        bounds = reader.bounds(reader.asked(self._states.states), told.read.reading.astype(np.float32), known)
        ends = np.array([last for _, last in sentence_spans(told.text)])
        found = likely_stretches(bounds, np.searchsorted(ends, spans[:, 1]), _STRETCHES)
        places = [(int(spans[one.first][0]), int(spans[one.last][1])) for one in found]
        texts = [_whole_words(told.text, *place) for place in places]
        return places[most_agreed(texts, [math.exp(one.log_share) for one in found])]

    def _compare_behind(self, asked: Asked, present: Present) -> Comparison:
        if present != self._present:
            self._behind = [told for told in self._told if present.permits(told.item)]
            self._index_behind = self._index(self._behind)
            self._present = present
        return self._index_behind.compare(asked)

    def _permitted(self, present: Present) -> npt.NDArray[np.bool_]:
        return np.array([present.permits(told.item) for told in self._told], bool)

    def _index(self, told: Sequence[_Told]) -> WindowIndex:
        vectors = np.stack([one.read.vector for one in told]) if told else np.zeros((0, self._encoder.size), np.float32)
        tokens = [one.read.relevance for one in told]
        goes_on = [False, *(_goes_on(one.item, other.item) for one, other in pairwise(told))][: len(told)]
        return WindowIndex([one.text for one in told], vectors, tokens, goes_on, self._learnt.heads)


def _sentence(told: _Told, asked: Asked) -> tuple[int, int]:
    """The sentence that is most like the question: first character, and one behind the last."""
    parts, spans = sentence_spans(told.text), told.read.spans
    alike = told.read.relevance.astype(np.float32) @ asked.tokens.T
    inside = [(spans[:, 0] >= begin) & (spans[:, 1] <= end) & (spans[:, 1] > spans[:, 0]) for begin, end in parts]
    return parts[int(np.argmax([alike[rows].max(0, initial=-1.0) @ asked.weights for rows in inside]))]


def _goes_on(before: Passage | Node, after: Passage | Node) -> bool:
    """Whether one window of a text follows another: both are of one item, or of passages that were read somewhere."""
    read = isinstance(before, Passage) and isinstance(after, Passage) and before.source.chapter and after.source.chapter
    return before is after or bool(read)


def _whole_words(text: str, begin: int, end: int) -> str:
    while begin > 0 and not text[begin - 1].isspace():
        begin -= 1
    while end < len(text) and not text[end].isspace():
        end += 1
    return text[begin:end].strip(_AROUND)


_AROUND = " ,;:\"'\u2018\u2019\u201c\u201d()"
