"""The acoustic encoder: 24 kHz speech to a vector per 80 ms.

Source: MUFFIN (Ng et al. 2025), its released 12.5 Hz configuration: four strided convolutions, before each of them
residual convolutions of three kernel sizes in parallel, with Snake activations (Ziyin et al. 2020). All convolutions
look back only.
"""

import torch
from torch import Tensor, nn

from mio.nn.causal import CausalConv, Past
from nodes.talker.models.codec.sizes import RATES, CodecSize

_STRIDED_KERNELS = (7, 11, 16, 32)
_KERNELS = (3, 7, 11)
_DILATIONS = (1, 3, 3, 5)
_FIRST_KERNEL = 7


class Snake(nn.Module):
    """Periodic activation ``x + sin(a x)^2 / a`` with a rate per channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.log_rate = nn.Parameter(torch.zeros(channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        """``[B, channels, T]``, the same shape."""
        rate = self.log_rate.exp()
        return x + torch.sin(rate * x).square() / rate


class Branches(nn.Module):
    """Residual convolutions of three kernel sizes side by side, averaged."""

    def __init__(self, channels: int, dilation: int, key: str) -> None:
        super().__init__()
        self.activation = Snake(channels)
        self.convs = nn.ModuleList(
            CausalConv(channels, channels, kernel, f"{key}.{kernel}", dilation=dilation) for kernel in _KERNELS
        )
        self.mix = nn.Sequential(Snake(channels), nn.Conv1d(channels, channels, 1))

    def forward(self, x: Tensor, past: Past) -> Tensor:
        """``[B, channels, T]``, the same shape."""
        y = self.activation(x)
        mean = torch.stack([conv(y, past) for conv in self.convs]).mean(0)
        return x + self.mix(mean)


class AcousticEncoder(nn.Module):
    """Speech to frames."""

    def __init__(self, size: CodecSize) -> None:
        super().__init__()
        widths = [size.first_width * 2**stage for stage in range(len(RATES) + 1)]
        self.entry = CausalConv(1, widths[0], _FIRST_KERNEL, "acoustic.entry")
        self.branches = nn.ModuleList(
            Branches(widths[stage], _DILATIONS[stage], f"acoustic.{stage}") for stage in range(len(RATES))
        )
        self.activations = nn.ModuleList(Snake(width) for width in widths[:-1])
        self.strided = nn.ModuleList(
            CausalConv(widths[stage], widths[stage + 1], kernel, f"acoustic.{stage}.down", stride=rate)
            for stage, (rate, kernel) in enumerate(zip(RATES, _STRIDED_KERNELS, strict=True))
        )
        self.exit = nn.Conv1d(widths[-1], size.width, 1)

    def forward(self, wave: Tensor, past: Past) -> Tensor:
        """``[B, 1, 1920 n]`` samples to ``[B, width, n]``."""
        x = self.entry(wave, past)
        for branches, activation, strided in zip(self.branches, self.activations, self.strided, strict=True):
            x = strided(activation(branches(x, past)), past)
        return self.exit(x)
