"""The motion codec: a chunk of face motion to bits on several time scales, and back.

Source: UniLS (arXiv 2512.09327), motion codec, and its released code.
"""

import torch
from torch import Tensor, nn

from mio.nn.rotary import Turn, turn_at
from nodes.face.models import bits as coding
from nodes.face.models.attention import SelfAttention
from nodes.face.models.sizes import CodecSize

_EPS = 1e-5
_STD_EPS = 1e-8
_SLOPE = 0.2


class Block(nn.Module):
    """Attention, then a feed-forward layer."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        inner = int(1.5 * width)
        self.attention = SelfAttention(width, heads, _EPS)
        self.feedforward = nn.Sequential(nn.Linear(width, inner), nn.GELU(approximate="tanh"), nn.Linear(inner, width))

    def forward(self, x: Tensor, turn: Turn) -> Tensor:
        """``[B, T, width]``, the same shape."""
        x = x + self.attention(x, turn)
        return x + self.feedforward(x)


class Transformer(nn.Module):
    """Frames in, frames out."""

    _cosine: Tensor
    _sine: Tensor

    def __init__(self, inputs: int, outputs: int, size: CodecSize) -> None:
        super().__init__()
        turn = turn_at(torch.arange(size.frames), size.width // size.heads)
        self.register_buffer("_cosine", turn.cosine, persistent=False)
        self.register_buffer("_sine", turn.sine, persistent=False)
        self.entry = nn.Linear(inputs, size.width)
        self.blocks = nn.ModuleList(Block(size.width, size.heads) for _ in range(size.layers))
        self.exit = nn.Linear(size.width, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """``[B, T, inputs]`` to ``[B, T, outputs]``."""
        turn = Turn(self._cosine, self._sine).first(x.shape[1])
        x = nn.functional.leaky_relu(self.entry(x), _SLOPE)
        for block in self.blocks:
            x = block(x, turn)
        return self.exit(x)


class MotionCodec(nn.Module):
    """Encoder, quantiser and decoder.

    Attributes:
        mean: ``[features]`` of the training set.
        std: ``[features]`` of the training set.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, size: CodecSize) -> None:
        super().__init__()
        self.size = size
        self.encoder = Transformer(size.features, size.bits, size)
        self.decoder = Transformer(size.bits, size.features, size)
        nn.init.xavier_uniform_(self.decoder.exit.weight, gain=0.05)
        nn.init.zeros_(self.decoder.exit.bias)
        self.register_buffer("mean", torch.zeros(size.features))
        self.register_buffer("std", torch.ones(size.features))

    def forward(self, motion: Tensor) -> tuple[Tensor, Tensor]:
        """The motion ``[B, frames, features]`` as decoded from its bits, and the quantiser's loss."""
        quantised = coding.quantise(self.features(motion), self.size.scales)
        return self.decode_features(quantised.features), quantised.loss

    def features(self, motion: Tensor) -> Tensor:
        """``[B, frames, bits]`` of a chunk ``[B, frames, features]``, before they are quantised."""
        return self.encoder((motion - self.mean) / (self.std + _STD_EPS))

    def encode(self, motion: Tensor) -> Tensor:
        """``[B, tokens, bits]`` of a chunk ``[B, frames, features]``."""
        return coding.flipped(self.features(motion), self.size.scales, 0.0)[0]

    def decode(self, bits: Tensor) -> Tensor:
        """``[B, frames, features]`` of ``[B, tokens, bits]``."""
        return self.decode_features(coding.total(bits, self.size.scales))

    def decode_features(self, features: Tensor) -> Tensor:
        """``[B, frames, features]`` of what bits stand for, ``[B, frames, bits]``."""
        return self.decoder(features) * self.std + self.mean

    @torch.no_grad()
    def condition(self, motion: Tensor) -> Tensor:
        """What the generator sees of earlier motion, chunk by chunk.

        Args:
            motion: ``[B, n frames, features]``.

        Returns:
            ``[B, n frames, bits]``.
        """
        chunks = motion.unflatten(1, (-1, self.size.frames)).flatten(0, 1)
        return coding.total(self.encode(chunks), self.size.scales).unflatten(0, (len(motion), -1)).flatten(1, 2)
