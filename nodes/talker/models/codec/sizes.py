"""Sizes of the tokenizer; what a checkpoint's ``config.yaml`` says of its networks."""

from typing import Literal

import msgspec

RATES = (3, 5, 8, 16)
"""Samples per step of the encoder's stages: 1,920 in all, 80 ms at 24 kHz (MUFFIN's 12.5 Hz configuration)."""

SAMPLE_RATE = 24_000
FRAME_SAMPLES = 1_920
FEATURE_SAMPLES = 480
"""Samples per feature of the semantic teacher: 50 per second."""

SEMANTIC_BOOKS = 2
ACOUSTIC_BOOKS = 6
ENTRIES = 1_024


class CodecSize(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The tokenizer ("Towards Interactive Intelligence for Digital Humans", arXiv 2512.13674, and MUFFIN).

    Attributes:
        encoder: What the acoustic encoder looks at: samples, as in the paper, or log-mel spectra, which cost a sixth.
        first_width: Channels behind the encoder's first convolution of samples; they double with each stage.
        encoder_layers: Blocks of the encoder of spectra.
        width: Channels of a frame, in both branches.
        teacher: Who says what semantic codes are to mean: a phone recogniser that is trained here, or w2v-BERT 2.0,
            which users bring.
        teacher_width: Numbers in a feature of the teacher, 50 per second.
        teacher_layers: Blocks of the phone recogniser, or the layer of w2v-BERT that is listened to.
        phones: What the phone recogniser tells apart: the inventory of ``mio.contracts.phones``, silence first.
        semantic: Whether there is a semantic branch; without one nobody teaches, and all codebooks are acoustic.
        bands: Groups of channels that the semantic branch is split into; half of them go to the acoustic side. One
            is no split: only what the semantic codebooks leave over goes there.
        vocos_width: Channels of the decoder.
        vocos_layers: Blocks of the decoder.
        semantic_layers: Blocks of the decoder that gives the teacher's features back.
        excitation: What the decoder makes voices of: nothing but what it says of each spectrum, or harmonics as well.
        noise: Whether it shapes noise, which is all that it has above 5 kHz.
    """

    encoder: Literal["samples", "spectra"] = "samples"
    first_width: int = 32
    encoder_layers: int = 6
    width: int = 512
    teacher: Literal["phones", "w2v-bert"] = "phones"
    teacher_width: int = 1_024
    teacher_layers: int = 8
    phones: int = 71
    semantic: bool = True
    bands: Literal[1, 4] = 4
    vocos_width: int = 512
    vocos_layers: int = 8
    semantic_layers: int = 4
    excitation: Literal["none", "harmonics"] = "none"
    noise: bool = False

    @property
    def acoustic_books(self) -> int:
        """Codebooks of how it sounds."""
        return ACOUSTIC_BOOKS if self.semantic else SEMANTIC_BOOKS + ACOUSTIC_BOOKS


PAPER = CodecSize(teacher="w2v-bert", teacher_layers=16)
"""w2v-BERT 2.0 as teacher, 512 channels."""

LAPTOP = CodecSize(
    encoder="spectra",
    encoder_layers=4,
    width=256,
    teacher_width=192,
    teacher_layers=5,
    vocos_width=384,
    vocos_layers=6,
    semantic_layers=2,
    excitation="harmonics",
)
"""Learns on one core: hears spectra instead of samples, and decodes in a fraction of real time."""

SIZES: dict[str, CodecSize] = {"paper": PAPER, "laptop": LAPTOP}
