"""Attention whose queries and keys turn with their place in time (rotary embedding, Su et al. 2021)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mio.nn.rotary import Turn, turned

Seen = tuple[Tensor, Tensor]
"""Keys and values ``[B, heads, T, channels]`` of what a sequence has had so far."""


class SelfAttention(nn.Module):
    """Attention of a sequence to itself, normalised before."""

    def __init__(self, width: int, heads: int, eps: float) -> None:
        super().__init__()
        self._heads = heads
        self.norm = nn.LayerNorm(width, eps)
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor, turn: Turn, mask: Tensor | None = None) -> Tensor:
        """``[B, T, width]``, the same shape.

        Args:
            x: ``[B, T, width]``.
            turn: Of the ``T`` places.
            mask: ``[T, T]``, true where a row sees a column; None for all.
        """
        return self.extended(x, turn, mask, None)[0]

    def extended(
        self, x: Tensor, turn: Turn, mask: Tensor | None, past: Seen | None, rows: int | None = None
    ) -> tuple[Tensor, Seen]:
        """The same for a sequence that goes on.

        Args:
            x: ``[B, T, width]`` new.
            turn: Of the ``T`` places.
            mask: ``[T, S + T]``, true where a row sees a column; None for all.
            past: What was seen before, ``S`` long.
            rows: How many of the last rows are wanted; None for all.

        Returns:
            ``[B, rows, width]``, and all that has been seen.
        """
        x, first = self.norm(x), 0 if rows is None else x.shape[1] - rows
        if first:
            wq, wkv = self.qkv.weight.split((x.shape[2], 2 * x.shape[2]))
            q, k, v = F.linear(x[:, first:], wq), *F.linear(x, wkv).chunk(2, -1)
        else:
            q, k, v = self.qkv(x).chunk(3, -1)
        k, v = turned(split_heads(k, self._heads), turn), split_heads(v, self._heads)
        if past is not None:
            k, v = torch.cat((past[0], k), 2), torch.cat((past[1], v), 2)
        q = turned(split_heads(q, self._heads), turn.since(first))
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask if mask is None else mask[first:])
        return self.out(y.transpose(1, 2).flatten(2)), (k, v)


class CrossAttention(nn.Module):
    """Attention to a voice, both normalised before."""

    def __init__(self, width: int, audio_width: int, heads: int, eps: float) -> None:
        super().__init__()
        self._heads = heads
        self.norm, self.audio_norm = nn.LayerNorm(width, eps), nn.LayerNorm(audio_width, eps)
        self.q, self.out = nn.Linear(width, width), nn.Linear(width, width)
        self.k, self.v = nn.Linear(audio_width, width), nn.Linear(audio_width, width)

    def read(self, audio: Tensor, turn: Turn) -> Seen:
        """Keys and values of ``[B, N, audio_width]`` at ``N`` places; the same for every pass over a chunk."""
        audio = self.audio_norm(audio)
        return turned(split_heads(self.k(audio), self._heads), turn), split_heads(self.v(audio), self._heads)

    def forward(self, x: Tensor, turn: Turn, audio: Seen) -> Tensor:
        """``[B, T, width]``, the same shape; ``audio`` as :meth:`read` gave it."""
        q = turned(split_heads(self.q(self.norm(x)), self._heads), turn)
        return self.out(F.scaled_dot_product_attention(q, *audio).transpose(1, 2).flatten(2))


def split_heads(x: Tensor, heads: int) -> Tensor:
    """``[B, T, heads * c]`` to ``[B, heads, T, c]``."""
    return x.unflatten(2, (heads, -1)).transpose(1, 2)
