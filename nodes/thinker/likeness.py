"""Likeness of sentences by their sound: cosine of weighted phone n-grams. Knows phones, no meaning and no entries."""

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]

_LENGTHS = (2, 3)  # phone bigrams and trigrams: the best of five mixtures tried on recognised speech


class SoundIndex:
    """Finds which of many sentences a sentence sounds like.

    Every sentence is a vector of its n-grams' weights, tf-idf as in Salton and Buckley (1988): logarithmic count times
    inverse document frequency, of unit length. N-grams that no indexed sentence has count towards the length only.
    """

    def __init__(self, sentences: Sequence[Sequence[str]]) -> None:
        """Index sentences.

        Args:
            sentences: The phones of each.
        """
        bags = [_ngrams(phones) for phones in sentences]
        documents = Counter(gram for bag in bags for gram in bag)
        self._row = {gram: number for number, gram in enumerate(documents)}
        self._unseen = math.log(1 + len(bags)) + 1
        self._weight = {gram: math.log((1 + len(bags)) / (1 + count)) + 1 for gram, count in documents.items()}
        self._weights = np.zeros((len(documents), len(bags)), np.float32)
        for number, bag in enumerate(bags):
            rows, weights = self._vector(bag)
            self._weights[rows, number] = weights

    def likeness(self, phones: Sequence[str]) -> Array:
        """Likeness 0..1 of a sentence to each indexed one, ``[n]``."""
        rows, weights = self._vector(_ngrams(phones))
        return weights @ self._weights[rows]

    def _vector(self, bag: Counter[tuple[str, ...]]) -> tuple[list[int], Array]:
        known = [gram for gram in bag if gram in self._row]
        weights = np.array([(1 + math.log(bag[gram])) * self._weight[gram] for gram in known], np.float32)
        square = float(weights @ weights) + (len(bag) - len(known)) * self._unseen**2
        return [self._row[gram] for gram in known], weights / math.sqrt(square or 1.0)


def _ngrams(phones: Sequence[str]) -> Counter[tuple[str, ...]]:
    return Counter(
        tuple(phones[at : at + length]) for length in _LENGTHS for at in range(max(0, len(phones) - length + 1))
    )
