"""Attention to the user's open turn: what is said in it, and whether it is over. Knows no ports and no other turns."""

import math
from collections.abc import Generator
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from mio.contracts.rates import MICROPHONE_HZ
from nodes.listener.config import ListenerConfig, TurnConfig
from nodes.listener.recognition import Recognizer, Section
from nodes.listener.recording import Recording
from nodes.listener.utterance import Utterance, joined_text, quietest_cut
from nodes.listener.voice import SileroState, VoiceTracker

FloatArray = npt.NDArray[np.float32]

Work = Generator[None, None, None]
"""Steps shorter than 50 ms wherever the models allow."""

_JUDGED_AGAIN_MS = 400.0
_JUDGED_SAMPLES = 8 * MICROPHONE_HZ
_SECTION_SAMPLES = 8 * MICROPHONE_HZ  # a pause after this ends the section, so that the last one is short
_PARTIAL_SHARE = 0.15  # of the section's length, at least, between two recognitions of it while it grows

# Log-odds that a text which ends like this is complete: from how often recognised text ended so at 79 pauses inside
# and at 290 ends of read sentences (CMU-ARCTIC prompts, speechocean762), and at the ends of 120 questions: "?" 5 %
# against 80 % of questions, "." 53 % against 90 %, "," 37 % against 4 %, no mark 4 % against 1 %. The question mark
# decides alone: the sound would only make finished questions wait.
_MARK_LOG_ODDS = {".": 0.5, "!": 0.5, ",": -2.5}
_ASKED = 0.9
_NO_MARK_LOG_ODDS = -1.5
_SOUND_WEIGHT = 0.5  # of the end-of-turn model's log-odds; it says "complete" at most short pauses of a fluent reader
_DOUBTFUL = 0.1  # completeness at which the wait is ``doubtful_wait_ms``
_CERTAIN = 0.002


class VoiceDetector(Protocol):
    """Probability of speech per window."""

    def probability(self, window: FloatArray, state: SileroState) -> float:
        """Probability that ``[512]`` samples hold speech; updates the state."""
        ...


class EndDetector(Protocol):
    """End of turn from sound."""

    def probability(self, sound: FloatArray) -> float:
        """Probability that the turn which ends with this sound is complete."""
        ...


class Ears(NamedTuple):
    """The models that the listener hears with."""

    vad: VoiceDetector
    end_of_turn: EndDetector
    recognizer: Recognizer


