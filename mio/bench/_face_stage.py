"""A stage for the face engine: the speaker's clock, speech at its pace, ticks and a script, all in fake time."""

import time
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mio.contracts.engine import Engine
from mio.contracts.messages import AudioChunk, Clock, FaceMotion, FloatArray, Message, Speech, Tick, Turn
from mio.contracts.rates import FACE_FPS, MICROPHONE_CHUNK_SAMPLES, MICROPHONE_HZ, SPEECH_HZ

LOOK_AHEAD_S = 0.03
"""A renderer takes the frame for its picture so long before the picture is seen."""

_STEP_S = 0.01
_STEPS_PER_CLOCK = 4
_BOOT_S = 1_000.0


class Seen(NamedTuple):
    """What was seen.

    Attributes:
        frames: ``[n, 112]`` in the order of stage time.
        first_s: Stage time of the first one.
        sent: Stage time at which each message was sent, and the message.
        starts_s: Stage time at which each turn began to be heard.
        cpu_s: CPU seconds of the engine.
    """

    frames: npt.NDArray[np.float32]
    first_s: float
    sent: list[tuple[float, FaceMotion]]
    starts_s: dict[int, float]
    cpu_s: float

    def between(self, from_s: float, to_s: float) -> npt.NDArray[np.float32]:
        """Frames of a span of stage time."""
        low, high = (max(0, round((at_s - self.first_s) * FACE_FPS)) for at_s in (from_s, to_s))
        return self.frames[low:high]


class Stage:
    """Plays a script to an engine.

    Args:
        engine: The face.
        lead_s: From a turn's first sound to its being heard.
    """

    def __init__(self, engine: Engine, lead_s: float = 0.12) -> None:
        self.engine = engine
        self._lead_s = lead_s
        self._script: list[tuple[float, str, Message]] = []
        self._waiting: dict[int, FloatArray] = {}
        self._shown: dict[int, FloatArray] = {}
        self._sent: list[tuple[float, FaceMotion]] = []
        self._starts_s: dict[int, float] = {}
        self._ends_s: dict[int, float] = {}
        self._speaking = 0
        self._cpu_s = 0.0

    def at(self, at_s: float, port: str, message: Message) -> None:
        """Send a message to the engine at a stage time; an ``interrupt`` also stops the speaker."""
        self._script.append((at_s, port, message))

    def say(self, at_s: float, chunks: Sequence[Speech], *, turns: bool = True, pace_s: float = 0.02) -> float:
        """Send a turn's speech from a stage time on, a chunk every ``pace_s``; returns when it has been heard."""
        for index, chunk in enumerate(chunks):
            self.at(at_s + index * pace_s, "speech", chunk)
        start_s = at_s + self._lead_s
        end_s = start_s + max(chunk.end_s for chunk in chunks)
        if turns:
            self.at(start_s, "turn", Turn(state="avatar_speaking", segment_id=chunks[0].segment_id))
            self.at(end_s, "turn", Turn(state="idle", segment_id=chunks[0].segment_id))
        return end_s

    def hear(self, at_s: float, sound: FloatArray) -> None:
        """Let the user's voice come in from a stage time on: ``[n]`` at 16 kHz."""
        for start in range(0, len(sound) - MICROPHONE_CHUNK_SAMPLES + 1, MICROPHONE_CHUNK_SAMPLES):
            chunk = AudioChunk(samples=sound[start : start + MICROPHONE_CHUNK_SAMPLES], start_sample=start)
            self.at(at_s + start / MICROPHONE_HZ, "user_audio", chunk)

    def run(self, until_s: float) -> Seen:
        """Play the script from stage time 0 on."""
        script = sorted(self._script, key=lambda entry: entry[0])
        self._script = []
        at = 0
        for count in range(round(until_s / _STEP_S)):
            now_s = count * _STEP_S
            while at < len(script) and script[at][0] <= now_s + 1e-9:
                self._deliver(now_s, *script[at][1:])
                at += 1
            self._end_turn(now_s)
            if count % _STEPS_PER_CLOCK == 0:
                self._clock(now_s)
                self._step(now_s, "tick", Tick(mono_ns=_mono_ns(now_s)))
            self._show(now_s)
        frames = np.stack([self._shown[index] for index in sorted(self._shown)])
        return Seen(frames, min(self._shown) / FACE_FPS, self._sent, self._starts_s, self._cpu_s)

    def _deliver(self, now_s: float, port: str, message: Message) -> None:
        self._step(now_s, port, message)
        if isinstance(message, Speech):
            if message.segment_id not in self._starts_s:
                self._starts_s[message.segment_id] = now_s + self._lead_s
                self._speaking = message.segment_id
                self._clock(now_s)
            if message.fin:
                self._ends_s[message.segment_id] = message.end_s
        elif port == "interrupt" and getattr(message, "action", "") == "commit":
            self._clock(now_s, last=True)
            self._speaking = 0

    def _end_turn(self, now_s: float) -> None:
        speaking = self._speaking
        if speaking in self._ends_s and now_s > self._starts_s[speaking] + self._ends_s[speaking]:
            self._clock(now_s, last=True)
            self._speaking = 0

    def _clock(self, now_s: float, *, last: bool = False) -> None:
        speaking = self._speaking
        heard = round((now_s - self._starts_s[speaking]) * SPEECH_HZ) if speaking else 0
        clock = Clock(
            stage_s=now_s, mono_ns=_mono_ns(now_s), segment_id=speaking, heard_sample=heard, fin=last and speaking > 0
        )
        self._step(now_s, "clock", clock)

    def _step(self, now_s: float, port: str, message: Message) -> None:
        began_s = time.process_time()
        outputs = list(self.engine.step(port, message))
        self._cpu_s += time.process_time() - began_s
        for _, motion in _motions(outputs):
            self._sent.append((now_s, motion))
            first = round(motion.start_stage_s * FACE_FPS)
            self._waiting.update((first + index, frame) for index, frame in enumerate(motion.frames))

    def _show(self, now_s: float) -> None:
        place = (now_s + LOOK_AHEAD_S) * FACE_FPS
        if abs(place - round(place)) < 0.1 and round(place) in self._waiting:
            self._shown[round(place)] = self._waiting.pop(round(place))


def _motions(outputs: Iterable[tuple[str, Message] | None]) -> list[tuple[str, FaceMotion]]:
    return [(output[0], output[1]) for output in outputs if output and isinstance(output[1], FaceMotion)]


def _mono_ns(stage_s: float) -> int:
    return round((stage_s + _BOOT_S) * 1e9)
