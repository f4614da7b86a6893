"""Transcribed speech in the forms in which it is published: LJSpeech, LibriTTS, Common Voice, and this project's own.

Which form a folder has is seen from its files. Every form gives the same :class:`Reading`; which of them are held out
follows from their text, so that nothing that is judged has been read by another voice in training.
"""

import csv
import re
import zlib
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import soxr

from mio.audio import read_audio
from mio.contracts.messages import FloatArray
from mio.contracts.rates import SPEECH_HZ
from mio.errors import ConfigError
from mio.speech_set import MANIFEST, read_manifest, read_recording

_LJSPEECH = "metadata.csv"
_LIBRITTS = "*.normalized.txt"
_COMMON_VOICE = ("validated.tsv", "train.tsv")
_SPEAKER_LETTERS = 8  # of Common Voice's names, which have 128
_SOUNDS = (".wav", ".flac", ".opus", ".ogg", ".mp3")
_TEST, _VAL = 2, 4  # of a hundred texts, those below are for tests, for validation


class Reading(NamedTuple):
    """A sentence that somebody read, its sound not read yet.

    Attributes:
        id: Its name in the set.
        speaker: Who.
        lang: ``en`` or ``de``.
        split: ``train``, ``val`` or ``test``.
        text: What was read.
        sound: Gives ``[n]`` at 24 kHz; raises :class:`~mio.errors.MioError` if it cannot be read.
    """

    id: str
    speaker: str
    lang: str
    split: str
    text: str
    sound: Callable[[], FloatArray]


def readings(folder: Path, lang: str) -> list[Reading]:
    """All sentences of a folder, in order.

    Args:
        folder: Of one of the forms.
        lang: Language of what does not say it.

    Raises:
        ConfigError: If it has none of the forms, or a list in it is broken.
    """
    for seen, form in _FORMS:
        if seen(folder):
            try:
                found = list(form(folder, lang))
            except (OSError, csv.Error, KeyError, UnicodeDecodeError) as error:
                raise ConfigError(f"{folder}: {error}", "take the corpus as it was published") from error
            return [reading for reading in found if reading.text]
    raise ConfigError(
        f"{folder}: no speech of a known form",
        f"expected {MANIFEST}, {_LJSPEECH} (LJSpeech), {_LIBRITTS} (LibriTTS) or {_COMMON_VOICE[0]} (Common Voice)",
    )


def split_of(text: str) -> str:
    """Split of a text, whoever reads it."""
    plain = re.sub(r"[^\w]+", " ", text.lower()).strip()
    share = zlib.crc32(plain.encode()) % 100
    return "test" if share < _TEST else "val" if share < _VAL else "train"


def _own(folder: Path, lang: str) -> Iterator[Reading]:
    """``speech/manifest.jsonl`` and tar files; see :mod:`mio.speech_set`."""
    del lang
    for row in sorted(read_manifest(folder), key=lambda row: row["tar"]):
        yield Reading(row["id"], row["speaker"], row["lang"], row["split"], row["text"], _in_tar(folder, row))


def _ljspeech(folder: Path, lang: str) -> Iterator[Reading]:
    """``metadata.csv`` with name, text, and text in words if there is one; ``wavs/NAME.wav``. One speaker."""
    speaker = re.sub(r"[^a-z0-9]+", "-", folder.resolve().name.lower()).strip("-")
    for line in (folder / _LJSPEECH).read_text(encoding="utf-8-sig").splitlines():
        name, _, texts = line.partition("|")
        text = texts.split("|")[-1].strip() or texts.split("|")[0].strip()
        path = _sound_beside(folder / "wavs" / name.removesuffix(".wav"))
        yield Reading(path.stem, speaker, lang, split_of(text), text, _in_file(path))


def _libritts(folder: Path, lang: str) -> Iterator[Reading]:
    """``SPEAKER/CHAPTER/NAME.normalized.txt`` beside ``NAME.wav``, at any depth."""
    for path in sorted(folder.rglob(_LIBRITTS)):
        sound = _sound_beside(path.parent / path.name.removesuffix(".normalized.txt"))
        text = path.read_text(encoding="utf-8").strip()
        yield Reading(sound.stem, path.parent.parent.name, lang, split_of(text), text, _in_file(sound))


def _common_voice(folder: Path, lang: str) -> Iterator[Reading]:
    """``validated.tsv`` (or ``train.tsv``) with a heading, and ``clips/``."""
    name = next(name for name in _COMMON_VOICE if (folder / name).is_file())
    with (folder / name).open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            path = _sound_beside(folder / "clips" / row["path"])
            text, speaker = (row["sentence"] or "").strip(), row["client_id"][:_SPEAKER_LETTERS]
            primary = (row.get("locale") or lang).lower().partition("-")[0]
            yield Reading(path.stem, speaker, primary, split_of(text), text, _in_file(path))


def _sound_beside(stem: Path) -> Path:
    """The sound file of that name, whatever its form; ``.wav`` if there is none."""
    if stem.suffix in _SOUNDS:
        return stem
    named = (stem.with_name(stem.name + suffix) for suffix in _SOUNDS)
    return next((path for path in named if path.is_file()), stem.with_name(stem.name + ".wav"))


def _in_file(path: Path) -> Callable[[], FloatArray]:
    return lambda: read_audio(path, SPEECH_HZ)


def _in_tar(folder: Path, row: dict[str, Any]) -> Callable[[], FloatArray]:
    return lambda: np.asarray(soxr.resample(*read_recording(folder, row), SPEECH_HZ), np.float32)


def _has_common_voice(folder: Path) -> bool:
    return (folder / "clips").is_dir() and any((folder / name).is_file() for name in _COMMON_VOICE)


_FORMS: tuple[tuple[Callable[[Path], bool], Callable[[Path, str], Iterator[Reading]]], ...] = (
    (lambda folder: (folder / MANIFEST).is_file(), _own),
    (lambda folder: (folder / _LJSPEECH).is_file(), _ljspeech),
    (_has_common_voice, _common_voice),
    (lambda folder: bool(list(islice(folder.rglob(_LIBRITTS), 1))), _libritts),
)
