"""Judge and oracle of the practice world: they know the truth and err as much as they are told to."""

import zlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from nodes.thinker.training.critics import transcript
from nodes.thinker.training.practice.world import LINES, truths
from nodes.thinker.training.session import Brief, FloatArray, Session

_RATING_STEP = 0.25  # people rate in steps


class Errors(NamedTuple):
    """How often an oracle is wrong about a turn's sign.

    Attributes:
        alone: In one opinion, independently of the others.
        always: In all opinions about that session.
        jitter: Standard deviation of what is added to each contribution.
    """

    alone: float = 0.1
    always: float = 0.1
    jitter: float = 0.2


class ScriptedJudge:
    """Rates a session by the mean worth of its turns, in steps of a quarter."""

    def rate(self, brief: Brief, session: Session, seed: int) -> tuple[float, FloatArray]:
        """Rate a session; lines that nobody would say make no sense."""
        rating = round(float(truths(session).mean()) / _RATING_STEP) * _RATING_STEP
        return rating, np.array([turn.user in LINES for turn in session.turns], np.float64)


class ScriptedOracle:
    """Knows what each turn was worth, and errs."""

    def __init__(self, errors: Errors) -> None:
        self._errors = errors

    def opinion(self, brief: Brief, session: Session, rating: float, seed: int) -> FloatArray:
        """The truth, with some signs turned around."""
        truth = truths(session)
        stubborn = np.random.default_rng(zlib.crc32(transcript(session).encode()) + brief.number)
        random = np.random.default_rng([seed, int(stubborn.integers(2**31))])
        wrong = (stubborn.random(len(truth)) < self._errors.always) ^ (random.random(len(truth)) < self._errors.alone)
        noisy = np.where(wrong, -truth, truth) + self._errors.jitter * random.standard_normal(len(truth))
        return np.clip(noisy, -1.0, 1.0)


class BagOfWords:
    """Embeds texts by the words in them."""

    def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """``[n, 512]`` of unit length."""
        vectors = np.full((len(texts), 512), 1e-6, np.float32)
        for row, text in enumerate(texts):
            for word in text.split():
                vectors[row, zlib.crc32(word.encode()) % 512] += 1.0
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
