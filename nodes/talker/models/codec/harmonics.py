"""The voiced part of speech as what it is: harmonics of a pitch that the decoder says itself, for it to shape.

Source: the source-filter model, as in neural source-filter vocoders (Wang et al. 2019, arXiv 1904.12088). A decoder
that has to find the phases of all harmonics by itself needs a hundred thousand steps to; one that is given them has to
learn a spectral envelope and a pitch. The pitch moves from sample to sample, so that overlapping spectra agree about
every harmonic.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from mio.nn.causal import Past, with_context
from nodes.talker.models.codec.sizes import SAMPLE_RATE

MIDDLE_HZ = 150.0
"""Pitch that counts as 0 octaves."""

_LOWEST, _HIGHEST = -1.0, 1.75  # octaves: 75 to 505 Hz
_HIGHEST_HARMONIC_HZ = 6_000.0  # above, voices are more noise than harmonics
_SMALLEST = 1e-4


class Pitch(NamedTuple):
    """Pitch of every spectrum, ``[B, T]`` each.

    Attributes:
        octaves: Above 150 Hz, at the end of its window.
        voiced: Logit of there being any, in the middle of its window.
    """

    octaves: Tensor
    voiced: Tensor


class HarmonicSource(nn.Module):
    """Spectra of harmonics of equal strength of a pitch that is known at the end of every window."""

    _window: Tensor
    _parts: Tensor

    def __init__(self, window: int, hop: int, key: str) -> None:
        """Get ready.

        Args:
            window: Samples of a spectrum.
            hop: Samples from one to the next.
            key: The layer's name in a :data:`~mio.nn.causal.Past`.
        """
        super().__init__()
        shape = torch.hann_window(window)
        self.register_buffer("_window", shape * 2 / shape.sum(), persistent=False)
        self.register_buffer("_parts", torch.arange(1, hop + 1, dtype=torch.float64) / hop, persistent=False)
        self._hop, self._key, self._before = hop, key, window - hop

    def forward(self, octaves: Tensor, past: Past) -> Tensor:
        """``[B, window / 2 + 1, T]`` complex spectra, 1 at the harmonics, of ``[B, T]`` octaves above 150 Hz."""
        sound = with_context(self._sound(octaves, past)[:, None], past, f"{self._key}.sound", self._before)[:, 0]
        windows = sound.unfold(1, len(self._window), self._hop)
        return torch.fft.rfft(windows * self._window).transpose(1, 2)

    def _sound(self, octaves: Tensor, past: Past) -> Tensor:
        """``[B, hop T]`` samples, those before the times at which the pitch is known; between them it glides."""
        known = with_context(octaves.double().clamp(_LOWEST, _HIGHEST)[:, None], past, f"{self._key}.octaves", 1)[:, 0]
        gliding = torch.lerp(known[:, :-1, None], known[:, 1:, None], self._parts).flatten(1)
        turn = 2 * math.pi * MIDDLE_HZ / SAMPLE_RATE * torch.exp2(gliding)
        key = f"{self._key}.angle"
        angle = turn.cumsum(1) + past.get(key, 0.0)
        past[key] = torch.remainder(angle[:, -1:], 2 * math.pi)
        count = 2 * math.pi * _HIGHEST_HARMONIC_HZ / SAMPLE_RATE / turn
        return _equal_harmonics(torch.remainder(angle, 2 * math.pi).float(), count.float())


def _equal_harmonics(angle: Tensor, count: Tensor) -> Tensor:
    """Sum of the cosines of ``count`` multiples of an angle; a fraction of it is that of the last one's strength."""
    whole, half = count.floor(), angle / 2
    sine = torch.sin(half)
    near = sine.abs() < _SMALLEST
    summed = torch.sin(whole * half) * torch.cos((whole + 1) * half) / torch.where(near, torch.ones_like(sine), sine)
    return torch.where(near, whole, summed) + (count - whole) * torch.cos((whole + 1) * angle)
