"""Group-relative policy optimisation with a reward for every turn.

A turn's advantage is its reward relative to that of the same turn in the other sessions of its group, so that no value
network is needed. Each writing (one turn's line or reply, given all before it) is a sample of its own.

Source: DeepSeekMath (arXiv 2402.03300), section 4.1: advantage by group, clipped ratio, unbiased estimate of the
distance to the starting model (equation 4). The loss is the mean over tokens as in DAPO (arXiv 2503.14476, equation 8).
TRL's trainer is not used: it knows one reward per completion and one policy.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from nodes.thinker.training.config import SelfTrainingConfig
from nodes.thinker.training.policy import Batch, Policies, Role, Writing
from nodes.thinker.training.session import BoolArray, FloatArray

_LARGEST_GRADIENT = 1.0
_SMALLEST_SPREAD = 1e-6


class Sample(NamedTuple):
    """Something to learn from.

    Attributes:
        writing: What was written.
        advantage: How much better than usual that was, in standard deviations.
    """

    writing: Writing
    advantage: float


def advantages(rewards: FloatArray, kept: BoolArray) -> FloatArray:
    """How much better each turn was than the same turn in the rest of its group.

    The spread is that of the whole group, all turns together: little differences in a turn done alike stay little.

    Args:
        rewards: ``[G, T]`` of T turns in the G sessions of one group.
        kept: ``[G, T]`` which of them are known.

    Returns:
        ``[G, T]``; 0 where nothing is known, or nothing to compare with.
    """
    counts = kept.sum(axis=0)
    means = np.where(kept, rewards, 0.0).sum(axis=0) / np.maximum(counts, 1)
    compared = kept & (counts > 1)
    above = np.where(compared, rewards - means, 0.0)
    spread = np.sqrt((above**2).sum() / max(1, compared.sum()))
    return above / spread if spread > _SMALLEST_SPREAD else np.zeros_like(above)


class Optimiser:
    """Improves one of the policies."""

    def __init__(self, policies: Policies, role: Role, config: SelfTrainingConfig) -> None:
        """Get ready.

        Args:
            policies: Both policies.
            role: The one that learns.
            config: Rates and weights.
        """
        self._policies = policies
        self._role = role
        self._config = config
        self._parameters = policies.parameters(role)
        self.adam = torch.optim.AdamW(self._parameters, lr=config.learning_rate, weight_decay=0.0)

    def learn(self, samples: Sequence[Sample]) -> dict[str, float]:
        """Learn from samples; give the last pass's mean loss, distance to the start, and share of clipped tokens."""
        samples = [sample for sample in samples if sample.advantage != 0.0 and sample.writing.completion]
        if not samples:
            return {"loss": 0.0, "kl": 0.0, "clipped": 0.0}
        ordered = sorted(samples, key=lambda sample: len(sample.writing.prompt) + len(sample.writing.completion))
        size = self._config.micro_batch
        parts = [ordered[at : at + size] for at in range(0, len(ordered), size)]
        batches = [self._policies.batch([sample.writing for sample in part]) for part in parts]
        gains = [torch.tensor([sample.advantage for sample in part], device=self._policies.device) for part in parts]
        with torch.no_grad():
            start = [self._policies.log_probabilities(None, batch) for batch in batches]
        before: list[Tensor] = []
        figures: dict[str, float] = {}
        for _ in range(self._config.epochs):
            figures = self._descend(batches, gains, before, start)
        return figures

    def _descend(
        self, batches: list[Batch], gains: list[Tensor], before: list[Tensor], start: list[Tensor]
    ) -> dict[str, float]:
        """One step down the gradient of all samples; the first one fills ``before``."""
        tokens = sum(int(batch.written.sum()) for batch in batches)
        sums = np.zeros(3)
        self.adam.zero_grad()
        for at, (batch, gain, reference) in enumerate(zip(batches, gains, start, strict=True)):
            new = self._policies.log_probabilities(self._role, batch)
            if at == len(before):
                before.append(new.detach())
            old = before[at]
            losses, distances, clipped = token_losses(new, old, reference, gain, self._config)
            written = batch.written
            total = losses[written].sum() / tokens
            total.backward()
            sums += [total.item(), distances[written].sum().item() / tokens, clipped[written].sum().item() / tokens]
        torch.nn.utils.clip_grad_norm_(self._parameters, _LARGEST_GRADIENT)
        self.adam.step()
        return dict(zip(("loss", "kl", "clipped"), sums.tolist(), strict=True))


def token_losses(
    new: Tensor, old: Tensor, reference: Tensor, advantage: Tensor, config: SelfTrainingConfig
) -> tuple[Tensor, Tensor, Tensor]:
    """Losses of tokens.

    Args:
        new: ``[B, C]`` log probabilities to the policy as it is.
        old: ``[B, C]`` to the policy that wrote them.
        reference: ``[B, C]`` to the starting model.
        advantage: ``[B]``.
        config: Clip and weight of the distance.

    Returns:
        ``[B, C]`` loss, estimated distance to the starting model, and whether the clip held.
    """
    ratio = (new - old).exp()
    gain = advantage[:, None].to(new.dtype)
    free, held = ratio * gain, ratio.clamp(1 - config.clip, 1 + config.clip) * gain
    distance = (reference - new).exp() - (reference - new) - 1
    return config.kl * distance - torch.minimum(free, held), distance, (held < free).to(new.dtype)
