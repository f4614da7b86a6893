"""The face node's engines: frames of the face ahead of stage time, from speech, turns and the user's voice."""

import logging
import math
from typing import Any, Final

import msgspec
import numpy as np

from mio.contracts.engine import Engine, Outputs
from mio.contracts.messages import (
    AudioChunk,
    Clock,
    FaceMotion,
    FloatArray,
    Interrupt,
    Message,
    Reply,
    Speech,
    Tick,
    Turn,
    UserPlace,
)
from mio.contracts.rates import FACE_EXPRESSION, FACE_FPS, SPEECH_HZ
from mio.contracts.stage import StageClock
from mio.errors import ContractError, MioError, Needing
from nodes.face.blinks import plan_blinks
from nodes.face.composer import Scene, compose, lead_accents, lead_eyes, lead_lips
from nodes.face.config import FaceConfig
from nodes.face.delivery import plan_delivery, question
from nodes.face.dice import from_text, to_text
from nodes.face.gaze import plan_gaze, see_user
from nodes.face.gestures import Gestures
from nodes.face.hearing import Cue
from nodes.face.listening import plan_listening, react
from nodes.face.moods import drop, feel, plan_mood, rest
from nodes.face.phases import enter
from nodes.face.score import Drift
from nodes.face.state import LATER, NEVER, Actor, FaceState, Phase, Seam
from nodes.face.utterance import Utterance

_log = logging.getLogger(__name__)

VERSION: Final = 1

_TICK_HZ = 25.0
_AHEAD_S = 0.6  # the score is complete so far beyond the frames that are sent
_MESSAGE_FRAMES = 3  # new frames wait for each other until there are so many
_SEAM_FRAMES = 2  # frames over which replaced ones pass into new ones
_STRANGE_FRAMES = 12  # and over which those of another engine do
_REMEMBER_S = 2.0
_TAKEN_UP_S = 15.0  # a turn that was broken off may be taken up again for so long
_MOVED_S = 0.005  # a turn that is heard so much earlier or later is mouthed again
_HANDOVER_S = 0.2  # a successor's first frames come at the latest so long after the last of its predecessor
_JUMP_S = 0.25  # stage time that jumps so far has been set
_TERMS = "Mio's weights are MIT for users under 1 M USD revenue a year, 'face: {engine: viseme}' does without"
_LISTENING_PHASES = (Phase.IDLE, Phase.LISTENING, Phase.THINKING)


def build_engine(config: FaceConfig) -> Engine:
    """The engine that the configuration names; its label says which one ``auto`` came to.

    Raises:
        MioError: If what it needs is missing.
    """
    if config.engine == "auto":
        return _learned_or_ruled(config)
    engine = VisemeEngine(config) if config.engine == "viseme" else _learned(config)
    engine.label = config.engine
    return engine


def _learned_or_ruled(config: FaceConfig) -> Engine:
    try:
        for problem in config.missing():
            raise problem
        engine = build_engine(msgspec.structs.replace(config, engine="unils"))
    except MioError as error:
        _log.info("the face moves by rules (viseme), because of this: %s", error)
        return build_engine(msgspec.structs.replace(config, engine="viseme"))
    _log.info("the face moves by the network in %s (unils): torch and weights are here; %s", config.weights, _TERMS)
    return engine


def _learned(config: FaceConfig) -> Engine:
    with Needing("engine unils", "unils"):
        from nodes.face.unils import UnilsEngine  # loads torch

    return UnilsEngine(config)


