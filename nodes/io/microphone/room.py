"""A virtual microphone in a simulated room: users say their lines, and the avatar's loudspeaker is heard.

It stands for a sound card where there is none: paced in real time, late by as much as a driver, with the echo of what
the speaker really plays.
"""

import json
import logging
from enum import Enum, auto
from typing import Any

import numpy as np

from mio.audio import read_audio
from mio.contracts.messages import FloatArray
from mio.contracts.rates import MICROPHONE_HZ
from mio.measure.room import EchoPath, heard_position, room_noise
from nodes.io.microphone.config import Line, SimulatedRoom
from nodes.io.microphone.sources import Captured, PacedSource
from nodes.io.microphone.stage_sound import StageSound

_LATENCY_NS = 40_000_000  # of a driver, as of a sound card
_PATIENCE_NS = 300_000_000  # for what the speaker has played
_STEP_NS = 20_000_000
_STEP_SAMPLES = MICROPHONE_HZ // 50
_STEPS_AT_ONCE = 25  # a machine that is too slow is late, but does not stand still
_NOISE_SAMPLES = 20 * MICROPHONE_HZ
_ANSWER_WITHIN_S = 20.0

_log = logging.getLogger(__name__)


class SpeakerState(Enum):
    """What the simulated user does.

    WAITING -> SPEAKING when the next line is due; SPEAKING -> WAITING at its end, or DONE after the last one; WAITING
    -> WAITING for the line after if a line has lost its moment, or DONE.
    """

    WAITING = auto()
    SPEAKING = auto()
    DONE = auto()


class SimulatedUser:
    """Says lines, each when it is due.

    Args:
        room: Its lines and where they are logged.
        stage: What the avatar says meanwhile.
    """

    def __init__(self, room: SimulatedRoom, stage: StageSound) -> None:
        self._lines = room.lines
        self._log = room.log
        self._stage = stage
        self._state = SpeakerState.WAITING if room.lines else SpeakerState.DONE
        self._number = 0
        self._sound = np.zeros(0, np.float32)
        self._quiet_since_s: float | None = None
        self._asked_s: float | None = None
        self._old_turn = 0
        self._turn = 0

    def step(self, at_s: float) -> FloatArray:
        """``[320]`` samples that are said from a monotonic time on."""
        turn, heard_s = self._stage.heard_of_turn_s(at_s)
        if self._quiet_since_s is None or turn:
            self._quiet_since_s = at_s
        if self._asked_s is None:
            self._asked_s = at_s
        if self._state is SpeakerState.WAITING:
            self._wait(at_s, turn, heard_s)
        if self._state is not SpeakerState.SPEAKING:
            return np.zeros(_STEP_SAMPLES, np.float32)
        said, self._sound = self._sound[:_STEP_SAMPLES], self._sound[_STEP_SAMPLES:]
        if not len(self._sound):
            self._quiet_since_s = at_s
            self._next(at_s)
        return np.pad(said, (0, _STEP_SAMPLES - len(said)))

    def export_state(self) -> dict[str, Any]:
        """The line that comes next, or is being said."""
        return {"line": self._number}

    def import_state(self, state: dict[str, Any]) -> None:
        """Begin with a predecessor's line."""
        self._number = int(state.get("line", 0))
        self._state = SpeakerState.WAITING if self._number < len(self._lines) else SpeakerState.DONE

    def _wait(self, at_s: float, turn: int, heard_s: float) -> None:
        line = self._lines[self._number]
        self._turn = max(self._turn, turn)
        answered = self._turn > self._old_turn
        if line.when == "quiet":
            due = at_s - (self._quiet_since_s or at_s) >= line.after_s
        else:
            due = answered and turn == self._turn and heard_s >= line.after_s
        if due:
            self._sound = read_audio(line.sound, MICROPHONE_HZ)
            self._state = SpeakerState.SPEAKING
            self._write(line, at_s, turn, heard_s)
        elif line.when == "answer" and self._is_missed(at_s, answered, turn):
            self._write(line, at_s, 0, 0.0)
            self._next(at_s)

    def _is_missed(self, at_s: float, answered: bool, turn: int) -> bool:
        return not turn if answered else at_s - (self._asked_s or at_s) > _ANSWER_WITHIN_S

    def _next(self, at_s: float) -> None:
        self._number += 1
        self._asked_s = at_s
        self._old_turn = self._turn
        self._state = SpeakerState.WAITING if self._number < len(self._lines) else SpeakerState.DONE

    def _write(self, line: Line, at_s: float, turn: int, heard_s: float) -> None:
        said = self._state is SpeakerState.SPEAKING
        row = {"line": self._number, "sound": str(line.sound), "said": said, "mono_ns": round(at_s * 1e9)}
        length_s = len(self._sound) / MICROPHONE_HZ
        _log.info("line %d: %s", self._number, "said" if said else "left out, its moment never came")
        if self._log is not None:
            self._log.parent.mkdir(parents=True, exist_ok=True)
            with self._log.open("a", encoding="utf-8") as file:
                file.write(json.dumps({**row, "length_s": length_s, "segment_id": turn, "heard_s": heard_s}) + "\n")


