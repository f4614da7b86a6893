"""Finds the nearest of many vectors by the signs of their components. Knows numbers, no texts and no files.

A vector's signs, one bit each, take a 32nd of its room; how many of them differ grows with the angle (Charikar,
"Similarity Estimation Techniques from Rounding Algorithms", 2002). So the signs find candidates among 100,000 vectors
in a few milliseconds, and whoever asks compares the candidates' own vectors.
"""

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]

_WORD_BITS = 64
_LIKELY = 8  # times as many vectors as are asked for are compared in more than the number of differing signs


def signs(vectors: Vectors) -> npt.NDArray[np.uint8]:
    """``[n, bytes]`` signs of ``[n, D]`` vectors, padded to whole 64-bit words."""
    packed = np.packbits(vectors > 0, axis=1)
    spare = -packed.shape[1] % (_WORD_BITS // 8)
    return np.pad(packed, ((0, 0), (0, spare)))


class SignIndex:
    """The signs of many vectors, by row number."""

    def __init__(self, rows: Rows, words: npt.NDArray[np.uint64]) -> None:
        """Take what is indexed.

        Args:
            rows: ``[n]`` numbers by which the vectors are named.
            words: ``[words, n]`` their signs.
        """
        self._rows = rows
        self._words = words

    @staticmethod
    def empty() -> "SignIndex":
        """An index of nothing."""
        return SignIndex(np.zeros(0, np.int64), np.zeros((0, 0), np.uint64))

    def extended(self, rows: Rows, packed: bytes) -> "SignIndex":
        """The index with more vectors in it.

        Args:
            rows: ``[n]`` their numbers.
            packed: Their signs, as :func:`signs` makes them, one after the other.
        """
        if not len(rows):
            return self
        words = np.frombuffer(packed, np.uint64).reshape(len(rows), -1).T
        if len(self._rows):
            rows, words = np.concatenate([self._rows, rows]), np.concatenate([self._words, words], axis=1)
        return SignIndex(rows, np.ascontiguousarray(words))

    def nearest(self, vector: Vectors, count: int) -> Rows:
        """Rows of the vectors that are probably nearest to ``[D]``, in no order; all if there are no more.

        Those that differ in the fewest signs, and of these those whose signs have the greatest product with the vector
        itself: that tells small components from great ones.
        """
        if len(self._rows) <= count:
            return self._rows
        differing = np.zeros(len(self._rows), np.uint16)
        for words, asked in zip(self._words, signs(vector[None]).view(np.uint64)[0], strict=True):
            differing += np.bitwise_count(words ^ asked)
        likely = np.argpartition(differing, min(_LIKELY * count, len(differing) - 1))[: _LIKELY * count]
        packed = np.ascontiguousarray(self._words[:, likely].T).view(np.uint8)
        products = np.unpackbits(packed, axis=1, count=len(vector)).astype(np.float32) @ vector
        return self._rows[likely[np.argpartition(-products, count)[:count]]]
