"""The denoising transformer: noisy latents and texts to the velocity from noise to motion.

Source: FloodDiffusion (arXiv 2512.03520), whose network is that of Wan 2.1 (arXiv 2503.20314) with a latent per token,
a noise level per token, and for each latent only the text that is active there.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mio.nn.rotary import BASE, Turn, turn_at, turned
from nodes.body.models.sizes import DenoiserSize

_MAX_LATENTS = 1024
_EPS = 1e-6


class Context(NamedTuple):
    """Texts as every block sees them.

    Attributes:
        keys: Per block ``[B, heads, S, channels]``.
        values: Per block ``[B, heads, S, channels]``.
    """

    keys: list[Tensor]
    values: list[Tensor]


class Attention(nn.Module):
    """Multi-head attention with normalised queries and keys."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self._heads = heads
        self.q, self.k, self.v, self.o = (nn.Linear(width, width) for _ in range(4))
        self.norm_q, self.norm_k = nn.RMSNorm(width, _EPS), nn.RMSNorm(width, _EPS)

    def queries(self, x: Tensor) -> Tensor:
        """``[B, T, width]`` to ``[B, heads, T, channels]``."""
        return self._split(self.norm_q(self.q(x)))

    def keys(self, x: Tensor) -> Tensor:
        """``[B, S, width]`` to ``[B, heads, S, channels]``."""
        return self._split(self.norm_k(self.k(x)))

    def values(self, x: Tensor) -> Tensor:
        """``[B, S, width]`` to ``[B, heads, S, channels]``."""
        return self._split(self.v(x))

    def attend(self, queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None) -> Tensor:
        """``[B, T, width]``; ``mask`` ``[B, 1, T, S]`` is true where a query sees a key."""
        x = F.scaled_dot_product_attention(queries, keys, values, attn_mask=mask)
        return self.o(x.transpose(1, 2).flatten(2))

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(2, (self._heads, -1)).transpose(1, 2)


class Block(nn.Module):
    """Attention over latents, attention to text, and a feed-forward layer, scaled by the noise level (adaLN)."""

    def __init__(self, size: DenoiserSize) -> None:
        super().__init__()
        width = size.width
        self.attention, self.text = Attention(width, size.heads), Attention(width, size.heads)
        self.norm1, self.norm2 = (nn.LayerNorm(width, _EPS, elementwise_affine=False) for _ in range(2))
        self.text_norm = nn.LayerNorm(width, _EPS)
        self.feedforward = nn.Sequential(
            nn.Linear(width, size.feedforward), nn.GELU(approximate="tanh"), nn.Linear(size.feedforward, width)
        )
        self.modulation = nn.Parameter(torch.randn(6, width) / width**0.5)

    def forward(self, x: Tensor, noise: Tensor, turn: Turn, see: Tensor | None, text: "Reading") -> Tensor:
        """``[B, T, width]``, the same shape; ``noise`` is ``[B, T, 6, width]``."""
        shift1, scale1, gate1, shift2, scale2, gate2 = (self.modulation + noise).unbind(2)
        y = self.norm1(x) * (1 + scale1) + shift1
        queries, keys = turned(self.attention.queries(y), turn), turned(self.attention.keys(y), turn)
        x = x + gate1 * self.attention.attend(queries, keys, self.attention.values(y), see)
        x = x + self.text.attend(self.text.queries(self.text_norm(x)), text.keys, text.values, text.mask)
        return x + gate2 * self.feedforward(self.norm2(x) * (1 + scale2) + shift2)


class Reading(NamedTuple):
    """Texts as one block sees them: keys and values ``[B, heads, S, channels]``, and what of it each latent sees."""

    keys: Tensor
    values: Tensor
    mask: Tensor | None


