"""Units spelled out by word lists and a model of letters, both MIT licensed, from the packages gruut-lang-en and -de.

Their lists called ``espeak`` hold each word as espeak-ng says it by itself, so a voice that learned espeak-ng's phones
understands them. What a sentence does to its words is left out, but for *the* before a vowel. Letters of unknown words
become phones by a linear-chain conditional random field (Lafferty et al. 2001) over three letters on each side.
"""

import base64
import importlib
import importlib.util
import re
import sqlite3
import unicodedata
from functools import lru_cache
from pathlib import Path
from typing import Any

from mio.contracts.phones import PHONES, SILENCE
from mio.errors import MioError
from mio.espeak.timing import symbols_of
from nodes.talker.text.mapped import Mapped
from nodes.talker.text.pronunciation import Pronunciation, Spelled, SpelledWord, last_mark, phones_language, unit_mark
from nodes.talker.text.units import Unit

_PACKAGES = {"en": "gruut_lang_en", "de": "gruut_lang_de"}
_REMEDY = "pip install 'mio[lexicon]'"
_JOINED = {
    "en": ("aɪ", "aʊ", "eɪ", "oʊ", "ɔɪ", "tʃ", "dʒ"),
    "de": ("aɪ", "aʊ", "eɪ", "oʊ", "ɔø", "tʃ", "dʒ", "ts", "pf"),
}
"""Phones of two symbols, which the lists write as two."""

_WEAK_IN_ENGLISH = """
a am an and are as at be been but by can could did do does for from had has have he her him his i if in is it its may me
might must my of on or our shall she should than that the their them they to us was we were when will with would you
your
"""
_WEAK_IN_GERMAN = """
als am an auf aus bei bin bis bist da das dass dem den denn der des die du ein eine er es für hat ich ihn ihr im in ins
ist man mich mir mit nach ob oder sich sie sind so und uns vom von vor war was wenn wer wie wir wird zu zum zur
"""
_WEAK = {"en": frozenset(_WEAK_IN_ENGLISH.split()), "de": frozenset(_WEAK_IN_GERMAN.split())}
"""Function words, which carry no stress inside a sentence (English weak forms, German clitics)."""

_NUMBER = re.compile(r"(?<!\w)\d[\d.,]*\d|\d")
_ORDINAL = re.compile(r"\b(\d+)(?:st|nd|rd|th)\b")
_TOKEN = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*|[,;:.!?…]")
_ACRONYM = re.compile(r"[A-ZÄÖÜ]{2,5}")
_AROUND = 3  # letters on each side that the model looks at
_SAYS_NOTHING = "_"
_KEPT_WORDS = 10_000


class LexiconSpeller:
    """Spells out word by word."""

    def __init__(self) -> None:
        """Get ready.

        Raises:
            MioError: If a package is missing.
        """
        self._languages = {language: _Lexicon(language) for language in _PACKAGES}

    def spell(self, unit: Unit) -> Pronunciation:
        """See :class:`~nodes.talker.text.pronunciation.Speller`."""
        language = phones_language(unit.language)
        text = _with_words_for_numbers(unit.text, language)
        phones, words = [Spelled(SILENCE)], list[SpelledWord]()
        for token in _TOKEN.finditer(text.text):
            if not token[0][0].isalpha():
                if phones[-1].symbol != SILENCE:
                    phones.append(Spelled(SILENCE, mark=last_mark(token[0])))
                continue
            said = self._languages[language].said(token[0])
            if said:
                words.append(SpelledWord(len(phones), text.source(token.start())))
                stressed = token[0].lower() not in _WEAK[language]
                phones.extend(
                    phone._replace(begins_word=n == 0, stress=phone.stress if stressed else 0)
                    for n, phone in enumerate(said)
                )
        if phones[-1].symbol == SILENCE and len(phones) > 1:
            phones.pop()
        phones.append(Spelled(SILENCE, mark=unit_mark(unit.pause)))
        return Pronunciation(_with_full_articles(phones) if language == "en" else phones, words)


