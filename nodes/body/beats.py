"""Beats: small strokes of the hands, or of the trunk alone, on stressed syllables of what is being said."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from nodes.body.accents import Accent, TurnSpeech
from nodes.body.gestures import speech
from nodes.body.manners import manner_of
from nodes.body.performance import Performer
from nodes.body.prompts import Request

HeardAt = Callable[[int, float], float | None]
"""Body time at which a moment of a turn (id, seconds in it) is heard; None if it is not the turn being spoken."""

# Hands move on some of the pitch accents, in runs of strokes some 0.6 s apart or more (Loehr 2007), with rests between
# them. Lecturers make 67 such strokes a minute (Shattuck-Hufnagel and Ren 2018), who talks makes fewer.
_RUN_GAP_S = (0.62, 1.1)
_REST_GAP_S = (1.5, 3.6)
_RUN_SHARE = 0.45
_PACE_PER_MIN = 33.5  # what these gaps come to
_SAME_HAND_SHARE = 0.75
_TRUNK_SHARE = 0.5
_AHEAD_S = 0.5  # beyond the frames that are needed now: hands need that long to come up
_LATE_S = 0.3
_SHORT_ANSWER_S = 2.2
_SHORT_ANSWER_WORDS = 6


@dataclass
class BeatState:
    """Where the beating stands.

    Attributes:
        next_s: Earliest time of the next beat.
        side: Hand or hands of the last beat.
        seen_s: Accents up to this time have been considered.
    """

    next_s: float = float("-inf")
    side: str = ""
    seen_s: float = float("-inf")


class Beats:
    """Chooses the accents that get a beat."""

    def __init__(self, state: BeatState, performer: Performer, rng: np.random.Generator, per_min: float) -> None:
        self._state = state
        self._performer = performer
        self._rng = rng
        self._pace = per_min / _PACE_PER_MIN

    def plan(self, turn: TurnSpeech, now_s: float, until_s: float, heard_at: HeardAt, taken_s: Iterable[float]) -> None:
        """Plan the beats of a turn that are to be seen soon.

        Args:
            turn: What is said.
            now_s: Earliest time that may still change.
            until_s: Time up to which frames are needed.
            heard_at: When it is heard.
            taken_s: Strokes of other gestures.
        """
        start_s = heard_at(turn.segment_id, 0.0)
        short = turn.end_s < _SHORT_ANSWER_S or 0 < len(turn.words) < _SHORT_ANSWER_WORDS
        if start_s is None or short or self._pace <= 0.0:
            return
        taken = list(taken_s)
        for accent in turn.accents:
            stroke_s = start_s + accent.at_s
            if stroke_s > until_s + _AHEAD_S:
                return
            if stroke_s > max(self._state.seen_s, now_s + _LATE_S):
                self._state.seen_s = stroke_s + 0.01
                if not self._disturbs(stroke_s, taken):
                    self._mark(accent, stroke_s, now_s, turn)

    def _disturbs(self, stroke_s: float, taken_s: list[float]) -> bool:
        """Whether another gesture is too close for a beat."""
        return any(abs(other_s - stroke_s) < 1.3 for other_s in taken_s) or any(
            entry.hands and entry.name != "beat" and entry.start_s - 0.4 < stroke_s < entry.end_s - 0.6
            for entry in self._performer.performances
        )

    def _mark(self, accent: Accent, stroke_s: float, now_s: float, turn: TurnSpeech) -> None:
        """What an accent gets: a beat of the hands, a small one of the trunk alone, or nothing."""
        state = self._state
        if stroke_s < state.next_s:
            if self._rng.random() < _TRUNK_SHARE and not self._performer.busy(stroke_s - 0.3):
                sway = speech.sway(manner_of(Request("beat"), turn, accent.index, self._rng))
                self._performer.perform(sway, stroke_s, now_s, turn.segment_id)
            return
        same = state.side if state.side and self._rng.random() < _SAME_HAND_SHARE else ""
        phrase = speech.beat(manner_of(Request("beat", same), turn, accent.index, self._rng))
        state.side = "both" if len(phrase.arms) == 2 else next(iter(phrase.arms))
        self._performer.perform(phrase, stroke_s, now_s, turn.segment_id)
        gap_s = _RUN_GAP_S if self._rng.random() < _RUN_SHARE else _REST_GAP_S
        state.next_s = stroke_s + float(self._rng.uniform(*gap_s)) / self._pace
