"""An encoder that needs no weights, for tests and for benchmarks of everything but the encoder."""

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


class WordEncoder:
    """Vectors of texts as sums of random ones of their words: texts with the same words are near.

    Attributes:
        fingerprint: As of a :class:`~mio.sentences.encoder.SentenceEncoder`.
        embedded: How many texts were embedded.
    """

    fingerprint = "words"

    def __init__(self, size: int = 100) -> None:
        self._size = size
        self._known: dict[str, npt.NDArray[np.float64]] = {}
        self.embedded = 0

    def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """``[n, D]`` float32, rows of unit length; zeros for a text without words."""
        self.embedded += len(texts)
        vectors = np.zeros((len(texts), self._size))
        for row, text in enumerate(texts):
            words = [self._word(word.strip(".,;:?!")) for word in text.lower().split()]
            vectors[row] = np.sum(words, axis=0) if words else 0.0
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return (vectors / np.maximum(lengths, 1e-9)).astype(np.float32)

    def _word(self, word: str) -> npt.NDArray[np.float64]:
        if word not in self._known:
            seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:8], "big")
            self._known[word] = np.random.default_rng(seed).standard_normal(self._size)
        return self._known[word]
