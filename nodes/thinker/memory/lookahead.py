"""Whether what somebody asks about lies ahead of the narrative present: one bit, and nothing else gets out.

The bit is computed from scores and times alone: the scores of :mod:`nodes.thinker.reading.relevance` make, by softmax,
the probability that the answer stands in a window that the present does not permit. No word of such a window is
returned, kept or logged.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.floating]

#: Logarithm of the odds from which on a question is refused, chosen by `mio bench spoilers --calibrate` on tales that
#: the scores were not learnt from, such that 8 of 100 questions about the past are refused.
AHEAD_ODDS = -1.0


def log_odds_ahead(scores: Scores, permitted: npt.NDArray[np.bool_]) -> float:
    """Logarithm of the odds that the answer lies ahead.

    Args:
        scores: Of all windows, ``[n]``.
        permitted: Which of them the present permits, ``[n]``.

    Returns:
        Plus or minus infinity if all windows lie on one side.
    """
    return _log_sum(scores[~permitted]) - _log_sum(scores[permitted])


def lies_ahead(scores: Sequence[float] | Scores, permitted: npt.NDArray[np.bool_], threshold: float) -> bool:
    """The bit.

    Args:
        scores: Of all windows, ``[n]``.
        permitted: Which of them the present permits, ``[n]``.
        threshold: Log odds from which on it is set.
    """
    return log_odds_ahead(np.asarray(scores), permitted) > threshold


def _log_sum(scores: Scores) -> float:
    finite = scores[np.isfinite(scores)]
    if not len(finite):
        return -np.inf
    top = finite.max()
    return float(top + np.log(np.exp(finite - top).sum()))
