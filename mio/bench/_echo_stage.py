"""Talker's speech, speaker, simulated room, microphone and listener, stepped in fake time, faster than real time.

Messages arrive at once and computing takes no time: what is measured is what the engines decide.
"""

import json
import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np

from mio.bench._barge_in_tape import Timed
from mio.contracts.engine import Engine
from mio.contracts.messages import AudioChunk, Clock, FloatArray, Interrupt, Message, Speech, Tick, Transcript, Turn
from nodes.io.microphone.config import EchoConfig, MicrophoneConfig, SimulatedRoom
from nodes.io.microphone.echo import EchoCanceller, WebRtc
from nodes.io.microphone.engine import MicrophoneEngine
from nodes.io.microphone.room import RoomSource
from nodes.io.microphone.sources import Captured, PacedSource
from nodes.io.microphone.stage_sound import StageSound
from nodes.io.speaker.config import SpeakerConfig
from nodes.io.speaker.engine import SpeakerEngine
from nodes.io.speaker.engine import build_engine as build_speaker
from nodes.listener.engine import ListenerEngine

_STEP_NS = 10_000_000
_BEGIN_NS = 1_000_000_000_000
_TICK_STEPS = {"speaker": 4, "microphone": 2, "listener": 10}
_PAUSE_S = 0.8  # between two answers
_NOTICED_WITHIN_S = 1.0
_WORDS_WITHIN_S = 4.0


class Reduction(NamedTuple):
    """Energies of one second before and after echo cancellation."""

    captured: float
    sent: float


class SaidLine(NamedTuple):
    """A line of the simulated user.

    Attributes:
        number: Its place in the room's lines.
        begun_s: When its sound began, seconds of fake time.
        length_s: Length of its sound.
    """

    number: int
    begun_s: float
    length_s: float


class Outcome(NamedTuple):
    """What came of a run.

    Attributes:
        seconds: Length of it.
        spoken_s: How much of it the avatar spoke.
        ducks: When the listener lowered the avatar's voice, seconds.
        turns: When the listener opened a user's turn, seconds.
        finals: Final transcripts with the time they came, seconds.
        lines: What the simulated user said.
        reductions: Of each second in which the avatar spoke.
        cancelling_cpu_s: CPU time of echo cancellation.
    """

    seconds: float
    spoken_s: float
    ducks: list[float]
    turns: list[float]
    finals: list[tuple[float, str]]
    lines: list[SaidLine]
    reductions: list[Reduction]
    cancelling_cpu_s: float

    def noticed_s(self, line: SaidLine) -> float | None:
        """When a line lowered the avatar's voice or opened a turn; None if neither until a second after its end."""
        return min((at_s for at_s in (*self.ducks, *self.turns) if self._within(line, at_s)), default=None)

    def taken(self, line: SaidLine) -> bool:
        """Whether a line became a turn."""
        return any(self._within(line, at_s) for at_s in self.turns)

    def _within(self, line: SaidLine, at_s: float) -> bool:
        return line.begun_s < at_s < line.begun_s + line.length_s + _NOTICED_WITHIN_S

    def text_of(self, line: SaidLine) -> str:
        """What was understood of a line."""
        last_s = line.begun_s + line.length_s + _WORDS_WITHIN_S
        kept = ""
        for at_s, text in self.finals:
            if line.begun_s < at_s < last_s:
                kept = text if text.startswith(kept) else f"{kept} {text}"
        return kept


class _Tap:
    """A room whose sound is kept."""

    def __init__(self, source: RoomSource) -> None:
        self._source = source
        self.blocks: list[FloatArray] = []
        self.prepare, self.open, self.close = source.prepare, source.open, source.close
        self.export_state, self.import_state = source.export_state, source.import_state

    def read(self, now_ns: int) -> list[Captured] | None:
        """See :class:`~nodes.io.microphone.sources.Source`."""
        blocks = self._source.read(now_ns)
        self.blocks += [block.samples for block in blocks or ()]
        return blocks


class _Timed(EchoCanceller):
    """A canceller whose CPU time is counted."""

    cpu_s = 0.0

    def process(self, captured: FloatArray, captured_s: float) -> FloatArray:
        """See :class:`~nodes.io.microphone.echo.EchoCanceller`."""
        began = time.process_time()
        out = super().process(captured, captured_s)
        self.cpu_s += time.process_time() - began
        return out


class _Director:
    """Gives the avatar its answers: one after the other, and one to each turn of the user.

    Args:
        answers: Speech of each answer; they come again from the first.
    """

    def __init__(self, answers: Sequence[Sequence[Speech]]) -> None:
        self._answers = answers
        self._count = 0
        self._segment_id = 0
        self._turn = "idle"
        self._silent_since_s = 0.0

    def take(self, message: Message, at_s: float) -> None:
        """Follow whose turn it is."""
        if isinstance(message, Turn):
            self._turn = message.state
            self._segment_id = max(self._segment_id, message.segment_id)
            self._silent_since_s = at_s
        elif isinstance(message, Clock) and message.segment_id:
            self._segment_id = max(self._segment_id, message.segment_id)
            self._silent_since_s = at_s

    def speech(self, at_s: float) -> Iterator[Speech]:
        """The next answer, if it is time for it."""
        if self._turn not in ("idle", "thinking") or at_s - self._silent_since_s < _PAUSE_S:
            return
        self._segment_id += self._turn == "idle"
        self._silent_since_s = at_s
        for chunk in self._answers[self._count % len(self._answers)]:
            yield msgspec.structs.replace(chunk, segment_id=self._segment_id)
        self._count += 1


