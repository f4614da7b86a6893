"""The voiced part of speech as what it is: harmonics of a pitch that the decoder says itself, for it to shape.

Source: the source-filter model, as in neural source-filter vocoders (Wang et al. 2019, arXiv 1904.12088). A decoder
that has to find the phases of all harmonics by itself needs a hundred thousand steps to; one that is given them has to
learn a spectral envelope and a pitch.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from mio.nn.causal import Past
from nodes.talker.models.codec.sizes import SAMPLE_RATE

MIDDLE_HZ = 150.0
"""Pitch that counts as 0 octaves."""

_LOWEST, _HIGHEST = -1.0, 1.75  # octaves: 75 to 505 Hz
_HIGHEST_HARMONIC_HZ = 6_000.0  # above, voices are more noise than harmonics
_SMALLEST = 1e-4


class Pitch(NamedTuple):
    """Pitch of every spectrum, ``[B, T]`` each.

    Attributes:
        octaves: Above 150 Hz.
        voiced: Logit of there being any.
    """

    octaves: Tensor
    voiced: Tensor


class HarmonicSource(nn.Module):
    """Spectra of harmonics of equal strength, whose phases go on from spectrum to spectrum."""

    _window: Tensor
    _places: Tensor

    def __init__(self, window: int, hop: int, key: str) -> None:
        """Get ready.

        Args:
            window: Samples of a spectrum, which begins with its own ``hop`` of them.
            hop: Samples from one to the next.
            key: The layer's name in a :data:`~mio.nn.causal.Past`.
        """
        super().__init__()
        shape = torch.hann_window(window)
        self.register_buffer("_window", shape * 2 / shape.sum(), persistent=False)
        self.register_buffer("_places", torch.arange(window, dtype=torch.float64), persistent=False)
        self._hop, self._key = hop, key

    def forward(self, octaves: Tensor, past: Past) -> Tensor:
        """``[B, window / 2 + 1, T]`` complex spectra, 1 at the harmonics, of ``[B, T]`` octaves above 150 Hz."""
        turn = 2 * math.pi * MIDDLE_HZ / SAMPLE_RATE * torch.exp2(octaves.double().clamp(_LOWEST, _HIGHEST))
        before = past.get(self._key)
        after = (0.0 if before is None else before) + (self._hop * turn).cumsum(1)
        past[self._key] = after[:, -1:] % (2 * math.pi)
        angle = (after - self._hop * turn)[..., None] + turn[..., None] * self._places
        half = torch.remainder(angle, 2 * math.pi).float() / 2
        count = (2 * math.pi * _HIGHEST_HARMONIC_HZ / SAMPLE_RATE / turn).floor()[..., None].float()
        return torch.fft.rfft(_equal_harmonics(half, count) * self._window).transpose(1, 2)


def _equal_harmonics(half: Tensor, count: Tensor) -> Tensor:
    """Sum of the cosines of ``count`` multiples of an angle, given half of it (Dirichlet's kernel)."""
    sine = torch.sin(half)
    near = sine.abs() < _SMALLEST
    summed = torch.sin(count * half) * torch.cos((count + 1) * half) / torch.where(near, torch.ones_like(sine), sine)
    return torch.where(near, count.expand_as(half), summed)
