"""The listener's engine: from microphone sound to transcripts and turns.

Per window of 32 ms: the voice detector; if a turn is open, the :mod:`~nodes.listener.attention` to it; at every change,
messages. All waiting is counted in samples, so the same sound gives the same turns, however late it arrives.
"""

import logging
import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from mio.character import read_character
from mio.contracts.engine import Engine, Output, Outputs
from mio.contracts.messages import AudioChunk, Clock, Command, Message, SpeechActivity, Tick, Transcript
from mio.contracts.rates import MICROPHONE_HZ
from mio.contracts.stage import StageClock
from mio.errors import ContractError
from nodes.listener.attention import Attention, Ears
from nodes.listener.config import ListenerConfig
from nodes.listener.endpoint import EndOfTurnModel
from nodes.listener.interruption import Weight, weigh
from nodes.listener.overlap import Overhearing, Overlap, Verdict
from nodes.listener.recognition import Recognizer
from nodes.listener.state import Finished, ListenerState
from nodes.listener.turns import TurnMachine, TurnState
from nodes.listener.utterance import Utterance, joined_alternatives, joined_confidence, joined_text, voice_end
from nodes.listener.voice import WINDOW_SAMPLES, SileroState, SileroVad, VoicePhase, VoiceTracker

FloatArray = npt.NDArray[np.float32]

_log = logging.getLogger(__name__)

_PIECE_SAMPLES = MICROPHONE_HZ
_BRIDGED_GAP_SAMPLES = MICROPHONE_HZ // 2
_STALE_MS = 500.0
_TALK_TAIL_SAMPLES = MICROPHONE_HZ // 10
_VERSION = 1


