"""Sizes of the models; what a checkpoint's ``config.yaml`` says of its networks."""

from typing import Literal

import msgspec

Hears = Literal["log-mel", "wav2vec2", "mimi"]
"""What a voice is heard by: the encoder that is trained here, or a pretrained one from a folder of the user's."""

Basis = Literal["arkit52", "flame2020"]
"""What the first columns of a frame are; see :class:`~mio.contracts.messages.FaceMotion`."""

MIMI_WIDTH = 512
"""Numbers in a feature of Mimi; wav2vec 2.0 XLS-R has 1024."""


class CodecSize(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The motion codec (UniLS, arXiv 2512.09327, and its released configuration).

    Attributes:
        features: Numbers in a frame.
        bits: Of a token.
        scales: Tokens of a chunk on each level; the last is its frames.
        width: Channels.
        layers: Blocks of encoder and decoder each.
        heads: Attention heads.
    """

    features: int = 108
    bits: int = 32
    scales: tuple[int, ...] = (1, 5, 25, 50, 100)
    width: int = 512
    layers: int = 8
    heads: int = 8

    @property
    def frames(self) -> int:
        """Frames of a chunk."""
        return self.scales[-1]

    @property
    def tokens(self) -> int:
        """Tokens of a chunk."""
        return sum(self.scales)


class GeneratorSize(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The next-scale generator.

    Attributes:
        width: Channels.
        layers: Blocks.
        heads: Attention heads.
        audio_width: Numbers in a feature of a voice; 0 for the stage without voices.
        style_chunks: Chunks of the motion that shows the style.
        previous_chunks: Chunks of the motion before.
        audio_before: Frames before the chunk whose voices are heard too; the released model hears the chunk alone.
        shared_audio: Whether both voices go through one attention, mixed; the paper's ablation.
        patterns: Of bits that a token is drawn from; with 1, as in the released model, each bit is drawn by itself.
    """

    width: int = 512
    layers: int = 8
    heads: int = 8
    audio_width: int = 1024
    style_chunks: int = 1
    previous_chunks: int = 1
    audio_before: int = 0
    shared_audio: bool = False
    patterns: int = 1


class VoiceSize(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The encoder of voices.

    Attributes:
        width: Numbers in a feature.
        layers: Convolutions of the one that is trained here, each twice as far apart as the one before.
        hears: Which one it is. Pretrained ones are not among the weights.
    """

    width: int = 96
    layers: int = 4
    hears: Hears = "log-mel"


class FaceSize(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All of it.

    Attributes:
        codec: Motion to bits.
        generator: Bits from what came before, a style and two voices.
        voice: The encoder of voices.
        basis: What is moved: the ARKit actions, or FLAME's components as in the released model.
    """

    codec: CodecSize = CodecSize()
    generator: GeneratorSize = GeneratorSize()
    voice: VoiceSize = VoiceSize()
    basis: Basis = "arkit52"

    def hearing(self, by: Hears, width: int) -> "FaceSize":
        """The same with an encoder of voices whose features have ``width`` numbers."""
        generator = msgspec.structs.replace(self.generator, audio_width=width)
        return msgspec.structs.replace(self, generator=generator, voice=VoiceSize(width, hears=by))


PAPER = FaceSize(voice=VoiceSize(width=1024))
"""As large as the released model, chunks of 4 s; the encoder that is trained here gives features as wide as XLS-R's."""

LAPTOP = FaceSize(
    codec=CodecSize(scales=(1, 5, 13, 25), width=128, layers=3, heads=4),
    generator=GeneratorSize(
        width=128, layers=4, heads=4, audio_width=96, previous_chunks=2, audio_before=25, patterns=16
    ),
)
"""Chunks of 1 s, for one core of a laptop."""

SIZES: dict[str, FaceSize] = {"paper": PAPER, "laptop": LAPTOP}
