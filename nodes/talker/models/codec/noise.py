"""The breathy part of speech as what it is: noise, for a decoder to shape.

Phases that a network says are too regular from one spectrum to the next for s and sh, which then sound of metal.
Spectra that overlap agree here, since they are cut from one and the same noise. Source: the noise branch of neural
source-filter vocoders (Wang et al. 2019, arXiv 1904.12088).
"""

import numpy as np
import torch
from torch import Tensor, nn

from mio.nn.causal import Past

_SPECTRA = 256  # after which it comes again: 3.4 s
_SEED = 1


class NoiseSource(nn.Module):
    """Spectra of white noise whose mean power is 1."""

    _spectra: Tensor

    def __init__(self, window: int, hop: int, key: str) -> None:
        """Get ready.

        Args:
            window: Samples of a spectrum.
            hop: Samples from one to the next.
            key: The layer's name in a :data:`~mio.nn.causal.Past`.
        """
        super().__init__()
        noise = np.random.default_rng(_SEED).standard_normal(_SPECTRA * hop)
        around = torch.from_numpy(np.concatenate((noise, noise[: window - hop])))
        shape = torch.hann_window(window, dtype=torch.float64)
        spectra = torch.fft.rfft(around.unfold(0, window, hop) * shape / shape.square().sum().sqrt())
        self.register_buffer("_spectra", spectra.to(torch.complex64), persistent=False)
        self._key = key

    def forward(self, rows: int, count: int, past: Past) -> Tensor:
        """``[B, window / 2 + 1, T]`` complex spectra for ``B`` rows; a training begins anywhere in the noise.

        Args:
            rows: B.
            count: T.
            past: What came before, changed by this.
        """
        device = self._spectra.device
        at = past.get(self._key)
        if at is None:
            at = torch.randint(_SPECTRA if self.training else 1, (rows, 1), device=device)
        past[self._key] = (at + count) % _SPECTRA
        return self._spectra[(at + torch.arange(count, device=device)) % _SPECTRA].transpose(1, 2)
