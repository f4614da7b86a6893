"""The language model on disk. It belongs to one codec, whose codebooks it does not hold itself."""

from pathlib import Path

import msgspec
import torch
from torch import Tensor

from mio.errors import ConfigError
from mio.nn.weights import fill, read_weights, write_weights
from nodes.talker.models.lm.lm import VoiceLm
from nodes.talker.models.lm.sizes import OTHER, LmSize

_SPEAKER = "speaker.weight"


class LmConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is known of weights.

    Attributes:
        size: Of the network.
        books: Fingerprint of the codec's codebooks.
    """

    size: LmSize
    books: str


def write_lm(folder: Path, lm: VoiceLm) -> None:
    """Write a model, fp16."""
    write_weights(folder, lm.state_dict(), LmConfig(lm.size, lm.books.fingerprint), half=True)


def read_lm(folder: Path, entries: Tensor) -> VoiceLm:
    """Read what :func:`write_lm` wrote.

    Args:
        folder: Where it is.
        entries: ``[books, entries, width]`` of the codec that it is to speak through.

    Raises:
        ConfigError: If a file is missing or broken, or it learned another codec's codes.
    """
    weights, config = read_weights(folder, LmConfig)
    size = config.size
    if tuple(entries.shape) != (size.books, size.entries, size.entry_width):
        raise ConfigError(f"{folder}: speaks another codec's codes", "take codec and voice from one training")
    lm = VoiceLm(size, entries)
    if lm.books.fingerprint != config.books:
        raise ConfigError(f"{folder}: speaks another codec's codes", "take codec and voice from one training")
    fill(lm, weights, folder)
    return lm


def read_learning_lm(folder: Path, speakers: tuple[str, ...], entries: Tensor) -> VoiceLm:
    """Read what :func:`write_lm` wrote, for a training to go on from, of these or other speakers.

    Args:
        folder: Where it is.
        speakers: Who is to be learned; who is new begins as :data:`~nodes.talker.models.lm.sizes.OTHER`.
        entries: ``[books, entries, width]`` of the codec whose codes are learned; it may be another one.

    Raises:
        ConfigError: If a file is missing or broken, or codes of that codec cannot be learned by such a network.
    """
    weights, config = read_weights(folder, LmConfig)
    size = msgspec.structs.replace(config.size, speakers=speakers)
    if tuple(entries.shape) != (size.books, size.entries, size.entry_width):
        raise ConfigError(f"{folder}: made for a codec of another size", "leave --language-model out")
    known = {name: number for number, name in enumerate(config.size.speakers)}
    rows = torch.tensor([known.get(name, known.get(OTHER, 0)) for name in speakers])
    lm = VoiceLm(size, entries)
    fill(lm, weights | {_SPEAKER: weights[_SPEAKER][rows]}, folder)
    return lm.train().requires_grad_(True)
