"""What the user is saying in the open turn: stretches of sound that were heard, and the one that still grows."""

import re
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from mio.contracts.rates import MICROPHONE_HZ
from nodes.listener.recognition import NOTHING, Recognition

FloatArray = npt.NDArray[np.float32]

_FRAME_SAMPLES = MICROPHONE_HZ // 100
_END_SEARCH_SAMPLES = MICROPHONE_HZ // 2
_CUT_SEARCH_SAMPLES = 3 * MICROPHONE_HZ
_END_DB = 35.0  # below the loudest frame: a voice's last sounds are softer, the room and the detector's lag are below


@dataclass
class Utterance:
    """The user's open turn.

    Attributes:
        segment_id: The turn.
        onset_sample: Where the voice began.
        section_sample: Where the section begins that still grows.
        parts: What was heard in earlier sections, oldest first.
        heard: What was heard in the growing section so far.
        settled_sample: End of the voice up to which the growing section was heard with all alternatives.
        glimpsed_sample: Newest sample of the last recognition, settled or not.
        paused: Whether the voice has paused.
        judged_sample: End of the voice at which the end of the turn was last judged.
        judged_ms: Silence at which it was last judged.
        complete: Probability that the turn was over, at the last judgement.
        shown: Text of the last partial transcript.
        softened_sample: End of the voice at which it was last said that the turn seems to be over.
        over_avatar: Whether it began while the avatar spoke.
        fallback: What the given-up turn before this one said, to be taken up again if this one turns out empty.
    """

    segment_id: int
    onset_sample: int
    section_sample: int
    parts: list[Recognition] = field(default_factory=list)
    heard: Recognition = NOTHING
    settled_sample: int = -1
    glimpsed_sample: int = 0
    paused: bool = False
    judged_sample: int = -1
    judged_ms: float = 0.0
    complete: float = 0.0
    shown: str = ""
    softened_sample: int = -1
    over_avatar: bool = False
    fallback: list[Recognition] = field(default_factory=list)

    @property
    def readings(self) -> list[Recognition]:
        """All that was heard, oldest first."""
        return [part for part in (*self.parts, self.heard) if part.text]

    def close_section(self, next_sample: int) -> None:
        """Put the growing section to the earlier ones and begin another."""
        if self.heard.text:
            self.parts.append(self.heard)
        self.heard = NOTHING
        self.section_sample = next_sample


def joined_text(readings: list[Recognition]) -> str:
    """The best hypotheses of consecutive sections as one text."""
    return " ".join(reading.text for reading in readings)


def joined_confidence(readings: list[Recognition]) -> float:
    """Mean confidence, weighted by words; 0 if nothing was heard."""
    weights = [len(reading.text.split()) for reading in readings]
    if not sum(weights):
        return 0.0
    total = sum(weight * reading.confidence for weight, reading in zip(weights, readings, strict=True))
    return total / sum(weights)


def joined_alternatives(readings: list[Recognition], most: int) -> list[str]:
    """Other texts, best first: those of the last section behind the best of the earlier ones, without doubles."""
    if not readings:
        return []
    before = joined_text(readings[:-1])
    texts = [f"{before} {hypothesis.text}".strip() for hypothesis in readings[-1].hypotheses]
    seen = {plain(texts[0])} if texts else set[str]()
    found: list[str] = []
    for text in texts[1:]:
        if plain(text) not in seen:
            seen.add(plain(text))
            found.append(text)
    return found[:most]


def plain(text: str) -> str:
    """Words only, lower case, for comparing texts."""
    return " ".join(words(text))


def words(text: str) -> list[str]:
    """Lower-case words of a text, with their apostrophes."""
    return re.findall(r"[\w']+", text.lower().replace("’", "'"))


def voice_end(sound: FloatArray) -> int:
    """Where a voice really ends in sound that ends when the detector noticed, as a number of samples.

    The last 10 ms frame that is at most 35 dB below the loudest one; at most half a second before the end.
    """
    frames = len(sound) // _FRAME_SAMPLES
    if frames == 0:
        return len(sound)
    energy = np.square(sound[: frames * _FRAME_SAMPLES].reshape(frames, _FRAME_SAMPLES)).mean(axis=1)
    loud = np.nonzero(energy > energy.max() * 10 ** (-_END_DB / 10))[0]
    end = (int(loud[-1]) + 1) * _FRAME_SAMPLES if len(loud) else len(sound)
    return max(end, len(sound) - _END_SEARCH_SAMPLES)


def quietest_cut(sound: FloatArray) -> int:
    """Where to cut sound that goes on too long without a pause: the quietest 30 ms of its last three seconds."""
    tail = sound[-_CUT_SEARCH_SAMPLES:]
    frames = len(tail) // _FRAME_SAMPLES
    if frames < 3:
        return len(sound)
    energy = np.square(tail[: frames * _FRAME_SAMPLES].reshape(frames, _FRAME_SAMPLES)).mean(axis=1)
    middle = int(np.argmin(np.convolve(energy, np.ones(3), mode="valid"))) + 1
    return len(sound) - len(tail) + middle * _FRAME_SAMPLES + _FRAME_SAMPLES // 2
