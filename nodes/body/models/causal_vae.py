"""The causal autoencoder of motion: 4 frames become a latent, and the other way round, piece by piece or at once.

The first frame is a latent of its own, so ``1 + 4 (n - 1)`` frames are ``n`` latents. Source: FloodDiffusion (arXiv
2512.03520), whose released code reduces the video autoencoder of Wan 2.2 to one dimension.

Every layer keeps what it needs of the past in a :data:`Past`; an empty one is the beginning. Any cutting into pieces
gives the same result, so training on whole clips and streaming run the same code.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mio.nn.causal import CausalConv, Past
from nodes.body.models.sizes import VaeSize

FRAMES_PER_LATENT = 4
_LEVELS = 3
_LOG_VARIANCE = (-30.0, 20.0)


class Norm(nn.Module):
    """Root mean square norm over the channels (Zhang and Sennrich 2019)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(channels, 1))
        self._scale = channels**0.5

    def forward(self, x: Tensor) -> Tensor:
        """``[B, channels, T]``, the same shape."""
        return F.normalize(x, dim=1) * self._scale * self.gamma


class Residual(nn.Module):
    """Two normalised convolutions beside a shortcut."""

    def __init__(self, inputs: int, outputs: int, key: str) -> None:
        super().__init__()
        self.norm1, self.norm2 = Norm(inputs), Norm(outputs)
        self.conv1 = CausalConv(inputs, outputs, 3, f"{key}.1")
        self.conv2 = CausalConv(outputs, outputs, 3, f"{key}.2")
        self.shortcut = nn.Identity() if inputs == outputs else nn.Conv1d(inputs, outputs, 1)

    def forward(self, x: Tensor, past: Past) -> Tensor:
        """``[B, inputs, T]`` to ``[B, outputs, T]``."""
        y = self.conv1(F.silu(self.norm1(x)), past)
        y = self.conv2(F.silu(self.norm2(y)), past)
        return y + self.shortcut(x)


class Halving(nn.Module):
    """Two frames become one; the very first frame stays alone."""

    def __init__(self, channels: int, key: str) -> None:
        super().__init__()
        self.conv = nn.Conv1d(channels, channels, 3, 2)
        self._key = key

    def forward(self, x: Tensor, past: Past) -> Tensor:
        """``[B, channels, T]``: one frame first, an even number later."""
        before = past.get(self._key)
        past[self._key] = x[:, :, -1:]
        return x if before is None else self.conv(torch.cat((before, x), 2))


class Doubling(nn.Module):
    """One frame becomes two; the very first one stays alone, and no later one looks back to it."""

    def __init__(self, channels: int, key: str) -> None:
        super().__init__()
        self.conv = CausalConv(channels, 2 * channels, 3, f"{key}.conv")
        self._key = key

    def forward(self, x: Tensor, past: Past) -> Tensor:
        """``[B, channels, T]`` to twice as many frames."""
        if self._key not in past:
            past[self._key] = x[:, :, :0]
            return x
        both = self.conv(x, past).unflatten(1, (2, -1))
        return both.permute(0, 2, 3, 1).flatten(2)


class Level(nn.Module):
    """Residual blocks, then perhaps a change of the rate; a parameter-free shortcut goes around all of it."""

    def __init__(self, width: int, blocks: int, key: str, resample: type[Halving] | type[Doubling] | None) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Residual(width, width, f"{key}.{number}") for number in range(blocks))
        self.resample = None if resample is None else resample(width, f"{key}.resample")

    def forward(self, x: Tensor, past: Past, *, first: bool) -> Tensor:
        """``[B, width, T]`` to half, twice or as many frames."""
        y = x
        for block in self.blocks:
            y = block(y, past)
        if self.resample is None:
            return y
        if isinstance(self.resample, Halving):
            pairs = F.pad(x, (1, 0)) if first else x
            return self.resample(y, past) + pairs.unflatten(2, (-1, 2)).mean(3)
        twice = x.repeat_interleave(2, 2)
        return self.resample(y, past) + (twice[:, :, 1:] if first else twice)


class Middle(nn.Module):
    """Two residual blocks around a normalised mixing of the channels."""

    def __init__(self, width: int, key: str) -> None:
        super().__init__()
        self.entry, self.exit = Residual(width, width, f"{key}.entry"), Residual(width, width, f"{key}.exit")
        self.norm, self.mix = Norm(width), nn.Conv1d(width, width, 1)

    def forward(self, x: Tensor, past: Past) -> Tensor:
        """``[B, width, T]``, the same shape."""
        return self.exit(self.mix(self.norm(self.entry(x, past))), past)


