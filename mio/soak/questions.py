"""A sound file in which a stranger asks the character a question now and then."""

import tempfile
import wave
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mio.audio import read_audio
from mio.contracts.messages import FloatArray
from mio.contracts.rates import MICROPHONE_HZ
from mio.demo.question import draw_question


class Asked(NamedTuple):
    """A question on the track.

    Attributes:
        text: Its words.
        start_s: When it begins on the track, seconds.
        end_s: When it ends.
    """

    text: str
    start_s: float
    end_s: float


def write_questions(path: Path, character: Path, lasts_s: float, every_s: float, seed: int = 0) -> list[Asked]:
    """Write a 16 kHz track.

    Args:
        path: The wav.
        character: Folder of the character pack, whose demo questions are asked.
        lasts_s: Its length, seconds.
        every_s: From the beginning of one question to that of the next, seconds.
        seed: Of questions and voices.

    Returns:
        The questions in the order of asking.
    """
    asked: list[Asked] = []
    with tempfile.TemporaryDirectory() as name, wave.open(str(path), "wb") as track:
        track.setnchannels(1)
        track.setsampwidth(2)
        track.setframerate(MICROPHONE_HZ)
        sound = Path(name) / "question.wav"
        for number in range(max(1, round(lasts_s / every_s))):
            question = draw_question(character, seed + number, sound)
            samples = read_audio(sound, MICROPHONE_HZ)[: round(every_s * MICROPHONE_HZ)]
            start_s = number * every_s
            asked.append(Asked(question.text, start_s, start_s + len(samples) / MICROPHONE_HZ))
            track.writeframes(_pcm(samples))
            track.writeframes(bytes(2 * (round(every_s * MICROPHONE_HZ) - len(samples))))
    return asked


def _pcm(samples: FloatArray) -> bytes:
    return (np.clip(samples, -1.0, 1.0) * 32_767).astype("<i2").tobytes()
