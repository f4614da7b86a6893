"""What decides the network's choices: a field of random numbers over stage time, alike at moments that are near.

UniLS (arXiv 2512.09327) decides each token by numbers of its own, and each chunk anew. Tokens of a level are chosen
without knowledge of each other, so that a raised brow that takes several of them never comes about as a whole, and what
one chunk has begun the next one takes back. Here the numbers of neighbouring tokens, and those of the same moment in
the next chunk, are alike: each token is chosen as likely as before, but what belongs together is chosen together. While
the own voice sounds, each frame has numbers of its own: lips that follow a voice must not linger.
"""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from mio.contracts.rates import FACE_FPS
from nodes.face.models.sizes import FaceSize

Floats = npt.NDArray[np.float32]

_LAST_S = (2.0, 1.0, 0.32, 0.32)  # how long numbers stay alike, by level, the last one for all finer ones
_ALONE = np.ones(1, np.float32)
_REACH = 5  # times that long back a moment's numbers depend on
_APART = 1 << 32


class Chance:
    """Numbers between 0 and 1, each as often as any other, by level and time.

    Attributes:
        seed: The same seed gives the same numbers at the same times.
    """

    def __init__(self, size: FaceSize, seed: int) -> None:
        self.seed = seed
        codec = size.codec
        self._numbers = size.generator.patterns + codec.bits
        self._middles = [_middles(scale, codec.frames) for scale in codec.scales]
        self._weights = [_weights(_LAST_S[min(level, len(_LAST_S) - 1)]) for level in range(len(codec.scales))]
        self._thrown: dict[tuple[int, int], Floats] = {}

    def __call__(self, first: int, *, speaking: bool = False) -> list[Tensor]:
        """Per level ``[1, tokens, patterns + bits]`` of the chunk that begins with a frame by number.

        Args:
            first: Number of the frame in stage time.
            speaking: Whether the own voice sounds.
        """
        found: list[Tensor] = []
        for level, (middles, lasting) in enumerate(zip(self._middles, self._weights, strict=True)):
            weights = _ALONE if speaking else lasting
            begin, end = first + int(middles[0]) - len(weights) + 1, first + int(middles[-1]) + 1
            noise = np.stack([self._at(frame)[level] for frame in range(begin, end)])
            windows = np.lib.stride_tricks.sliding_window_view(noise, len(weights), axis=0)[middles - middles[0]]
            found.append(torch.special.ndtr(torch.from_numpy(windows @ weights))[None])
        oldest = first - max(map(len, self._weights))
        self._thrown = {key: noise for key, noise in self._thrown.items() if key[1] >= oldest}
        return found

    def _at(self, frame: int) -> Floats:
        """``[levels, patterns + bits]`` independent normal numbers of a frame."""
        key = self.seed, frame
        if key not in self._thrown:
            dice = np.random.default_rng((self.seed, frame % _APART))
            self._thrown[key] = dice.standard_normal((len(self._weights), self._numbers), np.float32)
        return self._thrown[key]


def _middles(tokens: int, frames: int) -> npt.NDArray[np.int64]:
    """The frames in whose middle tokens of a level stand."""
    return np.linspace(0, frames - 1, 2 * tokens + 1)[1::2].round().astype(np.int64)


def _weights(last_s: float) -> Floats:
    """Of a moment's noise and of that before it, so that sums of both are alike as ``exp(-apart / last)``."""
    frames = last_s * FACE_FPS
    weights = np.exp(-np.arange(round(_REACH * frames))[::-1] / frames)
    return (weights / np.linalg.norm(weights)).astype(np.float32)