class RoomSource:
    """A file, or silence, in a room with users and the avatar's loudspeaker.

    Args:
        room: The room.
        source: The file or silence.
        stage: What the loudspeaker plays.
    """

    def __init__(self, room: SimulatedRoom, source: PacedSource, stage: StageSound) -> None:
        self._acoustics = room.acoustics
        self._source = source
        self._stage = stage
        self._user = SimulatedUser(room, stage)
        self._path = EchoPath(room.acoustics, MICROPHONE_HZ)
        self._noise = room_noise(_NOISE_SAMPLES, room.acoustics.noise_db, room.acoustics.seed)
        self._steps = 0
        self._next_ns: int | None = None
        self._missed = False

    def prepare(self, state: dict[str, Any]) -> None:
        """See :class:`~nodes.io.microphone.sources.Source`."""
        self._source.prepare(state.get("source", {}))

    def open(self) -> None:
        """See :class:`~nodes.io.microphone.sources.Source`."""
        self._source.open()

    def close(self) -> None:
        """See :class:`~nodes.io.microphone.sources.Source`."""
        self._source.close()

    def read(self, now_ns: int) -> list[Captured] | None:
        """See :class:`~nodes.io.microphone.sources.Source`."""
        if self._next_ns is None:
            self._next_ns = now_ns
            self._source.read(now_ns)
        blocks: list[Captured] = []
        for _ in range(_STEPS_AT_ONCE):
            end_ns = self._next_ns + _STEP_NS
            if end_ns + _LATENCY_NS > now_ns or not self._is_known(now_ns, end_ns):
                break
            blocks.append(self._step(self._next_ns))
            self._next_ns = end_ns
        return blocks

    def export_state(self) -> dict[str, Any]:
        """See :class:`~nodes.io.microphone.sources.Source`."""
        return {"source": self._source.export_state(), "user": self._user.export_state(), "next_ns": self._next_ns}

    def import_state(self, state: dict[str, Any]) -> None:
        """See :class:`~nodes.io.microphone.sources.Source`."""
        if "user" in state:
            self._source.import_state(state["source"])
            self._user.import_state(state["user"])
            self._next_ns = state["next_ns"]

    def _is_known(self, now_ns: int, until_ns: int) -> bool:
        """Whether the speaker has told what is heard in the room up to a time; in the end nobody waits for it."""
        if not self._stage.running(now_ns * 1e-9) or self._stage.knows(self._position(until_ns * 1e-9)):
            return True
        if now_ns - until_ns < _PATIENCE_NS:
            return False
        if not self._missed:
            self._missed = True
            _log.warning("the speaker tells too late what it plays; its echo is incomplete")
        return True

    def _step(self, at_ns: int) -> Captured:
        """20 ms from a time on."""
        at_s = at_ns * 1e-9
        heard = np.zeros(_STEP_SAMPLES, np.float32)
        if self._stage.running(at_s):
            heard = self._stage.read(self._position(at_s), _STEP_SAMPLES)
        start = self._steps * _STEP_SAMPLES % _NOISE_SAMPLES
        self._steps += 1
        samples = self._path.process(heard) + self._noise[start : start + _STEP_SAMPLES] + self._user.step(at_s)
        for block in self._source.read(at_ns + _STEP_NS) or ():
            samples[: len(block.samples)] += block.samples[:_STEP_SAMPLES]
        return Captured(samples, MICROPHONE_HZ, at_s)

    def _position(self, captured_s: float) -> float:
        return heard_position(self._acoustics, self._stage.position(captured_s), MICROPHONE_HZ)
