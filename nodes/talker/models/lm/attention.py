"""Transformer blocks that look back only, over a window, with explicit memory of the keys and values of the past."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mio.nn.rotary import Turn, turned

_FEED = 4


class Memory(NamedTuple):
    """Keys and values of the last frames, ``[B, heads, n, channels]`` each, of one block."""

    keys: Tensor
    values: Tensor


class Block(nn.Module):
    """Attention and a feed-forward layer, both behind a norm."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self._heads = heads
        self.norm, self.feed_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.project = nn.Linear(width, 3 * width, bias=False)
        self.join = nn.Linear(width, width, bias=False)
        self.feed = nn.Sequential(nn.Linear(width, _FEED * width), nn.GELU(), nn.Linear(_FEED * width, width))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, turn: Turn, mask: Tensor, memory: Memory | None = None) -> tuple[Tensor, Memory]:
        """Go on by some frames.

        Args:
            x: ``[B, T, width]``.
            turn: Of the ``T`` places.
            mask: ``[T, n + T]``, true where a place may look.
            memory: Of the ``n`` frames before; None for none.

        Returns:
            ``[B, T, width]``, and the memory with these frames.
        """
        query, key, value = self.project(self.norm(x)).unflatten(-1, (3, self._heads, -1)).permute(2, 0, 3, 1, 4)
        query, key = turned(query, turn), turned(key, turn)
        if memory is not None:
            key, value = torch.cat((memory.keys, key), 2), torch.cat((memory.values, value), 2)
        seen = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        x = x + self.dropout(self.join(seen.transpose(1, 2).flatten(2)))
        return x + self.dropout(self.feed(self.feed_norm(x))), Memory(key, value)


def window_mask(before: int, count: int, window: int, device: torch.device) -> Tensor:
    """``[count, before + count]``: each place sees itself and those before it, ``window`` of them in all."""
    place = torch.arange(before, before + count, device=device)[:, None]
    seen = torch.arange(before + count, device=device)
    return (seen <= place) & (seen > place - window)
