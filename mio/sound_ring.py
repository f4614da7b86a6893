"""The last stretch of a stream of samples, readable at any position, also between two samples."""

from functools import lru_cache

import numpy as np

from mio.contracts.messages import FloatArray

_HALF = 16  # samples on each side of a position that its value is made of
_DIGITS = 4  # of a position, so that kernels are found again while clocks do not drift
_BETA = 8.0  # of the Kaiser window: flat within 0.1 dB up to 85 % of the band, images 80 dB down


class SoundRing:
    """Keeps the newest samples of a stream.

    Args:
        capacity: How many it keeps.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._samples = np.zeros(0, np.float32)
        self._end = 0

    @property
    def end(self) -> int:
        """Position after the newest sample."""
        return self._end

    @property
    def known_to(self) -> int:
        """First position whose value needs samples that are still to come."""
        return self._end - _HALF

    def restart(self, position: int = 0) -> None:
        """Forget everything; the next sample is at a position."""
        self._samples = np.zeros(0, np.float32)
        self._end = position

    def append(self, samples: FloatArray) -> None:
        """Add the next ``[n]`` samples."""
        self._samples = np.concatenate([self._samples, samples])[-self._capacity :]
        self._end += len(samples)

    def read(self, position: float, count: int) -> FloatArray:
        """``[count]`` values from a position on, one sample apart; silence where there are none, or no more."""
        first = int(np.floor(position))
        kernel = _kernel(round(position - first, _DIGITS))
        return np.convolve(self._whole(first - _HALF + 1, first + _HALF + count), kernel, "valid").astype(np.float32)

    def _whole(self, first: int, last: int) -> FloatArray:
        out = np.zeros(last - first, np.float32)
        begin = self._end - len(self._samples)
        low, high = max(first, begin), min(last, self._end)
        if high > low:
            out[low - first : high - first] = self._samples[low - begin : high - begin]
        return out


@lru_cache(maxsize=1_024)
def _kernel(fraction: float) -> FloatArray:
    """``[2 half]`` taps, reversed for convolution, that give the value ``fraction`` (0..1) after the middle sample."""
    at = np.arange(-_HALF + 1, _HALF + 1) - fraction
    window = np.i0(_BETA * np.sqrt(np.clip(1.0 - (at / _HALF) ** 2, 0.0, 1.0))) / np.i0(_BETA)
    taps = np.sinc(at) * window
    return (taps / taps.sum())[::-1].astype(np.float32)
