"""Standing: weight goes from one leg to the other, the trunk settles anew, arms find another resting place."""

from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

import numpy as np

from nodes.body.config import PostureChoice
from nodes.body.postures import Posture
from nodes.body.tracks import Track


class Activity(Enum):
    """What the body does between gestures. Every ``Turn`` message sets it, from any state to any other.

    ``IDLE`` (turn ``idle``): stands at ease. ``LISTENING`` (``user_speaking``, ``ducked``): leans forward a little,
    hands calm. ``THINKING`` (``thinking``): turns a little aside, may shift its weight and put a hand to the chin.
    ``SPEAKING`` (``avatar_speaking``): livelier, gestures.
    """

    IDLE = "idle"
    LISTENING = "listening"
    THINKING = "thinking"
    SPEAKING = "speaking"


ACTIVITY_OF_TURN = MappingProxyType(
    {
        "idle": Activity.IDLE,
        "user_speaking": Activity.LISTENING,
        "ducked": Activity.LISTENING,
        "thinking": Activity.THINKING,
        "avatar_speaking": Activity.SPEAKING,
    }
)

# Trunk pitch in degrees, size of the drift, and how often things change against idle.
_LEAN_DEG = MappingProxyType(
    {Activity.IDLE: 0.0, Activity.LISTENING: 3.6, Activity.THINKING: -0.6, Activity.SPEAKING: 1.4}
)
_ENERGY = MappingProxyType(
    {Activity.IDLE: 1.0, Activity.LISTENING: 0.7, Activity.THINKING: 0.9, Activity.SPEAKING: 1.7}
)
_PACE = MappingProxyType({Activity.IDLE: 1.0, Activity.LISTENING: 0.8, Activity.THINKING: 1.2, Activity.SPEAKING: 1.5})

# People who stand at ease move their weight to another place every 200 s sideways, by 22 mm, and shift and come back
# every 49 s (Duarte and Zatsiorsky 1999, standing alone for half an hour). Who talks moves more: 12 to 38 s.
_SHIFT_S = (12.0, 38.0)
_SHIFT_M = (0.018, 0.040)
_SHIFT_TAKES_S = (1.2, 2.1)
_COME_BACK_SHARE = 0.25
_ACROSS_SHARE = 0.4  # of shifts from one leg that go to the other, not to both
_SETTLE_S = (5.0, 14.0)
_POSTURE_S = (25.0, 70.0)
_JOINED_SHARE = 0.75


@dataclass
class StandingState:
    """How the body stands.

    Attributes:
        activity: What the turn asks for.
        side: Leg that bears the weight: 1 left, -1 right, 0 both.
        posture: Where the arms rest.
        between: Where the hands of a speaker stay between gestures.
        shift_s: When the weight moves next.
        back_s: When it comes back from there; infinity if it stays.
        settle_s: When the trunk settles anew.
        posture_s: When the arms change.
        aside: Way the trunk turns when thinking: 1 left, -1 right.
    """

    activity: Activity = Activity.IDLE
    side: int = 0
    posture: Posture = "hanging"
    between: Posture = "joined"
    shift_s: float = float("-inf")
    back_s: float = float("inf")
    settle_s: float = float("-inf")
    posture_s: float = float("-inf")
    aside: int = 1


class Standing:
    """Plans the stance, posture and energy tracks, and chooses the arms' resting posture."""

    def __init__(
        self, state: StandingState, tracks: dict[str, Track], rng: np.random.Generator, choice: PostureChoice
    ) -> None:
        self._state = state
        self._tracks = tracks
        self._rng = rng
        self._choice: PostureChoice = choice

    def begin(self, at_s: float) -> None:
        """Set the first events going."""
        state = self._state
        state.posture = "clasped_left" if self._choice == "clasped" else "hanging"
        state.shift_s = at_s + self._draw(3.0, 9.0)
        state.settle_s = at_s + self._draw(2.0, 6.0)
        state.posture_s = at_s + self._draw(8.0, 25.0)

    def become(self, activity: Activity, at_s: float) -> None:
        """Take up what a turn asks for."""
        state = self._state
        if activity is state.activity:
            return
        state.activity = activity
        state.aside = 1 if self._rng.random() < 0.5 else -1
        state.between = "joined" if self._rng.random() < _JOINED_SHARE else "ready"
        self._tracks["energy"].move(at_s, 1.0, (_ENERGY[activity],))
        self._settle(at_s, self._draw(0.8, 1.3))
        if activity is Activity.THINKING and self._rng.random() < 0.5:
            state.shift_s = min(state.shift_s, at_s + self._draw(0.3, 0.8))
        if activity is Activity.LISTENING:
            state.shift_s = max(state.shift_s, at_s + 2.5)

    def plan(self, until_s: float) -> None:
        """Plan what begins up to a time."""
        state = self._state
        pace = _PACE[state.activity]
        if until_s >= state.back_s:
            self._stand(state.back_s, 0)
            state.back_s = float("inf")
        if until_s >= state.shift_s:
            self._shift(until_s)
            state.shift_s = until_s + self._draw(*_SHIFT_S) / pace
        if until_s >= state.settle_s:
            self._settle(until_s, self._draw(1.2, 2.4))
        if until_s >= state.posture_s:
            self._change_posture()
            state.posture_s = until_s + self._draw(*_POSTURE_S)

    def _shift(self, at_s: float) -> None:
        state = self._state
        across = -state.side or (1 if self._rng.random() < 0.5 else -1)
        side = across if state.side == 0 or self._rng.random() < _ACROSS_SHARE else 0
        self._stand(at_s, side)
        come_back = side != 0 and self._rng.random() < _COME_BACK_SHARE
        state.back_s = at_s + self._draw(3.0, 5.5) if come_back else float("inf")

    def _stand(self, at_s: float, side: int) -> None:
        """Weight on a leg: the pelvis goes over it, drops on the other side, whose knee bends, and turns a little."""
        self._state.side = side
        size_m = self._draw(*_SHIFT_M) if side else 0.0
        share = size_m / _SHIFT_M[1]
        target = (
            side * size_m + self._rng.normal(0.0, 0.003),
            self._rng.normal(0.0, 0.004),
            np.radians(self._rng.normal(0.0, 0.6)),
            np.radians(side * share * self._draw(0.5, 4.0) + self._rng.normal(0.0, 0.6)),
            np.radians(side * share * self._draw(2.0, 3.8)),
        )
        self._tracks["stance"].move(at_s, self._draw(*_SHIFT_TAKES_S), target)

    def _settle(self, at_s: float, takes_s: float) -> None:
        """The trunk's tilt for the activity, never twice quite the same."""
        state = self._state
        activity = state.activity
        aside = state.aside * self._draw(3.0, 5.0) if activity is Activity.THINKING else 0.0
        wide = 0.5 if activity is Activity.LISTENING else 1.0  # who listens faces the other
        target = (
            _LEAN_DEG[activity] + self._rng.normal(0.0, 0.7),
            aside + wide * self._rng.normal(0.0, 1.6),
            wide * self._rng.normal(0.0, 0.8),
        )
        self._tracks["posture"].move(at_s, takes_s, np.radians(target))
        state.settle_s = at_s + self._draw(*_SETTLE_S) / _PACE[activity]

    def _change_posture(self) -> None:
        state = self._state
        hang = self._choice == "hanging" or (self._choice == "auto" and state.posture != "hanging")
        if hang:
            state.posture = "hanging"
        else:
            state.posture = "clasped_left" if self._rng.random() < 0.5 else "clasped_right"

    def _draw(self, low: float, high: float) -> float:
        return float(self._rng.uniform(low, high))
