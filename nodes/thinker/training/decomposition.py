"""Splits a session's rating into what each turn contributed, from several opinions of an oracle. Pure arithmetic."""

from typing import NamedTuple

import numpy as np

from nodes.thinker.training.session import BoolArray, FloatArray

NO_EFFECT = 0.05  # contributions smaller than this have no sign


class Decomposition(NamedTuple):
    """What each turn contributed.

    Attributes:
        shares: ``[T]``; the kept ones have the oracle's signs. They sum to the rating, 0 where a turn is not kept.
        kept: ``[T]`` whether the oracle's opinions agreed about the turn.
        attributed: Whether the oracle was followed. If not, it agreed on nothing or contradicted the rating, and every
            turn has the same share.
    """

    shares: FloatArray
    kept: BoolArray
    attributed: bool


def decompose(opinions: FloatArray, rating: float, agreement: float = 1.0) -> Decomposition:
    """Split a rating.

    Shares are the mean opinions, divided by the number of turns, with all positive ones multiplied by one factor and
    all negative ones divided by it, so that they sum to the rating: of all splits with that sum it is the nearest to
    the opinions in relative entropy, and it keeps every sign. Where all signs are that of the rating it is
    ``G c_t / sum_j c_j``.

    Args:
        opinions: ``[K, T]`` contributions of T turns in K opinions, -1..1.
        rating: Of the whole session, -1..1.
        agreement: Share of the opinions that must have the same sign for a turn to be kept, above 0.5.

    Raises:
        ValueError: If there is no opinion or no turn.
    """
    if opinions.ndim != 2 or not opinions.size:
        raise ValueError(f"expected opinions [K, T], got {opinions.shape}")
    turns = opinions.shape[1]
    kept = sign_agreement(opinions) >= agreement - 1e-9
    means = opinions.mean(axis=0)
    means = np.where(kept & (np.abs(means) >= NO_EFFECT), means, 0.0) / turns
    factor = _factor(means[means > 0].sum(), -means[means < 0].sum(), rating)
    if factor is None:
        return Decomposition(np.full(turns, rating / turns), np.ones(turns, np.bool_), attributed=False)
    return Decomposition(np.where(means > 0, means * factor, means / max(factor, 1e-12)), kept, attributed=True)


def sign_agreement(opinions: FloatArray) -> FloatArray:
    """``[T]`` share of the opinions ``[K, T]`` that have each turn's most frequent sign; no effect is a sign, too."""
    signs = np.where(np.abs(opinions) < NO_EFFECT, 0.0, np.sign(opinions))
    return np.stack([(signs == sign).mean(axis=0) for sign in (-1.0, 0.0, 1.0)]).max(axis=0)


def _factor(positive: float, negative: float, rating: float) -> float | None:
    """The x with ``positive * x - negative / x == rating``; None if no positive one is."""
    if positive <= 0 and negative <= 0:
        return None
    if negative <= 0:
        return rating / positive if rating >= 0 else None
    if positive <= 0:
        return negative / -rating if rating < 0 else None
    return (rating + np.sqrt(rating**2 + 4 * positive * negative)) / (2 * positive)
