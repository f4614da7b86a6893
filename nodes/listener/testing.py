"""Ears for tests: a voice detector that goes by loudness, and models that say what the test tells them."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from mio.contracts.engine import Output
from mio.contracts.messages import AudioChunk
from mio.contracts.rates import MICROPHONE_CHUNK_SAMPLES, MICROPHONE_HZ
from nodes.listener.attention import Ears
from nodes.listener.config import ListenerConfig
from nodes.listener.engine import ListenerEngine
from nodes.listener.recognition import NOTHING, Hypothesis, Recognition, Recognizing, Section
from nodes.listener.voice import SileroState

FloatArray = npt.NDArray[np.float32]

MANIFEST = Path(__file__).with_name("dora-node.yml")

START_NS = 1_000_000_000_000
"""``CLOCK_MONOTONIC`` of microphone sample 0."""

_VOICE_HZ = 200
_LOUD = 1e-4


def voice(seconds: float) -> FloatArray:
    """Sound that the scripted detector takes for speech."""
    at_s = np.arange(round(seconds * MICROPHONE_HZ)) / MICROPHONE_HZ
    return (0.2 * np.sin(2 * np.pi * _VOICE_HZ * at_s)).astype(np.float32)


def silence(seconds: float) -> FloatArray:
    """Digital silence."""
    return np.zeros(round(seconds * MICROPHONE_HZ), np.float32)


def chunk(samples: FloatArray, start_sample: int) -> AudioChunk:
    """Sound as the microphone sends it, captured in real time from :data:`START_NS` on."""
    origin_ns = START_NS + round(start_sample / MICROPHONE_HZ * 1e9)
    return AudioChunk(samples=samples, start_sample=start_sample, origin_ns=origin_ns)


class LoudnessDetector:
    """Speech is what is loud."""

    def probability(self, window: FloatArray, state: SileroState) -> float:
        """See :class:`~nodes.listener.attention.VoiceDetector`."""
        state.windows += 1
        return 0.95 if float(np.square(window).mean()) > _LOUD else 0.02


class ScriptedEnd:
    """Says one probability after the other, the last one for ever.

    Attributes:
        lengths: Samples that it was given, call by call.
    """

    def __init__(self, *probabilities: float) -> None:
        self._probabilities = list(probabilities)
        self.lengths: list[int] = []

    def probability(self, sound: FloatArray) -> float:
        """See :class:`~nodes.listener.attention.EndDetector`."""
        self.lengths.append(len(sound))
        return self._probabilities.pop(0) if len(self._probabilities) > 1 else self._probabilities[0]


class ScriptedRecognizer:
    """Hears what it is told, then one ``word`` per second of voice.

    Attributes:
        partial_every_s: See :class:`~nodes.listener.recognition.Recognizer`.
        longest_s: The same.
        replies: What it says to the next calls.
        calls: What it was asked: section, and whether settled.
    """

    def __init__(self, *replies: Recognition, partial_every_s: float = 0.0, longest_s: float = 16.0) -> None:
        self.partial_every_s = partial_every_s
        self.longest_s = longest_s
        self.replies = list(replies)
        self.calls: list[tuple[Section, bool]] = []

    def recognize(self, section: Section, draft: Recognition, *, settled: bool) -> Recognizing:
        """See :class:`~nodes.listener.recognition.Recognizer`."""
        self.calls.append((section, settled))
        yield
        if self.replies:
            return self.replies.pop(0)
        count = round(float((section.sound != 0).sum()) / MICROPHONE_HZ)
        return heard(" ".join(["word"] * count) + ".") if count else NOTHING


def heard(*texts: str, confidence: float = 0.9) -> Recognition:
    """A recognition with these texts, best first."""
    return Recognition(tuple(Hypothesis(text) for text in texts), confidence, "en", (5,))


class Listener:
    """An engine with scripted ears, fed like by a microphone.

    Attributes:
        engine: The engine.
        at_sample: Position of the next sound.
    """

    def __init__(
        self,
        config: ListenerConfig | None = None,
        *,
        end: ScriptedEnd | None = None,
        recognizer: ScriptedRecognizer | None = None,
    ) -> None:
        self.recognizer = recognizer or ScriptedRecognizer()
        self.end = end or ScriptedEnd(0.99)
        self.engine = ListenerEngine(config or ListenerConfig(), Ears(LoudnessDetector(), self.end, self.recognizer))
        self.at_sample = 0

    def hear(self, *sounds: FloatArray) -> list[Output]:
        """All outputs while these sounds are heard, one after the other."""
        outputs: list[Output] = []
        sound = np.concatenate(sounds)
        for start in range(0, len(sound), MICROPHONE_CHUNK_SAMPLES):
            piece = sound[start : start + MICROPHONE_CHUNK_SAMPLES]
            outputs += [output for output in self.engine.step("audio", chunk(piece, self.at_sample)) if output]
            self.at_sample += len(piece)
        return outputs
