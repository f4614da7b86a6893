"""The question of the demo: drawn from the character pack and spoken by a stranger's voice, or a file of the user's."""

import random
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mio.audio import read_audio, write_wav
from mio.character import DemoQuestion, read_character
from mio.contracts.rates import MICROPHONE_HZ
from mio.errors import MioError
from mio.espeak import speak

STRANGERS = ("en-gb+m3", "en-us+m7", "en-us+m2")
"""Voices that ask; none of them is the avatar's."""

_RATE_WPM = 160
_LONGEST_S = 120.0
_SILENCE = 1e-3


class Question(NamedTuple):
    """A question as it is asked.

    Attributes:
        text: Its words; empty for a file.
        entry: The character's entry that answers it; empty for a file.
        sound: 16 kHz mono wav.
        duration_s: Its length.
    """

    text: str
    entry: str
    sound: Path
    duration_s: float


def draw_question(character: Path, seed: int | None, sound: Path) -> Question:
    """Draw one of the character's demo questions and speak it into a file.

    Args:
        character: Folder of the character pack.
        seed: Of the draw; another question each time if None.
        sound: Where the wav goes.
    """
    draw = random.Random(seed)
    chosen: DemoQuestion = draw.choice(read_character(character).demo_questions())
    speech = speak(chosen.question, voice=draw.choice(STRANGERS), rate_wpm=_RATE_WPM)
    write_wav(sound, speech.samples, speech.sample_rate)
    return Question(chosen.question, chosen.entry, sound, len(speech.samples) / speech.sample_rate)


def question_from_file(path: Path, sound: Path) -> Question:
    """Take the user's recording, in any format and rate.

    Args:
        path: The recording.
        sound: Where the 16 kHz wav goes.

    Raises:
        MioError: If it cannot be read, has no sound, only silence, or more than two minutes.
    """
    samples = read_audio(path, MICROPHONE_HZ, longest_s=_LONGEST_S)
    if np.abs(samples).max() < _SILENCE:
        raise MioError(f"{path}: there is only silence in it", "record the question again, closer to the microphone")
    write_wav(sound, samples, MICROPHONE_HZ)
    return Question("", "", sound, len(samples) / MICROPHONE_HZ)
