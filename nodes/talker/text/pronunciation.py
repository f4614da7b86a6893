"""What a voice is to say of a unit of text: phones with their stress, words, and pauses with their marks.

The phones are espeak-ng's: English and German are spelled out the same way for training and for speaking.
"""

from bisect import bisect_left
from itertools import accumulate
from typing import NamedTuple

from mio.contracts.phones import SILENCE
from mio.errors import ConfigError
from mio.espeak import Espeak, Synthesis
from nodes.talker.text.mapped import Mapped
from nodes.talker.text.units import Unit, units_of

ESPEAK_VOICES = {"en": "en-us", "de": "de"}
"""espeak-ng's voice by language whose phones are known."""

MARKS = ("", ",", ";", ":", ".", "!", "?", "…")
"""What can stand where a pause is; the first for none."""

_RATE_WPM = 400  # nothing is listened to: fast is cheap
_WORD_BEFORE_S = 0.012  # a word's event may come this much behind its first phone


class Spelled(NamedTuple):
    """One phone to say.

    Attributes:
        symbol: Of ``mio.contracts.phones``; ``sil`` for a pause.
        stress: 0 none, 1 primary, 2 secondary.
        begins_word: Whether it is a word's first.
        mark: Of a pause, the punctuation mark that asks for it.
    """

    symbol: str
    stress: int = 0
    begins_word: bool = False
    mark: str = ""


class SpelledWord(NamedTuple):
    """A word to say: its first phone among the unit's, and its first character in the original text."""

    first_phone: int
    first_char: int


class Pronunciation(NamedTuple):
    """A unit as phones, beginning and ending with a pause, and its words."""

    phones: list[Spelled]
    words: list[SpelledWord]


def speaks(language: str) -> bool:
    """Whether the phones of a language, in BCP 47, are known."""
    return _primary(language) in ESPEAK_VOICES


def pronounced(unit: Unit, espeak: Espeak) -> Pronunciation:
    """Spell a unit out.

    Raises:
        ConfigError: If its language is none of those that are known.
    """
    voice = ESPEAK_VOICES.get(_primary(unit.language))
    if voice is None:
        raise ConfigError(f"no phones for the language '{unit.language}'", f"known: {', '.join(ESPEAK_VOICES)}")
    synthesis = espeak.synthesize(unit.text.text, voice, rate_wpm=_RATE_WPM)
    groups = espeak.phonemes(unit.text.text, voice)
    return _spelled(synthesis, _word_firsts(synthesis, groups), unit.text, unit.pause)


def pronounced_text(text: str, language: str, espeak: Espeak) -> list[Spelled]:
    """All units of a text one after the other, with one pause between two.

    Raises:
        ConfigError: If its language is none of those that are known.
    """
    if not speaks(language):
        raise ConfigError(f"no phones for the language '{language}'", f"known: {', '.join(ESPEAK_VOICES)}")
    phones = [Spelled(SILENCE)]
    for unit in units_of(text, language):
        if speaks(unit.language):
            phones.extend(pronounced(unit, espeak).phones[1:])
    return phones


def _primary(language: str) -> str:
    return language.lower().replace("_", "-").partition("-")[0]


def _word_firsts(synthesis: Synthesis, groups: list[list[str]]) -> list[int]:
    """Number of the first phone of each word event, pauses not counted.

    Where the phones of the words one by one are those that were spoken, their count says it; else times do.
    """
    spoken = [phone for phone in synthesis.phones if phone.symbol != SILENCE]
    if len(groups) == len(synthesis.words) and [p.symbol for p in spoken] == [s for group in groups for s in group]:
        return [0, *accumulate(len(group) for group in groups)][:-1]
    starts = [phone.start_s + _WORD_BEFORE_S for phone in spoken]
    return [bisect_left(starts, word.start_s) for word in synthesis.words]


def _spelled(synthesis: Synthesis, firsts: list[int], text: Mapped, pause: str) -> Pronunciation:
    positions = dict(zip(reversed(firsts), (w.text_position for w in reversed(synthesis.words)), strict=True))
    phones, words = [Spelled(SILENCE)], list[SpelledWord]()
    number = 0
    for phone in synthesis.phones[:-1]:
        if phone.symbol == SILENCE:
            if phones[-1].symbol == SILENCE:
                continue
            following = next((positions[first] for first in sorted(positions) if first >= number), len(text.text))
            phones.append(Spelled(SILENCE, mark=_mark_before(text.text, following)))
            continue
        if number in positions:
            words.append(SpelledWord(len(phones), text.source(positions[number])))
        phones.append(Spelled(phone.symbol, phone.stress, number in positions))
        number += 1
    phones.append(Spelled(SILENCE, mark=pause if pause in MARKS else ""))
    return Pronunciation(phones, words)


def _mark_before(text: str, position: int) -> str:
    """The last mark in front of a place."""
    return next((character for character in reversed(text[:position].rstrip()[-2:]) if character in MARKS), "")
