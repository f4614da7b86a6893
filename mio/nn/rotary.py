"""Rotary embedding: queries and keys turn with their place in time (Su et al. 2021, arXiv 2104.09864)."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

BASE = 10_000.0
"""Ratio of the fastest turn to the slowest, nearly (Su et al. 2021, section 3.2.2)."""


class Turn(NamedTuple):
    """How far the channel pairs of each place are turned; made once for all layers of a pass.

    Attributes:
        cosine: ``[T, channels / 2]``.
        sine: ``[T, channels / 2]``.
    """

    cosine: Tensor
    sine: Tensor

    def first(self, count: int) -> "Turn":
        """That of the first places."""
        return Turn(self.cosine[:count], self.sine[:count])

    def since(self, begin: int) -> "Turn":
        """That of the places from one on."""
        return Turn(self.cosine[begin:], self.sine[begin:])


def turn_at(places: Tensor, channels: int, turning: int | None = None) -> Turn:
    """The turn of ``[T]`` places in time.

    Args:
        places: In frames, latents or any other unit.
        channels: Of a head.
        turning: How many of them turn, from the first on; None for all.
    """
    turning = channels if turning is None else turning
    rates = BASE ** (-torch.arange(0, turning, 2, dtype=torch.float64, device=places.device) / turning)
    angles = F.pad(places[:, None].double() * rates, (0, channels // 2 - turning // 2))
    return Turn(angles.cos().float(), angles.sin().float())


def turned(x: Tensor, turn: Turn) -> Tensor:
    """``[B, heads, T, channels]`` turned in neighbouring pairs, the same shape."""
    pairs = x.unflatten(-1, (-1, 2))
    if x.dtype == torch.float32:
        turns = torch.complex(turn.cosine, turn.sine)
        return torch.view_as_real(torch.view_as_complex(pairs) * turns).flatten(-2)
    even, odd = pairs.unbind(-1)
    cosine, sine = turn.cosine.to(x.dtype), turn.sine.to(x.dtype)
    return torch.stack((even * cosine - odd * sine, even * sine + odd * cosine), -1).flatten(-2)
