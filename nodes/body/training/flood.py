"""Trains the denoiser on latents. Source: FloodDiffusion (arXiv 2512.03520), training, and its released code.

A time is drawn for every sequence, its latents are noised as the schedule has them then, those behind the active window
are left out, and the network learns the velocity from noise to motion of the last ``window`` latents.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import torch
from torch import Tensor

from mio.training.ema import Ema
from nodes.body.models.denoiser import Denoiser
from nodes.body.models.schedule import training_levels
from nodes.body.models.sizes import FloodSize
from nodes.body.training.sequences import Batch, LatentSequence, collated

_EMA_PREFIX = "ema."


class FloodTraining(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of a run.

    Attributes:
        size: The networks and the schedule.
        data: Folder of the motion set.
        batch: Sequences per step.
        rate: Learning rate after the warm-up; falls to a twentieth along a cosine by ``steps``.
        warm_up: Steps until then.
        steps: Steps in total.
        text_dropout: Share of sequences that are shown without text, for guidance.
        ema: What the averaged weights keep of themselves per step.
        half: Whether to compute in bfloat16 where the device can.
        seed: Of everything that is drawn.
    """

    size: FloodSize = FloodSize()
    data: str = ""
    batch: int = 128
    rate: float = 2e-4
    warm_up: int = 500
    steps: int = 200_000
    text_dropout: float = 0.1
    ema: float = 0.999
    half: bool = False
    seed: int = 1


class FloodTrainee:
    """Learns a step at a time; see :class:`~mio.training.loop.Trainee`."""

    def __init__(
        self,
        settings: FloodTraining,
        sequences: Sequence[LatentSequence],
        tokens: Mapping[str, Tensor],
        device: str = "cpu",
    ) -> None:
        """Get ready.

        Args:
            settings: Of the run.
            sequences: What is learned.
            tokens: ``[S, text]`` of every caption and of the empty text.
            device: Where it is learned.
        """
        self._settings = settings
        self._sequences = sequences
        self._tokens = tokens
        self._device = torch.device(device)
        torch.manual_seed(settings.seed)
        self.model = Denoiser(settings.size.denoiser).to(self._device)
        self._optimizer = torch.optim.AdamW(self.model.parameters(), settings.rate, (0.9, 0.99), weight_decay=0.0)
        self._schedule = torch.optim.lr_scheduler.LambdaLR(self._optimizer, self._rate)
        self._ema = Ema(self.model, settings.ema)
        self._rng = np.random.default_rng(settings.seed)

    def step(self) -> Mapping[str, float]:
        """One batch."""
        chosen = self._rng.integers(len(self._sequences), size=self._settings.batch)
        batch = collated(
            [self._sequences[number] for number in chosen],
            self._tokens,
            self._rng,
            text_dropout=self._settings.text_dropout,
        ).to(self._device)
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._settings.half):
            loss = flood_loss(self.model, self._settings.size, batch)
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self._optimizer.step()
        self._schedule.step()
        self._ema.update()
        return {"loss": float(loss.detach()), "gradient": float(norm)}

    def weights(self) -> dict[str, Tensor]:
        """Averaged weights under ``ema.``, the others under their own names."""
        own = {name: value.clone() for name, value in self.model.state_dict().items()}
        return {**own, **{f"{_EMA_PREFIX}{name}": value.clone() for name, value in self._ema.weights().items()}}

    def state(self) -> dict[str, Any]:
        """Optimiser and generator."""
        return {
            "optimizer": self._optimizer.state_dict(),
            "schedule": self._schedule.state_dict(),
            "ema_updates": self._ema.updates,
            "random": self._rng.bit_generator.state,
        }

    def restore(self, weights: dict[str, Tensor], state: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        self.model.load_state_dict({k: v for k, v in weights.items() if not k.startswith(_EMA_PREFIX)})
        averaged = {k.removeprefix(_EMA_PREFIX): v for k, v in weights.items() if k.startswith(_EMA_PREFIX)}
        self._ema.restore(averaged, state["ema_updates"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._schedule.load_state_dict(state["schedule"])
        self._rng.bit_generator.state = state["random"]

    def averaged(self) -> dict[str, Tensor]:
        """The averaged model's whole state, to be shipped."""
        with self._ema.applied():
            return {name: value.clone() for name, value in self.model.state_dict().items()}

    def _rate(self, step: int) -> float:
        settings = self._settings
        if step < settings.warm_up:
            return (step + 1) / settings.warm_up
        done = (step - settings.warm_up) / max(1, settings.steps - settings.warm_up)
        return 0.05 + 0.475 * (1 + float(np.cos(np.pi * min(1.0, done))))


def flood_loss(model: Denoiser, size: FloodSize, batch: Batch) -> Tensor:
    """Squared error of the velocity, summed over the last ``window`` latents of each sequence, averaged over sequences.

    With the schedule ``random`` every latent has a level of its own, so all of them count, by as much in total.
    """
    window, kind = size.window, size.schedule
    rows, longest = batch.latents.shape[:2]
    device = batch.latents.device
    lengths = batch.lengths.float()
    time = torch.rand(rows, device=device) * lengths / window
    end = torch.minimum((window * time).long() + 1, batch.lengths)
    if kind == "chunk":
        end = torch.minimum((time.long() + 1) * window, batch.lengths)
    if kind == "random":
        end = batch.lengths
    levels = training_levels(time, longest, window, kind).to(device)
    noise = torch.randn_like(batch.latents)
    noisy = (1 - levels[..., None]) * batch.latents + levels[..., None] * noise
    number = torch.arange(longest, device=device)
    fed = number < end[:, None]
    kept = int(end.max())
    context = model.read(batch.tokens)
    made = model(noisy[:, :kept], levels[:, :kept], context, batch.text_mask[:, :kept], fed[:, :kept])
    counted = fed if kind == "random" else fed & (number >= end[:, None] - window)
    error = (made - (batch.latents - noise)[:, :kept]).float().square().sum(-1) * counted[:, :kept]
    share = window / counted.sum(1) if kind == "random" else 1.0
    return (error.sum(1) * share).mean()
