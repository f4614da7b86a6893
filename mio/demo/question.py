"""The question of the demo: drawn from the character pack and spoken by a stranger's voice, or a file of the user's."""

import random
from pathlib import Path
from typing import NamedTuple

from mio.audio import read_audio, write_wav
from mio.character import DemoQuestion, read_character
from mio.contracts.rates import MICROPHONE_HZ
from mio.espeak import speak

STRANGERS = ("en-gb+m3", "en-us+m7", "en-gb-scotland+m1", "en-us+m2")
"""Voices that ask; none of them is the avatar's."""

_RATE_WPM = 160


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
        MioError: If it cannot be read or has no sound.
    """
    samples = read_audio(path, MICROPHONE_HZ)
    write_wav(sound, samples, MICROPHONE_HZ)
    return Question("", "", sound, len(samples) / MICROPHONE_HZ)