class ListenerEngine(Engine):
    """Hears, recognises, and owns the turn; see :class:`~nodes.listener.turns.TurnState` for its states."""

    tick_hz = 10.0

    def __init__(self, config: ListenerConfig, ears: Ears) -> None:
        self._config = config
        self._ears = ears
        self._attention = Attention(config, ears)
        self._overhearing = Overhearing(config, ears.recognizer)
        self._machine = TurnMachine()
        self._stage = StageClock()
        self._preroll_samples = round(config.voice.preroll_ms * MICROPHONE_HZ / 1000)
        self._state = ListenerState(book=self._machine.book)

    def step(self, port: str, message: Message) -> Outputs:
        """Take sound, a typed line, the speaker's clock, a button, or a tick."""
        match message:
            case AudioChunk():
                return self._hear(message)
            case Transcript():
                return self._typed(message)
            case Clock():
                return self._clock(message)
            case Command():
                return self._pressed(message)
            case Tick():
                return self._tick(message.mono_ns)
            case _:
                return ()

    def export_state(self) -> dict[str, Any]:
        """See :class:`ListenerState`."""
        state = self._state
        begin = state.recording.end_sample if state.utterance is None else state.utterance.section_sample
        lean = replace(state, recording=state.recording.trimmed(begin))
        return {"version": _VERSION, "state": lean.plain()}

    def import_state(self, state: dict[str, Any]) -> None:
        """Go on where a predecessor stood; a state of another version is left alone."""
        if state.get("version") != _VERSION:
            return
        self._state = ListenerState.of_plain(state["state"])
        self._machine.book = self._state.book

    def _hear(self, chunk: AudioChunk) -> Outputs:
        if chunk.sample_rate != MICROPHONE_HZ:
            raise ContractError(
                f"the listener hears {MICROPHONE_HZ} Hz, got {chunk.sample_rate} Hz", "resample in the microphone node"
            )
        yield from self._align(chunk)
        for start in range(0, len(chunk.samples), _PIECE_SAMPLES):
            origin_ns = chunk.origin_ns + round(start / MICROPHONE_HZ * 1e9) if chunk.origin_ns else 0
            self._state.recording.append(chunk.samples[start : start + _PIECE_SAMPLES], origin_ns)
            yield from self._catch_up()

    def _align(self, chunk: AudioChunk) -> Outputs:
        """Bridge a short gap with silence; after a longer one, or if the device restarted, end what is open."""
        state = self._state
        missing = chunk.start_sample - state.recording.end_sample
        if state.window_sample >= 0 and 0 <= missing <= _BRIDGED_GAP_SAMPLES:
            if missing:
                state.recording.append(np.zeros(missing, np.float32), 0)
            return
        if state.utterance is not None:
            yield from self._finish(state.utterance)
        yield from self._let_go()
        state.recording.restart(chunk.start_sample)
        state.window_sample = chunk.start_sample
        state.finished = None
        state.silero = SileroState()
        state.voice = VoiceTracker()

    def _catch_up(self) -> Outputs:
        """Attend to all whole windows that have not been heard yet."""
        state = self._state
        while state.window_sample + WINDOW_SAMPLES <= state.recording.end_sample:
            start = state.window_sample
            state.window_sample += WINDOW_SAMPLES
            window = state.recording.between(start, start + WINDOW_SAMPLES)
            if state.muted:
                window = np.zeros_like(window)
            probability = self._ears.vad.probability(window, state.silero)
            state.voice.update(probability, start, self._config.voice)
            yield from self._attend()

    def _attend(self) -> Outputs:
        state = self._state
        if state.utterance is not None:
            yield from self._follow(state.utterance)
        elif state.talking or self._is_addressed():
            yield from self._open()
        elif state.overlap is not None:
            yield from self._overhear(state.overlap)
        elif self._is_overlapping():
            yield from self._duck()
        elif self._is_deaf() or (state.voice.phase is VoicePhase.SPEAKING and state.voice.silence_ms > _STALE_MS):
            state.voice.release()

    def _is_deaf(self) -> bool:
        if self._machine.state is not TurnState.AVATAR_SPEAKING or self._config.barge_in.mode != "off":
            return False
        return self._state.voice.phase is VoicePhase.SILENT or not self._is_going_on()

    def _is_overlapping(self) -> bool:
        """Whether a voice begins over the avatar's that may interrupt it."""
        over = self._machine.state is TurnState.AVATAR_SPEAKING and self._config.barge_in.mode == "duck"
        return over and self._overhearing.begins(self._state.voice) and not self._is_going_on()

    def _is_addressed(self) -> bool:
        """Whether the voice that is heard opens a turn."""
        voice = self._state.voice
        if voice.phase is not VoicePhase.SPEAKING or self._is_deaf():
            return False
        if self._machine.state is TurnState.IDLE or self._is_going_on():
            return True
        commits = self._config.barge_in.mode == "commit" or self._machine.state is TurnState.THINKING
        return commits and voice.voiced_ms >= self._config.barge_in.commit_ms

    def _is_going_on(self) -> bool:
        """Whether the user's last turn was ended too early: the voice went on before the answer was heard."""
        finished, voice = self._state.finished, self._state.voice
        unheard = self._machine.state is TurnState.THINKING
        begun_before = (
            self._machine.state is TurnState.AVATAR_SPEAKING and voice.onset_sample < self._state.answered_sample
        )
        if finished is None or not (unheard or begun_before):
            return False
        pause_ms = 1000 * (voice.onset_sample - finished.end_sample) / MICROPHONE_HZ
        return finished.segment_id == self._machine.book.segment_id and pause_ms <= self._config.turn.reopen_ms

    def _duck(self) -> Outputs:
        """Lower the avatar's voice, since somebody speaks over it."""
        state = self._state
        onset = state.voice.onset_sample
        begin = max(0, onset - self._preroll_samples)
        state.overlap = Overlap(self._machine.book.segment_id, onset, begin)
        origin_ns = state.recording.mono_ns(onset)
        return self._machine.duck(origin_ns, self._stage_s(origin_ns))

    def _overhear(self, overlap: Overlap) -> Outputs:
        """Attend to a voice over the avatar's for one more window."""
        state = self._state
        verdict = yield from self._overhearing.follow(overlap, state.recording, state.voice)
        if verdict is Verdict.INTERRUPTION:
            yield from self._open()
        elif verdict is Verdict.PASSED:
            yield from self._let_go()

    def _let_go(self) -> Outputs:
        """Let the avatar go on: what was said over its voice was no interruption."""
        overlap, self._state.overlap = self._state.overlap, None
        if overlap is None:
            return
        spoken = self._state.voice.phase is VoicePhase.SPEAKING
        self._state.voice.release()
        origin_ns = self._state.recording.mono_ns(overlap.onset_sample)
        yield from self._machine.unduck(origin_ns, self._stage_s(origin_ns))
        if spoken:
            yield "activity", self._activity("backchannel", overlap.onset_sample)

    def _open(self) -> Outputs:
        state = self._state
        overlap, state.overlap = state.overlap, None
        spoken = state.voice.phase is VoicePhase.SPEAKING
        onset = state.voice.onset_sample if spoken else state.window_sample
        going_on = spoken and self._is_going_on()
        earlier = state.finished if going_on or self._machine.state is TurnState.THINKING else None
        origin_ns = state.recording.mono_ns(onset)
        outputs = self._machine.open(origin_ns, self._stage_s(origin_ns))
        begin = max(onset - self._preroll_samples, earlier.end_sample if earlier else 0)
        state.utterance = Utterance(self._machine.book.segment_id, onset, begin, glimpsed_sample=onset)
        if overlap is not None:
            state.utterance.heard, state.utterance.over_avatar = overlap.heard, True
        if earlier is not None:
            readings = state.utterance.parts if going_on else state.utterance.fallback
            readings.extend(earlier.readings)
        yield from outputs
        yield "activity", self._activity("started", onset)

    def _follow(self, utterance: Utterance) -> Outputs:
        """Attend to the open turn for one more window."""
        state = self._state
        held = state.talking or state.release_sample >= 0
        was_paused = utterance.paused
        yield from self._attention.follow(utterance, state.recording, state.voice, judge=not held)
        if utterance.paused and not was_paused:
            yield "activity", self._activity("stopped", self._end_sample(utterance))
        elif was_paused and not utterance.paused:
            yield "activity", self._activity("started", state.voice.resumed_sample)
        yield from self._show(utterance)
        released = 0 <= state.release_sample <= state.window_sample
        if released or (not held and self._attention.is_over(utterance, state.voice)):
            yield from self._finish(utterance)

    def _show(self, utterance: Utterance) -> Outputs:
        """Say what has been heard so far, and once more when the turn seems to end here."""
        seems_over = self._attention.seems_over(utterance, self._state.voice)
        soft = seems_over and utterance.softened_sample != self._state.voice.voice_end_sample
        text = joined_text(utterance.readings)
        if text and (soft or text != utterance.shown):
            utterance.shown = text
            utterance.softened_sample = self._state.voice.voice_end_sample if soft else utterance.softened_sample
            yield "transcript", self._transcript(utterance, final=False, soft=soft)

    def _finish(self, utterance: Utterance) -> Outputs:
        """End the user's turn with what was heard."""
        state = self._state
        unvoiced = state.release_sample >= 0 and state.voice.voice_end_sample <= utterance.onset_sample
        yield from self._attention.settle(utterance, state.recording, state.voice, unvoiced=unvoiced)
        readings = utterance.readings
        understood = bool(readings) and joined_confidence(readings) >= self._config.min_confidence
        understood = understood and not (utterance.over_avatar and self._weighs_nothing(utterance))
        if not understood and utterance.fallback:
            utterance.parts, utterance.heard = utterance.fallback, utterance.fallback[-1]
            utterance.parts = utterance.fallback[:-1]
            understood = True
        transcript = self._transcript(utterance, final=True)
        paused = utterance.paused
        end = self._end_sample(utterance)
        state.utterance, state.release_sample = None, -1
        state.finished = Finished(utterance.segment_id, state.voice.voice_end_sample, utterance.readings)
        state.voice.release()
        if not paused:
            yield "activity", self._activity("stopped", end)
        if understood:
            yield "transcript", transcript
        yield from self._machine.close(understood=understood, origin_ns=transcript.origin_ns)

    def _weighs_nothing(self, utterance: Utterance) -> bool:
        """Whether what was said over the avatar's voice has turned out to be a backchannel."""
        readings = utterance.readings
        text, sure = joined_text(readings), joined_confidence(readings)
        language = readings[-1].language
        return weigh(text, confidence=sure, voiced_ms=math.inf, language=language) is Weight.BACKCHANNEL

    def _transcript(self, utterance: Utterance, *, final: bool, soft: bool = False) -> Transcript:
        readings = utterance.readings
        end = self._end_sample(utterance)
        return Transcript(
            text=joined_text(readings),
            final=final,
            soft=soft,
            fin=final,
            segment_id=utterance.segment_id,
            t_start_s=utterance.onset_sample / MICROPHONE_HZ,
            t_end_s=end / MICROPHONE_HZ,
            language=readings[-1].language if readings else "en",
            confidence=joined_confidence(readings),
            alternatives=joined_alternatives(readings, self._config.alternatives),
            origin_ns=self._state.recording.mono_ns(end),
        )

    def _end_sample(self, utterance: Utterance) -> int:
        """Where the voice really ended, which is a little before the detector noticed."""
        recording, noticed = self._state.recording, self._state.voice.voice_end_sample
        if noticed <= utterance.onset_sample:
            return recording.end_sample
        start = max(utterance.onset_sample, noticed - 4 * MICROPHONE_HZ)
        return start + voice_end(recording.between(start, noticed))

    def _activity(self, kind: Any, sample: int) -> SpeechActivity:
        return SpeechActivity(
            state=kind,
            at_sample=sample,
            segment_id=self._machine.book.segment_id,
            origin_ns=self._state.recording.mono_ns(sample),
        )

    def _typed(self, line: Transcript) -> Iterator[Output]:
        """A typed line is a whole turn, and ends what is being said aloud: that may be a noise that holds it open."""
        text = " ".join(line.text.split())
        if not text:
            return
        if len(text) > self._config.longest_typed:
            _log.warning("the typed line is cut after %d characters", self._config.longest_typed)
            text = text[: self._config.longest_typed]
        self._state.utterance = self._state.overlap = None
        self._state.voice.release()
        yield from self._machine.typed(line.origin_ns, self._stage_s(line.origin_ns))
        segment_id = self._machine.book.segment_id
        yield (
            "transcript",
            msgspec.structs.replace(
                line, text=text, segment_id=segment_id, final=True, fin=True, source="text", confidence=1.0
            ),
        )
        yield from self._machine.close(understood=True, origin_ns=line.origin_ns)

    def _pressed(self, command: Command) -> list[Output]:
        state = self._state
        match command.action:
            case "mute" | "unmute":
                state.muted = command.action == "mute"
            case "talk_start":
                state.talking, state.release_sample = True, -1
            case "talk_end" if state.talking:
                state.talking = False
                if state.utterance is not None:
                    state.release_sample = state.recording.end_sample + _TALK_TAIL_SAMPLES
            case "stop":
                return self._machine.stop(command.origin_ns, self._stage_s(command.origin_ns))
            case _:
                pass
        return []

    def _clock(self, clock: Clock) -> list[Output]:
        self._stage.update(clock)
        spoke = self._machine.state is TurnState.AVATAR_SPEAKING
        outputs = self._machine.clock(clock)
        if not spoke and self._machine.state is TurnState.AVATAR_SPEAKING:
            self._state.answered_sample = self._state.recording.end_sample
        return outputs

    def _tick(self, now_ns: int) -> list[Output]:
        self._state.now_ns = now_ns
        return self._machine.wait(now_ns, self._config.turn.thinking_timeout_s)

    def _stage_s(self, mono_ns: int) -> float:
        running = self._stage.running and mono_ns > 0
        return self._stage.stage_s(mono_ns) if running else 0.0


def build_engine(config: ListenerConfig) -> ListenerEngine:
    """The engine that the configuration asks for.

    Raises:
        MioError: If its package or weights are missing.
    """
    questions = _questions(config)
    recognizer: Recognizer
    match config.engine:
        case "moonshine":
            from nodes.listener.moonshine import Moonshine

            recognizer = Moonshine(config.moonshine, questions)
        case "pocketsphinx":
            from nodes.listener.sphinx import PocketSphinx

            recognizer = PocketSphinx(config.pocketsphinx, questions, config.cache_dir)
        case "whisper":
            from nodes.listener.whisper import build_whisper

            recognizer = build_whisper(config.whisper)
    return ListenerEngine(config, Ears(SileroVad(), EndOfTurnModel(), recognizer))


def _questions(config: ListenerConfig) -> list[str]:
    if config.character is None:
        return []
    entries = read_character(config.character).knowledge().entries
    return [question for entry in entries for question in entry.questions]