class VisemeEngine(Engine):
    """Moves the face by rules; the same seed and inputs give the same frames.

    Before the clock runs it sends nothing. From then on there is a frame for every 40 ms of stage time, sent
    ``lead_s`` ahead, and sent again where something has changed.
    """

    tick_hz = _TICK_HZ

    def __init__(self, config: FaceConfig) -> None:
        rng = np.random.default_rng(config.seed)
        self._clock = StageClock()
        self._last_clock: Clock | None = None
        self._state = FaceState()
        self._sent: dict[int, FloatArray] = {}
        self._actor = Actor(self._state, config, rng, lean=float(rng.uniform(-0.3, 1.0)))
        self._scene = Scene(config, Drift(12, config.seed), {})

    @property
    def state(self) -> FaceState:
        """What it knows and plans; to be read only."""
        return self._state

    @property
    def segment_id(self) -> int:
        """The turn that is heard."""
        return self._clock.segment_id

    def lead(
        self, frames: FloatArray, first: int, *, eyes: bool = False, contacts: bool = False, accents: bool = False
    ) -> None:
        """Mend ``[n, 112]`` frames from an index on, which another engine made, in place.

        Args:
            frames: ``[n, 112]``.
            first: Index of the first one.
            eyes: Whether to set eyes and lids, whatever the head does.
            contacts: Whether to let the lips touch each other or the teeth where phones ask for it.
            accents: Whether to add movements of brows, smile and head that go with words and answer the user's voice.
        """
        times_s = np.arange(first, first + len(frames)) / FACE_FPS
        if contacts:
            lead_lips(frames, self._state, self._scene, times_s)
        if accents:
            lead_accents(frames, self._state, times_s)
        if eyes:
            lead_eyes(frames, self._state, self._scene, times_s)

    def step(self, port: str, message: Message) -> Outputs:
        """See :class:`Engine`."""
        match message:
            case Tick():
                self._at(self._clock.stage_s(message.mono_ns))
                return self._send()
            case Clock():
                return self._send() if self._follow(message) else ()
            case Turn():
                self._state.turns = True
                enter(self._actor, Phase(message.state))
                return self._send()
            case Interrupt():
                self._interrupt(message)
                return self._send()
            case AudioChunk():
                return self._listen(message)
            case UserPlace():
                see_user(self._actor, message.left_deg, message.above_deg)
            case Reply():
                self._expect(message)
            case Speech():
                return self._speak(message)
            case _:
                pass
        return ()

    def at_boundary(self) -> bool:
        """See :class:`Engine`: whether nothing is said while a successor takes over, as between two sentences."""
        return not any(self._sounds_soon(utterance) for utterance in self._state.utterances)

    def export_state(self) -> dict[str, Any]:
        """See :class:`Engine`; every engine of this node gives its last frames by index under ``sent``, to blend."""
        clock = self._last_clock
        return {
            "version": VERSION,
            "engine": "viseme",
            "sent": {index: frame.copy() for index, frame in self._sent.items()},
            "clock": None if clock is None else msgspec.structs.asdict(clock),
            "state": msgspec.to_builtins(self._state),
            "rng": to_text(self._actor.rng.bit_generator.state),
            "seed": self._actor.config.seed,
            "lean": self._actor.lean,
        }

    def import_state(self, state: dict[str, Any]) -> None:
        """See :class:`Engine`; from an engine of another kind or version only its frames are taken, to blend from.

        The motion goes on with the predecessor's chance, not with this configuration's seed.
        """
        self._sent = {int(index): np.asarray(frame, np.float32) for index, frame in state.get("sent", {}).items()}
        if state.get("engine") != "viseme" or state.get("version") != VERSION:
            self._state.strange = bool(self._sent)
            return
        self._state = msgspec.convert(state["state"], FaceState)
        self._actor.rng.bit_generator.state = from_text(state["rng"])
        config = self._actor.config
        self._actor = Actor(self._state, config, self._actor.rng, state["lean"])
        self._scene = Scene(config, Drift(12, state["seed"]), {})
        for utterance in self._state.utterances:
            self._gestures(utterance).update(utterance, NEVER)
        if state["clock"] is not None:
            self._last_clock = Clock(**state["clock"])
            self._clock.update(self._last_clock)

    # Time

    def _at(self, now_s: float) -> None:
        """Note the time, and start everything if it is the first."""
        state = self._state
        if not math.isfinite(now_s):
            return
        if state.now_s <= NEVER:
            state.now_s = now_s
            state.next_frame = math.ceil(now_s * FACE_FPS)
            rest(self._actor)
        elif abs(now_s - state.now_s) > _JUMP_S and now_s < state.now_s:
            self._set(now_s - state.now_s)
        state.now_s = now_s

    def _set(self, by_s: float) -> None:
        """Go on at another stage time, because the clock was started anew."""
        state = self._state
        state.shift(by_s)
        state.now_s += by_s
        state.next_frame = math.ceil(state.now_s * FACE_FPS)
        state.changed_s = LATER
        self._sent.clear()

    def _follow(self, clock: Clock) -> bool:
        """Take over a clock message; true if frames have to be sent at once."""
        state, before = self._state, self._last_clock
        if before is not None and clock.epoch < before.epoch:
            return False
        if before is not None and clock.epoch > before.epoch and state.now_s > NEVER:
            self._set(clock.stage_s - self._clock.stage_s(clock.mono_ns))
        self._clock.update(clock)
        self._last_clock = clock
        if not clock.fin:
            self._at(clock.stage_s)
        changed = self._anchor(clock)
        if not state.turns:
            self._guess_phase(clock)
        return changed

    def _guess_phase(self, clock: Clock) -> None:
        """Without a ``Turn`` message the clock says when the avatar speaks."""
        speaks = clock.segment_id != 0 and not clock.fin
        if speaks:
            enter(self._actor, Phase.SPEAKING)
        elif self._state.phase is Phase.SPEAKING:
            enter(self._actor, Phase.IDLE)

    def _anchor(self, clock: Clock) -> bool:
        """Take over when the turn is heard; true if that has changed what is to be seen."""
        state = self._state
        for utterance in state.utterances:
            if utterance.segment_id < clock.segment_id:
                self._cut(utterance, state.now_s)
        utterance = self._utterance(clock.segment_id)
        if utterance is None:
            return False
        anchor_s = clock.stage_s - clock.heard_sample / SPEECH_HZ
        before_s, utterance.anchor_s = utterance.anchor_s, anchor_s
        if clock.fin and clock.heard_sample / SPEECH_HZ < utterance.speaks_s[1] - 0.02:
            utterance.cut_s = max(0.0, clock.heard_sample / SPEECH_HZ)
            self._actor.touch(clock.stage_s)
        later_s = 0.0 if before_s is None else anchor_s - before_s
        utterance.stalled_s = utterance.stalled_s + later_s if later_s > _MOVED_S else 0.0
        if before_s is not None and abs(later_s) <= _MOVED_S:
            return False
        self._actor.touch(min(anchor_s, before_s or anchor_s) - 1.0)
        return True

    # Input

    def _listen(self, chunk: AudioChunk) -> Outputs:
        state = self._state
        cues = state.voice.hear(chunk)
        state.attention.heard = True
        if state.now_s <= NEVER or state.phase not in _LISTENING_PHASES:
            return ()
        for cue in cues:
            if not state.turns and cue is Cue.ONSET:
                enter(self._actor, Phase.LISTENING)
            elif not state.turns and cue is Cue.END and state.phase is Phase.LISTENING:
                enter(self._actor, Phase.IDLE)
            else:
                react(self._actor, cue)
        return ()

    def _expect(self, reply: Reply) -> None:
        """Begin to show the emotion of a clause that will be spoken soon."""
        if reply.segment_id <= self._state.given_up:
            return
        if reply.text.rstrip().endswith("?"):
            self._state.questions = [*self._state.questions[-200:], question(reply.segment_id, reply.index)]
        if reply.index == 0 and reply.text and self._state.now_s > NEVER:
            feel(self._actor, reply.emotion, 0.5 * reply.intensity, self._actor.soonest_s + 0.1)

    def _speak(self, speech: Speech) -> Outputs:
        state = self._state
        if speech.segment_id <= state.given_up:
            return
        utterance = self._utterance(speech.segment_id)
        if utterance is None:
            utterance = Utterance(speech.segment_id)
            state.utterances.append(utterance)
            if self._last_clock is not None and self._last_clock.segment_id == speech.segment_id:
                self._anchor(self._last_clock)
        known_s = min([speech.start_s, *speech.phone_start_s[:1]]) - 0.3
        unknown = utterance.add(speech)
        self._gestures(utterance).update(utterance, known_s)
        if utterance.anchor_s is not None:
            self._actor.touch(utterance.anchor_s + known_s)
        yield from self._send()
        if unknown:
            raise ContractError(
                f"speech: unknown phones {', '.join(sorted(set(unknown)))}, mouthed as a neutral vowel",
                "send symbols of mio.contracts.phones",
            )

    def _interrupt(self, interrupt: Interrupt) -> None:
        if interrupt.action != "commit":
            if interrupt.action == "duck" and self._state.phase is Phase.SPEAKING:
                enter(self._actor, Phase.DUCKED)
            elif interrupt.action == "resume":
                self._go_on(interrupt.segment_id)
            return
        state = self._state
        state.given_up = max(state.given_up, interrupt.segment_id)
        for utterance in state.utterances:
            if utterance.segment_id <= state.given_up:
                self._cut(utterance, self._actor.soonest_s)
        state.pulses.strike(self._actor.soonest_s)
        enter(self._actor, Phase.LISTENING)
        drop(self._actor, self._actor.soonest_s)

    def _go_on(self, segment_id: int) -> None:
        """Speak on: nobody interrupted."""
        state = self._state
        if state.phase is Phase.DUCKED:
            enter(self._actor, Phase.SPEAKING)
        utterance = self._utterance(segment_id)
        if segment_id == state.given_up:
            state.given_up -= 1
            if utterance is not None:
                utterance.cut_s, utterance.anchor_s, utterance.complete = None, None, True

    def _cut(self, utterance: Utterance, at_s: float) -> None:
        """Let a turn break off at a stage time."""
        if utterance.cut_s is None:
            utterance.cut_s = at_s - (utterance.anchor_s or 0.0)
            self._actor.touch(at_s)

    def _sounds_soon(self, utterance: Utterance) -> bool:
        """Whether a phone of a turn is heard within the time of a handover."""
        if utterance.anchor_s is None:
            return False
        own_s = self._state.now_s - utterance.anchor_s
        until_s = min(own_s + _HANDOVER_S, utterance.breaks_off_s)
        return any(not gesture.silent for gesture in self._gestures(utterance).between(own_s, until_s))

    def _utterance(self, segment_id: int) -> Utterance | None:
        return next((u for u in self._state.utterances if u.segment_id == segment_id), None)

    def _gestures(self, utterance: Utterance) -> Gestures:
        return self._scene.gestures.setdefault(utterance.segment_id, Gestures())

    # Output

    def _send(self) -> Outputs:
        """Plan ahead, and yield the frames that are new or out of date."""
        state = self._state
        if state.now_s <= NEVER:
            return
        self._plan()
        end = math.ceil((state.now_s + self._actor.config.lead_s) * FACE_FPS)
        now = math.ceil(state.now_s * FACE_FPS)
        first = max(state.next_frame, now)
        changed = math.ceil(max(state.changed_s, self._actor.soonest_s) * FACE_FPS)
        fresh = changed >= first
        if fresh and end - first < _MESSAGE_FRAMES:
            return
        first = min(first, changed)
        end = max(end, state.next_frame)
        if first >= end:
            return
        state.changed_s = LATER
        state.next_frame = end
        yield (
            "motion",
            FaceMotion(
                segment_id=self._clock.segment_id, frames=self._frames(first, end), start_stage_s=first / FACE_FPS
            ),
        )

    def _plan(self) -> None:
        """Complete the score up to beyond the frames that will be sent, and forget what is past."""
        state = self._state
        until_s = state.now_s + self._actor.config.lead_s + _AHEAD_S
        plan_delivery(self._actor, until_s)
        plan_listening(self._actor, until_s)
        plan_mood(self._actor, until_s)
        plan_gaze(self._actor, until_s)
        plan_blinks(self._actor, until_s)
        state.planned_s = until_s
        state.forget(state.now_s - _REMEMBER_S)
        for utterance in [u for u in state.utterances if self._over(u)]:
            state.utterances.remove(utterance)
            self._scene.gestures.pop(utterance.segment_id, None)

    def _over(self, utterance: Utterance) -> bool:
        if utterance.anchor_s is None:
            return utterance.cut_s is not None
        ended = utterance.complete or utterance.cut_s is not None
        newest = utterance is self._state.utterances[-1]
        kept_s = _TAKEN_UP_S if newest and utterance.cut_s is not None else _REMEMBER_S
        return ended and utterance.anchor_s + utterance.end_s < self._state.now_s - kept_s

    def _frames(self, first: int, end: int) -> FloatArray:
        """Frames by index; those that replace others pass into the new ones without a pop."""
        state = self._state
        frames = compose(state, self._scene, np.arange(first, end) / FACE_FPS)
        if first in self._sent:
            count = _STRANGE_FRAMES if state.strange else max(_SEAM_FRAMES, state.seam.end - first)
            state.seam = Seam(first, count, (self._sent[first] - frames[0]).tolist())
            if state.strange:
                state.strange = False
                self._sent.clear()
        frames += state.seam.at(first, end).astype(np.float32)
        np.clip(frames[:, FACE_EXPRESSION], 0.0, 1.0, out=frames[:, FACE_EXPRESSION])
        self._sent.update((first + index, frame) for index, frame in enumerate(frames))
        oldest = first - round(_REMEMBER_S * FACE_FPS)
        for index in [index for index in self._sent if index < oldest]:
            del self._sent[index]
        return frames
