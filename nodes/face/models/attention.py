"""Attention whose queries and keys turn with their place in time (rotary embedding, Su et al. 2021)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_BASE = 10_000.0


class SelfAttention(nn.Module):
    """Attention of a sequence to itself, normalised before."""

    def __init__(self, width: int, heads: int, eps: float) -> None:
        super().__init__()
        self._heads = heads
        self.norm = nn.LayerNorm(width, eps)
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor, places: Tensor, mask: Tensor | None = None) -> Tensor:
        """``[B, T, width]``, the same shape.

        Args:
            x: ``[B, T, width]``.
            places: ``[T]`` in time.
            mask: ``[T, T]``, true where a row sees a column; None for all.
        """
        q, k, v = (split_heads(part, self._heads) for part in self.qkv(self.norm(x)).chunk(3, -1))
        y = F.scaled_dot_product_attention(turned(q, places), turned(k, places), v, attn_mask=mask)
        return self.out(y.transpose(1, 2).flatten(2))


class CrossAttention(nn.Module):
    """Attention to a voice, both normalised before."""

    def __init__(self, width: int, audio_width: int, heads: int, eps: float) -> None:
        super().__init__()
        self._heads = heads
        self.norm, self.audio_norm = nn.LayerNorm(width, eps), nn.LayerNorm(audio_width, eps)
        self.q, self.out = nn.Linear(width, width), nn.Linear(width, width)
        self.k, self.v = nn.Linear(audio_width, width), nn.Linear(audio_width, width)

    def read(self, audio: Tensor, places: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values of ``[B, N, audio_width]`` at ``[N]`` places; the same for every pass over a chunk."""
        audio = self.audio_norm(audio)
        return turned(split_heads(self.k(audio), self._heads), places), split_heads(self.v(audio), self._heads)

    def forward(self, x: Tensor, places: Tensor, audio: tuple[Tensor, Tensor]) -> Tensor:
        """``[B, T, width]``, the same shape; ``audio`` as :meth:`read` gave it."""
        q = turned(split_heads(self.q(self.norm(x)), self._heads), places)
        return self.out(F.scaled_dot_product_attention(q, *audio).transpose(1, 2).flatten(2))


def split_heads(x: Tensor, heads: int) -> Tensor:
    """``[B, T, heads * c]`` to ``[B, heads, T, c]``."""
    return x.unflatten(2, (heads, -1)).transpose(1, 2)


def turned(x: Tensor, places: Tensor) -> Tensor:
    """``[B, heads, T, c]`` turned in neighbouring pairs by ``[T]`` places."""
    half = x.shape[-1] // 2
    rates = _BASE ** (-torch.arange(half, device=x.device, dtype=torch.float32) / half)
    angles = places[:, None].float() * rates
    cosine, sine = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    even, odd = x.unflatten(-1, (-1, 2)).unbind(-1)
    return torch.stack((even * cosine - odd * sine, odd * cosine + even * sine), -1).flatten(-2)
