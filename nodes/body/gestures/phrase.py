"""What a gesture is made of: movements of tracks, timed from its stroke.

Phases are those of Kendon (1980) and Kita, van Gijn and van der Hulst (1998): the hands get ready (preparation), do
what is meant (stroke), may stay (hold) and go back (retraction). Time 0 is the moment of the stroke that meets the
stressed syllable.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from mio.rotation import Array
from nodes.body.arms import ArmGoal, solve
from nodes.body.hands import SHAPES

Side = Literal["left", "right"]
SIDES: tuple[Side, Side] = ("left", "right")

_FINGERS_LATE_S = 0.04  # fingers open and close a little after the hand has set off
_HAND_JITTER_M = 0.006
_OTHER_HAND_LATE_S = 0.05


class Move(NamedTuple):
    """One movement of a phrase.

    Attributes:
        track: Track of ``nodes.body.pose.TRACKS``.
        at_s: When it begins, from the stroke.
        duration_s: How long it takes.
        target: ``[D]`` where to; None for back to rest, wherever that is by then.
    """

    track: str
    at_s: float
    duration_s: float
    target: Array | None


class Phrase(NamedTuple):
    """A gesture ready to be performed.

    Attributes:
        name: Gesture.
        moves: Its movements, those of one track in the order of time.
        stroke_end_s: When the last stroke has been made; whoever comes next waits until then if possible.
    """

    name: str
    moves: tuple[Move, ...]
    stroke_end_s: float

    @property
    def tracks(self) -> frozenset[str]:
        """Tracks that it moves."""
        return frozenset(move.track for move in self.moves)

    @property
    def start_s(self) -> float:
        """When its preparation begins, from the stroke; negative."""
        return min(move.at_s for move in self.moves)

    @property
    def end_s(self) -> float:
        """When all has come to rest."""
        return max(move.at_s + move.duration_s for move in self.moves)

    @property
    def arms(self) -> frozenset[Side]:
        """Which arms it moves."""
        return frozenset(side for side in SIDES if f"{side}_arm" in self.tracks)


@dataclass(frozen=True)
class Manner:
    """How a gesture is to be made.

    Attributes:
        rng: Draws the variant and small differences.
        size: Of the movements, 1 is usual.
        tempo: Speed, 1 is usual.
        side: The hand asked for; empty if none was.
        hold_s: How long the meaning is to stay visible; negative for as long as is usual.
        aim: A variant asked for in words, such as ``up`` or ``self`` for pointing; empty if none was.
    """

    rng: np.random.Generator
    size: float = 1.0
    tempo: float = 1.0
    side: str = ""
    hold_s: float = -1.0
    aim: str = ""

    def hand(self, right_share: float = 0.72) -> Side:
        """The hand to use: the one asked for, else mostly the right, as 9 of 10 people are right-handed."""
        if self.side in SIDES:
            return "left" if self.side == "left" else "right"
        return "right" if self.rng.random() < right_share else "left"

    def hold(self, usual_s: float) -> float:
        """Seconds to stay: those asked for, else about the usual."""
        return self.hold_s if self.hold_s >= 0.0 else usual_s * self.rng.uniform(0.8, 1.25)

    def pick(self, *weights: float) -> int:
        """Draw a variant with the given weights."""
        return int(self.rng.choice(len(weights), p=np.array(weights) / sum(weights)))

    def about(self, value: float, spread: float = 0.015) -> float:
        """A value a little more or less."""
        return value + spread * float(self.rng.uniform(-1.0, 1.0))

    def vary(self, value: float, share: float = 0.12) -> float:
        """A value a little larger or smaller."""
        return value * float(self.rng.uniform(1.0 - share, 1.0 + share))


class Script:
    """Writes a phrase movement by movement. Times are from the stroke, at usual tempo."""

    def __init__(self, name: str, manner: Manner) -> None:
        self._name = name
        self._manner = manner
        self._moves: list[Move] = []
        self._lead: str = ""

    def arm(self, side: Side, at_s: float, duration_s: float, goal: ArmGoal, shape: str = "") -> None:
        """Bring a hand somewhere and, if named, into a shape."""
        self._lead = self._lead or side
        late_s = 0.0 if side == self._lead else _OTHER_HAND_LATE_S
        jitter = self._manner.rng.normal(0.0, _HAND_JITTER_M, 3)
        near = goal.moved(*(float(step) for step in jitter))
        self._add(f"{side}_arm", at_s + late_s, duration_s, solve(near))
        if shape:
            self._add(f"{side}_hand", at_s + late_s + _FINGERS_LATE_S, duration_s, SHAPES[shape])

    def trunk(self, at_s: float, duration_s: float, pitch: float = 0.0, yaw: float = 0.0, roll: float = 0.0) -> None:
        """Turn the trunk, degrees."""
        self._add("trunk", at_s, duration_s, np.radians((pitch, yaw, roll)))

    def head(self, at_s: float, duration_s: float, pitch: float = 0.0, yaw: float = 0.0, roll: float = 0.0) -> None:
        """Turn the head, degrees."""
        self._add("head", at_s, duration_s, np.radians((pitch, yaw, roll)))

    def bend(self, at_s: float, duration_s: float, ahead_m: float, pitch: float) -> None:
        """Move the pelvis and pitch it, degrees."""
        self._add("bend", at_s, duration_s, np.array((ahead_m, np.radians(pitch))))

    def release(self, at_s: float, duration_s: float, *tracks: str) -> None:
        """Take tracks back to rest; all that were moved if none is named."""
        for track in tracks or dict.fromkeys(move.track for move in self._moves):
            late_s = _FINGERS_LATE_S if track.endswith("hand") else 0.0
            self._add(track, at_s + late_s, duration_s, None)

    def phrase(self, stroke_end_s: float) -> Phrase:
        """What has been written."""
        return Phrase(self._name, tuple(self._moves), stroke_end_s / self._manner.tempo)

    def _add(self, track: str, at_s: float, duration_s: float, target: Array | None) -> None:
        tempo = self._manner.tempo
        self._moves.append(Move(track, at_s / tempo, duration_s / tempo, target))
