"""How well windows of a story fit a question: late interaction, shared words and meaning. Knows no time.

Each token of the question looks for the nearest one of a window (Khattab and Zaharia, "ColBERT", 2020); what each
counts, and BM25 and the cosine of the sentence vectors beside it, are learnt by
:mod:`nodes.thinker.training.relevance`: a softmax of the scores is the probability of where the answer stands.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load_file

from mio.errors import ConfigError
from mio.sentences.encoder import TokenStates
from nodes.thinker.reading.terms import TermIndex

Array = npt.NDArray[np.float32]
Tokens = npt.NDArray[np.float16]

#: What a token counts that stands not in a window, but in the one before or after it: names there are pronouns here.
#: Chosen on tales that the heads were not learnt from (0.6 to 0.96, 0 to 0.85).
FROM_BEFORE, FROM_AFTER = 0.92, 0.7
CANDIDATES = 64  # windows, the best ones by words and meaning, whose tokens are looked at


class Heads(NamedTuple):
    """What was learnt.

    Attributes:
        asked: ``[D, W]``: token states of a question to vectors.
        told: ``[D, W]``: those of a window.
        importance: ``[D]`` and, last, the bias: how much a question's token counts, before softplus.
        words: Weight of BM25.
        meaning: Weight of the cosine.
    """

    asked: Array
    told: Array
    importance: Array
    words: float
    meaning: float


def load_heads(folder: Path) -> Heads:
    """Read ``weights.safetensors`` as the training writes it.

    Raises:
        ConfigError: If it is missing or damaged.
    """
    try:
        kept = {name: value.astype(np.float32) for name, value in load_file(folder / "weights.safetensors").items()}
        importance = np.append(kept["importance.weight"][0], kept["importance.bias"])
        words, meaning = kept["others"].tolist()
        return Heads(kept["asked.weight"].T, kept["told.weight"].T, importance, words, meaning)
    except (OSError, KeyError, ValueError, SafetensorError) as error:
        raise ConfigError(f"{folder}: {error}", "reinstall 'mio[thinker]'") from error


class Asked(NamedTuple):
    """A question, ready to be compared.

    Attributes:
        text: Its words.
        vector: ``[D]``.
        tokens: ``[T, W]`` unit vectors.
        weights: ``[T]``: how much each counts.
    """

    text: str
    vector: Array
    tokens: Array
    weights: Array


class Comparison(NamedTuple):
    """How well each window fits a question.

    Attributes:
        scores: ``[n]``: logits of where the answer stands; minus infinity for windows that were not looked at closely.
        fits: ``[n]``: mean cosine of what counts in the question with what is nearest to it there, up to 1.
    """

    scores: Array
    fits: Array


class WindowIndex:
    """Windows of a story, as vectors of their tokens."""

    def __init__(
        self, texts: Sequence[str], vectors: Array, tokens: Sequence[Tokens], goes_on: Sequence[bool], heads: Heads
    ) -> None:
        """Index windows.

        Args:
            texts: Their words.
            vectors: ``[n, D]`` sentence vectors.
            tokens: ``[T, W]`` each, unit vectors (:func:`told_tokens`).
            goes_on: Whether each goes on where the one before it ends.
            heads: What was learnt.
        """
        self._terms = TermIndex(texts)
        self._vectors = vectors
        self._tokens = tokens
        self._goes_on = [*goes_on, False]
        self._heads = heads

    def compare(self, asked: Asked) -> Comparison:
        """How well each window fits."""
        near = self._heads.words * self._terms.scores(asked.text) + self._heads.meaning * (self._vectors @ asked.vector)
        scores, fits = np.full(len(near), -np.inf, np.float32), np.zeros(len(near), np.float32)
        nearest: dict[int, Array] = {}
        for number in np.argsort(-near, kind="stable")[:CANDIDATES].tolist():
            late = float(self._carried(number, asked, nearest) @ asked.weights)
            scores[number] = near[number] + late
            fits[number] = late / asked.weights.sum()
        return Comparison(scores, fits)

    def _carried(self, number: int, asked: Asked, nearest: dict[int, Array]) -> Array:
        """Cosine of each token of the question with the nearest one in a window or, for less, around it, ``[T]``."""
        best = self._nearest(number, asked, nearest)
        if self._goes_on[number] and number > 0:
            best = np.maximum(best, FROM_BEFORE * self._nearest(number - 1, asked, nearest))
        if self._goes_on[number + 1]:
            best = np.maximum(best, FROM_AFTER * self._nearest(number + 1, asked, nearest))
        return best

    def _nearest(self, number: int, asked: Asked, known: dict[int, Array]) -> Array:
        if number not in known:
            known[number] = (self._tokens[number].astype(np.float32) @ asked.tokens.T).max(0)
        return known[number]


def ask(question: str, read: TokenStates, heads: Heads) -> Asked:
    """Make a question comparable."""
    importance = np.logaddexp(0.0, read.states @ heads.importance[:-1] + heads.importance[-1])
    return Asked(question, read.vector, _unit(read.states @ heads.asked), importance.astype(np.float32))


def told_tokens(read: TokenStates, heads: Heads) -> Tokens:
    """Vectors of a window's tokens, ``[T, W]``."""
    return _unit(read.states @ heads.told).astype(np.float16)


def _unit(vectors: Array) -> Array:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)
