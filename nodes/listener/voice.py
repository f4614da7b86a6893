"""Voice activity: when the user's voice begins and ends. Knows sound and samples, no words and no turns.

Silero VAD gives the probability of speech in every window of 32 ms; :class:`VoiceTracker` turns probabilities into
onsets and pauses.
"""

from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mio.contracts.rates import MICROPHONE_HZ
from nodes.listener.config import VoiceConfig
from nodes.listener.session import open_session, package_file

FloatArray = npt.NDArray[np.float32]

WINDOW_SAMPLES = 512
"""Samples per window at 16 kHz, fixed by the model."""

WINDOW_MS = 1000 * WINDOW_SAMPLES / MICROPHONE_HZ

_CONTEXT_SAMPLES = 64  # of the preceding window, which the model expects in front of each window
_RESET_WINDOWS = round(5.0 * MICROPHONE_HZ / WINDOW_SAMPLES)
_QUIET = 0.1
_RATE = np.array(MICROPHONE_HZ, np.int64)


@dataclass
class SileroState:
    """What the model carries from window to window.

    Attributes:
        hidden: ``[2, 1, 128]`` recurrent state.
        context: ``[64]`` last samples of the preceding window.
        windows: Windows since the state was last cleared.
    """

    hidden: FloatArray = field(default_factory=lambda: np.zeros((2, 1, 128), np.float32))
    context: FloatArray = field(default_factory=lambda: np.zeros(_CONTEXT_SAMPLES, np.float32))
    windows: int = 0


class SileroVad:
    """Silero VAD from the file that the package pipecat-ai carries."""

    def __init__(self) -> None:
        self._session = open_session(silero_file())

    def probability(self, window: FloatArray, state: SileroState) -> float:
        """Probability that a window holds speech; updates the state.

        The recurrent state is cleared every few seconds while it is quiet, because after long silence or music the
        model may miss the speech that follows (Pipecat does the same).

        Args:
            window: ``[512]`` samples.
            state: State of the stream.
        """
        sound = np.concatenate((state.context, window))[None]
        probability, hidden = self._session.run(None, {"input": sound, "state": state.hidden, "sr": _RATE})
        state.hidden = np.asarray(hidden)
        state.context = window[-_CONTEXT_SAMPLES:].copy()
        state.windows += 1
        value = float(np.asarray(probability)[0, 0])
        if state.windows >= _RESET_WINDOWS and value < _QUIET:
            state.hidden = np.zeros_like(state.hidden)
            state.windows = 0
        return value


def silero_file() -> Path:
    """The model in the package pipecat-ai.

    Raises:
        MioError: If it is not installed.
    """
    return package_file("pipecat", "audio/vad/data/silero_vad.onnx", "pipecat-ai>=1.0")


class VoicePhase(Enum):
    """Where the user's voice stands.

    ``SILENT`` -> ``RISING`` a window is voiced; ``RISING`` -> ``SPEAKING`` enough of the recent windows are voiced, or
    -> ``SILENT`` they stay too few (a click, a cough); ``SPEAKING`` -> ``SILENT`` only through ``release``, because how
    long a pause ends an utterance is not the tracker's business.
    """

    SILENT = "silent"
    RISING = "rising"
    SPEAKING = "speaking"


@dataclass
class VoiceTracker:
    """Onset, pauses and end of the voice, with hysteresis.

    Attributes:
        phase: See :class:`VoicePhase`.
        onset_sample: First voiced sample of the utterance, known before it is noticed.
        resumed_sample: First voiced sample after the last pause; the onset before one.
        voice_end_sample: One past the last voiced sample.
        now_sample: One past the last sample seen.
        voiced_windows: Voiced windows of the utterance so far.
        quiet_windows: Unvoiced windows since the last voiced one.
    """

    phase: VoicePhase = VoicePhase.SILENT
    onset_sample: int = 0
    resumed_sample: int = 0
    voice_end_sample: int = 0
    now_sample: int = 0
    voiced_windows: int = 0
    quiet_windows: int = 0

    @property
    def silence_ms(self) -> float:
        """How long the voice has been silent."""
        return 1000 * (self.now_sample - self.voice_end_sample) / MICROPHONE_HZ

    @property
    def voiced_ms(self) -> float:
        """How long the utterance was voiced, pauses excluded."""
        return self.voiced_windows * WINDOW_MS

    def update(self, probability: float, start_sample: int, config: VoiceConfig) -> None:
        """Take the probability of the window that starts at a sample."""
        self.now_sample = start_sample + WINDOW_SAMPLES
        threshold = config.start_probability if self.phase is VoicePhase.SILENT else config.stay_probability
        if probability >= threshold:
            self._voiced(start_sample, config)
        else:
            self.quiet_windows += 1
            if self.phase is VoicePhase.RISING and self.quiet_windows * WINDOW_MS >= config.burst_gap_ms:
                self.release()

    def release(self) -> None:
        """Forget the utterance; the next voiced window begins another one."""
        self.phase = VoicePhase.SILENT
        self.voiced_windows = 0
        self.quiet_windows = 0

    def _voiced(self, start_sample: int, config: VoiceConfig) -> None:
        if self.phase is VoicePhase.SILENT:
            self.phase = VoicePhase.RISING
            self.onset_sample = start_sample
            self.resumed_sample = start_sample
            self.voiced_windows = 0
        elif self.quiet_windows:
            self.resumed_sample = start_sample
        self.voiced_windows += 1
        self.quiet_windows = 0
        self.voice_end_sample = self.now_sample
        if self.phase is VoicePhase.RISING and self.voiced_ms >= config.min_speech_ms:
            self.phase = VoicePhase.SPEAKING
