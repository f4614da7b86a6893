"""Log-mel spectra whose windows look back only: a frame is known as soon as its own samples are.

Source of the scale: O'Shaughnessy 1987, as HTK has it: ``2595 log10(1 + f / 700)``.
"""

import torch
from torch import Tensor, nn

from mio.nn.causal import Past, with_context

_LEAST = 1e-5  # magnitude that counts as silence, -100 dB


def mel_filters(bands: int, window: int, sample_rate: int) -> Tensor:
    """``[window / 2 + 1, bands]`` triangles, evenly spaced on the mel scale from 0 to half the sample rate.

    Each has a sum of one, so that a band is a mean; a band between two bins of the transform takes the nearest one.
    """
    bins = torch.linspace(0, sample_rate / 2, window // 2 + 1)
    edges = _hz(torch.linspace(0, float(_mel(torch.tensor(sample_rate / 2))), bands + 2))
    rising = (bins[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins[:, None]) / (edges[2:] - edges[1:-1])
    filters = torch.minimum(rising, falling).clamp(min=0)
    empty = filters.sum(0) == 0
    nearest = (bins[:, None] - edges[1:-1]).abs().argmin(0)
    filters[nearest[empty], empty] = 1.0
    return filters / filters.sum(0)


def log_mel(magnitude: Tensor, filters: Tensor) -> Tensor:
    """Magnitudes ``[..., window / 2 + 1]`` to ``[..., bands]``, natural logarithm, -100 dB at least."""
    return (magnitude @ filters).clamp(min=_LEAST).log()


class CausalMel(nn.Module):
    """Log-mel of a stream, about zero mean and unit size."""

    _window: Tensor
    _filters: Tensor

    def __init__(self, bands: int, window: int, hop: int, key: str, *, sample_rate: int) -> None:
        """Get ready.

        Args:
            bands: Per frame.
            window: Samples that a frame sees, its own ``hop`` ones last.
            hop: Samples per frame.
            key: The layer's name in a :data:`~mio.nn.causal.Past`.
            sample_rate: Hz.
        """
        super().__init__()
        shape = torch.hann_window(window)
        self.register_buffer("_window", shape * 2 / shape.sum(), persistent=False)
        self.register_buffer("_filters", mel_filters(bands, window, sample_rate), persistent=False)
        self._hop, self._key, self._context = hop, key, window - hop

    def forward(self, wave: Tensor, past: Past) -> Tensor:
        """``[B, 1, hop n]`` to ``[B, bands, n]``."""
        wave = with_context(wave, past, self._key, self._context)
        pieces = wave[:, 0].unfold(1, self._context + self._hop, self._hop) * self._window
        mel = log_mel(torch.fft.rfft(pieces).abs(), self._filters)
        return ((mel + 6.0) / 2.5).transpose(1, 2)  # speech at -24 dBFS: mean and deviation of most bands


def _mel(hz: Tensor) -> Tensor:
    return 2595 * torch.log10(1 + hz / 700)


def _hz(mel: Tensor) -> Tensor:
    return 700 * (10 ** (mel / 2595) - 1)
