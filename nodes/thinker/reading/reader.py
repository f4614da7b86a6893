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
    """First and last token of an answer, and how well it fits."""

    first: int
    last: int
    score: float


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

    def bounds(self, asked: Array, told: Array) -> Array:
        """Scores of each token of a window for being the first and the last of the answer, ``[T, 2]``."""
        alike = told @ asked.T / math.sqrt(self.width)
        shares = np.exp(alike - alike.max(1, keepdims=True))
        meant = (shares / shares.sum(1, keepdims=True)) @ asked
        whole = np.broadcast_to(asked.mean(0), told.shape)
        x = np.concatenate([told, meant, told * meant, whole, alike.max(1, keepdims=True)], 1).astype(np.float32)
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


def best_stretch(bounds: Array, longest: int = LONGEST_TOKENS) -> Stretch:
    """The stretch whose first and last token score best together, the marks of begin and end left out."""
    inner = bounds[1:-1]
    if not len(inner):
        return Stretch(0, 0, -math.inf)
    sums = inner[:, 0][:, None] + inner[:, 1][None]
    ahead = np.arange(len(inner))[None] - np.arange(len(inner))[:, None]
    sums = np.where((ahead >= 0) & (ahead < longest), sums, -np.inf)
    first, last = np.unravel_index(int(sums.argmax()), sums.shape)
    return Stretch(int(first) + 1, int(last) + 1, float(sums[first, last]))


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
