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
_LIKELY = 8  # times as many as are asked for are compared in more than the number of differing signs
_BLOCK = 1 << 14  # vectors whose signs are compared at once
_BITS = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).astype(np.float32)  # of each byte


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

    def best(self, vector: Vectors, count: int, prior: Vectors, weight: float) -> Rows:
        """Rows whose ``prior + weight * cosine`` with a vector is probably greatest, in no order; all if no more.

        The number of differing signs estimates the cosine; of those that seem best by it, the signs' product with the
        vector itself, which tells small components from great ones, estimates it better.

        Args:
            vector: ``[D]`` of unit length.
            count: How many.
            prior: ``[n]`` what speaks for each row whatever is asked.
            weight: Of the cosine.
        """
        if len(self._rows) <= count:
            return self._rows
        cosines = np.cos(np.linspace(0.0, np.pi, len(vector) + 1), dtype=np.float32)  # by number of differing signs
        seeming = prior + weight * cosines[self._differing(signs(vector[None]).view(np.uint64)[0])]
        few = min(_LIKELY * count, len(seeming) - 1)
        likely = np.argpartition(-seeming, few)[:few] if few < len(seeming) - 1 else np.arange(len(seeming))
        positive = _products(self._words[:, likely], vector)
        estimated = (2 * positive - vector.sum()) / np.sqrt(2 * len(vector) / np.pi)
        scores = prior[likely] + weight * estimated
        return self._rows[likely[np.argpartition(-scores, count - 1)[:count]]]

    def _differing(self, asked: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint16]:
        """In how many signs each vector differs, ``[n]``; block by block, so that a block stays in the cache."""
        found = np.zeros(len(self._rows), np.uint16)
        unlike, count = np.empty(_BLOCK, np.uint64), np.empty(_BLOCK, np.uint8)
        for at in range(0, len(found), _BLOCK):
            part = found[at : at + _BLOCK]
            for words, word in zip(self._words[:, at : at + _BLOCK], asked, strict=True):
                np.bitwise_xor(words, word, out=unlike[: len(part)])
                np.bitwise_count(unlike[: len(part)], out=count[: len(part)])
                part += count[: len(part)]
        return found


def _products(words: npt.NDArray[np.uint64], vector: Vectors) -> Vectors:
    """Products of the components of a vector that the signs ``[words, n]`` say are positive there, ``[n]``."""
    padded = np.zeros(len(words) * _WORD_BITS, np.float32)
    padded[: len(vector)] = vector
    sums = padded.reshape(-1, 8) @ _BITS.T  # of each byte that there can be
    bytes_of = np.ascontiguousarray(words).view(np.uint8).reshape(len(words), -1, 8)
    found = np.zeros(words.shape[1], np.float32)
    for number, sums_of_byte in enumerate(sums):
        found += sums_of_byte[bytes_of[number // 8, :, number % 8]]
    return found
