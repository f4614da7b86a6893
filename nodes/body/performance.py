"""Making gestures: phrases put on the tracks, others making room for them, and arms going back to where they rest.

Times are body time: seconds on the grid of the frames, without the leaps of stage time.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from nodes.body.gestures.phrase import SIDES, Move, Phrase, Side
from nodes.body.pose import TRACKS
from nodes.body.postures import RESTS, Posture
from nodes.body.standing import Activity, StandingState
from nodes.body.tracks import Track

PRESSED = 0.7
"""Preparations may be shortened to this share to be in time."""

_FROM_HANGING_S = 0.16  # hands that hang have a longer way up
_STAY_READY_S = 1.6
_SETTLE_S = 1.1
_GIVE_WAY_S = 0.8
_SHORTEST_HOLD_S = 0.1


@dataclass
class Performance:
    """A gesture that is being made, planned to its end.

    Attributes:
        name: Gesture.
        segment_id: Turn; 0 for none.
        start_s: When its preparation begins.
        stroke_end_s: When its last stroke is done.
        end_s: When all has come to rest.
        tracks: What it moves.
    """

    name: str
    segment_id: int
    start_s: float
    stroke_end_s: float
    end_s: float
    tracks: list[str]

    @property
    def hands(self) -> bool:
        """Whether it uses an arm."""
        return any(track.endswith("_arm") for track in self.tracks)


@dataclass
class PerformerState:
    """What is going on.

    Attributes:
        performances: Gestures not yet at their end.
        resting: Posture in which each arm comes to rest.
        ready_s: Until when the idle hands of a speaker stay up.
    """

    performances: list[Performance] = field(default_factory=list[Performance])
    resting: dict[str, Posture] = field(default_factory=lambda: dict.fromkeys(SIDES, "hanging"))
    ready_s: float = float("-inf")


class Performer:
    """Plans phrases onto the tracks.

    Attributes:
        changed_s: Earliest time at which a plan has changed since whoever sends frames set this to infinity.
    """

    def __init__(
        self, state: PerformerState, standing: StandingState, tracks: dict[str, Track], rng: np.random.Generator
    ) -> None:
        self._state = state
        self._standing = standing
        self._tracks = tracks
        self._rng = rng
        self.changed_s = float("inf")

    @property
    def performances(self) -> Sequence[Performance]:
        """Gestures not yet at their end."""
        return self._state.performances

    def busy(self, at_s: float) -> bool:
        """Whether hands are in use at a time."""
        return any(entry.hands and entry.end_s > at_s for entry in self._state.performances)

    def free_s(self, phrase: Phrase, from_s: float, latest_s: float) -> float:
        """When the hands have made the stroke they are making, if that is soon enough, else ``from_s``."""
        strokes = [entry.stroke_end_s for entry in self._state.performances if entry.hands and phrase.arms]
        return max([from_s, *(end_s for end_s in strokes if end_s < latest_s)])

    def perform(
        self, phrase: Phrase, stroke_s: float, from_s: float, segment_id: int, until_s: float = float("inf")
    ) -> None:
        """Make a gesture, its stroke at a time, or as soon after as can be.

        Args:
            phrase: The gesture.
            stroke_s: When the stroke is wanted.
            from_s: Earliest time that may still change.
            segment_id: The turn it belongs to.
            until_s: When it must have ended; infinity if it ends by itself.
        """
        state = self._state
        hanging = any(state.resting[side] == "hanging" for side in phrase.arms) and not self.busy(from_s)
        early_s = _FROM_HANGING_S if hanging else 0.0
        lead_s = early_s - phrase.start_s
        share = min(1.0, max((stroke_s - from_s) / lead_s, PRESSED))
        stroke_s = max(stroke_s, from_s + lead_s * share)
        moves = _ending(_starting(phrase.moves, early_s, share), until_s - stroke_s)
        entry = Performance(
            name=phrase.name,
            segment_id=segment_id,
            start_s=stroke_s - lead_s * share,
            stroke_end_s=stroke_s + phrase.stroke_end_s,
            end_s=stroke_s + max(move.at_s + move.duration_s for move in moves),
            tracks=sorted(phrase.tracks),
        )
        self._make_room(entry)
        between = self._between(phrase.arms)
        for side in phrase.arms:
            state.resting[side] = between
        for move in moves:
            self._move(move, stroke_s)
        state.performances.append(entry)
        if self._standing.activity is Activity.SPEAKING and phrase.arms:
            state.ready_s = entry.end_s + _STAY_READY_S

    def rest(self, at_s: float, takes_s: float) -> None:
        """Break off all gestures."""
        state = self._state
        state.ready_s = float("-inf")
        moved = {track for entry in state.performances for track in entry.tracks}
        for side in SIDES:
            if f"{side}_arm" in moved:
                state.resting[side] = self._standing.posture
        for track in sorted(moved):
            self._move(Move(track, 0.0, takes_s, None), at_s)
        state.performances = []

    def settle(self, now_s: float, at_s: float) -> None:
        """Let go of what has ended before now; arms that nobody uses at a time go where they rest.

        That is up while a speaker may go on, else in the posture.
        """
        state = self._state
        state.performances = [entry for entry in state.performances if entry.end_s > now_s - 0.1]
        speaking = self._standing.activity is Activity.SPEAKING
        for side in SIDES:
            used = any(f"{side}_arm" in entry.tracks and entry.end_s > at_s for entry in state.performances)
            stays = state.resting[side] in ("ready", "joined") and at_s < state.ready_s and speaking
            rest = state.resting[side] if stays else self._standing.posture
            if not used and state.resting[side] != rest:
                state.resting[side] = rest
                takes_s = _SETTLE_S * float(self._rng.uniform(0.9, 1.3))
                late_s = 0.06 if side == "left" else 0.0
                for part in ("arm", "hand"):
                    self._move(Move(f"{side}_{part}", late_s, takes_s, None), at_s)

    def _make_room(self, entry: Performance) -> None:
        """Take back what other gestures of the hands had planned for parts that this one leaves alone."""
        kept: list[Performance] = []
        for other in self._state.performances:
            clash = entry.hands and other.hands and other.end_s > entry.start_s
            for track in other.tracks if clash else ():
                if track not in entry.tracks and self._tracks[track].end_s > entry.start_s:
                    self._move(Move(track, 0.0, _GIVE_WAY_S, None), entry.start_s)
            if not clash:
                kept.append(other)
        self._state.performances = kept

    def _between(self, arms: frozenset[Side]) -> Posture:
        """Where hands rest after a gesture: up while speaking, one alone in the air, else in the posture."""
        if self._standing.activity is not Activity.SPEAKING:
            return self._standing.posture
        alone = len(arms) == 1 and any(self._state.resting[side] == "hanging" for side in SIDES if side not in arms)
        return "ready" if alone else self._standing.between

    def _move(self, move: Move, origin_s: float) -> None:
        target = move.target
        if target is None:
            side = move.track.partition("_")[0]
            arm = move.track.endswith(("_arm", "_hand"))
            target = RESTS[self._state.resting[side]].of(move.track) if arm else np.zeros(TRACKS[move.track])
        self._tracks[move.track].move(origin_s + move.at_s, move.duration_s, target)
        self.changed_s = min(self.changed_s, origin_s + move.at_s)


def _starting(moves: Sequence[Move], early_s: float, share: float) -> list[Move]:
    """The same moves with a preparation that begins earlier, and then shortened to a share."""
    begun: set[str] = set()
    retimed: list[Move] = []
    for move in moves:
        late_s = 0.0 if move.track in begun or move.track.endswith("_hand") else early_s
        begun.add(move.track)
        at_s, duration_s = move.at_s - late_s, move.duration_s + late_s
        squeeze = share if at_s < 0.0 else 1.0
        retimed.append(move._replace(at_s=at_s * squeeze, duration_s=duration_s * squeeze))
    return retimed


def _ending(moves: list[Move], until_s: float) -> list[Move]:
    """The same moves with the way back shifted so that all rests at a time; what would come after it is left out."""
    if not np.isfinite(until_s):
        return moves
    shift_s = until_s - max(move.at_s + move.duration_s for move in moves)
    first_s = min(move.at_s for move in moves)
    back_s = {move.track: max(move.at_s + shift_s, first_s + _SHORTEST_HOLD_S) for move in moves if move.target is None}
    kept = [move for move in moves if move.target is not None and move.at_s < back_s.get(move.track, np.inf)]
    return kept + [move._replace(at_s=back_s[move.track]) for move in moves if move.target is None]
