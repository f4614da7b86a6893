"""Everything about the face that changes, as plain values, so that a successor can take it over."""

from enum import Enum
from typing import NamedTuple

import msgspec
import numpy as np

from mio.contracts.arkit import ARKIT_ACTIONS
from mio.contracts.rates import FACE_DIM
from nodes.face.config import FaceConfig
from nodes.face.hearing import UserVoice
from nodes.face.score import Array, Pulse, Pulses, Track
from nodes.face.utterance import Utterance

NEVER = -1.0e9
LATER = 1.0e9


class Phase(Enum):
    """What the avatar is doing in the conversation, as the listener's ``Turn`` messages say.

    ``IDLE`` nobody speaks -> ``LISTENING`` the user speaks -> ``THINKING`` no answer is heard yet -> ``SPEAKING`` ->
    ``IDLE``. ``SPEAKING`` -> ``DUCKED`` the user speaks over it -> ``SPEAKING`` or ``LISTENING``. Without ``Turn``
    messages the clock alone moves it: a turn that is spoken makes ``SPEAKING``, its end ``IDLE``, the user's voice
    ``LISTENING``, and its end ``IDLE``.
    """

    IDLE = "idle"
    LISTENING = "user_speaking"
    THINKING = "thinking"
    SPEAKING = "avatar_speaking"
    DUCKED = "ducked"


class Gaze(msgspec.Struct):
    """Where the avatar looks, and what comes next.

    Attributes:
        contact: Whether it looks at the user.
        until_s: When that changes.
        fixation_s: When the eyes next move to another point of what they look at.
        pitch: Where the gaze rests, rad; down is positive.
        yaw: Where the gaze rests, rad; to the avatar's left is positive.
    """

    contact: bool = True
    until_s: float = NEVER
    fixation_s: float = NEVER
    pitch: float = 0.0
    yaw: float = 0.0


class Delivery(msgspec.Struct):
    """How far the accompaniment of the avatar's speech has been planned.

    Attributes:
        segment_id: The turn.
        clause: Next clause.
        phone: Next phone.
        begun: Whether the beginning has been planned.
        ended: Whether the end has been planned.
        brow_s: Time of the last movement of the brows.
        nod_s: Time of the last movement of the head.
    """

    segment_id: int = 0
    clause: int = 0
    phone: int = 0
    begun: bool = False
    ended: bool = False
    brow_s: float = NEVER
    nod_s: float = NEVER


class Attention(msgspec.Struct):
    """What the listening face has done.

    Attributes:
        nod_s: Time of the last nod.
        next_nod_s: When it nods unless something happens; only where there is no sound of the user.
        brow_s: Time of the last movement of the brows.
        smile_s: Time of the last smile.
        heard: Whether any sound of the user ever came.
    """

    nod_s: float = NEVER
    next_nod_s: float = LATER
    brow_s: float = NEVER
    smile_s: float = NEVER
    heard: bool = False


class Mood(msgspec.Struct):
    """What the expression is made of.

    Attributes:
        emotion: The last one.
        strength: How much of it is left.
        fade_s: When it begins to go.
        gone_s: When it is to be gone.
    """

    emotion: str = "neutral"
    strength: float = 0.0
    fade_s: float = LATER
    gone_s: float = LATER


class Seam(msgspec.Struct):
    """Where frames replace others, or follow those of another engine: what they are off by fades away.

    Attributes:
        first: Index of the first of the new frames.
        count: Over how many frames the difference fades.
        offset: ``[112]`` difference of the old first frame from the new one.
    """

    first: int = 0
    count: int = 0
    offset: list[float] = []

    @property
    def end(self) -> int:
        """Index of the first frame that is not off any more."""
        return self.first + self.count

    def at(self, first: int, end: int) -> Array:
        """``[end - first, 112]`` what is left of the difference in some frames."""
        left = 1.0 - (np.arange(first, end) - self.first + 1.0) / (self.count + 1.0)
        return np.outer(left.clip(0.0, 1.0), self.offset or np.zeros(FACE_DIM))


