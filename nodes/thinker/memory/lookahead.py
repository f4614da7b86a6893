"""Whether what somebody asks about lies ahead of the narrative present: one bit, and nothing else gets out.

The bit is computed from scores and times alone: the scores of :mod:`nodes.thinker.reading.relevance` make, by softmax,
the probability that the answer stands in a window that the present does not permit. No word of such a window is
returned, kept or logged.
"""

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.floating]
Permitted = npt.NDArray[np.bool_]

#: Log odds from which on a question is refused: 7.7 of 100 questions about the past of tales that the scores were not
#: learnt from lie above, and the share varies by 2.4 (standard deviation) between sets of 23 tales, so that it stays
#: below 10 for most.
AHEAD_ODDS = 1.4


def log_odds_ahead(scores: Scores, permitted: Permitted) -> float:
    """Logarithm of the odds that the answer lies ahead.

    Args:
        scores: Of all windows, ``[n]``.
        permitted: Which of them the present permits, ``[n]``.

    Returns:
        Minus infinity if nothing lies ahead, plus infinity if nothing lies behind.
    """
    if permitted.all():
        return -np.inf
    return _log_sum(scores[~permitted]) - _log_sum(scores[permitted])


def lies_ahead(scores: Scores, permitted: Permitted, threshold: float = AHEAD_ODDS) -> bool:
    """The bit.

    Args:
        scores: Of all windows, ``[n]``.
        permitted: Which of them the present permits, ``[n]``.
        threshold: Log odds from which on it is set.
    """
    return log_odds_ahead(scores, permitted) > threshold


def _log_sum(scores: Scores) -> float:
    finite = scores[np.isfinite(scores)]
    if not len(finite):
        return -np.inf
    top = float(finite.max())
    return top + float(np.log(np.exp(finite - top).sum()))