class Attention:
    """Recognises the open turn as it grows and judges its pauses."""

    def __init__(self, config: ListenerConfig, ears: Ears) -> None:
        self._config = config
        self._ears = ears
        self._preroll_samples = round(config.voice.preroll_ms * MICROPHONE_HZ / 1000)

    def follow(self, utterance: Utterance, recording: Recording, voice: VoiceTracker, *, judge: bool) -> Work:
        """Attend to one more window of the open turn.

        Recognises settled as soon as the voice falters (after ``early_ms``), so that the words are known when the end
        of the turn is certain; quickly now and then while it goes on.

        Args:
            utterance: Updated.
            recording: The sound.
            voice: The voice, with this window.
            judge: Whether pauses may end the turn.
        """
        turn = self._config.turn
        silence_ms = voice.silence_ms
        if silence_ms >= turn.early_ms and utterance.settled_sample < voice.voice_end_sample:
            yield from self.settle(utterance, recording, voice)
        elif silence_ms < turn.early_ms and self._is_partial_due(utterance, voice):
            yield from self._recognize(utterance, recording, voice.now_sample, settled=False)
        utterance.paused = silence_ms >= turn.pause_ms
        if utterance.paused and judge and self._is_judgement_due(utterance, voice):
            self._judge(utterance, recording, voice)
            yield
        yield from self._cut(utterance, recording, voice)

    def settle(
        self, utterance: Utterance, recording: Recording, voice: VoiceTracker, *, unvoiced: bool = False
    ) -> Work:
        """Recognise what was said up to now with all alternatives, unless that is done already.

        Args:
            utterance: Updated.
            recording: The sound.
            voice: The voice.
            unvoiced: Whether sound counts in which no voice was noticed.
        """
        end = voice.now_sample if unvoiced else max(voice.voice_end_sample, utterance.onset_sample)
        if utterance.settled_sample < end:
            yield from self._recognize(utterance, recording, voice.now_sample, settled=True)
            utterance.settled_sample = end

    def is_over(self, utterance: Utterance, voice: VoiceTracker) -> bool:
        """Whether the silence is long enough to end the turn."""
        if utterance.judged_sample != voice.voice_end_sample:
            return False
        turn = self._config.turn
        least_ms = 0.0 if _asks(utterance) else turn.statement_wait_ms
        return voice.silence_ms >= max(least_ms, needed_silence_ms(utterance.complete, turn))

    def seems_over(self, utterance: Utterance, voice: VoiceTracker) -> bool:
        """Whether the voice has paused where the turn may well end, and all that was said is recognised."""
        known = utterance.settled_sample >= voice.voice_end_sample == utterance.judged_sample
        return known and utterance.paused and utterance.complete >= _DOUBTFUL

    def _is_partial_due(self, utterance: Utterance, voice: VoiceTracker) -> bool:
        every_s = self._ears.recognizer.partial_every_s
        if every_s <= 0:
            return False
        length_s = (voice.now_sample - utterance.section_sample) / MICROPHONE_HZ
        waited_s = (voice.now_sample - utterance.glimpsed_sample) / MICROPHONE_HZ
        return waited_s >= max(every_s, _PARTIAL_SHARE * length_s)

    def _recognize(self, utterance: Utterance, recording: Recording, end: int, *, settled: bool) -> Work:
        section = Section(utterance.section_sample, recording.between(utterance.section_sample, end))
        utterance.glimpsed_sample = end
        if len(section.sound):
            recognizer = self._ears.recognizer
            utterance.heard = yield from recognizer.recognize(section, utterance.heard, settled=settled)

    def _is_judgement_due(self, utterance: Utterance, voice: VoiceTracker) -> bool:
        if utterance.judged_sample != voice.voice_end_sample:
            return True
        return utterance.judged_ms < _JUDGED_AGAIN_MS <= voice.silence_ms

    def _judge(self, utterance: Utterance, recording: Recording, voice: VoiceTracker) -> None:
        if _asks(utterance):
            utterance.complete = _ASKED
        else:
            start = max(utterance.onset_sample - self._preroll_samples, voice.now_sample - _JUDGED_SAMPLES)
            by_sound = self._ears.end_of_turn.probability(recording.between(start, voice.now_sample))
            utterance.complete = completeness(by_sound, joined_text(utterance.readings))
        utterance.judged_sample = voice.voice_end_sample
        utterance.judged_ms = voice.silence_ms

    def _cut(self, utterance: Utterance, recording: Recording, voice: VoiceTracker) -> Work:
        """End the growing section at a pause, or in the middle of the voice if it goes on for too long."""
        length = voice.now_sample - utterance.section_sample
        if utterance.paused and length > _SECTION_SAMPLES and utterance.settled_sample >= voice.voice_end_sample:
            utterance.close_section(voice.voice_end_sample)
        elif length > self._ears.recognizer.longest_s * MICROPHONE_HZ:
            sound = recording.between(utterance.section_sample, voice.now_sample)
            cut = utterance.section_sample + quietest_cut(sound)
            yield from self._recognize(utterance, recording, cut, settled=True)
            utterance.close_section(cut)


def _asks(utterance: Utterance) -> bool:
    return joined_text(utterance.readings).endswith("?")


def completeness(by_sound: float, text: str) -> float:
    """Probability that a turn which is no question is complete, from its sound and from how its text ends.

    Args:
        by_sound: What the end-of-turn model says.
        text: What was recognised, with punctuation; without any words only the sound counts.
    """
    by_sound = min(max(by_sound, _CERTAIN), 1 - _CERTAIN)
    log_odds = math.log(by_sound / (1 - by_sound))
    if not text:
        return by_sound
    mark = _MARK_LOG_ODDS.get(text[-1], _NO_MARK_LOG_ODDS)
    return 1 / (1 + math.exp(-_SOUND_WEIGHT * log_odds - mark))


def needed_silence_ms(complete: float, turn: TurnConfig) -> float:
    """Silence that ends a turn: short if it is complete, longer the less it seems so."""
    if complete >= turn.complete_probability:
        return turn.complete_wait_ms
    if complete >= _DOUBTFUL:
        share = (turn.complete_probability - complete) / (turn.complete_probability - _DOUBTFUL)
        return turn.complete_wait_ms + share * (turn.doubtful_wait_ms - turn.complete_wait_ms)
    share = 1 - complete / _DOUBTFUL
    return turn.doubtful_wait_ms + share * (turn.incomplete_wait_ms - turn.doubtful_wait_ms)
