"""Motion features as bits on several time scales, and back: multi-scale residual binary spherical quantisation.

Sources: UniLS (arXiv 2512.09327), motion codec; binary spherical quantisation (arXiv 2406.07548); residuals on several
scales as in VAR (arXiv 2404.02905). A token is a unit vector whose numbers all have the same size; a bit is a sign.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

_COMMITMENT_WEIGHT = 0.2
_ENTROPY_WEIGHT = 0.1
_TEMPERATURE = 0.01
_EPS = 1e-8


class Bits(NamedTuple):
    """Features as bits.

    Attributes:
        features: ``[B, T, C]`` what the bits stand for, with the gradient of what was quantised.
        bits: ``[B, tokens, C]`` int, all levels one after another.
        loss: Commitment and entropy, mean over the levels.
    """

    features: Tensor
    bits: Tensor
    loss: Tensor


def quantise(features: Tensor, scales: Sequence[int]) -> Bits:
    """Quantise ``[B, T, C]`` features level by level, each what the coarser ones left over."""
    residual, total = features, torch.zeros_like(features)
    bits: list[Tensor] = []
    losses: list[Tensor] = []
    for scale in scales:
        unit = F.normalize(shortened(residual, scale), dim=-1)
        signs = torch.where(unit > 0, 1.0, -1.0) / unit.shape[-1] ** 0.5
        straight = unit + (signs - unit).detach()
        level = stretched(straight, features.shape[1])
        residual = residual - level.detach()
        total = total + level
        bits.append((signs > 0).int())
        losses.append(_loss(unit, signs))
    return Bits(total, torch.cat(bits, 1), torch.stack(losses).mean())


def flipped(
    features: Tensor, scales: Sequence[int], most: float, generator: torch.Generator | None = None
) -> tuple[Tensor, Tensor]:
    """Bits that are right after mistakes, and the mistaken ones, so that a generator learns to mend its own.

    On every level but the last a share of the bits, drawn for each level between 0 and ``most``, is flipped; finer
    levels then describe what is left over from the mistaken ones.

    Args:
        features: ``[B, T, C]``.
        scales: Tokens of each level.
        most: Largest share.
        generator: Of the random numbers; None for PyTorch's own.

    Returns:
        ``[B, tokens, C]`` bits to be learned, and ``[B, tokens, C]`` bits to be shown.
    """
    residual = features
    right: list[Tensor] = []
    shown: list[Tensor] = []
    for level, scale in enumerate(scales):
        bits = (shortened(residual, scale) > 0).int()
        right.append(bits)
        if level < len(scales) - 1 and most > 0:
            share = most * torch.rand((), generator=generator)
            wrong = torch.rand(bits.shape, generator=generator) < share
            bits = torch.where(wrong.to(bits.device), 1 - bits, bits)
        shown.append(bits)
        residual = residual - stretched(as_features(bits), features.shape[1])
    return torch.cat(right, 1), torch.cat(shown, 1)


def total(bits: Tensor, scales: Sequence[int]) -> Tensor:
    """``[B, T, C]`` features that ``[B, tokens, C]`` bits of all levels stand for."""
    levels = as_features(bits).split(list(scales), 1)
    return torch.stack([stretched(level, scales[-1]) for level in levels]).sum(0)


def next_inputs(bits: Tensor, scales: Sequence[int]) -> Tensor:
    """What a generator is shown for the levels after the first: the features so far, at each level's own scale.

    Args:
        bits: ``[B, tokens, C]`` of the first one or more levels; those of the last level are not used.
        scales: Tokens of all levels.

    Returns:
        ``[B, tokens of levels 1.. up to the next one, C]``.
    """
    features = as_features(bits)
    so_far = features.new_zeros(len(bits), scales[-1], features.shape[2])
    inputs: list[Tensor] = []
    begin = 0
    for scale, following in zip(scales[:-1], scales[1:], strict=True):
        if begin >= bits.shape[1]:
            break
        so_far = so_far + stretched(features[:, begin : begin + scale], scales[-1])
        inputs.append(shortened(so_far, following))
        begin += scale
    return torch.cat(inputs, 1)


def as_features(bits: Tensor) -> Tensor:
    """Unit vectors ``[..., C]`` of ``[..., C]`` bits."""
    return (2.0 * bits.float() - 1.0) / bits.shape[-1] ** 0.5


def shortened(features: Tensor, length: int) -> Tensor:
    """``[B, length, C]`` means over equal stretches of ``[B, T, C]``."""
    if features.shape[1] == length:
        return features
    return F.interpolate(features.transpose(1, 2), length, mode="area").transpose(1, 2)


def stretched(features: Tensor, length: int) -> Tensor:
    """``[B, length, C]`` of ``[B, T, C]``, linear between them."""
    if features.shape[1] == length:
        return features
    return F.interpolate(features.transpose(1, 2), length, mode="linear").transpose(1, 2)


def _loss(unit: Tensor, signs: Tensor) -> Tensor:
    """Commitment, and entropy: little for each token, much over all of them."""
    commitment = (signs - unit).square().sum(-1).mean()
    share = torch.sigmoid(-4 * unit / (unit.shape[-1] ** 0.5 * _TEMPERATURE))
    shares = torch.stack((share, 1 - share), -1)
    of_each = _entropy(shares).sum(-1).mean()
    of_all = _entropy(shares.mean((0, 1))).sum()
    return _COMMITMENT_WEIGHT * commitment + _ENTROPY_WEIGHT * _TEMPERATURE * (of_each - of_all)


def _entropy(shares: Tensor) -> Tensor:
    return -(shares * (shares + _EPS).log()).sum(-1)
