"""Motion that captures lack, made by the procedural engine: standing at ease, and the gestures of conversation.

It is constructed, not captured: whoever trains on it says so.
"""

from collections.abc import Iterator
from types import MappingProxyType
from typing import NamedTuple, cast

import numpy as np

from mio.contracts.emotions import Gesture
from mio.contracts.messages import BodyMotion, Clock, Message, MotionPrompt, Tick
from mio.contracts.rates import BODY_FPS
from mio.rotation import Array
from nodes.body.config import BodyConfig
from nodes.body.engine import IdleEngine
from nodes.body.motion.features import encode
from nodes.body.motion.kinematics import COUNT, Motion
from nodes.body.training.motion_set import Floats
from nodes.body.training.sequences import Frames

SOURCE = "idle engine"

_CLOCK_EVERY = 4  # frames
_TAKE_S = 90.0
_LEAD_IN_S = 3.0
_REST_S = (1.5, 6.0)
_REACTION_FRAMES = 2


class Shown(NamedTuple):
    """How a gesture is asked for and described.

    Attributes:
        lasts_s: From its beginning until the body is at rest again, about.
        captions: What is seen, in different words.
    """

    lasts_s: float
    captions: tuple[str, ...]


REST = Shown(
    0.0,
    (
        "a person stands relaxed.",
        "a person stands still, relaxed.",
        "someone stands at ease and breathes.",
        "a person is standing in place.",
        "the figure stands quietly and shifts its weight.",
        "a person idles.",
    ),
)
GESTURES: MappingProxyType[Gesture, Shown] = MappingProxyType(
    {
        "beat": Shown(
            2.2,
            (
                "a person talks and moves a hand in time with the words.",
                "someone emphasises a word with a short hand movement.",
                "a person speaks and beats the rhythm with a hand.",
            ),
        ),
        "explain": Shown(
            3.0,
            (
                "a person opens both hands and explains something.",
                "someone explains with open hands.",
                "a person gestures while explaining.",
                "a person shows the palms and describes something.",
            ),
        ),
        "point": Shown(
            2.8,
            ("a person points with a hand.", "someone points at something.", "a person points to indicate a place."),
        ),
        "greet": Shown(
            3.4,
            ("a person greets with a hand.", "someone waves hello.", "a person raises a hand and waves in greeting."),
        ),
        "shrug": Shown(
            2.3,
            (
                "a person shrugs with both shoulders.",
                "someone shrugs, not knowing.",
                "a person lifts the shoulders and opens the hands.",
            ),
        ),
        "nod": Shown(1.8, ("a person nods.", "someone nods in agreement.", "a person says yes with the head.")),
        "no": Shown(2.2, ("a person shakes the head.", "someone shakes the head to say no.", "a person says no.")),
        "think": Shown(
            5.0,
            (
                "a person thinks with one hand at the chin.",
                "someone ponders, the hand at the chin.",
                "a person considers something.",
            ),
        ),
        "bow": Shown(2.8, ("a person bows slightly.", "someone makes a small bow.", "a person bows politely.")),
        "listen": Shown(
            5.4,
            (
                "a person leans forward and listens.",
                "someone listens attentively.",
                "a person tilts the head to listen.",
            ),
        ),
    }
)


def synthesised(minutes: float, longest_frames: int, seed: int) -> Iterator[Frames]:
    """Sequences in which somebody stands and now and then makes a gesture.

    Args:
        minutes: Of motion, about.
        longest_frames: Longest sequence; they are cut out of longer takes at random places.
        seed: Of everything that is drawn.
    """
    rng = np.random.default_rng(seed)
    for _ in range(max(1, round(minutes * 60 / _TAKE_S))):
        features, texts = _take(int(rng.integers(1 << 31)), rng)
        begin = round(_LEAD_IN_S * BODY_FPS)
        while len(features) - begin >= longest_frames // 2:
            end = min(len(features), begin + int(rng.integers(longest_frames // 2, longest_frames + 1)))
            inside = [text for text in texts if text.begin < end and text.end > begin]
            parts = tuple((text.captions, min(text.end, end) - begin) for text in inside)
            yield Frames(features[begin:end], parts)
            begin = end


class _Text(NamedTuple):
    captions: tuple[str, ...]
    begin: int
    end: int


def _take(seed: int, rng: np.random.Generator) -> tuple[Floats, list[_Text]]:
    """Features ``[n, 263]`` of one take, and its texts by frames."""
    prompts: dict[int, Gesture] = {}
    texts: list[_Text] = []
    frame, last = 0, round(_TAKE_S * BODY_FPS)
    while frame < last:
        rest = round(rng.uniform(*_REST_S) * BODY_FPS)
        gesture = cast(Gesture, rng.choice(list(GESTURES)))
        shown = GESTURES[gesture]
        start, stop = frame + rest, frame + rest + round(shown.lasts_s * BODY_FPS)
        texts += [_Text(REST.captions, frame, start), _Text(shown.captions, start, stop)]
        prompts[start - _REACTION_FRAMES] = gesture
        frame = stop
    frames = _performed(IdleEngine(BodyConfig(seed=seed)), prompts, last)
    body = frames[:, 3 : 3 + 3 * COUNT].reshape(len(frames), COUNT, 3)
    return encode(Motion(frames[:, :3], body)).astype(np.float32), texts


def _performed(engine: IdleEngine, prompts: dict[int, Gesture], count: int) -> Array:
    """``[count, 159]`` frames of the engine as they are seen."""
    shown: dict[int, Floats] = {}

    def step(port: str, message: Message) -> None:
        for output in engine.step(port, message) or ():
            if output is not None and isinstance(output[1], BodyMotion):
                first = round(output[1].start_stage_s * BODY_FPS)
                shown.update(enumerate(output[1].frames, first))

    for frame in range(count):
        stage_s, mono_ns = frame / BODY_FPS, 1_000_000 + round(frame / BODY_FPS * 1e9)
        if frame % _CLOCK_EVERY == 0:
            step("clock", Clock(stage_s=stage_s, mono_ns=mono_ns, epoch=1))
        if frame in prompts:
            step("prompt", MotionPrompt(text="", gesture=prompts[frame]))
        step("tick", Tick(mono_ns=mono_ns))
    return np.stack([shown[frame] for frame in sorted(shown)[:count]]).astype(np.float64)