class Denoiser(nn.Module):
    """The transformer."""

    _cosine: Tensor
    _sine: Tensor

    def __init__(self, size: DenoiserSize) -> None:
        super().__init__()
        self.size = size
        width = size.width
        self.latent_in = nn.Linear(size.latent, width)
        self.text_in = nn.Sequential(
            nn.Linear(size.text_width, width), nn.GELU(approximate="tanh"), nn.Linear(width, width)
        )
        self.noise_in = nn.Sequential(nn.Linear(size.time_frequencies, width), nn.SiLU(), nn.Linear(width, width))
        self.noise_out = nn.Sequential(nn.SiLU(), nn.Linear(width, 6 * width))
        self.blocks: nn.ModuleList = nn.ModuleList(Block(size) for _ in range(size.layers))
        self.norm = nn.LayerNorm(width, _EPS, elementwise_affine=False)
        self.modulation = nn.Parameter(torch.randn(2, width) / width**0.5)
        self.latent_out = nn.Linear(width, size.latent)
        turn = rotary_turn(size)
        self.register_buffer("_cosine", turn.cosine, persistent=False)
        self.register_buffer("_sine", turn.sine, persistent=False)
        self._begin()

    def read(self, tokens: Tensor) -> Context:
        """Texts ``[B, S, text_width]`` as the blocks see them; the same for all noise levels, so it can be kept."""
        text = self.text_in(tokens)
        blocks = [block.text for block in self.blocks if isinstance(block, Block)]
        return Context([text_of.keys(text) for text_of in blocks], [text_of.values(text) for text_of in blocks])

    def forward(
        self,
        latents: Tensor,
        noise: Tensor,
        context: Context,
        text_mask: Tensor | None = None,
        latent_mask: Tensor | None = None,
    ) -> Tensor:
        """The velocity from noise to motion.

        Args:
            latents: ``[B, T, latent]``.
            noise: ``[B, T]`` share of noise in each.
            context: Texts.
            text_mask: ``[B, T, S]``, true where a latent sees a token; None for all.
            latent_mask: ``[B, T]``, true where there is a latent; None for all.

        Returns:
            ``[B, T, latent]``.
        """
        level = self.noise_in(sinusoids(noise, self.size.time_frequencies).to(latents.dtype))
        modulation = self.noise_out(level).unflatten(2, (6, -1))
        see = self._visible(latents.shape[1], latent_mask)
        mask = None if text_mask is None else text_mask[:, None]
        turn = Turn(self._cosine, self._sine).first(latents.shape[1])
        x = self.latent_in(latents)
        for number, block in enumerate(self.blocks):
            x = block(x, modulation, turn, see, Reading(context.keys[number], context.values[number], mask))
        shift, scale = (self.modulation + level[:, :, None]).unbind(2)
        return self.latent_out(self.norm(x) * (1 + scale) + shift)

    def _visible(self, length: int, latent_mask: Tensor | None) -> Tensor | None:
        see = None if latent_mask is None else latent_mask[:, None, None]
        if not self.size.causal:
            return see
        earlier = torch.ones(length, length, dtype=torch.bool, device=self._cosine.device).tril()[None, None]
        return earlier if see is None else earlier & see

    def _begin(self) -> None:
        """Initial weights as in Wan: Xavier's for linear layers, 0.02 for embeddings, zero for the way out."""
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)
        for embedding in (self.text_in, self.noise_in):
            for module in embedding.modules():
                if isinstance(module, nn.Linear):
                    nn.init.normal_(module.weight, std=0.02)
        nn.init.zeros_(self.latent_out.weight)


def sinusoids(level: Tensor, channels: int) -> Tensor:
    """``[..., channels]`` cosines, then sines, of ``[...]`` noise levels (Vaswani et al. 2017)."""
    half = channels // 2
    rates = BASE ** (-torch.arange(half, device=level.device, dtype=torch.float32) / half)
    angles = level[..., None].float() * rates
    return torch.cat((angles.cos(), angles.sin()), -1)


def rotary_turn(size: DenoiserSize) -> Turn:
    """How far the channel pairs of a head turn with time, for 1024 latents.

    Wan shares the pairs out between time, height and width; a latent has neither height nor width, so there only the
    first share turns.
    """
    channels = size.width // size.heads
    turning = channels if size.rotary == "time" else channels - 4 * (channels // 6)
    return turn_at(torch.arange(_MAX_LATENTS), channels, turning)