class EchoStage:
    """One run: the avatar speaks in a room, perhaps with a user in it.

    Attributes:
        streams: What was spoken, played and decided, by node and output, in nanoseconds of fake time.

    Args:
        room: The room and the user's lines; its log is where the lines are read from.
        listener: Hears the microphone; in its initial state.
        answers: What the avatar says.
        echo: Section ``echo`` of the microphone.
    """

    def __init__(
        self, room: SimulatedRoom, listener: ListenerEngine, answers: Sequence[Sequence[Speech]], echo: EchoConfig
    ) -> None:
        config = MicrophoneConfig(device="null", room=room, echo=echo)
        stage = StageSound()
        self._room = room
        self._tap = _Tap(RoomSource(room, PacedSource(), stage))
        self._timed = _Timed(WebRtc(echo), stage, linear=echo.linear) if config.cancels_echo else None
        self._microphone = MicrophoneEngine(self._tap, 0.0, stage, self._timed)
        self._speaker: SpeakerEngine = build_speaker(SpeakerConfig(device="null"))
        self._listener = listener
        self._director = _Director(answers)
        self._now_ns = _BEGIN_NS
        self._sent: list[FloatArray] = []
        self._spoken: list[bool] = []
        self._speaking = False
        self._outcome = Outcome(0.0, 0.0, [], [], [], [], [], 0.0)
        self.streams: dict[tuple[str, str], list[Timed]] = {}

    def run(self, seconds: float, *, until_said: bool = False) -> Outcome:
        """Let time pass.

        Args:
            seconds: How much at most.
            until_said: Stop earlier, four seconds after the last of the user's lines.
        """
        for engine in (self._microphone, self._speaker):
            engine.open()
        last_s = seconds
        steps = 0
        while steps * 0.01 < last_s:
            self._step(steps)
            steps += 1
            if until_said and last_s == seconds and steps % 100 == 0 and len(self._rows()) == len(self._room.lines):
                last_s = min(seconds, steps * 0.01 + self._longest_s() + _WORDS_WITHIN_S)
        for engine in (self._microphone, self._speaker):
            engine.close()
        return self._outcome._replace(
            seconds=last_s,
            spoken_s=float(np.sum(self._spoken)) * 0.01,
            lines=[SaidLine(row["line"], row["begun_s"], row["length_s"]) for row in self._rows() if row["said"]],
            reductions=self._reductions(),
            cancelling_cpu_s=self._timed.cpu_s if self._timed else 0.0,
        )

    @property
    def _now_s(self) -> float:
        return (self._now_ns - _BEGIN_NS) * 1e-9

    def _step(self, number: int) -> None:
        self._now_ns += _STEP_NS
        self._spoken.append(self._speaking)
        for name, engine in (
            ("speaker", self._speaker),
            ("microphone", self._microphone),
            ("listener", self._listener),
        ):
            if number % _TICK_STEPS[name] == 0:
                self._feed(engine, "tick", Tick(mono_ns=self._now_ns))
        for speech in self._director.speech(self._now_s):
            self._keep("talker", "speech", speech)
            self._feed(self._speaker, "speech", speech)

    def _feed(self, engine: Engine, port: str, message: Message) -> None:
        """Step an engine, and those that hear of it."""
        for output in engine.step(port, message):
            if output is not None:
                self._route(*output)

    def _route(self, port: str, message: Message) -> None:
        match message:
            case AudioChunk() if port == "played":
                self._keep("speaker", "played", message)
                self._feed(self._microphone, "reference", message)
            case AudioChunk():
                self._sent.append(message.samples)
                self._feed(self._listener, "audio", message)
            case Clock():
                self._keep("speaker", "clock", message)
                self._speaking = message.segment_id != 0 and message.heard_sample >= 0 and not message.fin
                self._director.take(message, self._now_s)
                self._feed(self._microphone, "clock", message)
                self._feed(self._listener, "clock", message)
            case Interrupt():
                self._keep("listener", "interrupt", message)
                if message.action == "duck":
                    self._outcome.ducks.append(self._now_s)
                self._feed(self._speaker, "interrupt", message)
            case Turn():
                if message.state == "user_speaking":
                    self._outcome.turns.append(self._now_s)
                self._director.take(message, self._now_s)
            case Transcript(final=True):
                self._outcome.finals.append((self._now_s, message.text))
            case _:
                pass

    def _keep(self, node: str, port: str, message: Message) -> None:
        self.streams.setdefault((node, port), []).append(Timed(self._now_ns, message))

    def _rows(self) -> list[dict[str, Any]]:
        """The room's log."""
        path = self._room.log
        text = path.read_text(encoding="utf-8") if path is not None and path.is_file() else ""
        rows = [json.loads(line) for line in text.splitlines()]
        return [{**row, "begun_s": (row["mono_ns"] - _BEGIN_NS) * 1e-9} for row in rows]

    def _longest_s(self) -> float:
        return max((row["length_s"] for row in self._rows()), default=0.0)

    def _reductions(self) -> list[Reduction]:
        """Energies of the seconds in which the avatar spoke all the time."""
        found: list[Reduction] = []
        captured, sent = _joined(self._tap.blocks), _joined(self._sent)
        rate = 16_000
        for second in range(min(len(captured), len(sent)) // rate):
            if all(self._spoken[second * 100 : second * 100 + 100]):
                part = slice(second * rate, (second + 1) * rate)
                found.append(Reduction(_energy(captured[part]), _energy(sent[part])))
        return found


def _joined(blocks: Sequence[FloatArray]) -> FloatArray:
    return np.concatenate(blocks) if blocks else np.zeros(0, np.float32)


def _energy(samples: FloatArray) -> float:
    return float(np.square(samples, dtype=np.float64).sum())
