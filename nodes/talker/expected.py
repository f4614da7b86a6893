"""What a voice that tells no times is expected to say when: phones and words of a unit, at a usual pace.

espeak-ng knows how long it would take over each phone of all its languages; without it, English and German are spelled
out by word lists, and a phone lasts as long as its kind usually does (Klatt 1976, inherent durations, rounded).
"""

import re
from typing import NamedTuple

from mio.contracts.phones import PHONES, SILENCE
from mio.errors import MioError
from mio.espeak import Espeak, is_installed
from nodes.talker.clause import SpokenPhone
from nodes.talker.text.pronunciation import Speller, speaks
from nodes.talker.text.spellers import build_speller
from nodes.talker.text.units import Unit

_USUAL_S = {"silence": 0.18, "vowel": 0.1, "fricative": 0.09, "affricate": 0.11, "plosive": 0.08}
_OTHER_S = 0.065
_LETTER_S = 0.07
_WORD = re.compile(r"\S+")


class ExpectedWord(NamedTuple):
    """A word to be said: its first character in the original text, and its start in seconds."""

    first_char: int
    start_s: float


class Expected(NamedTuple):
    """A unit as it is expected to be said.

    Attributes:
        phones: Without the pauses at both ends; starts in seconds since the first phone's.
        words: On the same clock.
        length_s: Of all of it.
    """

    phones: list[SpokenPhone]
    words: list[ExpectedWord]
    length_s: float


class Expectation:
    """Knows how units are usually said."""

    def __init__(self) -> None:
        self._espeak = Espeak.shared() if is_installed() else None
        self._speller = _word_lists() if self._espeak is None else None

    def of(self, unit: Unit) -> Expected:
        """How a unit is expected to be said; without phones where nobody knows how its language sounds."""
        voice = None if self._espeak is None else self._espeak.voice_for(unit.language)
        if self._espeak is not None and voice is not None:
            return _synthesised(self._espeak, unit, voice)
        if self._speller is not None and speaks(unit.language):
            return _spelled(self._speller, unit)
        return _by_letters(unit)


def _synthesised(espeak: Espeak, unit: Unit, voice: str) -> Expected:
    synthesis = espeak.synthesize(unit.text.text, voice)
    phones = [SpokenPhone(phone.symbol, phone.stress, phone.start_s) for phone in synthesis.phones]
    words = [ExpectedWord(unit.text.source(word.text_position), word.start_s) for word in synthesis.words]
    return _from_first_phone(phones, words)


def _spelled(speller: Speller, unit: Unit) -> Expected:
    said = speller.spell(unit)
    phones, now_s = list[SpokenPhone](), 0.0
    for phone in said.phones:
        phones.append(SpokenPhone(phone.symbol, phone.stress, now_s))
        now_s += _USUAL_S.get(PHONES[phone.symbol].manner, _OTHER_S)
    words = [ExpectedWord(word.first_char, phones[word.first_phone].start_s) for word in said.words]
    return _from_first_phone(phones, words)


def _by_letters(unit: Unit) -> Expected:
    text = unit.text.text
    words = [
        ExpectedWord(unit.text.source(first), _LETTER_S * first)
        for first in (word.start() for word in _WORD.finditer(text))
    ]
    return Expected([], words, _LETTER_S * len(text))


def _from_first_phone(phones: list[SpokenPhone], words: list[ExpectedWord]) -> Expected:
    """On the clock of the first phone that sounds, up to the pause at the end, which comes last."""
    sounding = [number for number, phone in enumerate(phones) if phone.symbol != SILENCE]
    if not sounding:
        return Expected([], words, 0.0)
    begin_s, end_s = phones[sounding[0]].start_s, phones[min(sounding[-1] + 1, len(phones) - 1)].start_s
    moved = [phone._replace(start_s=phone.start_s - begin_s) for phone in phones[sounding[0] : sounding[-1] + 1]]
    return Expected(moved, [word._replace(start_s=max(0.0, word.start_s - begin_s)) for word in words], end_s - begin_s)


def _word_lists() -> Speller | None:
    try:
        return build_speller("lexicon")
    except MioError:
        return None
