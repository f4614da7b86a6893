"""A voice made of one recording, as a folder: its codes, and which phone is said in it when.

The language model goes on from it, as if it had said that itself.
"""

from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import torch

from mio.contracts.phones import PHONES
from mio.errors import ConfigError, MioError
from nodes.talker.kdm import Recording, read_kdm, write_kdm
from nodes.talker.models.codec.codec import fingerprint
from nodes.talker.models.lm.generation import Prompt
from nodes.talker.models.lm.pointer import Pointer, pointer_of
from nodes.talker.models.lm.text import phones_of
from nodes.talker.text.pronunciation import MARKS

_CODES, _ABOUT = "voice.kdm", "voice.yaml"
_FRAME_STEPS = 8
_REMEDY = "make it with: mio voice clone"
_NUMBERS = {symbol: number for number, symbol in enumerate(PHONES)}


class About(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is said in a recording; lists with an item per phone or pause.

    Attributes:
        language: ``en`` or ``de``.
        text: In writing.
        phones: Symbols of ``mio.contracts.phones``.
        starts: When each begins, in steps of 10 ms.
        stress: 0 none, 1 primary, 2 secondary.
        begins_word: Whether each is a word's first.
        marks: Of pauses, the punctuation mark; empty for none.
    """

    language: str
    text: str
    phones: list[str]
    starts: list[int]
    stress: list[int]
    begins_word: list[bool]
    marks: list[str]


class Clone(NamedTuple):
    """A voice to go on from: the language of its recording, and the prompt."""

    language: str
    prompt: Prompt


def read_clone(folder: Path, weights: Path) -> Clone:
    """Read what :func:`write_clone` wrote.

    Args:
        folder: Of the voice.
        weights: Folder of the codec that is used.

    Raises:
        MioError: If a file is missing or damaged, or the voice was made with another codec.
    """
    recording = read_kdm(folder / _CODES)
    if recording.codec != fingerprint(weights):
        raise ConfigError(f"{folder}: was made with another codec", _REMEDY)
    try:
        about = msgspec.yaml.decode((folder / _ABOUT).read_bytes(), type=About)
    except (OSError, msgspec.DecodeError) as error:
        raise ConfigError(f"{folder}: {error}", _REMEDY) from error
    columns = {len(column) for column in (about.phones, about.starts, about.stress, about.begins_word, about.marks)}
    if len(columns) != 1 or not set(about.phones) <= set(PHONES) or not set(about.marks) <= set(MARKS):
        raise ConfigError(f"{folder}: {_ABOUT} is damaged", _REMEDY)
    return Clone(about.language, _prompt(about, recording, folder))


def write_clone(folder: Path, about: About, recording: Recording) -> None:
    """Write a voice, after looking whether it can be read again.

    Raises:
        MioError: If its text is too long for its sound, or it cannot be written.
    """
    _prompt(about, recording, folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_kdm(folder / _CODES, recording)
        (folder / _ABOUT).write_bytes(msgspec.yaml.encode(about))
    except OSError as error:
        raise MioError(f"{folder}: cannot be written: {error}", "name another folder with --to") from error


def _prompt(about: About, recording: Recording, folder: Path) -> Prompt:
    phones = phones_of(
        [_NUMBERS[symbol] for symbol in about.phones],
        about.stress,
        about.begins_word,
        [MARKS.index(mark) for mark in about.marks],
    )
    whole = pointer_of(about.starts, _FRAME_STEPS, len(recording.codes))
    if int(whole.place[0, -1]) != len(about.phones) - 1:
        raise ConfigError(f"{folder}: the sound is too short for its text", "say in --text just what is heard")
    codes = torch.from_numpy(recording.codes.astype(np.int64))
    return Prompt(codes, phones, Pointer(*(column[:, :-1] for column in whole)))
