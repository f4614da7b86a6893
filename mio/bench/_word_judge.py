"""Hears words with an acoustic model of this project, in the way PocketSphinx does with its own.

A lexicon says how words sound, a language model in ARPA form which words follow each other, and the best path through
both is what was said (Viterbi; Young et al., The HTK Book). Knows no language: where there are recordings with texts
and a speller, there is a judge. What the speller gets wrong is wrong for voice and judge alike, and goes unnoticed.
"""

import argparse
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from mio.bench._codec_quality import ClosedRecogniser, unigram_arpa
from mio.bench.talker_voice import word_errors
from nodes.listener.language_model import END, START, write_arpa
from nodes.listener.utterance import words
from nodes.talker.text.pronunciation import Pronunciation, Speller
from nodes.talker.text.spellers import build_speller
from nodes.talker.text.units import units_of
from nodes.talker.training.judge import HALVES, AcousticModel, trained_judge
from nodes.talker.training.speech_set import NUMBERS

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Lexicon = Mapping[str, set[tuple[int, ...]]]
"""Phones of each word, in all ways that it may sound."""

NO_JUDGE = "German words are not judged: no --judge is there; mio train voice --stage judge makes one"

_NEVER = np.float32(-1e30)
_HALF_PHONE = np.float32(-1.0)  # nats for a phone of which only the first half is heard
_WORD = re.compile(r"[\w']+")


class Recogniser(Protocol):
    """Hears words."""

    def knows(self, sentence: str) -> bool:
        """Whether it could hear all words of a sentence."""
        ...

    def hear(self, sound: Floats) -> str:
        """Words heard in ``[n]`` samples at 24 kHz."""
        ...


class Balance(NamedTuple):
    """What words weigh against sound.

    Attributes:
        language: Factor on the language model's natural logarithms.
        word: Nats for each word, whatever it is.
    """

    language: float
    word: float


BALANCES = {"closed": Balance(4.0, 0.0), "unigram": Balance(2.0, -2.0)}
"""Chosen on recordings of the validation split."""


class Grams(NamedTuple):
    """A language model: natural logarithms of words behind their histories, and of backing off from a history."""

    likely: dict[tuple[str, ...], float]
    back_off: dict[tuple[str, ...], float]


class Arc(NamedTuple):
    """A word from one history to another, both by number, and its natural logarithm."""

    source: int
    target: int
    word: str
    likely: float


class Grammar:
    """A language model as histories and words between them.

    Attributes:
        histories: Words that are remembered, longest first; the last is none.
        arcs: Words.
        back_off: History, the shorter one that it may be taken for, and the natural logarithm of that.
        start: History that sentences begin with.
        ends: ``[histories]`` natural logarithm of a sentence's end.
    """

    def __init__(self, grams: Grams) -> None:
        known = {gram[:-1] for gram in grams.likely} | {()}
        self.histories = sorted(known, key=lambda history: (-len(history), history))
        self._numbers = {history: number for number, history in enumerate(self.histories)}
        spoken = {gram: likely for gram, likely in grams.likely.items() if gram[-1] not in (START, END)}
        self.arcs = [
            Arc(self._numbers[gram[:-1]], self._suffix(gram), gram[-1], likely) for gram, likely in spoken.items()
        ]
        self.back_off = [
            (number, self._suffix(history[1:]), grams.back_off.get(history, 0.0))
            for history, number in self._numbers.items()
            if history
        ]
        self.start = self._suffix((START,))
        self.ends = np.array([grams.likely.get((*history, END), -math.inf) for history in self.histories], np.float32)

    def _suffix(self, gram: tuple[str, ...]) -> int:
        """The longest history that ends a sequence of words."""
        while gram not in self._numbers:
            gram = gram[1:]
        return self._numbers[gram]


class _Row(NamedTuple):
    """One way a word sounds between two histories, by number: what it costs to begin, and its states."""

    source: int
    target: int
    word: str
    weight: float
    states: tuple[int, ...]


