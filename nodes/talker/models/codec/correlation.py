"""How much speech repeats itself after each of the periods that a voice may have: pitch, before one is decided on.

Source: Boersma 1993, the autocorrelation of a windowed piece divided by that of its window.
"""

import torch
from torch import Tensor, nn

from mio.nn.causal import Past, with_context
from nodes.talker.models.codec.sizes import SAMPLE_RATE

SHORTEST, LONGEST = 48, 320
"""Periods in samples: 500 to 75 Hz."""

_BAND_HZ = 900.0
_LEAST_POWER = 1e-6


class Autocorrelation(nn.Module):
    """Of pieces of speech, of what is below 900 Hz in them."""

    _window: Tensor
    _own: Tensor
    _band: Tensor

    def __init__(self, window: int) -> None:
        """Get ready.

        Args:
            window: Samples of a piece.
        """
        super().__init__()
        shape = torch.hann_window(window)
        own = torch.fft.irfft(torch.fft.rfft(shape, 2 * window).abs().square())
        bins = torch.linspace(0, SAMPLE_RATE / 2, window + 1)
        self.register_buffer("_window", shape, persistent=False)
        self.register_buffer("_own", own[SHORTEST : LONGEST + 1] / own[0], persistent=False)
        self.register_buffer("_band", (bins < _BAND_HZ).float(), persistent=False)

    def forward(self, pieces: Tensor) -> tuple[Tensor, Tensor]:
        """Power ``[B, n]`` and correlation ``[B, n, 273]`` at each period, of ``[B, n, window]`` samples."""
        spectrum = torch.fft.rfft(pieces * self._window, 2 * pieces.shape[-1])
        density = (spectrum.real.square() + spectrum.imag.square()) * self._band
        correlation = torch.fft.irfft(density)[..., : LONGEST + 1]
        power = correlation[..., 0].clamp(min=_LEAST_POWER)
        return power, correlation[..., SHORTEST:] / power[..., None] / self._own


class CausalCorrelogram(nn.Module):
    """Correlation at periods evenly spaced in octaves, of a stream."""

    _weights: Tensor

    def __init__(self, periods: int, window: int, hop: int, key: str) -> None:
        """Get ready.

        Args:
            periods: How many.
            window: Samples that a frame sees, its own ``hop`` ones last.
            hop: Samples per frame.
            key: The layer's name in a :data:`~mio.nn.causal.Past`.
        """
        super().__init__()
        self._autocorrelation = Autocorrelation(window)
        self._hop, self._key, self._context = hop, key, window - hop
        places = SHORTEST * (LONGEST / SHORTEST) ** torch.linspace(0, 1, periods) - SHORTEST
        whole = torch.arange(LONGEST - SHORTEST + 1)
        self.register_buffer("_weights", (1 - (whole[:, None] - places).abs()).clamp(min=0), persistent=False)

    def forward(self, wave: Tensor, past: Past) -> Tensor:
        """``[B, 1, hop n]`` to ``[B, periods, n]``."""
        wave = with_context(wave, past, self._key, self._context)
        pieces = wave[:, 0].unfold(1, self._context + self._hop, self._hop)
        return (self._autocorrelation(pieces)[1] @ self._weights).transpose(1, 2)
