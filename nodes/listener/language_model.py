"""A small language model for recognisers with a closed vocabulary: example questions and general English, interpolated.

Trigrams with absolute discounting and back-off, written in the ARPA format. Knows no recogniser.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable

START = "<s>"
END = "</s>"

Background = Callable[[list[str]], float]
"""Probability of the last word after those before it, in general English; 0 for words it does not know."""

_DISCOUNT = 0.7
_FLOOR = 1e-7
_LISTED_COUNT = 3  # words of the examples that general pairs are listed for
_TELLING = 3.0  # a general pair is listed if it is this much more probable than by its last word alone

Row = dict[str, float]


def write_arpa(sentences: list[list[str]], background: Background, common: Iterable[str], domain_weight: float) -> str:
    """Build the model.

    Args:
        sentences: Example questions as words.
        background: General English.
        common: Further words of the vocabulary.
        domain_weight: Share of the example questions in every probability, 0..1.

    Returns:
        The text of an ARPA file with unigrams, bigrams and trigrams.
    """
    counts = _counts(sentences)
    general = sorted({*common, *(word for sentence in sentences for word in sentence)} - {START, END})
    one = _unigrams(counts[1][()], general, background, domain_weight)
    listed = [word for word, count in counts[1][()].items() if count >= _LISTED_COUNT]
    two = {
        history: _mix(row, _pairs(history[0], listed, background, one), one, domain_weight)
        for history, row in counts[2].items()
    }
    three = {history: _mix(row, {}, two.get(history[1:], {}), domain_weight) for history, row in counts[3].items()}
    return _arpa(one, two, three)


def _counts(sentences: list[list[str]]) -> dict[int, dict[tuple[str, ...], Counter[str]]]:
    """Counts of each word after each history, by order 1..3."""
    counts: dict[int, dict[tuple[str, ...], Counter[str]]] = {n: defaultdict(Counter) for n in (1, 2, 3)}
    for sentence in sentences:
        marked = [START, *sentence, END]
        for at in range(1, len(marked)):
            for order in (1, 2, 3):
                if at - order + 1 >= 0:
                    counts[order][tuple(marked[at - order + 1 : at])][marked[at]] += 1
    return counts


def _unigrams(seen: Counter[str], words: list[str], background: Background, weight: float) -> Row:
    total = sum(seen.values())
    general = {word: background([word]) for word in [*words, END]}
    mass = sum(general.values()) or 1.0
    mixed = {word: weight * seen[word] / max(1, total) + (1 - weight) * general[word] / mass for word in [*words, END]}
    floored = {word: max(probability, _FLOOR) for word, probability in mixed.items()}
    whole = sum(floored.values())
    return {word: probability / whole for word, probability in floored.items()}


def _pairs(history: str, words: list[str], background: Background, one: Row) -> Row:
    """What general English has to say about words after this one, where it differs from the words alone."""
    found: Row = {}
    for word in words:
        probability = background([history, word])
        if probability > _TELLING * one[word]:
            found[word] = probability
    return found


def _mix(row: Counter[str], general: Row, lower: Row, weight: float) -> Row:
    """Probabilities of the words after one history: discounted counts, the rest from general and shorter histories."""
    total = sum(row.values())
    spare = _DISCOUNT * len(row) / total
    mixed: Row = {}
    for word in {*row, *general}:
        examples = max(0.0, row[word] - _DISCOUNT) / total + spare * lower.get(word, 0.0)
        mixed[word] = weight * examples + (1 - weight) * general.get(word, lower.get(word, 0.0))
    whole = sum(mixed.values())
    limit = 0.98  # some must be left to words that are not listed
    return {word: probability * min(1.0, limit / whole) for word, probability in mixed.items() if probability > 0}


def _arpa(one: Row, two: dict[tuple[str, ...], Row], three: dict[tuple[str, ...], Row]) -> str:
    pairs = [(history, word, p) for history, row in two.items() for word, p in row.items()]
    triples = [(history, word, p) for history, row in three.items() for word, p in row.items()]
    triples = [entry for entry in triples if entry[0][1] in two.get(entry[0][:1], {})]
    lines = ["\\data\\", f"ngram 1={len(one) + 1}", f"ngram 2={len(pairs)}", f"ngram 3={len(triples)}"]
    lines += ["", "\\1-grams:", f"-99 {START} {_log(_back_off(two.get((START,), {}), one)):.4f}"]
    lines += [f"{_log(p):.4f} {word} {_log(_back_off(two.get((word,), {}), one)):.4f}" for word, p in one.items()]
    lines += ["", "\\2-grams:"]
    for history, word, p in pairs:
        rest = _back_off(three.get((*history, word), {}), two.get((word,), {}))
        lines.append(f"{_log(p):.4f} {history[0]} {word} {_log(rest):.4f}")
    lines += ["", "\\3-grams:"]
    lines += [f"{_log(p):.4f} {' '.join(history)} {word}" for history, word, p in triples]
    return "\n".join([*lines, "", "\\end\\", ""])


def _back_off(row: Row, lower: Row) -> float:
    """Weight of the shorter history for words that are not listed after the longer one."""
    rest = 1.0 - sum(row.values())
    lower_rest = 1.0 - sum(lower.get(word, 0.0) for word in row)
    return max(rest, 1e-4) / max(lower_rest, 1e-4)


def _log(probability: float) -> float:
    return math.log10(max(probability, 1e-10))