class Network:
    """The grammar with its words spelled out: a row of states for each way a word may sound, and pauses between words.

    A state is half of a phone. The second half may be missing.
    """

    def __init__(self, grammar: Grammar, lexicon: Lexicon, balance: Balance) -> None:
        rows = [_Row(k, k, "", 0.0, (0,)) for k in range(len(grammar.histories))]
        for arc in grammar.arcs:
            weight = balance.language * arc.likely + balance.word
            for phones in sorted(lexicon.get(arc.word, ())):
                states = tuple(HALVES * phone + half for phone in phones for half in range(HALVES))
                rows.append(_Row(arc.source, arc.target, arc.word, weight, states))
        rows.sort(key=lambda row: row.target)
        lengths = np.array([len(row.states) for row in rows])
        self._words = [row.word for row in rows]
        self._source = np.array([row.source for row in rows])
        self._weight = np.array([row.weight for row in rows], np.float32)
        self._classes = np.concatenate([row.states for row in rows])
        self._last = np.cumsum(lengths) - 1
        self._first = self._last - lengths + 1
        self._early = np.maximum(self._last - 1, self._first)
        place = np.arange(len(self._classes)) - np.repeat(self._first, lengths)
        self._half_before = np.where((place > 0) & (place % HALVES == 0), _HALF_PHONE, _NEVER)
        self._bounds = np.searchsorted([row.target for row in rows], np.arange(len(grammar.histories) + 1))
        self._back = [
            tuple(np.array(column) for column in zip(*level, strict=True)) for level in _levels(grammar, balance)
        ]
        self._start = grammar.start
        self._ends = balance.language * grammar.ends

    def best(self, likely: Floats) -> list[str]:
        """Words of the best path through ``[n, classes]`` log likelihoods; none if there is no path."""
        node = np.full(len(self._ends), _NEVER)
        node[self._start] = 0.0
        self._backed_off(node)
        score = np.full(len(self._classes), _NEVER)
        entered = np.zeros(len(self._classes), np.int32)
        over, begun, nodes = list[Floats](), list[npt.NDArray[np.int32]](), list[Floats]()
        for frame, heard in enumerate(likely):
            score, entered = self._moved(score, entered, node, frame)
            score += heard[self._classes]
            early, last = score[self._early] + _HALF_PHONE, score[self._last]
            over.append(np.maximum(early, last))
            begun.append(np.where(early > last, entered[self._early], entered[self._last]))
            node = np.maximum.reduceat(over[-1], self._bounds[:-1])
            self._backed_off(node)
            nodes.append(node)
        return self._traced(over, begun, nodes)

    def _moved(
        self, score: Floats, entered: npt.NDArray[np.int32], node: Floats, frame: int
    ) -> tuple[Floats, npt.NDArray[np.int32]]:
        """Scores of all states before a frame is heard, and the frames in which their words began."""
        one, one_entered = np.roll(score, 1), np.roll(entered, 1)
        one[self._first] = node[self._source] + self._weight
        one_entered[self._first] = frame
        best = np.maximum(score, one)
        since = np.where(score >= one, entered, one_entered)
        two = np.roll(score, 2) + self._half_before
        return np.maximum(best, two), np.where(two > best, np.roll(entered, 2), since)

    def _backed_off(self, node: Floats) -> None:
        """Histories are at least as good as the longer ones that may be taken for them; longest first."""
        for source, target, weight in self._back:
            np.maximum.at(node, target, node[source] + weight)

    def _traced(self, over: list[Floats], begun: list[npt.NDArray[np.int32]], nodes: list[Floats]) -> list[str]:
        if not nodes:
            return []
        heard, frame = list[str](), len(nodes) - 1
        history = int((nodes[-1] + self._ends).argmax())
        while frame >= 0:
            rows = slice(self._bounds[history], self._bounds[history + 1])
            best = int(over[frame][rows].argmax()) + self._bounds[history]
            longer = self._longer(nodes[frame], history)
            if longer is not None and longer[1] > over[frame][best]:
                history = longer[0]
                continue
            if over[frame][best] <= _NEVER / 2:
                return []
            heard.append(self._words[best])
            history, frame = int(self._source[best]), int(begun[frame][best]) - 1
        return [word for word in reversed(heard) if word]

    def _longer(self, node: Floats, history: int) -> tuple[int, float] | None:
        """The best of the longer histories that may be taken for this one, and its score then."""
        found: list[tuple[int, float]] = []
        for source, target, weight in self._back:
            mine = np.flatnonzero(target == history)
            if len(mine):
                scores = node[source[mine]] + weight[mine]
                found.append((int(source[mine][scores.argmax()]), float(scores.max())))
        return max(found, key=lambda pair: pair[1], default=None)


class WordJudge:
    """Knows some sentences only; see :class:`Recogniser`."""

    def __init__(
        self,
        model: AcousticModel,
        lexicon: Lexicon,
        sentences: Sequence[str],
        *,
        in_any_order: bool = False,
        balance: Balance | None = None,
    ) -> None:
        """Get ready.

        Args:
            model: Hears phones.
            lexicon: Of at least the words of the sentences.
            sentences: That it knows.
            in_any_order: Whether it knows their words only, not their order, which forgives much less.
            balance: Of words and sound; None for what is usual.
        """
        spoken = [words(sentence) for sentence in sentences]
        arpa = unigram_arpa(spoken) if in_any_order else write_arpa(spoken, lambda _: 0.0, (), 1.0)
        balance = balance or BALANCES["unigram" if in_any_order else "closed"]
        self._model, self._lexicon = model, lexicon
        self._network = Network(Grammar(read_arpa(arpa)), lexicon, balance)

    def knows(self, sentence: str) -> bool:
        """Whether all its words are in the lexicon."""
        return set(words(sentence)) <= self._lexicon.keys()

    def hear(self, sound: Floats) -> str:
        """Words heard in ``[n]`` at 24 kHz."""
        return self.hear_likely(self._model.likelihoods(sound))

    def hear_likely(self, likely: Floats) -> str:
        """Words of ``[n, classes]`` that the acoustic model has heard."""
        return " ".join(self._network.best(likely))


