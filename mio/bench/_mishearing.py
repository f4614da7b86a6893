"""Simulated misrecognition: words give way to words that sound alike, as a weak speech recogniser hears them."""

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mio.sentences.encoder import packaged_model
from nodes.thinker.pronunciation import Pronunciation
from nodes.thinker.words import plain

_LONGEST_PHONES = 12
_CLASSES = ("P B", "T D", "K G", "F V TH DH", "S Z SH ZH CH JH", "M N NG", "L R", "W Y HH",
            "IY IH EY", "EH AE AY", "AA AO AH AW ER", "UW UH OW OY")  # fmt: skip
_CLASS_OF = {phone: number for number, phones in enumerate(_CLASSES) for phone in phones.split()}
_SAME_CLASS, _OTHER, _GAP = 0.4, 1.0, 0.8  # costs of taking one phone for another, and of losing or inventing one
_COMMON_WORDS = 8_000
_NEIGHBOURS = 8
_SPREAD = 0.12  # of the choice among neighbours, in cost per phone
_LOST = 0.1  # share of the misheard words that are not heard at all
_MERGED = 0.15  # share that run together with the next word

Codes = npt.NDArray[np.int16]
Distances = npt.NDArray[np.float64]


class Mishearing:
    """Mishears sentences at a given rate, with alternatives as a recogniser gives them."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self._pronunciation = Pronunciation("en")
        words = [word for word in _common_words(packaged_model()) if self._pronunciation.phones([word])]
        phones = [self._pronunciation.phones([word]) for word in words]
        kept = [number for number, spoken in enumerate(phones) if len(spoken) <= _LONGEST_PHONES]
        self._words = [words[number] for number in kept]
        self._symbols = {phone: number for number, phone in enumerate(sorted(_CLASS_OF))}
        self._cost = _costs(list(self._symbols))
        self._lengths = np.array([len(phones[number]) for number in kept])
        self._spoken = np.full((len(kept), _LONGEST_PHONES), 0, np.int16)
        for row, number in enumerate(kept):
            self._spoken[row, : len(phones[number])] = self._codes(phones[number])

    def hear(self, text: str, rate: float, alternatives: int = 4) -> list[str]:
        """Hypotheses, best first, each with about ``rate`` of its words wrong."""
        return [self._once(text, rate) for _ in range(1 + alternatives)]

    def _once(self, text: str, rate: float) -> str:
        words = plain(text).split()
        heard: list[str] = []
        at = 0
        while at < len(words):
            merged = 2 if self._random.random() < _MERGED and at + 1 < len(words) else 1
            if self._random.random() >= rate:
                heard.append(words[at])
                at += 1
                continue
            if self._random.random() >= _LOST:
                heard.append(self._alike(words[at : at + merged]))
            at += merged
        return " ".join(heard)

    def _alike(self, words: list[str]) -> str:
        """A word that sounds like these, and is none of them."""
        phones = self._pronunciation.phones(words)[:_LONGEST_PHONES]
        distances = self._distances(self._codes(phones)) / max(1, len(phones))
        near = [number for number in np.argsort(distances)[: _NEIGHBOURS + 1] if self._words[number] not in words]
        weights = np.exp(-(distances[near] - distances[near[0]]) / _SPREAD)
        return self._words[int(self._random.choice(near, p=weights / weights.sum()))]

    def _codes(self, phones: list[str]) -> Codes:
        return np.array([self._symbols[phone] for phone in phones if phone in self._symbols], np.int16)

    def _distances(self, codes: Codes) -> Distances:
        """Weighted edit distance (Wagner and Fischer, 1974) to every known word at once."""
        row = np.tile(np.arange(_LONGEST_PHONES + 1, dtype=np.float64) * _GAP, (len(self._words), 1))
        for position, code in enumerate(codes, 1):
            following = np.empty_like(row)
            following[:, 0] = position * _GAP
            for column in range(1, _LONGEST_PHONES + 1):
                swapped = row[:, column - 1] + self._cost[code, self._spoken[:, column - 1]]
                lost = np.minimum(row[:, column], following[:, column - 1]) + _GAP
                following[:, column] = np.minimum(swapped, lost)
            row = following
        return row[np.arange(len(self._words)), self._lengths]


def error_rate(said: str, heard: str) -> float:
    """Word error rate: edit distance in words by the number of words that were said."""
    reference, found = plain(said).split(), plain(heard).split()
    row = list(range(len(found) + 1))
    for number, word in enumerate(reference, 1):
        following = [number]
        for column, other in enumerate(found, 1):
            following.append(min(row[column - 1] + (word != other), row[column] + 1, following[-1] + 1))
        row = following
    return row[-1] / max(1, len(reference))


def _common_words(model: Path) -> list[str]:
    """Whole English words of the sentence encoder's vocabulary, which is ordered by frequency."""
    vocabulary: dict[str, int] = json.loads((model / "tokenizer.json").read_text())["model"]["vocab"]
    words = sorted((word for word in vocabulary if word.isascii() and word.isalpha()), key=lambda w: vocabulary[w])
    return [word for word in words if len(word) > 1 or word in "ai"][:_COMMON_WORDS]


def _costs(symbols: list[str]) -> Distances:
    """What taking each phone for each other one costs."""
    classes = np.array([_CLASS_OF[symbol] for symbol in symbols])
    costs = np.where(classes[:, None] == classes, _SAME_CLASS, _OTHER).astype(np.float64)
    np.fill_diagonal(costs, 0.0)
    return costs
