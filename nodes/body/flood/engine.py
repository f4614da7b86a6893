"""The engine ``flood``: a network moves the body, the procedural engine stands in for it.

The procedural engine runs all the time: it times gestures by speech and turns, moves the fingers, and takes over within
a frame when the network fails.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import msgspec
import numpy as np

from mio.contracts.engine import Engine, Output, Outputs
from mio.contracts.messages import BodyMotion, Interrupt, Message, MotionPrompt, Tick
from mio.contracts.rates import BODY_DIM, BODY_FPS
from mio.rotation import Array
from mio.sentences.encoder import SentenceEncoder
from nodes.body.config import BodyConfig
from nodes.body.engine import IdleEngine
from nodes.body.flood.placement import Placement
from nodes.body.flood.script import Script, goes
from nodes.body.flood.state import export_state, import_state
from nodes.body.flood.stream import Derailed, FloodStream, Flow
from nodes.body.models.checkpoint import read_networks
from nodes.body.models.sampler import Guidance
from nodes.body.motion.features import RootTrack, encode, facing
from nodes.body.motion.kinematics import COUNT, Motion, positions
from nodes.body.tracks import Track
from nodes.body.transition import apply, difference, fading

_FRAME_S: float = 1.0 / BODY_FPS
_GENERATED = 3 + 3 * COUNT  # of a frame; the rest are fingers
_HISTORY_FRAMES = 45
_KEPT_FRAMES = 30
_LEAD_S = 0.3  # at most: frames that have been sent do not follow a new prompt
_REACTION_FRAMES = 2
_LATE_S = 0.12  # a tick that comes this long after the one before is late
_TOO_LATE_S = 2.0  # lateness that adds up to this, less a tenth of the time that passes, means that it is too slow
_RETRY_S = 10.0
_LONGEST_RETRY_S = 300.0

_log = logging.getLogger(__name__)


class Mode(Enum):
    """Who moves the body.

    ``STANDING_IN``: the procedural engine, at first and after a failure; to ``FLOWING`` when frames have been sent from
    which the network can go on, and the time to try again has come. ``FLOWING``: the network; to ``STANDING_IN`` when
    it gives what is no motion or takes too long.
    """

    STANDING_IN = "standing_in"
    FLOWING = "flowing"


@dataclass
class FloodState:
    """What the engine remembers beside its understudy.

    Attributes:
        mode: Who moves the body.
        flow: The network's stream; None while it does not run.
        placement: Root and feet.
        script: What is wanted by text.
        shown: Generated root and joints ``[69]`` by body frame.
        offset: What is left of the pose in which the network took over; None if nothing is.
        streams: How many streams were begun.
        retry_s: Body time at which the network is tried again.
        wait_s: How long to wait after the next failure.
        tick_ns: When the last tick was.
        late_s: How much ticks have been late.
    """

    mode: Mode = Mode.STANDING_IN
    flow: Flow | None = None
    placement: Placement = field(default_factory=Placement)
    script: Script = field(default_factory=Script)
    shown: dict[int, Array] = field(default_factory=dict[int, Array])
    offset: Track | None = None
    streams: int = 0
    retry_s: float = float("-inf")
    wait_s: float = _RETRY_S
    tick_ns: int = 0
    late_s: float = 0.0


class FloodEngine(Engine):
    """Motion from text, a latent of four frames at a time, ahead of stage time."""

    tick_hz = float(BODY_FPS)

    def __init__(self, config: BodyConfig, stream: FloodStream | None = None) -> None:
        """Load the networks.

        Args:
            config: Section of the configuration.
            stream: Networks that are loaded already.

        Raises:
            ConfigError: If there are none where the configuration says.
        """
        self._seed = config.seed
        self._understudy = IdleEngine(msgspec.structs.replace(config, lead_s=min(config.lead_s, _LEAD_S)))
        if stream is None:
            guidance = Guidance(config.guidance, config.history)
            stream = FloodStream(read_networks(config.weights), SentenceEncoder(), guidance)
        self._stream = stream
        self._state = FloodState()

    @property
    def mode(self) -> Mode:
        """Who moves the body."""
        return self._state.mode

    def step(self, port: str, message: Message) -> Outputs:
        """Take one input; frames are sent on ticks."""
        match message:
            case Tick():
                return self._tick(message)
            case MotionPrompt():
                self._ask(message)
            case Interrupt(action="commit"):
                self._state.script.give_up(message.segment_id)
            case _:
                pass
        return self._understudy.step(port, message)

    def export_state(self) -> dict[str, Any]:
        """All of it, and the last frames as ``pose``, which engines of other kinds can go on from."""
        now = self._understudy.timeline.now_frame
        pose = self._merged(now - 2, self._understudy.frames(now - 2, now + 1))
        return export_state(self._state, self._understudy.export_state(), pose)

    def import_state(self, state: dict[str, Any]) -> None:
        """Go on where another engine of this kind stands, or from the pose of one of another kind."""
        mine = import_state(state, FloodState)
        if mine is None:
            self._understudy.import_state(state)
            return
        self._understudy.import_state(state["understudy"])
        self._state = mine

    # Inputs

    def _ask(self, prompt: MotionPrompt) -> None:
        soon_s = self._understudy.soon_s
        until_s = prompt.until_stage_s
        ends = np.isfinite(until_s) and until_s >= 0.0
        offset_s = self._understudy.timeline.offset * _FRAME_S
        self._state.script.ask(prompt, soon_s, until_s + offset_s if ends else float("inf"))

    def _text_at(self, frame: int) -> str:
        return self._state.script.text_at(frame * _FRAME_S, self._understudy.performances)

    # Frames

    def _tick(self, tick: Tick) -> Iterator[Output | None]:
        state = self._state
        self._watch(tick.mono_ns)
        try:
            if state.mode is Mode.FLOWING:
                yield from self._generate()
            elif self._understudy.timeline.next_frame * _FRAME_S >= max(state.retry_s, _FRAME_S):
                self._begin()
        except Derailed as error:
            self._stand_in(str(error))
        for output in self._understudy.step("tick", tick):
            if output is not None and isinstance(output[1], BodyMotion):
                yield output[0], self._replaced(output[1])

    def _watch(self, mono_ns: int) -> None:
        """Notice that ticks come late, because a step takes longer than the time between them."""
        state = self._state
        passed_s = (mono_ns - state.tick_ns) * 1e-9 if state.tick_ns else 0.0
        state.tick_ns = mono_ns
        late_s = passed_s - _FRAME_S if passed_s > _LATE_S else 0.0
        state.late_s = max(0.0, state.late_s + min(late_s, 0.5 * _TOO_LATE_S) - 0.1 * passed_s)
        if state.late_s > _TOO_LATE_S and state.mode is Mode.FLOWING:
            self._stand_in("the body's network is too slow here: the idle engine goes on")

    def _generate(self) -> Iterator[None]:
        """Have the frames that this tick sends, and take a step towards the next ones when it is time for it.

        Every tick takes one step at most as a rule, and none earlier than needed, so that prompts are seen soon.
        """
        flow = self._state.flow
        if flow is None:
            return
        needed = self._understudy.timeline.next_frame + 2
        while flow.next_frame < needed:
            if self._stream.ready(flow):
                self._take(flow)
            else:
                self._stream.step(flow, self._text_at)
                yield None
        if flow.next_frame - needed < self._stream.steps_left(flow):
            self._stream.step(flow, self._text_at)

    def _take(self, flow: Flow) -> None:
        """Four frames from the stream."""
        state, first = self._state, flow.next_frame
        features = self._stream.take(flow)
        if not np.isfinite(features).all():
            raise Derailed("the body's network gave what is no number", "the idle engine goes on")
        made = np.zeros((len(features), BODY_DIM))
        made[:, :_GENERATED] = state.placement.place(features, going=goes(self._text_at(first)))
        times_s = np.arange(first, first + len(features), dtype=np.float64) * _FRAME_S
        if state.offset is not None:
            made = apply(made, state.offset.sample(times_s))
            state.offset = None if state.offset.end_s < times_s[0] else state.offset
        state.shown.update(enumerate(made[:, :_GENERATED], first))
        oldest = self._understudy.timeline.now_frame - _KEPT_FRAMES
        for frame in [frame for frame in state.shown if frame < oldest]:
            del state.shown[frame]

    def _replaced(self, motion: BodyMotion) -> BodyMotion:
        """The understudy's message with the frames that the network has made."""
        first = round(motion.start_stage_s * BODY_FPS) + self._understudy.timeline.offset
        frames = self._merged(first, motion.frames.astype(np.float64)).astype(np.float32)
        return BodyMotion(frames=frames, start_stage_s=motion.start_stage_s, segment_id=motion.segment_id)

    def _merged(self, first: int, frames: Array) -> Array:
        frames = frames.copy()
        for row in range(len(frames)):
            made = self._state.shown.get(first + row)
            if made is not None:
                frames[row, :_GENERATED] = made
        return frames

    # Change of hands

    def _begin(self) -> None:
        """Let the network go on from what the understudy shows."""
        state, stream = self._state, self._stream
        first_new = self._understudy.timeline.next_frame
        end = first_new + stream.lead_frames
        first = end - _HISTORY_FRAMES
        frames = self._understudy.frames(first, end + 1)
        motion = Motion(frames[:, :3], frames[:, 3:_GENERATED].reshape(len(frames), COUNT, 3))
        yaw = float(facing(positions(motion))[0])
        text = self._text_at(first_new)
        state.streams += 1
        state.flow, seen = stream.begin(encode(motion), first, text, self._seed * 1000 + state.streams)
        state.placement = Placement(RootTrack(yaw, motion.root[0, (0, 2)]))
        own = np.zeros((3, BODY_DIM))
        own[:, :_GENERATED] = state.placement.place(seen, going=False)[-3:]
        shown = frames[first_new - 3 - first : first_new - first].copy()
        shown[:, _GENERATED:] = 0.0
        state.offset = fading(difference(shown, own), (first_new - 1) * _FRAME_S)
        state.mode, state.late_s = Mode.FLOWING, 0.0

    def _stand_in(self, reason: str) -> None:
        """Let the understudy go on from what the network has shown."""
        state, timeline = self._state, self._understudy.timeline
        last = timeline.now_frame + _REACTION_FRAMES
        pose = self._merged(last - 2, self._understudy.frames(last - 2, last + 1))
        state.shown = {frame: made for frame, made in state.shown.items() if frame <= last}
        state.mode, state.flow, state.offset, state.late_s = Mode.STANDING_IN, None, None, 0.0
        state.retry_s = last * _FRAME_S + state.wait_s
        _log.warning("%s; it is tried again in %.0f s", reason, state.wait_s)
        state.wait_s = min(2.0 * state.wait_s, _LONGEST_RETRY_S)
        self._understudy.go_on_from(pose, last)
