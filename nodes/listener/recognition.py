"""What a speech recogniser is to the listener, and what it gives back. Knows no engine in particular."""

import re
from collections.abc import Generator
from typing import Protocol

import msgspec
import numpy as np
import numpy.typing as npt

from mio.contracts.rates import MICROPHONE_HZ

FloatArray = npt.NDArray[np.float32]

_LONGEST_REPEAT_WORDS = 8
_REPEATS = 3


class Section(msgspec.Struct, frozen=True):
    """A stretch of the user's turn, recognised as one piece.

    Attributes:
        start_sample: Position of the first sample in microphone time; the same for a growing section.
        sound: ``[n]`` at 16 kHz, from a little before the voice to now.
    """

    start_sample: int
    sound: FloatArray

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.sound) / MICROPHONE_HZ


class Hypothesis(msgspec.Struct, frozen=True):
    """One reading of the sound.

    Attributes:
        text: The words as the engine writes them.
        log_probability: Natural logarithm of its probability, comparable within one recognition.
    """

    text: str
    log_probability: float = 0.0


class Recognition(msgspec.Struct, frozen=True):
    """What was heard in a section.

    Attributes:
        hypotheses: Best first; empty if nothing was heard.
        confidence: 0..1, the expected share of right words in the best one.
        language: BCP 47.
        tokens: The best hypothesis as the engine's tokens, a head start for hearing more of the same section.
    """

    hypotheses: tuple[Hypothesis, ...] = ()
    confidence: float = 0.0
    language: str = "en"
    tokens: tuple[int, ...] = ()

    @property
    def text(self) -> str:
        """The best hypothesis; empty if nothing was heard."""
        return self.hypotheses[0].text if self.hypotheses else ""


NOTHING = Recognition()

Recognizing = Generator[None, None, Recognition]
"""Work in steps shorter than 50 ms wherever the engine allows; its return value is the recognition."""


class Recognizer(Protocol):
    """Speech to text.

    Attributes:
        partial_every_s: How often a section that still grows is worth hearing; 0 for never.
        longest_s: Longest section it takes.
    """

    partial_every_s: float
    longest_s: float

    def recognize(self, section: Section, draft: Recognition, *, settled: bool) -> Recognizing:
        """Hear a section.

        Args:
            section: What to hear.
            draft: What was heard in a shorter version of the same section; ``NOTHING`` if none was.
            settled: Whether the voice has paused, so that the best reading with all its alternatives is wanted,
                rather than a quick one.
        """
        ...


def without_repeats(text: str) -> str:
    """Cut the loops that decoders fall into on noise: a phrase said three times in a row is kept once."""
    words = text.split()
    plain = [re.sub(r"\W+", "", word.lower()) for word in words]
    for length in range(1, _LONGEST_REPEAT_WORDS + 1):
        for start in range(len(words) - _REPEATS * length + 1):
            phrase = plain[start : start + length]
            if all(plain[start + n * length : start + (n + 1) * length] == phrase for n in range(1, _REPEATS)):
                return " ".join(words[: start + length])
    return text
