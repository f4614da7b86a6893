"""The whole model: codec, generator and the encoder of voices; what a folder of weights holds."""

import torch
from torch import Tensor, nn

from nodes.face.models.codec import MotionCodec
from nodes.face.models.generator import Conditions, Generator, Voices
from nodes.face.models.sizes import FaceSize
from nodes.face.models.voice import VoiceEncoder

STYLES = "styles.safetensors"
"""File of styles beside the weights: by emotion ``[style frames, bits]``."""


class FaceModel(nn.Module):
    """Motion of the next chunk from style, earlier motion and two voices."""

    def __init__(self, size: FaceSize) -> None:
        super().__init__()
        self.size = size
        self.codec, self.generator = MotionCodec(size.codec), Generator(size)
        self.voice = VoiceEncoder(size.voice)

    def hear(self, own: tuple[Tensor, Tensor], other: tuple[Tensor, Tensor]) -> Voices:
        """Features of both voices.

        Args:
            own: ``[B, 4 n, 40]`` log-mel of ``audio_before`` frames before the chunk and of the chunk, and ``[B, 4 n]``
                one where it is known.
            other: Likewise.
        """
        together = (torch.cat(parts) for parts in zip(own, other, strict=True))
        return Voices(*self.voice(*together).chunk(2))

    @torch.no_grad()
    def next_chunk(
        self,
        conditions: Conditions,
        *,
        guidance: float = 1.0,
        temperature: float = 1.0,
        top_p: float = 0.97,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """``[B, frames, features]``: the chunk that follows; see :meth:`Generator.generate`."""
        bits = self.generator.generate(
            conditions, guidance=guidance, temperature=temperature, top_p=top_p, generator=generator
        )
        return self.codec.decode(bits)