class FaceState(msgspec.Struct):
    """The state of the face. Times are stage times.

    Attributes:
        phase: What the avatar is doing.
        turns: Whether a ``Turn`` message ever came.
        now_s: The last stage time known.
        planned_s: Up to when the score is complete.
        next_frame: Index of the first frame that has never been sent.
        seam: Where frames replaced others.
        strange: Whether the last frames are another engine's.
        changed_s: From when on sent frames are out of date; ``LATER`` if none is.
        origin_s: What to add to stage time for the drift, which outlives restarts of the clock.
        given_up: The last turn that was interrupted.
        utterances: The turns that are being spoken, or will be.
        questions: Clauses that are questions, as ``segment_id * 1000 + index``.
        gaze_track: ``[pitch, yaw]`` relative to the direction of the user, rad.
        user_track: ``[pitch, yaw]`` of the user relative to where the configuration has the viewer, rad.
        seen_s: When a camera last saw the user.
        head_track: ``[pitch, yaw, roll]`` relative to the torso, rad.
        expression_track: ``[52]`` weights.
        energy_track: ``[1]`` how much the head sways.
        posture: ``[pitch, yaw, roll]`` of the head apart from following the gaze, rad.
        pulses: Blinks, nods, movements of the brows.
        next_blink_s: When it blinks next.
        last_blink_s: When it blinked last.
        gaze: Where it looks.
        delivery: What accompanies speech.
        attention: What accompanies listening.
        mood: What the expression is made of.
        voice: What it hears of the user.
    """

    phase: Phase = Phase.IDLE
    turns: bool = False
    now_s: float = NEVER
    planned_s: float = NEVER
    next_frame: int = 0
    seam: Seam = msgspec.field(default_factory=Seam)
    strange: bool = False
    changed_s: float = LATER
    origin_s: float = 0.0
    given_up: int = 0
    utterances: list[Utterance] = []
    questions: list[int] = []
    gaze_track: Track = msgspec.field(default_factory=lambda: Track([0.0, 0.0]))
    user_track: Track = msgspec.field(default_factory=lambda: Track([0.0, 0.0]))
    seen_s: float = NEVER
    head_track: Track = msgspec.field(default_factory=lambda: Track([0.0, 0.0, 0.0]))
    expression_track: Track = msgspec.field(default_factory=lambda: Track([0.0] * len(ARKIT_ACTIONS)))
    energy_track: Track = msgspec.field(default_factory=lambda: Track([0.7]))
    posture: list[float] = msgspec.field(default_factory=lambda: [0.0, 0.0, 0.0])
    pulses: Pulses = msgspec.field(default_factory=Pulses)
    next_blink_s: float = NEVER
    last_blink_s: float = NEVER
    gaze: Gaze = msgspec.field(default_factory=Gaze)
    delivery: Delivery = msgspec.field(default_factory=Delivery)
    attention: Attention = msgspec.field(default_factory=Attention)
    mood: Mood = msgspec.field(default_factory=Mood)
    voice: UserVoice = msgspec.field(default_factory=UserVoice)

    @property
    def tracks(self) -> tuple[Track, ...]:
        """All tracks."""
        return self.gaze_track, self.user_track, self.head_track, self.expression_track, self.energy_track

    def shift(self, by_s: float) -> None:
        """Move everything in time, because stage time has been set."""
        for track in self.tracks:
            track.shift(by_s)
        self.pulses.shift(by_s)
        for part, names in _TIMES:
            holder = getattr(self, part) if part else self
            for name in names:
                setattr(holder, name, getattr(holder, name) + by_s)
        for utterance in self.utterances:
            if utterance.anchor_s is not None:
                utterance.anchor_s += by_s
        self.origin_s -= by_s

    def forget(self, before_s: float) -> None:
        """Drop what is over before a time."""
        for track in self.tracks:
            track.forget(before_s)
        self.pulses.forget(before_s)


_TIMES = (
    ("", ("next_blink_s", "last_blink_s", "planned_s", "seen_s")),
    ("gaze", ("until_s", "fixation_s")),
    ("delivery", ("brow_s", "nod_s")),
    ("attention", ("nod_s", "next_nod_s", "brow_s", "smile_s")),
    ("mood", ("fade_s", "gone_s")),
)


class Actor(NamedTuple):
    """The face with its character and its dice: what all planning works on.

    Attributes:
        state: What changes.
        config: What it is like.
        rng: All chance.
        lean: -1 (right) to 1 (left): which side of the face is stronger.
    """

    state: FaceState
    config: FaceConfig
    rng: np.random.Generator
    lean: float

    @property
    def soonest_s(self) -> float:
        """Earliest time at which something new can be seen."""
        return self.state.now_s + self.config.reaction_s

    def chance(self, probability: float) -> bool:
        """Throw the dice."""
        return bool(self.rng.random() < probability)

    def between(self, low: float, high: float) -> float:
        """A number drawn uniformly."""
        return float(self.rng.uniform(low, high))

    def spell(self, mean_s: float, shortest_s: float) -> float:
        """A duration drawn from a gamma distribution of shape 2, skewed as those of glances are, with a mean."""
        rest_s = max(0.0, mean_s - shortest_s)
        return shortest_s + float(self.rng.gamma(2.0, rest_s / 2.0))

    def pulse(self, kind: str, start_s: float, shape_s: tuple[float, float, float], amount: float) -> None:
        """Enter a pulse with its times of rising, holding and falling; frames from its start on are out of date."""
        start_s = max(start_s, self.soonest_s)
        self.state.pulses.add(Pulse(kind, start_s, *shape_s, amount))
        self.touch(start_s)

    def aim(self, track: Track, target: list[float] | Array, start_s: float, duration_s: float) -> None:
        """Move a track to a target; sent frames from the start on are out of date."""
        start_s = max(start_s, self.soonest_s)
        track.aim(target, start_s, duration_s)
        self.touch(start_s)

    def touch(self, from_s: float) -> None:
        """Note that sent frames are out of date from a time on."""
        self.state.changed_s = min(self.state.changed_s, from_s)
