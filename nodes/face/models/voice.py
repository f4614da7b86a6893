"""What the face hears of a voice: log-mel energies, and features of them at 50 per second.

The small encoder stands in the place of wav2vec 2.0 in UniLS (arXiv 2512.09327). The mel bands lie at the same
frequencies whatever the sample rate, so that the avatar's voice and the user's need no resampling.
"""

from functools import cache

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nodes.face.models.sizes import VoiceSize

Floats = npt.NDArray[np.float32]

MEL_HZ = 100
"""Mel frames per second."""

FEATURE_HZ = 50
"""Features per second."""

MELS = 40
SILENT = -2.0
"""Value of a band without any sound: -80 dB."""

MIDDLE_DB, UNIT_DB = -40.0, 20.0
"""Level that is 0, and that is 1 more."""

_WINDOW_S = 0.025
_LOWEST_HZ, _HIGHEST_HZ = 60.0, 7_600.0
_BIN_HZ = 31.25
_FLOOR_DB = -80.0
_EPS = 1e-6


def log_mel(samples: Floats, sample_rate: int) -> Floats:
    """``[n, 40]`` energies of bands, in units of 20 dB; frame k is centred on 10 k ms.

    Args:
        samples: ``[n * sample_rate / 100]``, -1..1; what does not fill a frame is left out.
        sample_rate: A multiple of 1000 Hz, at least 16 kHz.
    """
    window = _window_samples(sample_rate)
    count = len(samples) * MEL_HZ // sample_rate
    padded = np.pad(samples[: count * sample_rate // MEL_HZ], (window // 2, window))
    return _energies(padded, sample_rate)[:count]


class MelStream:
    """Log-mel of sound that comes in pieces of any length; a frame comes 12.5 ms after its centre.

    Attributes:
        pending: Samples that have not been used up.
    """

    def __init__(self, sample_rate: int) -> None:
        self._sample_rate = sample_rate
        self.pending = np.zeros(_window_samples(sample_rate) // 2, np.float32)

    def hear(self, samples: Floats) -> Floats:
        """``[n, 40]`` frames that are complete now."""
        self.pending = np.concatenate((self.pending, samples))
        mel = _energies(self.pending, self._sample_rate)
        self.pending = self.pending[len(mel) * self._sample_rate // MEL_HZ :]
        return mel


def normalised(level_db: npt.NDArray[np.floating]) -> Floats:
    """Levels in dB as the encoder takes them."""
    return ((np.maximum(level_db, _FLOOR_DB) - MIDDLE_DB) / UNIT_DB).astype(np.float32)


def louder(mel: Floats, gain_db: float) -> Floats:
    """Mel frames of the same voice, louder or softer."""
    return np.maximum(mel + gain_db / UNIT_DB, SILENT)


class VoiceEncoder(nn.Module):
    """Features of a voice, each from the 0.2 s around it."""

    def __init__(self, size: VoiceSize) -> None:
        super().__init__()
        width = size.width
        self.entry = nn.Conv1d(MELS + 1, width, 5, padding=2)
        self.halve = nn.Conv1d(width, width, 4, stride=2, padding=1)
        self.blocks = nn.ModuleList(_Block(width, 2**number) for number in range(size.layers))
        self.norm = nn.LayerNorm(width, _EPS)

    def forward(self, mel: Tensor, known: Tensor) -> Tensor:
        """``[B, N, width]`` features.

        Args:
            mel: ``[B, 2 N, 40]`` as :func:`log_mel` gives it.
            known: ``[B, 2 N]`` one where it has been heard, zero where it lies in the future.
        """
        known = known[..., None].to(mel.dtype)
        x = torch.cat((mel * known, known), -1).transpose(1, 2)
        x = self.halve(F.gelu(self.entry(x))).transpose(1, 2)
        for block in self.blocks:
            x = block(x)
        return self.norm(x) * known[:, ::2]


class _Block(nn.Module):
    """A dilated convolution and a mixing of channels, added to what came in."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width, _EPS)
        self.near = nn.Conv1d(width, width, 3, padding=dilation, dilation=dilation, groups=width)
        self.mix = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, x: Tensor) -> Tensor:
        """``[B, N, width]``, the same shape."""
        return x + self.mix(self.near(self.norm(x).transpose(1, 2)).transpose(1, 2))


def _window_samples(sample_rate: int) -> int:
    return round(_WINDOW_S * sample_rate)


def _energies(samples: Floats, sample_rate: int) -> Floats:
    """``[n, 40]`` of all whole windows in ``[m]`` samples."""
    window, hop = _window_samples(sample_rate), sample_rate // MEL_HZ
    if len(samples) < window:
        return np.zeros((0, MELS), np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(samples, window)[::hop]
    shape = np.hanning(window).astype(np.float32)
    spectrum = np.fft.rfft(frames * shape, round(sample_rate / _BIN_HZ))
    power = np.square(np.abs(spectrum)) / np.square(shape.sum())
    return normalised(10 * np.log10(power @ _bands(power.shape[1]) + 1e-10))


@cache
def _bands(bins: int) -> Floats:
    """``[bins, 40]`` triangular bands, evenly spaced in mel (O'Shaughnessy 1987)."""
    lowest, highest = (2595 * np.log10(1 + hz / 700) for hz in (_LOWEST_HZ, _HIGHEST_HZ))
    edges_mel = np.linspace(lowest, highest, MELS + 2)
    edges_hz = 700 * (10 ** (edges_mel / 2595) - 1)
    hz = np.arange(bins) * _BIN_HZ
    rising = (hz[:, None] - edges_hz[:-2]) / (edges_hz[1:-1] - edges_hz[:-2])
    falling = (edges_hz[2:] - hz[:, None]) / (edges_hz[2:] - edges_hz[1:-1])
    return np.maximum(0.0, np.minimum(rising, falling)).astype(np.float32)
