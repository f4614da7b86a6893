"""The whole model, what a folder of weights holds: codec, generator, and the encoder of voices if trained here."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from nodes.face.models.codec import MotionCodec
from nodes.face.models.generator import Conditions, Generator, Voices
from nodes.face.models.sizes import FaceSize
from nodes.face.models.voice import VoiceEncoder

Encoder = Callable[[Tensor, Tensor], Tensor]
"""Features ``[B, N, width]`` of a voice ``[B, n, ...]`` that is known where ``[B, n]`` is one."""

STYLES = "styles.safetensors"
"""File of styles beside the weights: by emotion ``[style frames, bits]``."""


class FaceModel(nn.Module):
    """Motion of the next chunk from style, earlier motion and two voices.

    Attributes:
        voice: The encoder of voices; None where it is a pretrained one, which is given to :meth:`hear`.
    """

    def __init__(self, size: FaceSize) -> None:
        super().__init__()
        self.size = size
        self.codec, self.generator = MotionCodec(size.codec), Generator(size)
        self.voice = VoiceEncoder(size.voice) if size.voice.hears == "log-mel" else None

    def hear(self, own: tuple[Tensor, Tensor], other: tuple[Tensor, Tensor], encoder: Encoder | None = None) -> Voices:
        """Features of both voices.

        Args:
            own: Of ``audio_before`` frames before the chunk and of the chunk, ``[B, 4 n, 40]`` log-mel, or
                ``[B, 640 n]`` sound for a pretrained encoder; and one where it is known, ``[B, 4 n]`` or
                ``[B, 640 n]``.
            other: Likewise.
            encoder: The pretrained encoder, for a model that has none of its own.
        """
        encoder = self.voice or encoder
        assert encoder is not None
        together = (torch.cat(parts) for parts in zip(own, other, strict=True))
        return Voices(*encoder(*together).chunk(2))

    @torch.no_grad()
    def next_chunk(
        self,
        conditions: Conditions,
        *,
        guidance: float = 1.0,
        temperature: float = 1.0,
        top_p: float = 0.97,
        lots: Sequence[Tensor] | None = None,
    ) -> Tensor:
        """``[B, frames, features]``: the chunk that follows; see :meth:`Generator.generate`."""
        bits = self.generator.generate(conditions, guidance=guidance, temperature=temperature, top_p=top_p, lots=lots)
        return self.codec.decode(bits)
