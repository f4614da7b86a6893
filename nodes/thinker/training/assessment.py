"""What played sessions were worth: the judge's rating, the oracle's split of it, rule rewards, fairness of lines."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import numpy as np
import numpy.typing as npt

from nodes.thinker.training.config import SelfTrainingConfig
from nodes.thinker.training.critics import Judge, Oracle, opinions
from nodes.thinker.training.decomposition import decompose
from nodes.thinker.training.play import Played
from nodes.thinker.training.rules import Rules
from nodes.thinker.training.session import FloatArray, Session, Worth


class Embedder(Protocol):
    """Makes vectors of texts."""

    def embed(self, texts: list[str]) -> npt.NDArray[np.float32]:
        """``[n, D]`` of unit length."""
        ...


class Assessment:
    """Asks all who have a say."""

    def __init__(
        self, judge: Judge, oracle: Oracle, rules: Rules, embedder: Embedder, config: SelfTrainingConfig
    ) -> None:
        """Put the parts together.

        Args:
            judge: Rates sessions.
            oracle: Says which turns made the rating; asked only where turns get the credit.
            rules: Knows the story.
            embedder: Tells repeats.
            config: Weights and samples.
        """
        self._judge = judge
        self._oracle = oracle
        self._rules = rules
        self._embedder = embedder
        self._config = config

    def assess(self, played: Sequence[Played], seed: int) -> list[Worth]:
        """Say what sessions were worth.

        Args:
            played: The sessions.
            seed: Of whatever is sampled.

        Raises:
            MioError: If an endpoint fails.
        """
        novel = [self.novel(one.session) for one in played]  # embedders need not bear several threads
        seeds = range(seed, seed + 1_000 * len(played), 1_000)
        with ThreadPoolExecutor(self._config.threads) as pool:
            return list(pool.map(self._assess, played, novel, seeds))

    def _assess(self, played: Played, novel: FloatArray, seed: int) -> Worth:
        brief, session = played.brief, played.session
        rating, sensible = self._judge.rate(brief, session, seed)
        config = self._config
        rules = self._rules.score(
            brief, session, rubric_weight=config.rubric_weight, timeline_weight=config.timeline_weight
        )
        turns = len(session.turns)
        shares, kept = np.full(turns, rating / turns), np.ones(turns, np.bool_)
        if config.credit == "turns":
            asked = opinions(self._oracle, brief, session, rating, range(seed, seed + config.samples))
            shares, kept, _ = decompose(asked, rating, config.agreement)
        return Worth(rating, shares, kept, rules, sensible * novel)

    def novel(self, session: Session) -> FloatArray:
        """``[T]`` 1 for lines that are far enough from all lines before them, 0 for repeats."""
        vectors = self._embedder.embed(list(session.lines)).astype(np.float64)
        alike = np.tril(vectors @ vectors.T, k=-1)
        return (alike.max(axis=1) < 1.0 - self._config.novelty).astype(np.float64)


def persona_rewards(worth: Worth) -> FloatArray:
    """``[T]`` rewards of the replies: what a turn contributed, on the scale of the rating, and the rule rewards."""
    return worth.shares * len(worth.shares) + worth.rules


def scenario_rewards(worth: Worth) -> FloatArray:
    """``[T]`` rewards of the lines: high where a fair line was answered badly, 0 for unfair ones."""
    return worth.valid * (1.0 - np.clip(persona_rewards(worth), -1.0, 1.0)) / 2.0
