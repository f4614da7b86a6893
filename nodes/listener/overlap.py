"""The user's voice over the avatar's, while it is not certain whether it interrupts."""

from collections.abc import Generator
from dataclasses import dataclass
from enum import Enum

from nodes.listener.config import BargeInConfig, ListenerConfig
from nodes.listener.interruption import SURE_MS, Weight, weigh
from nodes.listener.recognition import NOTHING, Recognition, Recognizer, Section
from nodes.listener.recording import Recording
from nodes.listener.voice import VoicePhase, VoiceTracker

_HUM_MS = 64.0  # silence after which the words are looked at, as they may have come to their end

# On the sounds that ``interruption`` was made with: 11 of 120 false stops for 16; 2 of 120 interruptions missed for 1.
_DOUBT = 3.0  # log-probability by which a reading as a backchannel may be behind the best one
_DOUBT_MS = 832.0  # voiced sound that is no backchannel any more


class Verdict(Enum):
    """What a voice over the avatar's turns out to be."""

    UNDECIDED = "undecided"
    INTERRUPTION = "interruption"
    PASSED = "passed"


@dataclass
class Overlap:
    """A voice over the avatar's.

    Attributes:
        segment_id: The avatar's turn.
        onset_sample: Where the voice began.
        begin_sample: Where recognition begins, a little before.
        heard: What was recognised in it so far.
        looked_ms: Voiced sound at the last look at its words.
        looked_sample: End of the voice at that look.
    """

    segment_id: int
    onset_sample: int
    begin_sample: int
    heard: Recognition = NOTHING
    looked_ms: float = 0.0
    looked_sample: int = -1


class Overhearing:
    """Decides about overlaps, window by window."""

    def __init__(self, config: ListenerConfig, recognizer: Recognizer) -> None:
        self._config: BargeInConfig = config.barge_in
        self._recognizer = recognizer

    def begins(self, voice: VoiceTracker) -> bool:
        """Whether a voice is long enough to lower the avatar's."""
        return voice.phase is not VoicePhase.SILENT and voice.voiced_ms >= self._config.duck_ms

    def follow(self, overlap: Overlap, recording: Recording, voice: VoiceTracker) -> Generator[None, None, Verdict]:
        """Attend to one more window: recognise the words now and then, and judge."""
        if voice.phase is VoicePhase.SILENT:
            return Verdict.PASSED
        if self._is_look_due(overlap, voice):
            yield from self._look(overlap, recording, voice)
            if self._interrupts(overlap.heard, voice.voiced_ms):
                return Verdict.INTERRUPTION
        if voice.silence_ms >= self._config.pause_ms:
            return Verdict.PASSED
        return Verdict.INTERRUPTION if voice.voiced_ms >= self._config.unclear_ms else Verdict.UNDECIDED

    def _is_look_due(self, overlap: Overlap, voice: VoiceTracker) -> bool:
        if voice.phase is not VoicePhase.SPEAKING:
            return False
        if voice.silence_ms >= _HUM_MS:
            return overlap.looked_sample < voice.voice_end_sample
        first = overlap.looked_ms == 0.0
        due_ms = self._config.look_ms if first else overlap.looked_ms + self._config.look_every_ms
        return voice.voiced_ms >= due_ms

    def _look(self, overlap: Overlap, recording: Recording, voice: VoiceTracker) -> Generator[None, None, None]:
        """Recognise what has been said; with all alternatives as long as they are asked for a backchannel."""
        section = Section(overlap.begin_sample, recording.between(overlap.begin_sample, voice.now_sample))
        overlap.looked_ms, overlap.looked_sample = voice.voiced_ms, voice.voice_end_sample
        doubted = SURE_MS <= voice.voiced_ms < _DOUBT_MS
        overlap.heard = yield from self._recognizer.recognize(section, overlap.heard, settled=doubted)

    def _interrupts(self, heard: Recognition, voiced_ms: float) -> bool:
        """Whether words interrupt: first words that do so on their own, or others that are no backchannel either."""
        if not self._weighs(heard, voiced_ms):
            return False
        return self._weighs(heard, 0.0) or voiced_ms >= _DOUBT_MS or not _may_be_backchannel(heard)

    def _weighs(self, heard: Recognition, voiced_ms: float) -> bool:
        if heard.confidence < self._config.min_confidence:
            return False
        weight = weigh(heard.text, confidence=heard.confidence, voiced_ms=voiced_ms, language=heard.language)
        return weight is Weight.INTERRUPTION


def _may_be_backchannel(heard: Recognition) -> bool:
    readings = heard.hypotheses
    best = max((reading.log_probability for reading in readings), default=0.0)
    return any(
        reading.log_probability >= best - _DOUBT
        and weigh(reading.text, confidence=1.0, voiced_ms=0.0, language=heard.language) is Weight.BACKCHANNEL
        for reading in readings
    )
