"""BM25 of a question with stretches of a story, on word stems. Knows words, no meaning and no time."""

import math
import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.float32]

_SATURATION = 1.2  # k1 and b of Robertson and Zaragoza, "The Probabilistic Relevance Framework" (2009), section 3.4
_LENGTH = 0.75
_WORD = re.compile(r"[^\W_]+")
_ENDINGS = ("ingly", "edly", "ing", "ied", "ies", "ed", "es", "ly", "s", "e")  # the longest that fits is cut off
_SHORTEST_STEM = 3


def stems(text: str) -> list[str]:
    """Words in lower case without possessives and common English endings."""
    return [_stem(word) for word in _WORD.findall(text.lower().replace("\u2019", "'").replace("'s", ""))]


class TermIndex:
    """Finds which of many texts have the rare words of a question."""

    def __init__(self, texts: Sequence[str]) -> None:
        bags = [Counter(stems(text)) for text in texts]
        holders = Counter(word for bag in bags for word in bag)
        average = sum(bag.total() for bag in bags) / max(1, len(bags)) or 1.0
        self._row = {word: number for number, word in enumerate(holders)}
        self._scores = np.zeros((len(holders), len(bags)), np.float32)
        for number, bag in enumerate(bags):
            norm = _SATURATION * (1 - _LENGTH + _LENGTH * bag.total() / average)
            for word, count in bag.items():
                rarity = math.log(1 + (len(bags) - holders[word] + 0.5) / (holders[word] + 0.5))
                self._scores[self._row[word], number] = rarity * count * (_SATURATION + 1) / (count + norm)

    def scores(self, question: str) -> Scores:
        """BM25 of each text, ``[n]``, 0 or more."""
        rows = sorted(self._row[word] for word in set(stems(question)) if word in self._row)
        return self._scores[rows].sum(0)


@lru_cache(maxsize=1 << 14)
def _stem(word: str) -> str:
    fitting = (end for end in _ENDINGS if word.endswith(end) and len(word) - len(end) >= _SHORTEST_STEM)
    return word.removesuffix(next(fitting, ""))
