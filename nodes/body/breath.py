"""Breathing: quiet breaths of varying length and depth, and quick ones before the groups of words that are spoken."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nodes.body.tracks import Track

# Quiet breathing: 12 to 20 breaths a minute; from breath to breath the rate varies by 21 percent, the depth by 33
# percent, and inspiration's share of the cycle by 18 percent around 0.4 (Tobin et al. 1983 and 1988).
_RATE_SPREAD = 0.20
_DEPTH_SPREAD = 0.28
_IN_SHARE = 0.40
_IN_SPREAD = 0.10
_DEPTHS = (0.5, 1.7)

# Speaking: half a second of breathing in, deeper than at rest, mostly at clause boundaries, then 3.5 s of speech on one
# breath (Winkworth et al. 1995; Rochet-Capellan and Fuchs 2013).
_SPEECH_IN_S = 0.5
_SPEECH_DEPTH = 1.45
_SHORTEST_IN_S = 0.28
_GROUP_S = 2.8
_LONGEST_OUT_S = 7.0


@dataclass
class BreathState:
    """Where the breathing stands.

    Attributes:
        next_s: When the next quiet breath begins.
        group_s: Start of the last group of words that was breathed for.
    """

    next_s: float = float("-inf")
    group_s: float = float("-inf")


class Breath:
    """Plans the breath track."""

    def __init__(self, state: BreathState, track: Track, rng: np.random.Generator, per_min: float) -> None:
        self._state = state
        self._track = track
        self._rng = rng
        self._cycle_s = 60.0 / per_min

    def plan(self, from_s: float, until_s: float, clauses: Sequence[tuple[float, float]]) -> float:
        """Plan breaths that begin up to a time.

        Args:
            from_s: Earliest time that may still change.
            until_s: Time up to which everything must be planned.
            clauses: Start and end of what will be spoken, as far as known, in order.

        Returns:
            Earliest time of a change; infinity if none was made.
        """
        changed_s = float("inf")
        for start_s, end_s in clauses:
            due = start_s - _SPEECH_IN_S <= until_s and start_s - self._state.group_s >= _GROUP_S
            if due and start_s - from_s >= _SHORTEST_IN_S:
                changed_s = min(changed_s, self._speak(max(from_s, start_s - _SPEECH_IN_S), start_s, end_s))
        spoken = any(start_s - 1.0 < until_s < end_s for start_s, end_s in clauses)
        if spoken:
            self._state.next_s = max(self._state.next_s, until_s)
        while self._state.next_s <= until_s and not spoken:
            at_s = max(self._state.next_s, from_s)
            changed_s = min(changed_s, at_s)
            self._quiet(at_s)
        return changed_s

    def _speak(self, at_s: float, start_s: float, end_s: float) -> float:
        depth = _SPEECH_DEPTH * float(self._rng.uniform(0.85, 1.15))
        out_s = min(max(end_s - start_s, 1.2), _LONGEST_OUT_S)
        self._track.move(at_s, start_s - at_s, (depth,))
        self._track.move(start_s, out_s, (-0.1,))
        self._state.group_s = start_s
        self._state.next_s = start_s + out_s
        return at_s

    def _quiet(self, at_s: float) -> None:
        cycle_s = self._cycle_s * float(np.exp(self._rng.normal(0.0, _RATE_SPREAD)))
        cycle_s = min(max(cycle_s, 0.5 * self._cycle_s), 1.8 * self._cycle_s)
        depth = float(np.clip(np.exp(self._rng.normal(0.0, _DEPTH_SPREAD)), *_DEPTHS))
        in_s = cycle_s * _IN_SHARE * float(self._rng.uniform(1.0 - _IN_SPREAD, 1.0 + _IN_SPREAD))
        self._track.move(at_s, in_s, (depth,))
        self._track.move(at_s + in_s, 0.9 * (cycle_s - in_s), (0.0,))
        self._state.next_s = at_s + cycle_s
