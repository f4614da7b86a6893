"""Self-training in the practice world, measured against the truth on the way."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nodes.thinker.training.assessment import Assessment
from nodes.thinker.training.config import SelfTrainingConfig
from nodes.thinker.training.policy import Policies, load_model
from nodes.thinker.training.practice.critics import BagOfWords, Errors, ScriptedJudge, ScriptedOracle
from nodes.thinker.training.practice.model import make_model
from nodes.thinker.training.practice.world import LINES, PRESENT, Kind, PracticeStage, truths
from nodes.thinker.training.rules import Rules
from nodes.thinker.training.selftraining import SelfTraining
from nodes.thinker.training.session import Brief, Session, Turn

CONFIG = SelfTrainingConfig(
    turns=8,
    briefs=4,
    group=8,
    phase=5,
    lora_rank=8,
    lora_alpha=16,
    learning_rate=2e-3,
    epochs=2,
    micro_batch=128,
    longest_tokens=4,
)
"""Settings that suit the tiny model."""

_EXAM_SESSIONS = 24
_EXAM_SEED = 20_251
_EXAM_EVERY = 5


class Practice:
    """Self-training that takes an exam now and then: fixed lines, answers worth what they are truly worth."""

    def __init__(self, training: SelfTraining, turns: int) -> None:
        """Put the parts together.

        Args:
            training: What learns.
            turns: Exchanges of a session.
        """
        self._training = training
        self._scripts = exam(turns)
        self._done = 0

    def step(self) -> Mapping[str, float]:
        """Take the exam if it is time, then learn."""
        figures = self.examine() if self._done % _EXAM_EVERY == 0 else {}
        self._done += 1
        return {**figures, **self._training.step()}

    def weights(self) -> dict[str, Tensor]:
        """What was learned."""
        return self._training.weights()

    def state(self) -> dict[str, Any]:
        """What else is needed to go on."""
        return {"training": self._training.state(), "done": self._done}

    def restore(self, weights: dict[str, Tensor], state: dict[str, Any]) -> None:
        """Go on."""
        self._training.restore(weights, state["training"])
        self._done = state["done"]

    def examine(self) -> dict[str, float]:
        """Mean true worth of the answers, shares of right and of harmful ones; the same lines and dice every time."""
        briefs = [Brief("none", "none", PRESENT)] * len(self._scripts)
        with torch.random.fork_rng():
            torch.manual_seed(_EXAM_SEED)
            played = self._training.play.again(briefs, self._scripts)
        worth = np.stack([truths(one.session) for one in played])
        return {
            "true_reward": float(worth.mean()),
            "right": float((worth == 1.0).mean()),
            "harmful": float((worth == -1.0).mean()),
        }


def exam(turns: int) -> list[Session]:
    """Sessions whose lines are drawn evenly from the kinds, always the same ones."""
    random = np.random.default_rng(_EXAM_SEED)
    kinds = [kind for kind in Kind if kind is not Kind.BABBLE]
    by_kind = {kind: [line for line, of in LINES.items() if of is kind] for kind in kinds}
    rows = random.integers(len(kinds), size=(_EXAM_SESSIONS, turns))
    return [Session(tuple(Turn(str(random.choice(by_kind[kinds[kind]])), "") for kind in row)) for row in rows]


def build_practice(base: Path, config: SelfTrainingConfig, seed: int, errors: Errors) -> tuple[Practice, Policies]:
    """Put the tiny model, which is made if it is not there yet, and everything around it together.

    Args:
        base: Folder of the model.
        config: Settings.
        seed: Of the model and of the training.
        errors: How wrong the oracle is.
    """
    if not (base / "config.json").is_file():
        make_model(base, seed)
    torch.manual_seed(seed)  # of the adapters
    policies = Policies(*load_model(str(base), "cpu"), config)
    stage = PracticeStage()
    assessment = Assessment(ScriptedJudge(), ScriptedOracle(errors), Rules(stage.graph), BagOfWords(), config)
    return Practice(SelfTraining(policies, stage, assessment, config, seed=seed), config.turns), policies
