"""Which gesture when: prompts at once or on the stress of their clause, beats while speaking, a hand to the chin."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from nodes.body.accents import TurnSpeech
from nodes.body.beats import Beats, BeatState, HeardAt
from nodes.body.gestures.catalogue import build
from nodes.body.gestures.phrase import Phrase
from nodes.body.manners import manner_of
from nodes.body.performance import PRESSED, Performer, PerformerState
from nodes.body.prompts import Request
from nodes.body.standing import Activity, StandingState
from nodes.body.tracks import Track

_LOOK_AHEAD_S = 1.3  # beyond the frames that are needed now: how early a stroke is planned
_LATEST_S = 0.7  # a stroke that would come later than this after its syllable is left out
_PATIENCE_S = 2.5  # for the first sound of a turn; without it, its gestures are made at once
_STRAGGLERS_S = 5.0  # how long after an interruption messages of the given-up turn may still arrive
_RETRACT_S = 0.5
_REST_S = 0.9
_STOP_THINKING_S = 0.75
_WAYS_S = 1.8  # preparation and retraction of a usual gesture
_MOST_CUES = 64


@dataclass
class Cue:
    """A gesture that is asked for.

    Attributes:
        segment_id: Turn.
        index: Clause that it accompanies; -1 for at once.
        request: What it is.
        since_s: When it was asked for.
        until_s: When it must have ended; infinity if it ends by itself.
    """

    segment_id: int
    index: int
    request: Request
    since_s: float
    until_s: float


@dataclass
class ChoreographyState:
    """What waits and what goes on.

    Attributes:
        cues: Gestures that wait for their clause.
        performer: Gestures being made.
        beats: Beats.
        given_up: Turns up to this one are given up.
        given_up_until_s: Until when messages of them may come.
    """

    cues: list[Cue] = field(default_factory=list[Cue])
    performer: PerformerState = field(default_factory=PerformerState)
    beats: BeatState = field(default_factory=BeatState)
    given_up: int = 0
    given_up_until_s: float = float("-inf")


class Choreography:
    """Decides on gestures.

    Attributes:
        performer: Makes them.
    """

    def __init__(
        self,
        state: ChoreographyState,
        standing: StandingState,
        tracks: dict[str, Track],
        rng: np.random.Generator,
        beats_per_min: float,
    ) -> None:
        self._state = state
        self._standing = standing
        self._rng = rng
        self.performer = Performer(state.performer, standing, tracks, rng)
        self._beats = Beats(state.beats, self.performer, rng, beats_per_min)

    def given_up(self, segment_id: int, now_s: float) -> bool:
        """Whether a message belongs to a turn that has been given up."""
        state = self._state
        return 0 < segment_id <= state.given_up and now_s < state.given_up_until_s

    def ask(self, cue: Cue, now_s: float, turn: TurnSpeech | None) -> None:
        """Take a prompt: at once, or, if it names a clause, when that is said."""
        if self.given_up(cue.segment_id, now_s):
            return
        if cue.index >= 0:
            self._state.cues = [*self._state.cues[1 - _MOST_CUES :], cue]
        elif cue.request.gesture == "none":
            self.performer.rest(now_s, _REST_S)
        else:
            phrase = self._draw(cue, turn, now_s)
            if phrase is not None:
                self.performer.perform(phrase, now_s - phrase.start_s, now_s, cue.segment_id, cue.until_s)

    def plan(self, now_s: float, until_s: float, turns: dict[int, TurnSpeech], spoken: int, heard_at: HeardAt) -> None:
        """Plan what is to be seen soon.

        Args:
            now_s: Earliest time that may still change.
            until_s: Time up to which frames are needed.
            turns: What is being said.
            spoken: The turn that is being heard; 0 for none.
            heard_at: When it is heard.
        """
        self._state.cues = [cue for cue in self._state.cues if not 0 < cue.segment_id < spoken]
        for cue in list(self._state.cues):
            self._follow(cue, now_s, until_s, turns.get(cue.segment_id), heard_at)
        turn = turns.get(spoken)
        if turn is not None and self._standing.activity is Activity.SPEAKING:
            self._beats.plan(turn, now_s, until_s, heard_at, self._strokes(turn, heard_at))
        self.performer.settle(now_s, until_s)

    def give_up(self, segment_id: int, now_s: float) -> None:
        """Drop everything of a turn and older ones; hands in the air go down in half a second."""
        state = self._state
        state.given_up, state.given_up_until_s = segment_id, now_s + _STRAGGLERS_S
        state.cues = [cue for cue in state.cues if cue.segment_id > segment_id]
        if any(0 < entry.segment_id <= segment_id for entry in self.performer.performances):
            self.performer.rest(now_s, _RETRACT_S)
        state.performer.ready_s = float("-inf")

    def take_up(self, segment_id: int) -> None:
        """A turn that was given up goes on."""
        if self._state.given_up == segment_id:
            self._state.given_up -= 1

    def think(self, now_s: float) -> None:
        """A hand to the chin, of its own accord."""
        if not self.performer.busy(now_s):
            phrase = build("think", manner_of(Request("think"), None, 0, self._rng))
            if phrase is not None:
                self.performer.perform(phrase, now_s - phrase.start_s, now_s, 0)

    def stop_thinking(self, now_s: float) -> None:
        """The hand leaves the chin when there is something to say."""
        if any(entry.name == "think" and entry.segment_id == 0 for entry in self.performer.performances):
            self.performer.rest(now_s, _STOP_THINKING_S)

    def _follow(self, cue: Cue, now_s: float, until_s: float, turn: TurnSpeech | None, heard_at: HeardAt) -> None:
        """Perform a waiting gesture when its clause is about to be heard; drop it when that has passed."""
        accent_s = turn.first_accent_s(cue.index) if turn else None
        stroke_s = heard_at(cue.segment_id, accent_s) if accent_s is not None else None
        if stroke_s is None:
            if turn is None and now_s - cue.since_s > _PATIENCE_S:
                self._begin(cue, turn, None, now_s)
            elif turn is not None and accent_s is None and (turn.fin or max(turn.clauses, default=-1) > cue.index):
                self._state.cues.remove(cue)
        elif stroke_s <= until_s + _LOOK_AHEAD_S:
            self._begin(cue, turn, stroke_s, now_s)

    def _begin(self, cue: Cue, turn: TurnSpeech | None, stroke_s: float | None, now_s: float) -> None:
        """Perform a gesture that has waited, its stroke at a time or at once; not if it would be too late."""
        self._state.cues.remove(cue)
        phrase = self._draw(cue, turn, now_s if stroke_s is None else stroke_s)
        if phrase is None:
            return
        at_s = now_s - phrase.start_s if stroke_s is None else stroke_s
        from_s = self.performer.free_s(phrase, now_s, now_s + _LATEST_S)
        if from_s - PRESSED * phrase.start_s - at_s <= _LATEST_S:
            self.performer.perform(phrase, at_s, from_s, cue.segment_id, cue.until_s)

    def _draw(self, cue: Cue, turn: TurnSpeech | None, at_s: float) -> Phrase | None:
        hold_s = max(0.1, cue.until_s - at_s - _WAYS_S) if np.isfinite(cue.until_s) else -1.0
        return build(cue.request.gesture, manner_of(cue.request, turn, cue.index, self._rng, hold_s))

    def _strokes(self, turn: TurnSpeech, heard_at: HeardAt) -> Iterator[float]:
        """When the strokes of waiting gestures will be, as far as known."""
        for cue in self._state.cues:
            accent_s = turn.first_accent_s(cue.index) if cue.segment_id == turn.segment_id else None
            stroke_s = heard_at(cue.segment_id, accent_s) if accent_s is not None else None
            if stroke_s is not None:
                yield stroke_s
