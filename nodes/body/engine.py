"""The body's engine: steps, the clock, and sending frames ahead of stage time."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from mio.contracts.engine import Engine, Output, Outputs
from mio.contracts.messages import BodyMotion, Clock, Interrupt, Message, MotionPrompt, Speech, Tick, Turn
from mio.contracts.rates import BODY_DIM, BODY_FPS
from mio.contracts.stage import StageClock
from mio.errors import ContractError, Needing
from mio.rotation import Array
from nodes.body.accents import TurnSpeech
from nodes.body.breath import Breath
from nodes.body.choreography import Choreography, Cue
from nodes.body.config import BodyConfig
from nodes.body.drift import Drift
from nodes.body.gestures.phrase import SIDES
from nodes.body.performance import Performance
from nodes.body.pose import TRACKS, compose
from nodes.body.postures import RESTS
from nodes.body.prompts import understand
from nodes.body.standing import ACTIVITY_OF_TURN, Activity, Standing
from nodes.body.state import BodyState, Timeline, export, generator, pose_of, restore
from nodes.body.tracks import Track
from nodes.body.transition import apply, difference, fading

_FRAME_S: float = 1.0 / BODY_FPS
_KEPT_S = 1.5  # of the past, for frames that are sent again
_LEAP_S = 0.25  # stage time that leaps further than this is not followed by the motion
_THINK_AFTER_S = (1.0, 2.2)
_THINK_SHARE = 0.4


def build_engine(config: BodyConfig) -> Engine:
    """The engine that the configuration names."""
    match config.engine:
        case "idle":
            return IdleEngine(config)
        case "flood":
            with Needing("engine flood", "flood"):
                from nodes.body.flood.engine import FloodEngine

            return FloodEngine(config)


class IdleEngine(Engine):
    """Procedural motion: stands, breathes, gestures when asked to and while it speaks.

    Every frame is a function of body time and of the tracks' movements, so that frames already sent can be made again
    when a plan changes; they are sent again from the first one that differs.
    """

    tick_hz = float(BODY_FPS)

    def __init__(self, config: BodyConfig) -> None:
        self._config = config
        self._clock = StageClock()
        self._rng = np.random.default_rng(config.seed)
        self._adopt(self._fresh())
        self._standing.begin(0.0)

    def _fresh(self) -> BodyState:
        """At ease, the arms where the configuration wants them."""
        drift = Drift.draw(self._rng)
        tracks = {name: Track.still(np.zeros(size)) for name, size in TRACKS.items()}
        tracks["energy"] = Track.still((1.0,))
        state = BodyState({}, drift.phases, drift.rates, tracks)
        posture = "clasped_left" if self._config.posture == "clasped" else "hanging"
        state.standing.posture = posture
        state.choreography.performer.resting = dict.fromkeys(SIDES, posture)
        for name in RESTS[posture]._fields:
            tracks[name] = Track.still(RESTS[posture].of(name))
        return state

    def step(self, port: str, message: Message) -> Outputs:
        """Take one input; frames are sent on ticks."""
        match message:
            case Tick():
                return self._tick(message)
            case Clock():
                self._take_time(message)
            case MotionPrompt():
                self._prompt(message)
            case Speech():
                self._hear(message)
            case Turn():
                self._turn(message)
            case Interrupt():
                self._interrupt(message)
            case _:
                pass
        return ()

    def export_state(self) -> dict[str, Any]:
        """All of it, and ``clock`` and the last frames as ``pose``, which engines of other kinds can go on from."""
        now = self._state.timeline.now_frame
        state = export(self._state, self._rng, self._frames(now - 2, now + 1))
        return {**state, "clock": self._clock.export_state()}

    def import_state(self, state: dict[str, Any]) -> None:
        """Go on where another engine of this kind stands, or at least from the pose of one of another kind."""
        mine = restore(state)
        self._clock.import_state(state.get("clock"))
        if mine is not None:
            self._rng = generator(mine)
            self._adopt(mine)
            return
        pose = pose_of(state, BODY_DIM)
        if pose is not None:
            now = self._state.timeline.now_frame
            own = self._frames(now - 2, now + 1)
            self._state.offset = fading(difference(pose, own), now * _FRAME_S)

    # For an engine that this one stands in for

    @property
    def timeline(self) -> Timeline:
        """How body time relates to stage time."""
        return self._state.timeline

    @property
    def performances(self) -> Sequence[Performance]:
        """Gestures that are planned or being made."""
        return self._performer.performances

    @property
    def soon_s(self) -> float:
        """Body time from which frames may still change."""
        return self._soon_s()

    def frames(self, first: int, end: int) -> Array:
        """``[n, 159]`` body frames ``first`` to ``end - 1``, at most 1.5 s old, as far as they are planned now."""
        return self._frames(first, end)

    def go_on_from(self, pose: Array, frame: int, within_s: float) -> None:
        """Blend within a time from another engine's ``[3, 159]`` frames, the last of which is body frame ``frame``."""
        self._state.offset = None
        offsets = difference(pose, self._frames(frame - 2, frame + 1))
        self._state.offset = fading(offsets, frame * _FRAME_S, within_s)
        self._performer.changed_s = min(self._performer.changed_s, (frame + 1) * _FRAME_S)

    def _adopt(self, state: BodyState) -> None:
        """Make a state this engine's own."""
        config = self._config
        self._state = state
        self._drift = Drift(state.phases, state.rates)
        self._breath = Breath(state.breath, state.tracks["breath"], self._rng, config.breaths_per_min)
        self._standing = Standing(state.standing, state.tracks, self._rng, config.posture)
        self._choreography = Choreography(
            state.choreography, state.standing, state.tracks, self._rng, config.beats_per_min
        )
        self._performer = self._choreography.performer

    # Inputs

    def _take_time(self, clock: Clock) -> None:
        if not np.isfinite(clock.stage_s) or not 0.0 < clock.rate < float("inf"):
            raise ContractError(
                f"clock: stage time {clock.stage_s} at rate {clock.rate}", "mend the node that plays sound"
            )
        self._clock.update(clock)
        if self._state.timeline.mono_ns and self._clock.epoch != self._state.timeline.epoch:
            self._follow_clock(clock.mono_ns)

    def _prompt(self, prompt: MotionPrompt) -> None:
        request = understand(prompt)
        until_s = prompt.until_stage_s
        if not np.isfinite(until_s):
            until_s = -1.0
        until_s = until_s + self._offset_s if until_s >= 0.0 else float("inf")
        cue = Cue(prompt.segment_id, prompt.index, request, self._soon_s(), until_s)
        self._choreography.ask(cue, self._soon_s(), self._state.turns.get(prompt.segment_id))

    def _hear(self, speech: Speech) -> None:
        if self._choreography.given_up(speech.segment_id, self._soon_s()):
            return
        turns = self._state.turns
        turns.setdefault(speech.segment_id, TurnSpeech(speech.segment_id)).add(speech)
        for old in [segment for segment in turns if segment < speech.segment_id - 1]:
            del turns[old]

    def _turn(self, turn: Turn) -> None:
        activity = ACTIVITY_OF_TURN[turn.state]
        soon_s = self._soon_s()
        self._standing.become(activity, soon_s)
        self._performer.changed_s = min(self._performer.changed_s, soon_s)
        self._state.think_s = float("inf")
        if activity is Activity.THINKING and self._rng.random() < _THINK_SHARE:
            self._state.think_s = soon_s + float(self._rng.uniform(*_THINK_AFTER_S))
        elif activity is Activity.SPEAKING:
            self._choreography.stop_thinking(soon_s)

    def _interrupt(self, interrupt: Interrupt) -> None:
        """Give the turn up, or take it up again; a ``Turn`` that comes along changes the posture."""
        if interrupt.action == "commit":
            self._choreography.give_up(interrupt.segment_id, self._soon_s())
        elif interrupt.action == "resume":
            self._choreography.take_up(interrupt.segment_id)

    # Frames

    def _tick(self, tick: Tick) -> Iterator[Output | None]:
        if not self._clock.running:
            return
        self._follow_clock(tick.mono_ns)
        timeline = self._state.timeline
        soon_s = self._soon_s()
        until = timeline.now_frame + round(self._config.lead_s * BODY_FPS)
        self._plan(soon_s, until * _FRAME_S)
        first = min(timeline.next_frame, max(self._changed_frame(), timeline.now_frame))
        if first > until:
            return
        timeline.next_frame = until + 1
        frames = self._frames(first, until + 1).astype(np.float32)
        stage_s = (first - timeline.offset) * _FRAME_S
        yield "motion", BodyMotion(frames=frames, start_stage_s=stage_s, segment_id=self._clock.segment_id)

    def _changed_frame(self) -> int:
        """First body frame that differs from what has been sent."""
        changed_s, self._performer.changed_s = self._performer.changed_s, float("inf")
        return int(np.ceil(min(changed_s, 1e12) * BODY_FPS - 1e-6))

    def _plan(self, soon_s: float, until_s: float) -> None:
        state = self._state
        self._standing.plan(until_s)
        clauses = list(self._clauses(soon_s, until_s))
        changed_s = self._breath.plan(soon_s, until_s, clauses)
        if soon_s >= state.think_s:
            state.think_s = float("inf")
            self._choreography.think(soon_s)
        self._choreography.plan(soon_s, until_s, state.turns, self._clock.segment_id, self._heard_at)
        self._performer.changed_s = min(self._performer.changed_s, changed_s)
        for track in state.tracks.values():
            track.forget(soon_s - _KEPT_S)

    def _frames(self, first: int, end: int) -> Array:
        """``[n, 159]`` body frames ``first`` to ``end - 1``."""
        times_s = np.arange(first, end, dtype=np.float64) * _FRAME_S
        values = {name: track.sample(times_s) for name, track in self._state.tracks.items()}
        frames = compose(values, self._drift.sample(times_s) * self._config.liveliness)
        offset = self._state.offset
        if offset is not None and offset.end_s < times_s[0]:
            self._state.offset = offset = None
        return frames if offset is None else apply(frames, offset.sample(times_s))

    def _clauses(self, soon_s: float, until_s: float) -> Iterator[tuple[float, float]]:
        """Start and end, in body time, of the clauses that are or will soon be heard."""
        for turn in self._state.turns.values():
            start_s = self._heard_at(turn.segment_id, 0.0)
            if start_s is None:
                continue
            for _, clause in sorted(turn.clauses.items()):
                if start_s + clause.end_s > soon_s and start_s + clause.start_s < until_s + 3.0:
                    yield start_s + clause.start_s, start_s + clause.end_s

    # Time

    @property
    def _offset_s(self) -> float:
        return self._state.timeline.offset * _FRAME_S

    def _heard_at(self, segment_id: int, at_s: float) -> float | None:
        stage_s = self._clock.stage_of_speech(segment_id, at_s)
        return None if stage_s is None else stage_s + self._offset_s

    def _soon_s(self) -> float:
        """Body time from which frames may still change."""
        timeline = self._state.timeline
        if not self._clock.running or not timeline.mono_ns:
            return timeline.next_frame * _FRAME_S
        return self._clock.stage_s(timeline.mono_ns) + self._offset_s + self._config.reaction_s

    def _follow_clock(self, mono_ns: int) -> None:
        """Bring body time to now; where stage time leaps (first tick, new epoch, lost time), body time goes on."""
        timeline = self._state.timeline
        stage_frame = int(np.floor(self._clock.stage_s(mono_ns) * BODY_FPS))
        shown = timeline.now_frame
        if timeline.mono_ns:
            passed = round((mono_ns - timeline.mono_ns) * 1e-9 * BODY_FPS)
            shown = max(shown, min(shown + passed, timeline.next_frame - 1))
        leapt = abs(stage_frame + timeline.offset - shown) > _LEAP_S * BODY_FPS
        if leapt or not timeline.mono_ns or self._clock.epoch != timeline.epoch:
            timeline.offset = shown - stage_frame
            timeline.epoch = self._clock.epoch
            self._performer.changed_s = shown * _FRAME_S
        timeline.now_frame = stage_frame + timeline.offset
        timeline.mono_ns = mono_ns
