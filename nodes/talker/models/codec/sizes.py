"""Sizes of the tokenizer; what a checkpoint's ``config.yaml`` says of its networks."""

import msgspec

RATES = (3, 5, 8, 16)
"""Samples per step of the encoder's stages: 1,920 in all, 80 ms at 24 kHz (MUFFIN's 12.5 Hz configuration)."""

FRAME_SAMPLES = 1_920
SEMANTIC_BOOKS = 2
ACOUSTIC_BOOKS = 6
ENTRIES = 1_024


class CodecSize(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The tokenizer ("Towards Interactive Intelligence for Digital Humans", arXiv 2512.13674, and MUFFIN).

    Attributes:
        first_width: Channels behind the encoder's first convolution; they double with each stage.
        width: Channels of a frame, in both branches.
        teacher_width: Numbers in a feature of the semantic teacher, 50 per second.
        bands: Groups of channels that the semantic branch is split into; half of them go to the acoustic side.
        vocos_width: Channels of the decoder.
        vocos_layers: Blocks of the decoder.
        semantic_layers: Blocks of the decoder that gives the teacher's features back.
    """

    first_width: int = 32
    width: int = 512
    teacher_width: int = 1_024
    bands: int = 4
    vocos_width: int = 512
    vocos_layers: int = 8
    semantic_layers: int = 4


PAPER = CodecSize()
"""w2v-BERT 2.0 as teacher, 512 channels."""

LAPTOP = CodecSize(first_width=16, width=256, teacher_width=256, vocos_width=384, vocos_layers=6, semantic_layers=2)
"""A phone recogniser trained here as teacher; decodes on one core in a fraction of real time."""

SIZES: dict[str, CodecSize] = {"paper": PAPER, "laptop": LAPTOP}
