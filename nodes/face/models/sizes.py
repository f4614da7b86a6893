"""Sizes of the models; what a checkpoint's ``config.yaml`` says of its networks."""

import msgspec


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
        layers: Convolutions, each twice as far apart as the one before.
    """

    width: int = 96
    layers: int = 4


class FaceSize(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All of it.

    Attributes:
        codec: Motion to bits.
        generator: Bits from what came before, a style and two voices.
        voice: The encoder of voices that is trained here; the released model takes another's features.
    """

    codec: CodecSize = CodecSize()
    generator: GeneratorSize = GeneratorSize()
    voice: VoiceSize = VoiceSize()


PAPER = FaceSize(voice=VoiceSize(width=1024))
"""The released model: chunks of 4 s; the encoder that is trained here gives features as wide as wav2vec2 XLS-R's."""

LAPTOP = FaceSize(
    codec=CodecSize(scales=(1, 5, 13, 25), width=128, layers=3, heads=4),
    generator=GeneratorSize(
        width=128, layers=4, heads=4, audio_width=96, previous_chunks=2, audio_before=25, patterns=16
    ),
)
"""Chunks of 1 s, for one core of a laptop."""

SIZES: dict[str, FaceSize] = {"paper": PAPER, "laptop": LAPTOP}
