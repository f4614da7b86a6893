"""From espeak-ng's events to phone and word times that agree with its sound.

The events are exact in samples, but not where a phonetician puts the boundaries (``Generate`` in espeak-ng's
synthesize.c, and measured): a stop's event stands at its release, after the closure; a vowel's event after a nasal or a
liquid stands at the end of the transition into it; a syllabic consonant or a rhotic diphthong is one event for two.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mio.contracts.phones import PHONES, SILENCE, from_ipa

FloatArray = npt.NDArray[np.float32]

_QUIET_BELOW_VOWEL_DB = 20.0  # closures lie lower; echoes of some variants lie 28 dB below
_QUIET_BELOW_PEAK_DB = 40.0
_LEVEL_WINDOW_MS = 4
_NEAR_MS = 150
_CLOSURE_AFTER_PAUSE_MS = 60  # a stop's closure cannot be heard after a pause: espeak-ng's own pause before stops
_TRANSITION_MS = 20  # half of espeak-ng's transition from a liquid into a vowel
_NASAL_RELEASE_MS = 45  # how long before its event a vowel may begin after a nasal
_DECAY_MS = 60  # how long a phone may sound on after the event of the pause that follows
_SHORTEST_MS = 30.0
# Where espeak-ng's IPA means another sound than in English.
_TRILLS = {"r": "ɾ"}
_DIALECTS: dict[str, dict[str, str]] = {"en": {}, "de": {"ɜ": "ɐ", **_TRILLS}}
_SHARES = {"vowel": 1.0, "ə": 0.6}
_SHARE_OF_CONSONANT = 0.6


class PhoneTime(NamedTuple):
    """A phone of ``mio.contracts.phones`` in the sound.

    Attributes:
        symbol: The phone; ``sil`` for a pause and for what follows the last phone.
        stress: 0 none, 1 primary, 2 secondary; of the vowel that carries it.
        start_s: Seconds since the first sample.
    """

    symbol: str
    stress: int
    start_s: float


class WordTime(NamedTuple):
    """A word in the text and in the sound.

    Attributes:
        text_position: Its first character.
        length: Characters.
        start_s: Seconds since the first sample.
    """

    text_position: int
    length: int
    start_s: float


class Mark(NamedTuple):
    """An event as it came: a phone in IPA (empty for a pause) and its sample."""

    ipa: str
    sample: int


class _Segment(NamedTuple):
    symbols: tuple[str, ...]
    stress: int
    start_ms: float


def phone_times(marks: Sequence[Mark], samples: FloatArray, sample_rate: int, language: str = "en") -> list[PhoneTime]:
    """Phones with their times, each starting where the one before it ends; the last one is ``sil``.

    Args:
        marks: Phone events in order.
        samples: ``[n]`` the sound that they belong to.
        sample_rate: Hz.
        language: In BCP 47.
    """
    levels = _levels_db(samples, sample_rate)
    end_ms = len(samples) / sample_rate * 1000.0
    segments = _merge_pauses(_segments(marks, sample_rate, language), levels)
    segments = _at_acoustic_starts(segments, levels)
    return _expand(segments, end_ms)


def symbols_of(ipa: str, language: str = "en") -> tuple[tuple[str, ...], int]:
    """Phones and stress of one of espeak-ng's symbols; no phones for its marks of a change of language, ``(en)``."""
    if ipa.startswith("("):
        return (), 0
    dialect = _DIALECTS.get(language.partition("-")[0].partition("+")[0], _TRILLS)
    symbols, stress = from_ipa(ipa)
    bare = ipa.lstrip("ˈˌ")
    return ((dialect[bare],) if bare in dialect else symbols), stress


def _segments(marks: Sequence[Mark], sample_rate: int, language: str) -> list[_Segment]:
    found: list[_Segment] = []
    for mark in marks:
        symbols, stress = symbols_of(mark.ipa, language) if mark.ipa else ((SILENCE,), 0)
        if symbols:
            found.append(_Segment(symbols, stress, mark.sample / sample_rate * 1000.0))
    return found


def _merge_pauses(segments: list[_Segment], levels: npt.NDArray[np.float64]) -> list[_Segment]:
    """Drop pauses of no length, pauses after pauses, and nameless events that sound."""
    kept: list[_Segment] = []
    for index, segment in enumerate(segments):
        if segment.symbols == (SILENCE,):
            end_ms = segments[index + 1].start_ms if index + 1 < len(segments) else float(len(levels))
            if end_ms - segment.start_ms < 1.0 or (kept and kept[-1].symbols == (SILENCE,)):
                continue
            if kept and not _is_quiet(levels, segment.start_ms, end_ms):
                continue
        kept.append(segment)
    return kept


def _at_acoustic_starts(segments: list[_Segment], levels: npt.NDArray[np.float64]) -> list[_Segment]:
    moved: list[_Segment] = []
    for segment in segments:
        before = moved[-1] if moved else _Segment((SILENCE,), 0, 0.0)
        start_ms = segment.start_ms
        phone, previous = PHONES[segment.symbols[0]], PHONES[before.symbols[-1]]
        earliest_ms = min(before.start_ms + (_SHORTEST_MS if moved else 0.0), start_ms)
        if phone.manner in ("plosive", "affricate"):
            start_ms = _closure_start(levels, start_ms, earliest_ms, after_pause=previous.symbol == SILENCE)
        elif phone.manner == "vowel" and previous.manner == "nasal":
            start_ms = _rise(levels, max(start_ms - _NASAL_RELEASE_MS, earliest_ms), start_ms)
        elif phone.manner == "vowel" and previous.manner in ("lateral", "approximant"):
            start_ms = max(start_ms - _TRANSITION_MS, earliest_ms)
        elif phone.symbol == SILENCE:
            start_ms = _end_of_sound(levels, start_ms)
        moved.append(segment._replace(start_ms=start_ms))
    return moved


