"""Likeness of a sentence to documents by the words that they share: BM25. Knows words, no meaning and no entries."""

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]

_SATURATION = 1.2  # k1 and b of Robertson and Zaragoza, "The Probabilistic Relevance Framework" (2009), section 3.4
_LENGTH = 0.75


class WordIndex:
    """Finds which of many documents have the rare words of a sentence."""

    def __init__(self, documents: Sequence[Sequence[str]]) -> None:
        """Index documents.

        Args:
            documents: The words of each.
        """
        bags = [Counter(words) for words in documents]
        average = sum(bag.total() for bag in bags) / len(bags)
        holders = Counter(word for bag in bags for word in bag)
        self._row = {word: number for number, word in enumerate(holders)}
        self._weight = {word: _rarity(count, len(bags)) for word, count in holders.items()}
        self._unseen = _rarity(0, len(bags))
        self._scores = np.zeros((len(holders), len(bags)), np.float32)
        for number, bag in enumerate(bags):
            norm = _SATURATION * (1 - _LENGTH + _LENGTH * bag.total() / average)
            for word, count in bag.items():
                self._scores[self._row[word], number] = self._weight[word] * count / (count + norm)

    def likeness(self, words: Sequence[str]) -> Array:
        """Share of the sentence's weight that each document covers, ``[n]`` in 0..1."""
        different = set(words)
        total = sum(self._weight.get(word, self._unseen) for word in different)
        rows = sorted(self._row[word] for word in different if word in self._row)
        return self._scores[rows].sum(0) / (total or 1.0)


def _rarity(holders: int, documents: int) -> float:
    return math.log(1 + (documents - holders + 0.5) / (holders + 0.5))