def add_judge_argument(parser: argparse.ArgumentParser) -> None:
    """Describe where the judge is."""
    parser.add_argument("--judge", type=Path, default=Path("out/train/voice/judge"), help="run of the judge of words")


def named_judge(args: argparse.Namespace) -> AcousticModel | None:
    """The acoustic model that was named; None if there is none."""
    return trained_judge(args.judge) if args.judge.is_dir() else None


def recognisers_of(texts: Sequence[str], lang: str, judge: AcousticModel | None) -> dict[str, Recogniser]:
    """What hears the words of some sentences, by what its figures are called; PocketSphinx hears English only."""
    found: dict[str, Recogniser] = {}
    if lang == "en":
        found["misheard_closed"] = ClosedRecogniser(texts)
        found["misheard_unigram"] = ClosedRecogniser(texts, in_any_order=True)
    if judge is not None:
        lexicon = lexicon_of(texts, lang, build_speller())
        found["judged_closed"] = WordJudge(judge, lexicon, texts)
        found["judged_unigram"] = WordJudge(judge, lexicon, texts, in_any_order=True)
    return found


class Misheard(NamedTuple):
    """What a recogniser got wrong.

    Attributes:
        share: Of the words.
        right: Share of the sentences without an error.
        wrong: The other sentences, and what was heard.
    """

    share: float
    right: float
    wrong: list[tuple[str, str]]


def misheard(said: Iterable[tuple[str, Floats]], recogniser: Recogniser) -> Misheard:
    """Let a recogniser hear the sentences whose words it knows.

    Args:
        said: Texts, and ``[n]`` samples at 24 kHz.
        recogniser: Hears them.
    """
    heard = [(text, recogniser.hear(sound)) for text, sound in said if recogniser.knows(text)]
    errors = [word_errors(text, words) for text, words in heard]
    wrong = [pair for pair, (count, _) in zip(heard, errors, strict=True) if count]
    share = sum(count for count, _ in errors) / max(1, sum(words for _, words in errors))
    return Misheard(share, 1 - len(wrong) / max(1, len(heard)), wrong)


def read_arpa(text: str) -> Grams:
    """The language model in an ARPA file."""
    grams = Grams({}, {})
    order = 0
    for line in text.splitlines():
        if line.startswith("\\"):
            order = int(line[1]) if line.endswith("-grams:") else 0
        elif order and line.strip():
            likely, *rest = line.split()
            gram = tuple(rest[:order])
            grams.likely[gram] = float(likely) * math.log(10)
            if len(rest) > order:
                grams.back_off[gram] = float(rest[order]) * math.log(10)
    return grams


def lexicon_of(texts: Iterable[str], lang: str, speller: Speller) -> dict[str, set[tuple[int, ...]]]:
    """How the words of some texts sound, alone and inside them.

    Raises:
        ConfigError: If the language is none whose phones are known.
    """
    found: dict[str, set[tuple[int, ...]]] = {}
    for text in texts:
        for word, phones in _spoken_words(text, lang, speller):
            found.setdefault(word, set()).add(phones)
        for word in _WORD.findall(text.replace("’", "'")):
            alone = tuple(phone for _, phones in _units(word, lang, speller) for phone in phones)
            if alone:
                found.setdefault(word.lower(), set()).add(alone)
    return found


def _spoken_words(text: str, lang: str, speller: Speller) -> Iterable[tuple[str, tuple[int, ...]]]:
    """Words of a text and how they sound there, but those that are run together with the next one."""
    written = [(match.start(), match.group().lower()) for match in _WORD.finditer(text.replace("’", "'"))]
    starts = [start for start, _ in written]
    said: dict[int, tuple[int, ...]] = {}
    for char, phones in _units(text, lang, speller):
        place = int(np.searchsorted(starts, char, "right")) - 1
        said[place] = said.get(place, ()) + phones
    for place, (_, word) in enumerate(written):
        alone = place + 1 == len(written) or place + 1 in said
        if place in said and alone:
            yield word, said[place]


def _units(text: str, lang: str, speller: Speller) -> Iterable[tuple[int, tuple[int, ...]]]:
    """First character and phones of all that a speller takes for a word."""
    for unit in units_of(text, lang):
        yield from _words_of(speller.spell(unit))


def _words_of(spelled: Pronunciation) -> Iterable[tuple[int, tuple[int, ...]]]:
    bounds = [word.first_phone for word in spelled.words] + [len(spelled.phones)]
    for word, end in zip(spelled.words, bounds[1:], strict=True):
        numbers = (NUMBERS[phone.symbol] for phone in spelled.phones[word.first_phone : end])
        phones = tuple(number for number in numbers if number)
        if phones:
            yield word.first_char, phones


def _levels(grammar: Grammar, balance: Balance) -> list[list[tuple[int, int, np.float32]]]:
    """Backing off by the length of the history, longest first."""
    lengths = sorted({len(grammar.histories[source]) for source, _, _ in grammar.back_off}, reverse=True)
    return [
        [
            (source, target, np.float32(balance.language * weight))
            for source, target, weight in grammar.back_off
            if len(grammar.histories[source]) == length
        ]
        for length in lengths
    ]