def _expand(segments: list[_Segment], end_ms: float) -> list[PhoneTime]:
    """Split sequences into phones, and give phones of next to no length a part of the one before."""
    phones: list[PhoneTime] = []
    if segments and segments[0].start_ms >= 1.0 and segments[0].symbols != (SILENCE,):
        phones.append(PhoneTime(SILENCE, 0, 0.0))
    starts = [segment.start_ms for segment in segments] + [end_ms]
    _widen(starts, segments)
    for segment, start_ms, next_ms in zip(segments, starts[:-1], starts[1:], strict=True):
        shares = np.cumsum([0.0, *(_share(symbol) for symbol in segment.symbols)])
        at_ms = start_ms + (next_ms - start_ms) * shares / shares[-1]
        stressed = _stressed(segment.symbols)
        for place, symbol in enumerate(segment.symbols):
            stress = segment.stress if place == stressed else 0
            phones.append(PhoneTime(symbol, stress, float(at_ms[place]) / 1000.0))
    if not phones or phones[-1].symbol != SILENCE:
        phones.append(PhoneTime(SILENCE, 0, end_ms / 1000.0))
    return phones


def _widen(starts: list[float], segments: list[_Segment]) -> None:
    """Let phones of next to no length begin earlier, at most in the middle of the one before."""
    for index in range(len(segments) - 1, 0, -1):
        shortest = starts[index + 1] - _SHORTEST_MS
        if starts[index] > shortest and segments[index].symbols != (SILENCE,):
            starts[index] = max(shortest, (starts[index - 1] + starts[index + 1]) / 2)


def _share(symbol: str) -> float:
    return _SHARES.get(symbol, _SHARES["vowel"] if PHONES[symbol].manner == "vowel" else _SHARE_OF_CONSONANT)


def _stressed(symbols: tuple[str, ...]) -> int:
    return next((place for place, symbol in enumerate(symbols) if PHONES[symbol].manner == "vowel"), 0)


def _levels_db(samples: FloatArray, sample_rate: int) -> npt.NDArray[np.float64]:
    """Level of the sound in every millisecond, dB, over the last few milliseconds."""
    count = int(len(samples) / sample_rate * 1000.0)
    power = np.concatenate([[0.0], np.cumsum(np.diff(samples, prepend=np.float32(0.0)).astype(np.float64) ** 2)])
    edges = np.arange(count + 1) * sample_rate // 1000
    ends = power[np.minimum(edges, len(samples))]
    begins = ends[np.maximum(np.arange(count + 1) - _LEVEL_WINDOW_MS, 0)]
    return 10.0 * np.log10((ends - begins)[1:] + 1e-9)


def _is_quiet(levels: npt.NDArray[np.float64], start_ms: float, end_ms: float) -> bool:
    inside = levels[int(start_ms) + _LEVEL_WINDOW_MS : int(end_ms)]
    return not len(inside) or bool(np.median(inside) < levels.max() - _QUIET_BELOW_VOWEL_DB)


def _closure_start(levels: npt.NDArray[np.float64], event_ms: float, earliest_ms: float, *, after_pause: bool) -> float:
    """Where the silence before a stop's release begins; the event itself if there is none."""
    if after_pause:
        earliest_ms = max(earliest_ms, event_ms - _CLOSURE_AFTER_PAUSE_MS)
    event = int(event_ms)
    near = levels[max(0, event - _NEAR_MS) : event]
    if not len(near):
        return event_ms
    quiet_db = max(near.max() - _QUIET_BELOW_VOWEL_DB, levels.max() - _QUIET_BELOW_PEAK_DB)
    at = event
    while at > earliest_ms and at > 0 and levels[at - 1] < quiet_db:
        at -= 1
    return float(max(at - _LEVEL_WINDOW_MS // 2 if at < event else event_ms, earliest_ms))


def _end_of_sound(levels: npt.NDArray[np.float64], event_ms: float) -> float:
    """Where the sound has died away after the event of a pause."""
    event = int(event_ms)
    near = levels[max(0, event - _NEAR_MS) : event]
    if not len(near):
        return event_ms
    quiet_db = max(near.max() - _QUIET_BELOW_VOWEL_DB, levels.max() - _QUIET_BELOW_PEAK_DB)
    at = event
    while at < min(event + _DECAY_MS, len(levels)) and levels[at] >= quiet_db:
        at += 1
    return float(at) if at > event else event_ms


def _rise(levels: npt.NDArray[np.float64], from_ms: float, to_ms: float) -> float:
    """The steepest rise of the level in a span: where a nasal opens into a vowel."""
    places = np.arange(int(np.ceil(from_ms)), int(to_ms) + 1)
    after = np.minimum(places + _LEVEL_WINDOW_MS, len(levels) - 1)
    if not len(places) or len(levels) <= _LEVEL_WINDOW_MS:
        return to_ms
    rise = levels[after] - levels[np.maximum(places - 1, 0)]
    return float(places[int(np.argmax(rise))])
