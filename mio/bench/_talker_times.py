"""Phone times against the sound itself: the steepest change of level near a boundary, in the band where it shows."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mio.contracts.phones import PHONES, SILENCE, Phone
from mio.contracts.rates import SPEECH_HZ
from nodes.talker.clause import Piece

_NEAR_MS = 50
_HALF_STEP_MS = 6
_SMALLEST_STEP_DB = 8.0
_FLOOR_DB = 35.0
_SMOOTHING_MS = 6


class _Edge(NamedTuple):
    low_hz: float
    high_hz: float
    sign: int


_SIBILANTS = ("s", "ʃ")
EDGES: dict[str, _Edge] = {
    "vowel, sibilant": _Edge(4_000.0, 9_000.0, 1),
    "sibilant, vowel": _Edge(4_000.0, 9_000.0, -1),
    "vowel, closure of p t k": _Edge(150.0, 9_000.0, -1),
    "vowel, closure of b d g": _Edge(600.0, 9_000.0, -1),
    "vowel, nasal": _Edge(600.0, 5_000.0, -1),
    "nasal, vowel": _Edge(600.0, 5_000.0, 1),
    "vowel, silence": _Edge(150.0, 9_000.0, -1),
    "silence, vowel": _Edge(150.0, 9_000.0, 1),
}
"""Boundaries that can be seen in a band of the sound, and whether its level rises or falls there."""


def time_errors_ms(piece: Piece) -> Iterator[tuple[str, float]]:
    """Boundaries of a piece of sound: which kind, and how much later than its phone time the sound changes, ms."""
    levels = {edge: _levels_db(piece.samples, *EDGES[edge][:2]) for edge in EDGES}
    offset_s = piece.phones[0].start_s
    for before, after in zip(piece.phones, piece.phones[1:], strict=False):
        edge = _kind(PHONES[before.symbol], PHONES[after.symbol])
        if edge is None:
            continue
        at_ms = (after.start_s - offset_s) * 1e3
        change_ms = _steepest_ms(levels[edge], at_ms, EDGES[edge].sign)
        if change_ms is not None:
            yield edge, change_ms - at_ms


def _kind(before: Phone, after: Phone) -> str | None:
    match before, after:
        case (Phone(manner="vowel"), Phone(manner="plosive", place=place, voiced=voiced)) if place != "glottal":
            return "vowel, closure of b d g" if voiced else "vowel, closure of p t k"
        case (Phone(manner="vowel"), Phone(manner="nasal")) | (Phone(manner="nasal"), Phone(manner="vowel")):
            return f"{before.manner}, {after.manner}"
        case (Phone(manner="vowel"), Phone(symbol=symbol)) if symbol in (*_SIBILANTS, SILENCE):
            return f"vowel, {after.manner if symbol == SILENCE else 'sibilant'}"
        case (Phone(symbol=symbol), Phone(manner="vowel")) if symbol in (*_SIBILANTS, SILENCE):
            return f"{before.manner if symbol == SILENCE else 'sibilant'}, vowel"
        case _:
            return None


def _levels_db(samples: npt.NDArray[np.float32], low_hz: float, high_hz: float) -> npt.NDArray[np.float64]:
    """Level of a band every millisecond."""
    spectrum = np.fft.rfft(samples.astype(np.float64))
    frequency = np.fft.rfftfreq(len(samples), 1.0 / SPEECH_HZ)
    spectrum[(frequency < low_hz) | (frequency > high_hz)] = 0.0
    power = np.concatenate([[0.0], np.cumsum(np.fft.irfft(spectrum, len(samples)) ** 2)])
    times = np.arange(len(samples) * 1_000 // SPEECH_HZ) * (SPEECH_HZ // 1_000)
    half = _SMOOTHING_MS // 2 * (SPEECH_HZ // 1_000)
    energy = power[np.minimum(times + half, len(samples))] - power[np.maximum(times - half, 0)]
    return 10.0 * np.log10(energy + energy.max() * 10.0 ** (-_FLOOR_DB / 10.0) + 1e-12)


def _steepest_ms(levels: npt.NDArray[np.float64], at_ms: float, sign: int) -> float | None:
    first = max(_HALF_STEP_MS, round(at_ms) - _NEAR_MS)
    last = min(len(levels) - _HALF_STEP_MS - 1, round(at_ms) + _NEAR_MS)
    places = np.arange(first, last + 1)
    if len(places) < 3:
        return None
    step = sign * (levels[places + _HALF_STEP_MS] - levels[places - _HALF_STEP_MS])
    best = int(np.argmax(step))
    return float(places[best]) if step[best] >= _SMALLEST_STEP_DB else None
