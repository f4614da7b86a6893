"""All that the engine remembers, and its plain form for a successor."""

from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np

from mio.errors import MioError
from mio.rotation import Array
from nodes.body.accents import TurnSpeech
from nodes.body.breath import BreathState
from nodes.body.choreography import ChoreographyState
from nodes.body.standing import StandingState
from nodes.body.tracks import Track

VERSION = 1
KIND = "idle"


@dataclass
class Timeline:
    """How body time, which never leaps, relates to stage time.

    Attributes:
        offset: Frames from stage time's grid to body time's; body frame = stage frame + offset.
        now_frame: Body frame that was to be seen at the last tick.
        next_frame: First body frame that has not been sent.
        epoch: Of the stage clock.
        mono_ns: When the last tick was; 0 before the first.
    """

    offset: int = 0
    now_frame: int = 0
    next_frame: int = 0
    epoch: int = 0
    mono_ns: int = 0


@dataclass
class BodyState:
    """Everything mutable of the engine, plain values and arrays.

    Attributes:
        rng: State of the random generator, numbers as text because they have 128 bits.
        phases: ``[C, K]`` of the drift.
        rates: ``[C, K]`` of the drift.
        tracks: By name.
        offset: What is left of another engine's pose; None if nothing is.
        breath: Breathing.
        standing: Weight and posture.
        choreography: Gestures.
        turns: Speech by turn.
        timeline: Clock.
        think_s: When a hand may go to the chin; infinity if not.
    """

    rng: dict[str, str]
    phases: Array
    rates: Array
    tracks: dict[str, Track]
    offset: Track | None = None
    breath: BreathState = field(default_factory=BreathState)
    standing: StandingState = field(default_factory=StandingState)
    choreography: ChoreographyState = field(default_factory=ChoreographyState)
    turns: dict[int, TurnSpeech] = field(default_factory=dict[int, TurnSpeech])
    timeline: Timeline = field(default_factory=Timeline)
    think_s: float = float("inf")


def export(state: BodyState, rng: np.random.Generator, pose: Array) -> dict[str, Any]:
    """Plain lists, dicts, texts and numbers.

    Args:
        state: What to export.
        rng: The generator that goes with it.
        pose: ``[3, 159]`` last frames that were to be seen, for a successor of another kind.
    """
    raw = rng.bit_generator.state
    state.rng = {**raw["state"], "has_uint32": raw["has_uint32"], "uinteger": raw["uinteger"]}
    state.rng = {name: str(value) for name, value in state.rng.items()}
    plain = msgspec.to_builtins(state, enc_hook=_plain_array, str_keys=True)
    return {"version": VERSION, "kind": KIND, "pose": pose.tolist(), **plain}


def restore(plain: dict[str, Any]) -> BodyState | None:
    """Rebuild a state from its plain form; None if it is another engine's or another version's.

    Raises:
        MioError: If it is malformed.
    """
    if plain.get("kind") != KIND or plain.get("version") != VERSION:
        return None
    try:
        return msgspec.convert(plain, BodyState, dec_hook=_array, strict=False)
    except msgspec.ValidationError as error:
        raise MioError(f"body: state cannot be taken over: {error}", "the body starts from rest") from error


def generator(state: BodyState) -> np.random.Generator:
    """The random generator that a state remembers."""
    numbers = {name: int(value) for name, value in state.rng.items()}
    bits = np.random.PCG64()
    bits.state = {
        "bit_generator": "PCG64",
        "state": {"state": numbers["state"], "inc": numbers["inc"]},
        "has_uint32": numbers["has_uint32"],
        "uinteger": numbers["uinteger"],
    }
    return np.random.Generator(bits)


def pose_of(plain: dict[str, Any], width: int) -> Array | None:
    """``[3, width]`` last frames in any engine's state, the last one repeated if there are fewer; None if none fit."""
    pose: Any = plain.get("pose")
    if not isinstance(pose, list | np.ndarray):
        return None
    frames = np.asarray(pose, np.float64)
    if frames.ndim != 2 or frames.shape[1] != width or not len(frames) or not np.isfinite(frames).all():
        return None
    return frames[-3:] if len(frames) >= 3 else np.repeat(frames[-1:], 3, axis=0)


def _plain_array(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    raise NotImplementedError(type(value))


def _array(_kind: Any, value: Any) -> Any:
    return np.asarray(value, np.float64)
