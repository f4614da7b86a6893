"""How much of one answer's words are in another: token F1, and the stretch of a text that has most of an answer.

Token F1 as in Rajpurkar et al., "SQuAD: 100,000+ Questions for Machine Comprehension of Text" (2016): lower case,
without punctuation and articles.
"""

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

LONGEST_ANSWER_WORDS = 24

_NOT_WORDS = re.compile(r"[^\w\s]|_")
_ARTICLES = frozenset({"a", "an", "the"})


class Span(NamedTuple):
    """A stretch of words, from ``begin`` to before ``end``, and how alike it is to an answer, 0..1."""

    begin: int
    end: int
    f1: float


def content_words(text: str) -> list[str]:
    """The words that count."""
    return [word for word in _NOT_WORDS.sub(" ", text.lower()).split() if word not in _ARTICLES]


def token_f1(said: str, answers: Sequence[str]) -> float:
    """Token F1 with the answer that is most alike, 0..1."""
    words = Counter(content_words(said))
    return max(
        (
            _f1((words & (right := Counter(content_words(answer)))).total(), words.total(), right.total())
            for answer in answers
        ),
        default=0.0,
    )


def best_span(words: Sequence[str], answers: Sequence[str]) -> Span:
    """The stretch of at most ``LONGEST_ANSWER_WORDS`` words that is most alike to one of the answers.

    Args:
        words: Of a text, as they stand there.
        answers: In different words.
    """
    plain = [content_words(word) for word in words]
    return max((_best_span(plain, Counter(content_words(answer))) for answer in answers), key=lambda span: span.f1)


def most_agreed(answers: Sequence[str], shares: Sequence[float]) -> int:
    """Number of the answer that is most alike to all of them, each counted by its probability.

    That is the one with the greatest expected F1 if one of them is right: Kumar and Byrne, "Minimum Bayes-Risk Decoding
    for Statistical Machine Translation" (2004).

    Args:
        answers: At least one.
        shares: Their probabilities.
    """
    bags = [Counter(content_words(answer)) for answer in answers]
    known = {word: number for number, word in enumerate(dict.fromkeys(word for bag in bags for word in bag))}
    counts = np.zeros((len(bags), len(known)), np.int64)
    for row, bag in zip(counts, bags, strict=True):
        row[[known[word] for word in bag]] = list(bag.values())
    common = np.minimum(counts[:, None], counts[None]).sum(-1)
    sizes = counts.sum(-1)
    alike = 2 * common / np.maximum(1, sizes[:, None] + sizes[None])
    return int(np.argmax(alike @ np.asarray(shares)))


def _best_span(plain: Sequence[Sequence[str]], answer: Counter[str]) -> Span:
    best = Span(0, 0, 0.0)
    held = [any(word in answer for word in parts) for parts in plain]
    for begin in (at for at, is_held in enumerate(held) if is_held):
        left, common, length = answer.copy(), 0, 0
        for end in range(begin, min(begin + LONGEST_ANSWER_WORDS, len(plain))):
            for word in plain[end]:
                length += 1
                if left[word] > 0:
                    left[word] -= 1
                    common += 1
            f1 = _f1(common, length, answer.total())
            if held[end] and f1 > best.f1:
                best = Span(begin, end + 1, f1)
    return best


def _f1(common: int, one: int, other: int) -> float:
    return 2 * common / (one + other) if common else 0.0
