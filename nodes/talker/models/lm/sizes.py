"""Sizes of the language model; what a checkpoint's ``config.yaml`` says of it."""

import msgspec

MOST_ADVANCE = 3
"""Phones that may begin in one frame of 80 ms; more are rarer than one frame in a hundred."""

SLOTS = MOST_ADVANCE + 2
"""Phones that a frame sees: the one it begins in, those that may begin in it, and the next."""

OLDEST = 15
"""Frames since a phone's beginning, from which on they are no longer counted."""


OTHER = "other"
"""The speaker whom a prompt alone describes."""


class LmSize(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The language model ("Towards Interactive Intelligence for Digital Humans", arXiv 2512.13674, Kodama-TTS).

    Attributes:
        books: Codebooks of the codec.
        entries: Of each codebook.
        entry_width: Numbers in an entry.
        phones: Inventory, silence first.
        marks: Punctuation marks that a pause may have, none among them.
        speakers: Voices it knows.
        languages: Languages it knows.
        text_width: Channels of the encoder of phones.
        text_layers: Its convolutions.
        width: Channels of the transformer over frames.
        layers: Its blocks.
        heads: Of its attention.
        window: Frames that it remembers.
        depth_width: Channels of the transformer over codebooks.
        depth_layers: Its blocks.
        depth_heads: Of its attention.
        dropout: Share of channels left out while it learns.
    """

    books: int = 8
    entries: int = 1_024
    entry_width: int = 512
    phones: int = 71
    marks: int = 8
    speakers: tuple[str, ...] = ("kathleen", "kerstin", OTHER)
    languages: tuple[str, ...] = ("en", "de")
    text_width: int = 512
    text_layers: int = 4
    width: int = 1_024
    layers: int = 24
    heads: int = 16
    window: int = 400
    depth_width: int = 1_024
    depth_layers: int = 4
    depth_heads: int = 16
    dropout: float = 0.1


PAPER = LmSize()
"""About 0.37 billion parameters: for a GPU and far more speech than comes with this project."""

LAPTOP = LmSize(
    entry_width=256,
    text_width=192,
    text_layers=3,
    width=256,
    layers=5,
    heads=4,
    window=200,
    depth_width=192,
    depth_layers=2,
    depth_heads=3,
    dropout=0.15,
)
"""Learns on one core from a few hours of speech."""

LM_SIZES: dict[str, LmSize] = {"paper": PAPER, "laptop": LAPTOP}
