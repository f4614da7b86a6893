"""Finds the words of an answer in a window of a story. Knows no time and no other windows.

The network is that of :mod:`nodes.thinker.training.reader`, in numpy: it costs about 3 ms per window.
"""

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load_file

from mio.errors import ConfigError

Array = npt.NDArray[np.float32]

DILATION = 3  # of the second convolution
LONGEST_TOKENS = 30  # of an answer


class Stretch(NamedTuple):
    """First and last token of an answer, and the logarithm of its probability."""

    first: int
    last: int
    log_share: float


class Reader:
    """The learnt head."""

    def __init__(self, weights: dict[str, Array]) -> None:
        self._asked = weights["asked.weight"].T, weights["asked.bias"]
        self._told = weights["told.weight"].T, weights["told.bias"]
        self._near = _kernel(weights["near.weight"]), weights["near.bias"]
        self._wide = _kernel(weights["wide.weight"]), weights["wide.bias"]
        self._bounds = weights["bounds.weight"].T, weights["bounds.bias"]

    @property
    def width(self) -> int:
        """Length of a token's vector."""
        return self._told[0].shape[1]

    def asked(self, states: Array) -> Array:
        """Token states of a question ``[Q, D]`` to its vectors ``[Q, W]``."""
        return states @ self._asked[0] + self._asked[1]

    def told(self, states: Array) -> Array:
        """Token states of a window ``[T, D]`` to its vectors ``[T, W]``."""
        return states @ self._told[0] + self._told[1]

    def bounds(self, asked: Array, told: Array, cues: Array) -> Array:
        """Scores of each token of a window for being the first and the last of the answer, ``[T, 2]``.

        Args:
            asked: Vectors of the question.
            told: Vectors of the window.
            cues: What else is known of its tokens (:func:`nodes.thinker.reading.cues.cues`).
        """
        alike = told @ asked.T / math.sqrt(self.width)
        shares = np.exp(alike - alike.max(1, keepdims=True))
        meant = (shares / shares.sum(1, keepdims=True)) @ asked
        whole = np.broadcast_to(asked.mean(0), told.shape)
        x = np.concatenate([told, meant, told * meant, whole, alike.max(1, keepdims=True), cues], 1).astype(np.float32)
        x = _gelu(_convolve(x, *self._near, 1))
        x = x + _gelu(_convolve(x, *self._wide, DILATION))
        return np.asarray(x @ self._bounds[0] + self._bounds[1], np.float32)


def load_reader(folder: Path) -> Reader:
    """Read ``weights.safetensors`` as the training writes it.

    Raises:
        ConfigError: If it is missing or damaged.
    """
    try:
        kept = load_file(folder / "weights.safetensors")
        return Reader({name: value.astype(np.float32) for name, value in kept.items()})
    except (OSError, KeyError, ValueError, SafetensorError) as error:
        raise ConfigError(f"{folder}: {error}", "reinstall 'mio[thinker]'") from error


def likely_stretches(
    bounds: Array, sentences: npt.NDArray[np.int64], count: int, longest: int = LONGEST_TOKENS
) -> list[Stretch]:
    """The most probable stretches within one sentence, without the marks of begin and end, best first.

    Args:
        bounds: ``[T, 2]`` scores of each token for being the first and the last.
        sentences: ``[T]`` number of each token's sentence.
        count: How many at most.
        longest: How many tokens one may have.
    """
    inner = bounds[1:-1].astype(np.float64)
    if not len(inner):
        return []
    logs = inner - inner.max(0)
    logs -= np.log(np.exp(logs).sum(0))
    sums = logs[:, 0][:, None] + logs[:, 1][None]
    ahead = np.arange(len(inner))[None] - np.arange(len(inner))[:, None]
    together = sentences[1:-1, None] == sentences[None, 1:-1]
    sums = np.where(together & (ahead >= 0) & (ahead < longest), sums, -np.inf)
    best = np.argsort(-sums, axis=None, kind="stable")[: min(count, int(np.isfinite(sums).sum()))]
    pairs = (np.unravel_index(int(number), sums.shape) for number in best)
    return [Stretch(int(first) + 1, int(last) + 1, float(sums[first, last])) for first, last in pairs]


def _kernel(weight: Array) -> Array:
    """``[out, in, K]`` to ``[K, in, out]``."""
    return np.ascontiguousarray(weight.transpose(2, 1, 0))


def _convolve(x: Array, kernel: Array, bias: Array, dilation: int) -> Array:
    """``[T, in]`` to ``[T, out]``, zeros around."""
    reach = len(kernel) // 2 * dilation
    padded = np.pad(x, ((reach, reach), (0, 0)))
    found = np.broadcast_to(bias, (len(x), len(bias))).copy()
    for at, matrix in enumerate(kernel):
        found += padded[at * dilation : at * dilation + len(x)] @ matrix
    return found


def _gelu(x: Array) -> Array:
    """Exact GELU; its error function by Abramowitz and Stegun (1964), formula 7.1.26, error below 2e-7."""
    z = np.abs(x) / math.sqrt(2.0)
    t = 1.0 / (1.0 + 0.3275911 * z)
    poly = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    return np.asarray(0.5 * x * (1.0 + np.sign(x) * (1.0 - poly * np.exp(-z * z))), np.float32)
