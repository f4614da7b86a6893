"""The engine ``flood``: a network moves the body, the procedural engine stands in for it.

The procedural engine runs all the time: it times gestures by speech and turns, moves the fingers, stands at ease while
nobody asks for anything, and takes over within a frame when the network fails.
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
from mio.contracts.rates import BODY_FPS
from mio.rotation import Array, matrix, quaternion
from nodes.body.config import BodyConfig, NetworkUse
from nodes.body.engine import IdleEngine
from nodes.body.flood.placement import Placement
from nodes.body.flood.rest import Rest
from nodes.body.flood.script import AT_EASE, Script, goes
from nodes.body.flood.state import export_state, import_state
from nodes.body.flood.stepping import Stepping
from nodes.body.flood.stream import Derailed, FloodStream, Flow
from nodes.body.flood.texts import text_encoder
from nodes.body.models.checkpoint import read_networks
from nodes.body.models.sampler import Guidance
from nodes.body.motion.features import RootTrack, encode, facing
from nodes.body.motion.kinematics import COUNT, Motion, positions
from nodes.body.transition import TRANSITION_S

_FRAME_S: float = 1.0 / BODY_FPS
_GENERATED = 3 + 3 * COUNT  # of a frame; the rest are fingers
_HISTORY_FRAMES = 45
_KEPT_FRAMES = 30
_WARM_FRAMES = 8  # of history by which the placement gets going
_LEAD_S = 0.3  # at most: frames that have been sent do not follow a new prompt
_REACTION_FRAMES = 2
_LATE_S = 0.12  # a tick that comes this long after the one before is late
_TOO_LATE_S = 2.0  # lateness that adds up to this, less a tenth of the time that passes, means that it is too slow
_RETRY_S = 10.0
_OWN = ("beat", "think")  # gestures that the procedural engine makes of its own accord, too
_AHEAD_FRAMES = 20  # that the network needs to prepare for what is wanted
_ENOUGH_FRAMES = 60  # after which the network gives the body back, even if it does not rest
_ONCE_FRAMES = 40  # that a text is followed at least
_MIXED_FRAMES = 10  # in which the network's motion replaces the procedural engine's
_HANDS_DOWN_S = 0.55  # time to take over after an interruption
_LONGEST_RETRY_S = 300.0

_log = logging.getLogger(__name__)


class Mode(Enum):
    """Who moves the body.

    ``STANDING_IN``: the procedural engine, while nobody asks for what the network is for, and after a failure; to
    ``FLOWING`` when something is asked for, frames have been sent from which the network can go on, and the time to try
    again has come. ``FLOWING``: the network; to ``STANDING_IN`` when nothing is asked for any more and the body is at
    rest in its place, at an interruption, or when the network gives what is no motion or takes too long.
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
        rest: Whether the body has come to rest.
        stepping: Steps back to where the procedural engine stands; None if it stands there.
        asked_frame: Last body frame for which something was wanted from the network.
        dropped: Whether what was wanted has been given up by an interruption.
        shown: Generated root and joints ``[69]`` by body frame.
        roams: Whether the body may be far from its place: asked to go, or to be fetched by the understudy's steps.
        from_frame: Last body frame before the network took over.
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
    rest: Rest = field(default_factory=Rest)
    stepping: Stepping | None = None
    asked_frame: int = 0
    dropped: bool = False
    shown: dict[int, Array] = field(default_factory=dict[int, Array])
    roams: bool = False
    from_frame: int = 0
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
        self._network: NetworkUse = config.network
        self._understudy = IdleEngine(msgspec.structs.replace(config, lead_s=min(config.lead_s, _LEAD_S)))
        if stream is None:
            guidance = Guidance(config.guidance, config.history, config.mixed_history)
            stream = FloodStream(read_networks(config.weights), text_encoder(config.text_encoder), guidance)
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
                self._state.dropped = True
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
        self._state.rest.begin()
        self._state.dropped = False
        self._state.script.ask(prompt, soon_s, until_s + offset_s if ends else float("inf"))

    def _text_at(self, frame: int) -> str:
        performances = self._understudy.performances
        match self._network:
            case "texts":
                performances = ()
            case "prompts":
                performances = [entry for entry in performances if entry.name not in _OWN]
            case "always":
                pass
        return self._state.script.text_at(frame * _FRAME_S, performances)

    def _wanted(self) -> bool:
        """Whether the network has something to do in the next second, or had in what is still to be seen."""
        timeline = self._understudy.timeline
        frames = range(timeline.now_frame, timeline.next_frame + _AHEAD_FRAMES, 2)
        asked = self._network == "always" or any(self._text_at(frame) != AT_EASE for frame in frames)
        if asked:
            self._state.asked_frame = timeline.next_frame
        return asked

    # Frames

    def _tick(self, tick: Tick) -> Iterator[Output | None]:
        state = self._state
        self._watch(tick.mono_ns)
        try:
            wanted = self._wanted()
            if state.mode is Mode.FLOWING and not wanted and self._done():
                self._hand_over(_HANDS_DOWN_S if state.dropped else TRANSITION_S)
            elif state.mode is Mode.FLOWING:
                yield from self._generate()
            elif wanted and self._understudy.timeline.next_frame * _FRAME_S >= max(state.retry_s, _FRAME_S):
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
        text = self._text_at(first)
        state.roams = goes(text) or (state.roams and self._network != "always")
        made = state.placement.place(features, self._before(first, first + len(features)), going=state.roams)
        state.shown.update(enumerate(made, first))
        state.rest.see(made)
        if state.rest.returned and not goes(text):
            state.script.end(flow.next_frame * _FRAME_S, _ONCE_FRAMES * _FRAME_S)
        oldest = self._understudy.timeline.now_frame - _KEPT_FRAMES
        for frame in [frame for frame in state.shown if frame < oldest]:
            del state.shown[frame]

    def _before(self, first: int, end: int) -> tuple[Array, Array] | None:
        """What the network's frames are mixed with at first: the understudy's, and the network's shares."""
        since = np.arange(first, end) - self._state.from_frame
        if since[0] >= _MIXED_FRAMES:
            return None
        frames = self._merged(first, self._understudy.frames(first, end))[:, :_GENERATED]
        share = np.clip(since / _MIXED_FRAMES, 0.0, 1.0)
        return frames, share**3 * (10.0 - 15.0 * share + 6.0 * share**2)  # as movements of least jerk go

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
            elif self._state.stepping is not None:
                frames[row] = self._state.stepping.apply(first + row, frames[row])
        return frames

    # Change of hands

    def _begin(self) -> None:
        """Let the network go on from what the understudy shows."""
        state, stream = self._state, self._stream
        first_new = self._understudy.timeline.next_frame
        end = first_new + stream.lead_frames
        first = end - _HISTORY_FRAMES
        frames = self._merged(first, self._understudy.frames(first, end + 1))
        motion = Motion(frames[:, :3], frames[:, 3:_GENERATED].reshape(len(frames), COUNT, 3))
        yaw = facing(positions(motion))
        state.streams += 1
        seed = self._seed * 1000 + state.streams
        state.flow, seen = stream.begin(encode(motion), first, self._text_at(first), seed)
        warm = len(seen) - _WARM_FRAMES
        state.placement = Placement(RootTrack(float(yaw[warm]), motion.root[warm, (0, 2)]))
        state.placement.place(seen[warm:], going=False)
        shown = frames[first_new - 1 - first]
        state.placement.footing.hold(shown[:3], matrix(quaternion(shown[3:_GENERATED].reshape(COUNT, 3))))
        state.mode, state.late_s, state.rest, state.from_frame = Mode.FLOWING, 0.0, Rest(), first_new - 1
        state.roams = False

    def _done(self) -> bool:
        """Whether the understudy may go on: the body is at rest, or what it did is not wanted any more."""
        state = self._state
        enough = self._understudy.timeline.now_frame > state.asked_frame + _ENOUGH_FRAMES
        return state.dropped or state.rest.reached or enough

    def _stand_in(self, reason: str) -> None:
        """Give the network up for a while."""
        state = self._state
        self._hand_over(TRANSITION_S)
        state.retry_s = self._understudy.timeline.now_frame * _FRAME_S + state.wait_s
        _log.warning("%s; it is tried again in %.0f s", reason, state.wait_s)
        state.wait_s = min(2.0 * state.wait_s, _LONGEST_RETRY_S)

    def _hand_over(self, within_s: float) -> None:
        """Let the understudy go on from what the network has shown."""
        state, timeline = self._state, self._understudy.timeline
        last = timeline.now_frame + _REACTION_FRAMES
        own = self._understudy.frames(last - 2, last + 1)
        pose = self._merged(last - 2, own)
        state.shown = {frame: made for frame, made in state.shown.items() if frame <= last}
        state.mode, state.flow, state.late_s = Mode.STANDING_IN, None, 0.0
        state.stepping = Stepping.between(last, pose[-1], own[-1])
        self._understudy.go_on_from(state.stepping.at_home(pose), last, within_s)
