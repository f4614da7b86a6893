"""What is being said, as far as the body needs it: when clauses begin and end, and which syllables are stressed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from mio.contracts.emotions import Emotion
from mio.contracts.messages import Speech
from mio.contracts.phones import PHONES

# Words that carry no pitch accent as a rule: closed classes of English and German.
_CLOSED_CLASSES = """
a an the of to in on at by for from with as and or but if so than then that this these those it its is am are was were
be been being do does did have has had i you he she we they me him her us them my your his our their there will would
can could shall should may might must not no yes
der die das den dem des ein eine einen einem einer und oder aber wenn als im am auf von vom zu zum zur mit für ist bin
bist sind war waren sein habe hat haben ich du er sie es wir ihr mich dich ihn uns euch mein dein nicht auch dass da
"""
_UNACCENTED = frozenset(_CLOSED_CLASSES.split())
_LONGEST_TURN_S = 3600.0
_MOST_ACCENTS = 4000


@dataclass
class Accent:
    """A stressed syllable.

    Attributes:
        at_s: Start of its vowel in the turn.
        index: Clause.
    """

    at_s: float
    index: int


@dataclass
class Clause:
    """One clause of a turn: where it lies in the turn, and how it is meant."""

    start_s: float
    end_s: float
    emotion: Emotion = "neutral"
    intensity: float = 0.5


@dataclass
class TurnSpeech:
    """One turn's speech as known so far.

    Attributes:
        segment_id: The turn.
        accents: Stressed syllables in the order of time.
        clauses: By number.
        words: Start, end and text of each word.
        fin: Whether all of it is known.
    """

    segment_id: int
    accents: list[Accent] = field(default_factory=list[Accent])
    clauses: dict[int, Clause] = field(default_factory=dict[int, Clause])
    words: list[tuple[float, float, str]] = field(default_factory=list[tuple[float, float, str]])
    fin: bool = False

    @property
    def end_s(self) -> float:
        """End of what is known, seconds in the turn."""
        return max((clause.end_s for clause in self.clauses.values()), default=0.0)

    def add(self, speech: Speech) -> None:
        """Take in a chunk. Times that are no times are left out."""
        self.fin = self.fin or speech.fin
        fresh = [
            (start_s, end_s, word)
            for start_s, end_s, word in zip(speech.word_start_s, speech.word_end_s, speech.words, strict=True)
            if _is_time(start_s) and _is_time(end_s)
        ]
        self.words += fresh
        if len(speech.samples):
            self._extend(speech)
        found = list(self._stressed(speech)) or ([] if speech.phones else [_after_onset(word) for word in fresh])
        accents = [Accent(at_s, speech.index) for at_s in found]
        self.accents = sorted(self.accents + accents, key=lambda accent: accent.at_s)[:_MOST_ACCENTS]

    def first_accent_s(self, index: int) -> float | None:
        """When the first accent of a clause is said, seconds in the turn; its start if it has none yet."""
        for accent in self.accents:
            if accent.index == index:
                return accent.at_s
        clause = self.clauses.get(index)
        return clause.start_s + 0.15 if clause else None

    def _extend(self, speech: Speech) -> None:
        clause = self.clauses.get(speech.index)
        start_s, end_s = speech.start_s, speech.end_s
        if clause is not None:
            start_s, end_s = min(start_s, clause.start_s), max(end_s, clause.end_s)
        self.clauses[speech.index] = Clause(start_s, end_s, speech.emotion, speech.intensity)

    def _stressed(self, speech: Speech) -> Iterator[float]:
        for phone, at_s, stress in zip(speech.phones, speech.phone_start_s, speech.phone_stress, strict=True):
            known = PHONES.get(phone)
            if stress == 1 and known is not None and known.manner == "vowel" and _is_time(at_s):
                word = _word_at(self.words, at_s)
                if word is None or _carries_accent(word):
                    yield at_s


def _word_at(words: Sequence[tuple[float, float, str]], at_s: float) -> str | None:
    for start_s, end_s, word in reversed(words):
        if start_s - 0.02 <= at_s < end_s + 0.02:
            return word
    return None


def _carries_accent(word: str) -> bool:
    return word.strip(".,;:!?\"'()-").lower() not in _UNACCENTED


def _after_onset(word: tuple[float, float, str]) -> float:
    """Where a word's vowel may begin if nothing is known of its phones."""
    start_s, end_s, _ = word
    return start_s + min(0.08, 0.3 * max(end_s - start_s, 0.0))


def _is_time(at_s: float) -> bool:
    return bool(np.isfinite(at_s)) and 0.0 <= at_s < _LONGEST_TURN_S
