"""Recorded sentences of the speech set, for benchmarks: a manifest and Ogg-Opus recordings in tar files."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import soxr

from mio.contracts.rates import MICROPHONE_HZ
from mio.errors import MioError
from mio.speech_set import MANIFEST, read_manifest, read_recording

FloatArray = npt.NDArray[np.float32]

ENVIRONMENT = "MIO_DATA"

_QUIET_SAMPLES = MICROPHONE_HZ // 20
_SILENT = 1e-5


class Recorded(NamedTuple):
    """A sentence read aloud.

    Attributes:
        speaker: Name of the speaker, or of the speakers' group.
        text: What was read.
        sound: ``[n]`` at the rate that was asked for.
    """

    speaker: str
    text: str
    sound: FloatArray


def data_folder(given: Path | None) -> Path | None:
    """The folder with the data sets: what was given, else what ``MIO_DATA`` names; None if neither is.

    Raises:
        MioError: If there is no speech set in it.
    """
    folder = given or (Path(os.environ[ENVIRONMENT]) if os.environ.get(ENVIRONMENT) else None)
    if folder is None:
        return None
    if not (folder / MANIFEST).is_file():
        raise MioError(f"{folder}: no speech/manifest.jsonl", f"name the data folder with --data or {ENVIRONMENT}")
    return folder


def recordings(
    folder: Path, tar: str, split: str | None, count: int, seed: int, sample_rate: int = MICROPHONE_HZ
) -> Iterator[Recorded]:
    """Some of a speaker's sentences, drawn without repetition.

    Args:
        folder: The data folder.
        tar: The speaker's file, such as ``en_kathleen.tar``.
        split: ``train``, ``val`` or ``test``; all of them if None.
        count: How many at most.
        seed: Of the draw.
        sample_rate: Hz of the sound.
    """
    mine = [row for row in read_manifest(folder) if row["tar"] == tar and split in (None, row["split"])]
    for number in np.random.default_rng(seed).permutation(len(mine))[:count]:
        row = mine[number]
        samples, rate = read_recording(folder, row)
        sound = samples if rate == sample_rate else soxr.resample(samples, rate, sample_rate)
        yield Recorded(row["speaker"], row["text"], np.asarray(sound, np.float32))


def room_tone(sound: FloatArray, seconds: float, seed: int) -> FloatArray:
    """Noise like the quietest 50 ms of a recording, to lengthen its silence with."""
    pieces = sound[: len(sound) // _QUIET_SAMPLES * _QUIET_SAMPLES].reshape(-1, _QUIET_SAMPLES)
    quiet = pieces[np.argmin(np.square(pieces).sum(axis=1))]
    count = round(seconds * MICROPHONE_HZ)
    spectrum = np.abs(np.fft.rfft(quiet, count))
    phases = np.exp(2j * np.pi * np.random.default_rng(seed).random(len(spectrum)))
    noise = np.fft.irfft(spectrum * phases, count)
    level = max(float(np.sqrt(np.square(quiet).mean())), _SILENT)
    return (noise * level / np.sqrt(np.square(noise).mean())).astype(np.float32)
