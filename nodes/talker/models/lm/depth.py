"""The transformer over codebooks: the codes of one frame, each knowing those before it.

Source: the depth transformer of Moshi (Défossez et al. 2024). A code goes in as the sum of the codec's own entries so
far, and its logits are products with the entries, so that what is alike for the codec is alike here.
"""

import hashlib

import torch
from torch import Tensor, nn

from mio.nn.rotary import Turn
from nodes.talker.models.lm.attention import Block, window_mask
from nodes.talker.models.lm.sizes import LmSize


class CodeBooks(nn.Module):
    """The codec's entries at unit size: codes to vectors, and what is wanted to logits.

    Attributes:
        entries: ``[books, entries, entry_width]``; they belong to the codec and are not learned.
        fingerprint: Tells codecs apart, also after they were stored in half precision.
    """

    entries: Tensor

    def __init__(self, entries: Tensor) -> None:
        super().__init__()
        self.fingerprint = hashlib.sha256(entries.half().numpy().tobytes()).hexdigest()[:16]
        size = entries.square().mean((1, 2), keepdim=True).sqrt().clamp(min=1e-6)
        self.register_buffer("entries", (entries / size).clone(), persistent=False)

    def look_up(self, codes: Tensor) -> Tensor:
        """``[..., books, entry_width]`` of ``[..., books]`` codes, the first books' if there are fewer."""
        return self.entries[torch.arange(codes.shape[-1], device=codes.device), codes]


class DepthTransformer(nn.Module):
    """What a frame is to be, to its codes."""

    def __init__(self, size: LmSize) -> None:
        super().__init__()
        width = size.depth_width
        self.place = nn.Parameter(0.02 * torch.randn(size.books, width))
        self.known = nn.Parameter(torch.randn(size.books, size.entry_width, width) / size.entry_width**0.5)
        self.blocks = nn.ModuleList(Block(width, size.depth_heads, size.dropout) for _ in range(size.depth_layers))
        self.norm = nn.LayerNorm(width)
        self.wanted = nn.Parameter(torch.randn(size.books, width, size.entry_width) / width)
        self.bias = nn.Parameter(torch.zeros(size.books, size.entries))
        self._channels = width // size.depth_heads

    def forward(self, frames: Tensor, codes: Tensor, books: CodeBooks) -> Tensor:
        """Logits of the first codes.

        Args:
            frames: ``[F, depth_width]``.
            codes: ``[F, k]`` those before, none to all but one.
            books: What they mean.

        Returns:
            ``[F, k + 1, entries]``.
        """
        count = codes.shape[1] + 1
        entries = books.look_up(codes)
        known = torch.einsum("fkd,kdw->fkw", entries, self.known[: count - 1]).cumsum(1)
        x = frames[:, None] + self.place[:count] + torch.nn.functional.pad(known, (0, 0, 1, 0))
        turn = Turn(x.new_ones(count, self._channels // 2), x.new_zeros(count, self._channels // 2))
        mask = window_mask(0, count, count, x.device)
        for block in self.blocks:
            x, _ = block(x, turn, mask)
        wanted = torch.einsum("fkw,kwd->fkd", self.norm(x), self.wanted[:count])
        return torch.einsum("fkd,ked->fke", wanted, books.entries[:count]) + self.bias[:count]