class _Lexicon:
    """How the words of a language sound."""

    def __init__(self, language: str) -> None:
        folder = _folder(_PACKAGES[language])
        self._language = language
        self._words = sqlite3.connect(f"file:{folder / 'lexicon.db'}?mode=ro", uri=True, check_same_thread=False)
        self._letters = _tagger(folder / "g2p" / "model.crf")
        self.said = lru_cache(_KEPT_WORDS)(self._said)

    def _said(self, written: str) -> tuple[Spelled, ...]:
        """Phones of a word."""
        word = unicodedata.normalize("NFC", written.lower().replace("ß", "ss"))
        for known in (written.lower(), word):
            if (found := self._listed(known)) is not None:
                return self._phones(found)
        if _ACRONYM.fullmatch(written):
            return tuple(phone for letter in written for phone in self.said(letter.lower()))
        return self._phones(self._guessed(word))

    def _listed(self, word: str) -> list[str] | None:
        query = "SELECT phonemes FROM word_phonemes WHERE word = ? ORDER BY pron_order LIMIT 1"
        row = self._words.execute(query, (word,)).fetchone()
        return None if row is None else row[0].split()

    def _guessed(self, word: str) -> list[str]:
        labels = self._letters.tag([_features(word, place) for place in range(len(word))])
        said = (base64.b64decode(label).decode() for label in labels)
        return [symbol for several in said for symbol in several.split("|") if symbol != _SAYS_NOTHING]

    def _phones(self, symbols: list[str]) -> tuple[Spelled, ...]:
        """Of the symbols of a list."""
        spelled: list[Spelled] = []
        for symbol in _joined(symbols, self._language):
            phones, stress = symbols_of(symbol, self._language)
            vowel = next((n for n, phone in enumerate(phones) if PHONES[phone].manner == "vowel"), 0)
            spelled.extend(Spelled(phone, stress if n == vowel else 0) for n, phone in enumerate(phones))
        return tuple(spelled)


def _joined(symbols: list[str], language: str) -> list[str]:
    """Symbols, two of them as one where they are one phone."""
    joined: list[str] = []
    for symbol in symbols:
        if joined and joined[-1].lstrip("ˈˌ") + symbol in _JOINED[language]:
            joined[-1] += symbol
        else:
            joined.append(symbol)
    return joined


def _with_full_articles(phones: list[Spelled]) -> list[Spelled]:
    """*the* with its full vowel before another vowel."""
    changed = list(phones)
    for n in range(1, len(phones) - 1):
        the = phones[n - 1].symbol == "ð" and phones[n - 1].begins_word and phones[n].symbol == "ə"
        if the and phones[n + 1].begins_word and PHONES[phones[n + 1].symbol].manner == "vowel":
            changed[n] = phones[n]._replace(symbol="ɪ")
    return changed


def _with_words_for_numbers(text: Mapped, language: str) -> Mapped:
    """Digits as words."""
    if not any(character.isdigit() for character in text.text):
        return text
    if language == "en":
        text = text.sub(_ORDINAL, lambda match: _in_words(match[1], language, to="ordinal"))
    return text.sub(_NUMBER, lambda match: _in_words(match[0], language))


def _in_words(digits: str, language: str, to: str = "cardinal") -> str:
    """A number in words; one that is none is read digit by digit."""
    try:
        from num2words import num2words
    except ModuleNotFoundError as error:
        raise MioError("num2words is missing, which reads numbers out", _REMEDY) from error
    thousands, decimal = (",", ".") if language == "en" else (".", ",")
    plain = digits.rstrip(".,")
    grouped = re.fullmatch(rf"\d{{1,3}}(?:{re.escape(thousands)}\d{{3}})+(?:{re.escape(decimal)}\d+)?", plain)
    plain = plain.replace(thousands, "") if grouped else plain
    plain = plain.replace(decimal, ".")
    if not re.fullmatch(r"\d{1,15}(?:\.\d{1,10})?", plain):
        return " ".join(num2words(int(digit), lang=language) for digit in re.sub(r"\D", "", digits))
    value = float(plain) if "." in plain else int(plain)
    return str(num2words(value, lang=language, to=to)).replace("-", " ")


def _features(word: str, place: int) -> dict[str, Any]:
    """What the model of gruut-lang sees of a letter (gruut 2.4, ``g2p.py``)."""
    seen: dict[str, Any] = {"bias": 1.0, "grapheme": _coded(word[place])}
    if place == 0:
        seen["begin"] = True
    if place == len(word) - 1:
        seen["end"] = True
    for away in range(1, _AROUND + 1):
        if place >= away:
            seen[f"grapheme-{away}"] = _coded(word[place - away])
        if place + away < len(word):
            seen[f"grapheme+{away}"] = _coded(word[place + away])
    return seen


def _coded(letter: str) -> str:
    return base64.b64encode(letter.encode()).decode("ascii")


def _folder(package: str) -> Path:
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise MioError(f"the word list {package.replace('_', '-')} is missing", _REMEDY)
    return Path(found.origin).parent / "espeak"


def _tagger(path: Path) -> Any:
    try:
        pycrfsuite: Any = importlib.import_module("pycrfsuite")
    except ModuleNotFoundError as error:
        raise MioError("python-crfsuite is missing, which spells unknown words out", _REMEDY) from error
    tagger = pycrfsuite.Tagger()
    tagger.open(str(path))
    return tagger
