"""The loop in which the scenario policy looks for what the persona policy is bad at, and that one gets better at it.

The policies take turns to learn. When the persona policy learns, a live session per brief gives the lines, and the
whole group answers the same ones, so that only the answers differ. When the scenario policy learns, each session of a
group is played live.

Source: "Towards Interactive Intelligence for Digital Humans" (arXiv 2512.13674): scenario and actor policy of the same
core model, per-turn rewards by a decomposition oracle, no human labels.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from torch import Tensor

from nodes.thinker.training.assessment import Assessment, persona_rewards, scenario_rewards
from nodes.thinker.training.config import SelfTrainingConfig
from nodes.thinker.training.optimisation import Optimiser, Sample, advantages
from nodes.thinker.training.play import Play, Played
from nodes.thinker.training.policy import Policies, Role, Writing
from nodes.thinker.training.session import BoolArray, Brief, FloatArray, Worth
from nodes.thinker.training.stage import Stage


class SelfTraining:
    """Learns step by step, as :func:`mio.training.loop.train` asks.

    Attributes:
        play: Where the sessions are played.
    """

    def __init__(
        self, policies: Policies, stage: Stage, assessment: Assessment, config: SelfTrainingConfig, *, seed: int
    ) -> None:
        """Put the parts together.

        Args:
            policies: Who learns.
            stage: What they are told.
            assessment: Who says what sessions were worth.
            config: Sizes and rates.
            seed: Of briefs and of what the critics sample.
        """
        self.play = Play(policies, stage, config.turns)
        self._policies = policies
        self._stage = stage
        self._assessment = assessment
        self._config = config
        self._random = np.random.default_rng(seed)
        self._optimisers = {role: Optimiser(policies, role, config) for role in Role}
        self._done = 0

    @property
    def learner(self) -> Role:
        """Which policy learns in the next step."""
        other = (self._done // self._config.phase) % 2 and self._config.scenario_learns
        return Role.SCENARIO if other else Role.PERSONA

    def step(self) -> Mapping[str, float]:
        """Play, assess, learn."""
        role = self.learner
        briefs = self._stage.briefs(self._config.briefs, self._config.traps, self._random)
        played = self._play(role, briefs)
        worths = self._assessment.assess(played, int(self._random.integers(2**31)))
        figures = self._learn(role, played, worths)
        self._done += 1
        return figures

    def weights(self) -> dict[str, Tensor]:
        """Both adapters."""
        return self._policies.weights()

    def state(self) -> dict[str, Any]:
        """Optimisers, random generator, steps done."""
        adams = {role.value: optimiser.adam.state_dict() for role, optimiser in self._optimisers.items()}
        return {"adams": adams, "random": self._random.bit_generator.state, "done": self._done}

    def restore(self, weights: dict[str, Tensor], state: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        self._policies.restore(weights)
        for role, optimiser in self._optimisers.items():
            optimiser.adam.load_state_dict(state["adams"][role.value])
        self._random.bit_generator.state = state["random"]
        self._done = state["done"]

    def _play(self, role: Role, briefs: list[Brief]) -> list[Played]:
        """Sessions, those of a group side by side."""
        size = self._config.group
        each = [brief for brief in briefs for _ in range(size)]
        if role is Role.SCENARIO:
            return self.play.live(each)
        pilots = self.play.live(briefs)
        return self.play.again(each, [pilot.session for pilot in pilots for _ in range(size)])

    def _learn(self, role: Role, played: list[Played], worths: list[Worth]) -> dict[str, float]:
        if role is Role.PERSONA:
            rewards = np.stack([persona_rewards(worth) for worth in worths])
            kept = np.stack([worth.kept for worth in worths])
            samples = self._samples([one.replies for one in played], rewards, kept)
        else:
            rewards = np.stack([scenario_rewards(worth) for worth in worths])
            kept = np.ones(rewards.shape, np.bool_)
            samples = self._samples([one.lines for one in played], rewards, kept)
        learned = self._optimisers[role].learn(samples)
        prefix = "" if role is Role.PERSONA else "scenario_"
        figures = {"reward": float(rewards.mean()), **learned}
        return {f"{prefix}{name}": value for name, value in figures.items()} | _summary(worths)

    def _samples(self, writings: Sequence[list[Writing]], rewards: FloatArray, kept: BoolArray) -> list[Sample]:
        size = self._config.group
        groups = [slice(at, at + size) for at in range(0, len(writings), size)]
        better = np.concatenate([advantages(rewards[group], kept[group]) for group in groups])
        return [
            Sample(writing, float(gain))
            for row, gains in zip(writings, better, strict=True)
            for writing, gain in zip(row, gains, strict=True)
        ]


def _summary(worths: Sequence[Worth]) -> dict[str, float]:
    return {
        "rating": float(np.mean([worth.rating for worth in worths])),
        "kept": float(np.mean([worth.kept.mean() for worth in worths])),
        "rules": float(np.mean([worth.rules.mean() for worth in worths])),
        "valid": float(np.mean([worth.valid.mean() for worth in worths])),
    }
