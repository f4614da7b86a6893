"""Users' own captures: Live Link Face (``*.csv``) or BEAT (``*.json``), each with a ``*.wav`` of its name or without.

A face with the sound of its voice is learned from as it is; one without joins the pool that faces are drawn from.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mio.audio import read_audio
from mio.contracts.rates import FACE_FPS, MICROPHONE_HZ
from mio.errors import ConfigError
from nodes.face.models.voice import MEL_HZ, log_mel
from nodes.face.training.captures import Capture, read_beat, read_livelink
from nodes.face.training.conversations import MELS_PER_FRAME, SAMPLES_PER_FRAME, Person
from nodes.face.training.sentences import as_int16

_SMOOTHED_FRAMES = 8  # about a third of a second: pauses inside words are speech


def read_own(folder: Path) -> Iterator[Capture | Person]:
    """Faces of a folder: a capture of each without sound, a person of each with it.

    Raises:
        ConfigError: If there is none.
    """
    paths = sorted([*folder.glob("*.csv"), *folder.glob("*.json")])
    if not paths:
        raise ConfigError(f"{folder}: no captures", "put Live Link Face's .csv or BEAT's .json there, and .wav beside")
    for path in paths:
        capture = read_livelink(path) if path.suffix == ".csv" else read_beat(path)
        voice = path.with_suffix(".wav")
        yield _paired(capture, voice) if voice.is_file() else capture


def _paired(capture: Capture, voice: Path) -> Person:
    sound = read_audio(voice, MICROPHONE_HZ)
    mel = log_mel(sound, MICROPHONE_HZ)
    count = min(len(capture.frames), len(mel) * FACE_FPS // MEL_HZ)
    if not count:
        raise ConfigError(f"{voice}: no sound", "leave it out")
    mel = mel[: MELS_PER_FRAME * count]
    kept, frames = as_int16(sound, SAMPLES_PER_FRAME * count), capture.frames[:count].astype(np.float16)
    return Person(mel.astype(np.float16), frames, _speaking(mel), kept)


def _speaking(mel: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    """``[n]`` whether a voice is nearer to its loud moments than to its quiet ones, of ``[4 n, 40]`` log-mel."""
    level = mel.mean(1).reshape(-1, MELS_PER_FRAME).mean(1)
    smooth = np.convolve(level, np.full(_SMOOTHED_FRAMES, 1 / _SMOOTHED_FRAMES), mode="same")
    quiet, loud = np.percentile(smooth, (10, 90))
    return smooth > (quiet + loud) / 2
