"""The gestures of a turn's phones: what each aims at, how strongly, and when the lips close or meet the teeth."""

from bisect import bisect_left, bisect_right
from typing import NamedTuple

import numpy as np

from mio.contracts.phones import PHONES, SILENCE
from nodes.face.utterance import LEVEL_S, Utterance
from nodes.face.visemes import BILABIAL, CHANNELS, LABIODENTAL, parts, posture

# The lips stay closed for 70 to 130 ms in a labial stop (Kent and Moll 1969). One frame of 40 ms always lies within
# 70 ms, mostly two.
_SHORTEST_CLOSURE_S = 0.07
_LONGEST_CLOSURE_S = 0.13
_BORROWED = 0.15  # share of the phone before that a short closure may begin in
_PARTING_S = 0.02  # lips that part let sound through when they are 1 mm apart
_BURST_STEP_DB = 4.0
_BURST_SHARE = 0.6  # of the steepest rise in the phone: before an aspiration and a voice that begins even more steeply
_SOUND_STOPS_DB = 18.0  # below the usual level of the voice
_JAW = CHANNELS.index("jaw")

# Opening by stress: none, primary, secondary; stressed vowels open further (Kent and Netsell 1971; de Jong 1995).
_STRESS_GAIN = (0.85, 1.1, 0.95)
_LOUDNESS_EXPONENT = 0.4  # of the amplitude ratio; louder vowels open further (Schulman 1989)
_LOUDNESS_RANGE = (0.7, 1.15)


class Gesture(NamedTuple):
    """What the mouth does for one stretch of a phone. Times are seconds since the turn's first sample.

    Attributes:
        start_s: Start.
        end_s: End.
        target: Weight of each channel.
        dominance: How strongly each is insisted on.
        contact: Start and end of a complete closure of the lips, or of lip and teeth; None without one.
        seals: Whether the contact is one of both lips.
        silent: Whether nothing is said.
    """

    start_s: float
    end_s: float
    target: tuple[float, ...]
    dominance: tuple[float, ...]
    contact: tuple[float, float] | None
    seals: bool
    silent: bool


class Gestures:
    """The gestures of one turn, kept up to date as its phones and its sound come in."""

    def __init__(self) -> None:
        self._rows: list[Gesture] = []
        self._first_of_phone: list[int] = []

    def between(self, from_s: float, to_s: float) -> list[Gesture]:
        """Those that overlap a span, in the order of their starts."""
        last = bisect_left(self._rows, to_s, key=_start)
        first = last
        while first > 0 and self._rows[first - 1].end_s > from_s:
            first -= 1
        return self._rows[first:last]

    def update(self, utterance: Utterance, from_s: float) -> None:
        """Take over the phones that end after a time; what is earlier stays as it is."""
        first = max(0, bisect_right(utterance.phone_start_s, from_s) - 1)
        first = min(first, len(self._first_of_phone))
        if first < len(self._first_of_phone):
            del self._rows[self._first_of_phone[first] :]
            del self._first_of_phone[first:]
        for index in range(first, len(utterance.phones)):
            self._first_of_phone.append(len(self._rows))
            self._rows.extend(_gestures(utterance, index))


def _start(row: Gesture) -> float:
    return row.start_s


def _gestures(utterance: Utterance, index: int) -> list[Gesture]:
    start_s, end_s = utterance.phone_start_s[index], utterance.phone_end_s(index)
    before_s = utterance.phone_start_s[index - 1] if index else start_s - 1.0
    symbol = utterance.phones[index]
    gain = _amplitude(utterance, index, start_s, end_s)
    rows: list[Gesture] = []
    for part in parts(symbol):
        stop_s = start_s + part.share * (end_s - start_s) if part.share < 1.0 and not rows else end_s
        aim = posture(part.symbol)
        target = tuple(weight * gain for weight in aim.target)
        contact = _contact(utterance, part.symbol, before_s, start_s, stop_s)
        seals, silent = part.symbol in BILABIAL, symbol == SILENCE
        rows.append(Gesture(start_s, stop_s, target, aim.dominance, contact, seals, silent))
        start_s = stop_s
    return rows


def _amplitude(utterance: Utterance, index: int, start_s: float, end_s: float) -> float:
    """Factor on a vowel's opening from its stress and its loudness."""
    symbol = utterance.phones[index]
    if symbol == SILENCE or PHONES[symbol].manner != "vowel":
        return 1.0
    stress = _STRESS_GAIN[utterance.phone_stress[index] % 3]
    ratio = 10.0 ** ((utterance.level_db(start_s, end_s) - utterance.reference_db) / 20.0)
    return stress * float(np.clip(ratio**_LOUDNESS_EXPONENT, *_LOUDNESS_RANGE))


def _contact(
    utterance: Utterance, symbol: str, before_s: float, start_s: float, end_s: float
) -> tuple[float, float] | None:
    """When lips or lip and teeth touch: throughout a labiodental, up to the release of a bilabial.

    ``before_s`` is the start of the phone before.
    """
    if symbol in LABIODENTAL:
        return start_s, end_s
    if symbol not in BILABIAL:
        return None
    release_s = _release_s(utterance, symbol, start_s, end_s)
    closed_s = start_s if PHONES[symbol].voiced else min(start_s, _sound_stops_s(utterance, release_s))
    closed_s = max(closed_s, release_s - _LONGEST_CLOSURE_S)
    if release_s - closed_s < _SHORTEST_CLOSURE_S:
        earliest_s = min(closed_s, start_s) - _BORROWED * (start_s - before_s)
        closed_s = max(release_s - _SHORTEST_CLOSURE_S, earliest_s)
    return closed_s, release_s - _PARTING_S


def _sound_stops_s(utterance: Utterance, release_s: float) -> float:
    """When the voice breaks off before a voiceless release."""
    levels = utterance.levels(release_s - _LONGEST_CLOSURE_S, release_s - 0.02)
    loud = np.flatnonzero(levels > utterance.reference_db - _SOUND_STOPS_DB)
    if not len(levels):
        return release_s - _SHORTEST_CLOSURE_S
    quiet_levels = len(levels) - (int(loud[-1]) + 1 if len(loud) else 0)
    return release_s - 0.02 - quiet_levels * LEVEL_S


def _release_s(utterance: Utterance, symbol: str, start_s: float, end_s: float) -> float:
    """When the lips part: at the first steep rise of the level, where the sound is known and has one.

    Some synthesisers start a voiceless stop at its closure, others at its burst, so the search begins a little earlier.
    """
    voiced = PHONES[symbol].voiced
    search_s = start_s + 0.4 * (end_s - start_s) if voiced else start_s - 0.03
    levels = utterance.levels(search_s, end_s + 0.015)
    if len(levels) > 4:
        rises = levels[2:] - levels[:-2]
        if rises.max() >= _BURST_STEP_DB:
            first = int(np.argmax(rises >= _BURST_SHARE * rises.max()))
            steepest = first + int(np.argmax(rises[first : first + 4]))
            return round(max(0.0, search_s) / LEVEL_S) * LEVEL_S + (steepest + 1) * LEVEL_S
    return start_s + 0.8 * (end_s - start_s)
