"""How words sound: text to phones, so that words that were misheard can be found by their sound.

English: the CMU Pronouncing Dictionary (BSD licence) that the package pocketsphinx carries; words it lacks are sounded
out by letter. In other languages letters stand for themselves, which still finds near spellings.
"""

import functools
import importlib.util
import logging
import re
from pathlib import Path

_log = logging.getLogger(__name__)

# Letter groups and their most common English sounds (ARPABET), after Elovitz et al., "Automatic translation of English
# text to phonetics by means of letter-to-sound rules" (NRL Report 7948, 1976), cut down to the rules without context.
_LETTERS: dict[str, tuple[str, ...]] = {
    "tion": ("SH", "AH", "N"), "sion": ("ZH", "AH", "N"), "ight": ("AY", "T"), "ough": ("AO",), "augh": ("AO",),
    "eigh": ("EY",), "igh": ("AY",), "tch": ("CH",), "sch": ("S", "K"), "dge": ("JH",), "eau": ("OW",),
    "ing": ("IH", "NG"), "ch": ("CH",), "sh": ("SH",), "th": ("TH",), "ph": ("F",), "wh": ("W",), "ck": ("K",),
    "ng": ("NG",), "qu": ("K", "W"), "kn": ("N",), "wr": ("R",), "gh": ("G",), "ee": ("IY",), "ea": ("IY",),
    "oo": ("UW",), "ou": ("AW",), "ow": ("OW",), "oa": ("OW",), "oi": ("OY",), "oy": ("OY",), "ai": ("EY",),
    "ay": ("EY",), "au": ("AO",), "aw": ("AO",), "ew": ("UW",), "ie": ("IY",), "ei": ("EY",), "ey": ("IY",),
    "er": ("ER",), "ir": ("ER",), "ur": ("ER",), "ar": ("AA", "R"), "or": ("AO", "R"), "a": ("AE",), "b": ("B",),
    "c": ("K",), "d": ("D",), "e": ("EH",), "f": ("F",), "g": ("G",), "h": ("HH",), "i": ("IH",), "j": ("JH",),
    "k": ("K",), "l": ("L",), "m": ("M",), "n": ("N",), "o": ("AA",), "p": ("P",), "q": ("K",), "r": ("R",),
    "s": ("S",), "t": ("T",), "u": ("AH",), "v": ("V",), "w": ("W",), "x": ("K", "S"), "y": ("IY",), "z": ("Z",),
}  # fmt: skip
_LONGEST = max(map(len, _LETTERS))
_DOUBLED = re.compile(r"([bcdfgklmnprstvz])\1")


class Pronunciation:
    """Phones of words, in ARPABET for English."""

    def __init__(self, language: str = "en") -> None:
        self._lexicon = _lexicon() if language.startswith("en") else {}
        self._by_letter = language.startswith("en")

    def phones(self, words: list[str]) -> list[str]:
        """Phones of lower-case words, one after the other, since mishearing does not stop at their borders."""
        return [phone for word in words for phone in self._word(word)]

    def _word(self, word: str) -> tuple[str, ...]:
        if not self._by_letter:
            return tuple(word)
        for ending, sound in (("", ()), ("'s", ("Z",)), ("s", ("Z",))):
            stem = word.removesuffix(ending) if ending else word
            if (stem != word or not ending) and stem in self._lexicon:
                return (*self._lexicon[stem].split(), *sound)
        return sound_out(word)


def sound_out(word: str) -> tuple[str, ...]:
    """Phones of a word by its letters alone, the longest known group first; what is no letter is silent."""
    word = _DOUBLED.sub(r"\1", word)
    if len(word) > 3 and word.endswith("e"):
        word = word[:-1]
    phones: list[str] = []
    at = 0
    while at < len(word):
        for length in range(_LONGEST, 0, -1):
            group = word[at : at + length]
            if len(group) == length and group in _LETTERS:
                phones.extend(_LETTERS[group])
                at += length
                break
        else:
            at += 1
    return tuple(phones)


@functools.cache
def _lexicon() -> dict[str, str]:
    """First pronunciation of every word of the dictionary, as it is written there."""
    spec = importlib.util.find_spec("pocketsphinx")
    if spec is None or not spec.submodule_search_locations:
        _log.info("no pronouncing dictionary (package pocketsphinx): words are sounded out by letter")
        return {}
    path = Path(next(iter(spec.submodule_search_locations))) / "model" / "en-us" / "cmudict-en-us.dict"
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        _log.warning("%s: %s; words are sounded out by letter", path, error.strerror or error)
        return {}
    entries = (line.partition(" ") for line in lines)
    return {word: phones for word, _, phones in entries if not word.endswith(")")}
