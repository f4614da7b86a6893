"""What a voice is to say of a unit of text: phones with their stress, words, and pauses with their marks.

A :class:`Speller` knows how words sound. English and German are spelled out with the same phones for training and for
speaking, whichever speller does it.
"""

from typing import NamedTuple, Protocol

from mio.contracts.phones import SILENCE
from mio.errors import ConfigError
from nodes.talker.text.units import Unit, units_of

LANGUAGES = ("en", "de")
"""Languages whose phones are known."""

MARKS = ("", ",", ";", ":", ".", "!", "?", "…")
"""What can stand where a pause is; the first for none."""


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


class Speller(Protocol):
    """Knows how words sound."""

    def spell(self, unit: Unit) -> Pronunciation:
        """Spell a unit out.

        Raises:
            ConfigError: If its language is none of those that are known.
        """
        ...


def speaks(language: str) -> bool:
    """Whether the phones of a language, in BCP 47, are known."""
    return _primary(language) in LANGUAGES


def phones_language(language: str) -> str:
    """The one of ``LANGUAGES`` that a language, in BCP 47, is.

    Raises:
        ConfigError: If it is none.
    """
    if not speaks(language):
        raise ConfigError(f"no phones for the language '{language}'", f"known: {', '.join(LANGUAGES)}")
    return _primary(language)


def pronounced_text(text: str, language: str, speller: Speller) -> list[Spelled]:
    """All units of a text one after the other, with one pause between two.

    Raises:
        ConfigError: If its language is none of those that are known.
    """
    phones_language(language)
    phones = [Spelled(SILENCE)]
    for unit in units_of(text, language):
        if speaks(unit.language):
            phones.extend(speller.spell(unit).phones[1:])
    return phones


def last_mark(text: str) -> str:
    """The mark that a text ends with, at most a quotation mark or so in front of its end; empty for none."""
    return next((character for character in reversed(text.rstrip()[-2:]) if character in MARKS), "")


def unit_mark(pause: str) -> str:
    """The mark of the pause behind a unit; empty for one that is not known."""
    return pause if pause in MARKS else ""


def _primary(language: str) -> str:
    return language.lower().replace("_", "-").partition("-")[0]
