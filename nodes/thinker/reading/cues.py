"""What says where in a window an answer stands: which kind of question it is, and which sentence is like it.

An answer often stands beside the words of the question, not among them: the sentence before or after the one that is
most like it, or behind a *because*. Which of it holds depends on the kind of question. That each word of the question
is looked for in the text is the exact match feature of Chen et al., "Reading Wikipedia to Answer Open-Domain Questions"
(2017), section 3.2. Knows no time.
"""

import re

import numpy as np
import numpy.typing as npt

from nodes.thinker.reading.relevance import Asked
from nodes.thinker.reading.terms import stems
from nodes.thinker.reading.windows import sentence_spans

Array = npt.NDArray[np.float32]

#: Kinds of questions; the first pattern that is found decides.
_KINDS = tuple(
    re.compile(rf"\b(?:{pattern})", re.IGNORECASE)
    for pattern in (
        r"why\b|what\b.* (?:reason|cause)",
        r"how\b.* feel",
        r"how (?:many|much|long|often|old|far|big|tall)\b",
        r"how\b",
        r"who(?:m|se)?\b",
        r"where\b",
        r"when\b|what time\b",
        r"what\b.* happen",
        r"what\b.* do\b",
        r"",
    )
)
_APART = 2  # sentences from the one that is most like the question, on either side; farther ones count as far
_WORD = 3
_SENTENCE = 3
CUES = _WORD + _SENTENCE + 2 * _APART + 1 + len(_KINDS)

# Words that questions are made of; that the text has them, too, says nothing.
_MADE_OF = "who whom whose what why how when where which did do does was were is are be the a an to of in"
_ASKING = frozenset(stems(_MADE_OF))


def cues(asked: Asked, text: str, tokens: npt.NDArray[np.floating], spans: npt.NDArray[np.int64]) -> Array:
    """What is known of each token of a window.

    Args:
        asked: The question.
        text: The window's words.
        tokens: ``[T, W]`` its tokens as :mod:`nodes.thinker.reading.relevance` compares them.
        spans: ``[T, 2]`` where each stands in the text; marks of begin and end stand nowhere.

    Returns:
        ``[T, CUES]``: how near the token is to any of the question's and to any that counts there, and whether it is
        one of its words; how like the question its sentence is and those before and after it, in comparison with the
        one that is most like it, and how many sentences it is away from that; the kind of question.
    """
    alike = tokens.astype(np.float32) @ asked.tokens.T
    found = np.zeros((len(spans), CUES), np.float32)
    found[:, 0] = alike.max(1)
    found[:, 1] = (alike * (asked.weights / asked.weights.max())).max(1)
    found[:, 2] = _shared(asked.text, text, spans)
    _compare_sentences(found[:, _WORD : -len(_KINDS)], alike * asked.weights, text, spans)
    found[:, CUES - len(_KINDS) + kind_of(asked.text)] = 1.0
    return found


def kind_of(question: str) -> int:
    """Number of the kind of a question."""
    return next(number for number, pattern in enumerate(_KINDS) if pattern.search(question))


def _shared(question: str, text: str, spans: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Which tokens belong to a word that the question has, too."""
    wanted = set(stems(question)) - _ASKING
    words = list(re.finditer(r"\S+", text))
    is_shared = np.array([not wanted.isdisjoint(stems(word.group())) for word in words], bool)
    begins = np.array([word.start() for word in words])
    if not len(words):
        return np.zeros(len(spans), bool)
    return is_shared[np.searchsorted(begins, spans[:, 0], "right") - 1] & (spans[:, 1] > spans[:, 0])


def _compare_sentences(found: Array, weighed: Array, text: str, spans: npt.NDArray[np.int64]) -> None:
    """Fill in the columns that are the same for all tokens of a sentence."""
    parts = sentence_spans(text)
    inside = [(spans[:, 0] >= begin) & (spans[:, 1] <= end) & (spans[:, 1] > spans[:, 0]) for begin, end in parts]
    total = max(1e-6, float(weighed.max(0, initial=0.0).sum()))
    likeness = np.array([weighed[rows].max(0, initial=0.0).sum() / total for rows in inside])
    best = int(likeness.argmax()) if len(parts) else 0
    around = np.pad(likeness - likeness[best] if len(parts) else likeness, 1, constant_values=-1.0)
    for number, rows in enumerate(inside):
        away = int(np.clip(number - best, -_APART, _APART)) + _APART
        found[rows, :_SENTENCE] = around[[number + 1, number, number + 2]]
        found[rows, _SENTENCE + away] = 1.0
