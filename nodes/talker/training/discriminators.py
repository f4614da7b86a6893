"""What tells decoded speech from real speech, so that the decoder learns to be taken for real.

Sources: periods, HiFi-GAN (Kong et al. 2020); complex spectra in bands, EnCodec (Défossez et al. 2022) and DAC (Kumar
et al. 2023). Both are a quarter as wide as published: on one core they cost about as much as the codec.
"""

from itertools import pairwise
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_PERIODS = (2, 3, 5, 7, 11)
_PERIOD_WIDTHS = (1, 8, 32, 64, 128)
_WINDOWS = (2_048, 1_024, 512)
_SPECTRUM_WIDTH = 12
_SLOPE = 0.1


class Judgement(NamedTuple):
    """Of one discriminator.

    Attributes:
        score: Per place: above 0 for what seems real.
        features: Of each layer.
    """

    score: Tensor
    features: list[Tensor]


class PeriodJudge(nn.Module):
    """Looks at every n-th sample."""

    def __init__(self, period: int) -> None:
        super().__init__()
        self._period = period
        self.convs = nn.ModuleList(
            _normed(nn.Conv2d(before, after, (5, 1), (3, 1), (2, 0))) for before, after in pairwise(_PERIOD_WIDTHS)
        )
        self.exit = _normed(nn.Conv2d(_PERIOD_WIDTHS[-1], 1, (3, 1), padding=(1, 0)))

    def forward(self, wave: Tensor) -> Judgement:
        """Of ``[B, 1, T]``."""
        x = F.pad(wave, (0, -wave.shape[2] % self._period))
        return _judged(x.unflatten(2, (-1, self._period)), self.convs, self.exit)


class SpectrumJudge(nn.Module):
    """Looks at complex spectra."""

    _shape: Tensor

    def __init__(self, window: int) -> None:
        super().__init__()
        self._window = window
        shape = torch.hann_window(window)
        self.register_buffer("_shape", shape / shape.square().sum().sqrt(), persistent=False)
        width = _SPECTRUM_WIDTH
        convs = [nn.Conv2d(2, width, (3, 9), (1, 2), (1, 4))]
        convs += [nn.Conv2d(width, width, (3, 9), (1, 2), (k, 4), (k, 1)) for k in (1, 2, 4)]
        convs += [nn.Conv2d(width, width, 3, padding=1)]
        self.convs = nn.ModuleList(_normed(conv) for conv in convs)
        self.exit = _normed(nn.Conv2d(width, 1, 3, padding=1))

    def forward(self, wave: Tensor) -> Judgement:
        """Of ``[B, 1, T]``."""
        pieces = wave[:, 0].unfold(1, self._window, self._window // 4) * self._shape
        spectrum = torch.view_as_real(torch.fft.rfft(pieces)).permute(0, 3, 1, 2)
        return _judged(spectrum, self.convs, self.exit)


class Judges(nn.Module):
    """All of them."""

    def __init__(self) -> None:
        super().__init__()
        self.judges = nn.ModuleList(
            [*(PeriodJudge(period) for period in _PERIODS), *(SpectrumJudge(window) for window in _WINDOWS)]
        )

    def forward(self, wave: Tensor) -> list[Judgement]:
        """Of ``[B, 1, T]``."""
        return [judge(wave) for judge in self.judges]


def judging_loss(real: list[Judgement], made: list[Judgement]) -> Tensor:
    """Hinge loss of the discriminators, on average over them."""
    losses = [F.relu(1 - r.score).mean() + F.relu(1 + m.score).mean() for r, m in zip(real, made, strict=True)]
    return torch.stack(losses).mean()


def deceiving_loss(made: list[Judgement]) -> Tensor:
    """Hinge loss of what made the speech."""
    return torch.stack([F.relu(1 - m.score).mean() for m in made]).mean()


def feature_distance(real: list[Judgement], made: list[Judgement]) -> Tensor:
    """L1 of all layers' features, each in relation to the size of the real one's."""
    distances = [
        (m - r).abs().mean() / r.abs().mean().clamp(min=1e-6)
        for truth, made_up in zip(real, made, strict=True)
        for r, m in zip(truth.features, made_up.features, strict=True)
    ]
    return torch.stack(distances).mean()


def _judged(x: Tensor, convs: nn.ModuleList, last: nn.Module) -> Judgement:
    features: list[Tensor] = []
    for conv in convs:
        x = F.leaky_relu(conv(x), _SLOPE)
        features.append(x)
    return Judgement(last(x), features)


def _normed(conv: nn.Conv2d) -> nn.Module:
    return nn.utils.parametrizations.weight_norm(conv)
