"""Motion as in a conversation for the renderer's benchmark: a reply with gestures, then a rest, in fake time.

Made by the rule-based face and the procedural body from a reply that espeak-ng speaks, so it is the same every time.
"""

from typing import NamedTuple

import numpy as np

from mio.contracts.engine import Engine
from mio.contracts.messages import (
    BodyMotion,
    Clock,
    FaceMotion,
    Gesture,
    Message,
    MotionPrompt,
    Reply,
    Speech,
    Tick,
    Turn,
)
from mio.contracts.rates import BODY_DIM, FACE_DIM, SPEECH_HZ, VIDEO_FPS
from mio.contracts.skeleton import JOINT_INDEX
from nodes.body.config import BodyConfig
from nodes.body.engine import build_engine as build_body
from nodes.body.skeleton import forward
from nodes.face.config import FaceConfig
from nodes.face.engine import build_engine as build_face
from nodes.renderer.timeline import Moment, Timeline
from nodes.talker.config import TalkerConfig
from nodes.talker.engine import build_engine as build_talker

_REPLY: tuple[tuple[str, Gesture], ...] = (
    ("Hello, and welcome to my workshop.", "greet"),
    ("It is a small place by the harbour, but I like it very much.", "explain"),
    ("People often ask me why I keep so many maps; well, I really do not know.", "shrug"),
)
_SPEAKS_S = 1.5
_RESTS_S = 2.0
_STEP_S = 0.02
_STEPS_PER_CLOCK = 10
_BOOT_S = 1_000.0
_UP_M = 0.10  # of wrists over the pelvis


class Motion(NamedTuple):
    """Streams as a renderer gets them.

    Attributes:
        face: Frames of the face by stage time.
        body: Frames of the body by stage time.
        seconds: How long it lasts.
    """

    face: Timeline
    body: Timeline
    seconds: float

    def moments(self) -> list[tuple[Moment, Moment]]:
        """Face and body at the stage time of each picture."""
        times_s = np.arange(VIDEO_FPS // 2, int(self.seconds * VIDEO_FPS)) / VIDEO_FPS
        found = [(self.face.at(at_s), self.body.at(at_s)) for at_s in times_s]
        return [(face, body) for face, body in found if face is not None and body is not None]


def record() -> Motion:
    """Let face and body answer."""
    speech = _speech()
    script: list[tuple[float, str, Message]] = [(_SPEAKS_S, "turn", Turn(state="avatar_speaking", segment_id=1))]
    for index, (text, gesture) in enumerate(_REPLY):
        script.append((_SPEAKS_S - 0.1, "prompt", MotionPrompt(text=text, gesture=gesture, index=index, segment_id=1)))
    script += [(_SPEAKS_S + 0.02 * index, "speech", chunk) for index, chunk in enumerate(speech)]
    end_s = _SPEAKS_S + speech[-1].end_s
    script.append((end_s, "turn", Turn(state="idle", segment_id=1)))
    return _play(sorted(script, key=lambda entry: entry[0]), end_s)


def _speech() -> list[Speech]:
    talker = build_talker(TalkerConfig(engine="espeak"))
    chunks: list[Speech] = []
    for index, (text, _) in enumerate(_REPLY):
        reply = Reply(text=text, index=index, segment_id=1, fin=index == len(_REPLY) - 1)
        chunks += [output[1] for output in talker.step("reply", reply) if output and isinstance(output[1], Speech)]
    return chunks


def _play(script: list[tuple[float, str, Message]], end_s: float) -> Motion:
    engines: tuple[Engine, ...] = (build_face(FaceConfig(engine="viseme", seed=1)), build_body(BodyConfig(seed=1)))
    found = Motion(Timeline(FACE_DIM), Timeline(BODY_DIM), end_s + _RESTS_S)
    for step in range(round(found.seconds / _STEP_S)):
        now_s = step * _STEP_S
        due: list[tuple[str, Message]] = []
        if step % _STEPS_PER_CLOCK == 0:
            due.append(("clock", _clock(now_s, end_s)))
        while script and script[0][0] <= now_s:
            due.append(script.pop(0)[1:])
        due.append(("tick", Tick(mono_ns=_mono_ns(now_s))))
        for engine in engines:
            for port, message in due:
                _take(found, [output[1] for output in engine.step(port, message) if output])
    return found


def _clock(now_s: float, end_s: float) -> Clock:
    speaking = _SPEAKS_S <= now_s < end_s
    heard = round((now_s - _SPEAKS_S) * SPEECH_HZ) if speaking else 0
    return Clock(stage_s=now_s, mono_ns=_mono_ns(now_s), segment_id=int(speaking), heard_sample=heard)


def _take(found: Motion, messages: list[Message]) -> None:
    for message in messages:
        if isinstance(message, FaceMotion):
            found.face.add(message.frames, message.start_stage_s, message.fps)
        elif isinstance(message, BodyMotion):
            found.body.add(message.frames, message.start_stage_s, message.fps)


def _mono_ns(stage_s: float) -> int:
    return round((stage_s + _BOOT_S) * 1e9)


def hands_up(body: Moment) -> bool:
    """Whether both hands are clearly over the pelvis."""
    places, _ = forward(body.before[None].astype(np.float64))
    wrists = places[0, [JOINT_INDEX["left_wrist"], JOINT_INDEX["right_wrist"]], 1]
    return bool((wrists > places[0, JOINT_INDEX["pelvis"], 1] + _UP_M).all())
