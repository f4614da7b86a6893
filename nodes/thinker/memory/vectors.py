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


def signs(vectors: Vectors) -> npt.NDArray[np.uint8]:
    """``[n, bytes]`` signs of ``[n, D]`` vectors, padded to whole 64-bit words."""
    packed = np.packbits(vectors > 0, axis=1)
    spare = -packed.shape[1] % (_WORD_BITS // 8)
    return np.pad(packed, ((0, 0), (0, spare)))


class SignIndex:
    """The signs of many vectors, by row number."""

    def __init__(self, rows: Rows, packed: bytes) -> None:
        """Take what is indexed.

        Args:
            rows: ``[n]`` numbers by which the vectors are named.
            packed: Their signs, as :func:`signs` makes them, one after the other.
        """
        self._rows = rows
        words = np.frombuffer(packed, np.uint64)
        self._signs = words.reshape(len(rows), -1) if len(rows) else words.reshape(0, 1)

    def nearest(self, vector: Vectors, count: int) -> Rows:
        """Rows of the vectors that differ from ``[D]`` in the fewest signs, in no order; all if there are no more."""
        if len(self._rows) <= count:
            return self._rows
        asked = signs(vector[None]).view(np.uint64)[0]
        differing = np.bitwise_count(self._signs ^ asked).sum(1, dtype=np.uint16)
        return self._rows[np.argpartition(differing, count)[:count]]
