"""The acoustic encoder of the smaller size: log-mel spectra instead of samples, at a sixth of the cost.

The mirror of the decoder: ConvNeXt blocks at the decoder's 75 spectra per second, then a strided convolution to 12.5
frames per second and one more block. All look back only. Where the decoder says a pitch, the encoder also hears how
much the sound repeats itself, since mel bands tell pitch badly.
"""

import torch
from torch import Tensor, nn

from mio.nn.causal import CausalConv, Past
from mio.nn.mel import CausalMel
from nodes.talker.models.codec.correlation import CausalCorrelogram
from nodes.talker.models.codec.sizes import FRAME_SAMPLES, SAMPLE_RATE, CodecSize
from nodes.talker.models.codec.vocos import HOP, WINDOW, ConvNeXtBlock

_BANDS = 100
_PERIODS = 64
_FIRST_KERNEL = 5
_PER_FRAME = FRAME_SAMPLES // HOP


class SpectralEncoder(nn.Module):
    """Speech to frames."""

    def __init__(self, size: CodecSize) -> None:
        super().__init__()
        width, layers = size.width, size.encoder_layers
        self.mel = CausalMel(_BANDS, WINDOW, HOP, "spectra.mel", sample_rate=SAMPLE_RATE)
        self.repeats: CausalCorrelogram | None = None
        if size.excitation == "harmonics":
            self.repeats = CausalCorrelogram(_PERIODS, WINDOW, HOP, "spectra.repeats")
        heard = _BANDS + (_PERIODS if self.repeats is not None else 0)
        self.entry = CausalConv(heard, width, _FIRST_KERNEL, "spectra.entry")
        self.blocks = nn.ModuleList(ConvNeXtBlock(width, layers, f"spectra.{number}") for number in range(layers))
        self.down = CausalConv(width, width, 2 * _PER_FRAME, "spectra.down", stride=_PER_FRAME)
        self.last = ConvNeXtBlock(width, layers, "spectra.last")
        self.norm = nn.LayerNorm(width)
        self.exit = nn.Linear(width, width)

    def forward(self, wave: Tensor, past: Past) -> Tensor:
        """``[B, 1, 1920 n]`` samples to ``[B, width, n]``."""
        heard = self.mel(wave, past)
        if self.repeats is not None:
            heard = torch.cat((heard, self.repeats(wave, past)), 1)
        x = self.entry(heard, past)
        for block in self.blocks:
            x = block(x, past)
        x = self.last(self.down(x, past), past)
        return self.exit(self.norm(x.transpose(1, 2))).transpose(1, 2)