class Encoder(nn.Module):
    """Frames to mean and log variance of latents."""

    def __init__(self, size: VaeSize) -> None:
        super().__init__()
        width, outputs = size.encoder_width, 2 * size.latent
        self.entry = CausalConv(size.features, width, 3, "encoder.entry")
        rates = (Halving, Halving, None)
        self.levels = nn.ModuleList(
            Level(width, size.blocks, f"encoder.{number}", rates[number]) for number in range(_LEVELS)
        )
        self.middle = Middle(width, "encoder.middle")
        self.norm, self.exit = Norm(width), CausalConv(width, outputs, 3, "encoder.exit")
        self.mix = nn.Conv1d(outputs, outputs, 1)

    def forward(self, x: Tensor, past: Past) -> Tensor:
        """``[B, features, 1]`` first, ``[B, features, 4 n]`` later, to ``[B, 2 latent, 1 or n]``."""
        first = not past
        x = self.entry(x, past)
        for level in self.levels:
            x = level(x, past, first=first)
        x = self.exit(F.silu(self.norm(self.middle(x, past))), past)
        return self.mix(x)


class Decoder(nn.Module):
    """Latents to frames."""

    def __init__(self, size: VaeSize) -> None:
        super().__init__()
        width = size.decoder_width
        self.mix = nn.Conv1d(size.latent, size.latent, 1)
        self.entry = CausalConv(size.latent, width, 3, "decoder.entry")
        self.middle = Middle(width, "decoder.middle")
        rates = (Doubling, Doubling, None)
        self.levels = nn.ModuleList(
            Level(width, size.blocks + 1, f"decoder.{number}", rates[number]) for number in range(_LEVELS)
        )
        self.norm, self.exit = Norm(width), CausalConv(width, size.features, 3, "decoder.exit")

    def forward(self, z: Tensor, past: Past) -> Tensor:
        """``[B, latent, 1]`` first, ``[B, latent, n]`` later, to ``[B, features, 1 or 4 n]``."""
        first = not past
        x = self.middle(self.entry(self.mix(z), past), past)
        for level in self.levels:
            x = level(x, past, first=first)
        return self.exit(F.silu(self.norm(x)), past)


class CausalVae(nn.Module):
    """The autoencoder, between motion features and latents.

    Attributes:
        mean: ``[features]`` of the training set.
        std: ``[features]`` of the training set.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, size: VaeSize) -> None:
        super().__init__()
        self.encoder, self.decoder = Encoder(size), Decoder(size)
        self.register_buffer("mean", torch.zeros(size.features))
        self.register_buffer("std", torch.ones(size.features))

    def distribution(self, frames: Tensor, past: Past | None = None) -> tuple[Tensor, Tensor]:
        """Mean and log variance, ``[B, n, latent]`` each, of ``[B, T, features]``.

        Args:
            frames: Whole latents only: ``1 + 4 (n - 1)`` at the beginning, ``4 n`` later.
            past: What was encoded before, changed by this; by default nothing.
        """
        past = {} if past is None else past
        x = ((frames - self.mean) / self.std).transpose(1, 2)
        pieces = (x[:, :, :1], x[:, :, 1:]) if not past else (x,)
        z = torch.cat([self.encoder(piece, past) for piece in pieces if piece.shape[2]], 2)
        mean, log_variance = z.transpose(1, 2).chunk(2, 2)
        return mean, log_variance.clamp(*_LOG_VARIANCE)

    def encode(self, frames: Tensor, past: Past | None = None) -> Tensor:
        """``[B, n, latent]`` means; see :meth:`distribution`."""
        return self.distribution(frames, past)[0]

    def decode(self, latents: Tensor, past: Past | None = None) -> Tensor:
        """``[B, T, features]`` of ``[B, n, latent]``: ``1 + 4 (n - 1)`` frames at the beginning, ``4 n`` later.

        Args:
            latents: One or more.
            past: What was decoded before, changed by this; by default nothing.
        """
        past = {} if past is None else past
        z = latents.transpose(1, 2)
        pieces = (z[:, :, :1], z[:, :, 1:]) if not past else (z,)
        x = torch.cat([self.decoder(piece, past) for piece in pieces if piece.shape[2]], 2)
        return x.transpose(1, 2) * self.std + self.mean
