"""Trains the denoiser on latents. Source: FloodDiffusion (arXiv 2512.03520), training, and its released code.

A time is drawn for every sequence, its latents are noised as the schedule has them then, those behind the active window
are left out, and so are those that a stream would have forgotten. The network learns the velocity from noise to motion
of the last ``window`` latents.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec
import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from mio.training.trainee import AveragedTrainee, cosine_rate
from nodes.body.models.denoiser import Denoiser
from nodes.body.models.schedule import noise_levels
from nodes.body.models.sizes import FloodSize
from nodes.body.training.sequences import Batch, LatentSequence, collated, excerpt

_LAST_RATE = 0.05


class FloodTraining(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of a run.

    Attributes:
        size: The networks and the schedule.
        data: Folder of the motion set.
        batch: Sequences per step.
        history: Latents that are shown at most, those in the window included.
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
    history: int = 50
    rate: float = 2e-4
    warm_up: int = 500
    steps: int = 200_000
    text_dropout: float = 0.1
    ema: float = 0.999
    half: bool = False
    seed: int = 1


class FloodTrainee(AveragedTrainee):
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
        optimizer = torch.optim.AdamW(self.model.parameters(), settings.rate, (0.9, 0.99), weight_decay=0.0, fused=True)
        rate = cosine_rate(settings.warm_up, settings.steps, _LAST_RATE)
        super().__init__(self.model, optimizer, rate, decay=settings.ema, seed=settings.seed)

    def losses(self) -> dict[str, Tensor]:
        """Of one batch."""
        settings = self._settings
        chosen = self._rng.integers(len(self._sequences), size=settings.batch)
        moments = [moment(self._sequences[number], settings.size, settings.history, self._rng) for number in chosen]
        seen = [moment.sequence for moment in moments]
        batch = collated(seen, self._tokens, self._rng, text_dropout=settings.text_dropout).to(self._device)
        levels = pad_sequence([moment.levels for moment in moments], batch_first=True).to(self._device)
        with torch.autocast(self._device.type, torch.bfloat16, enabled=settings.half):
            return {"loss": flood_loss(self.model, settings.size, batch, levels)}


class Moment(NamedTuple):
    """A sequence as it is seen at a time of its generation.

    Attributes:
        sequence: Latents up to the end of the window, without those that are forgotten.
        levels: ``[n]`` share of noise in each.
    """

    sequence: LatentSequence
    levels: Tensor


def moment(sequence: LatentSequence, size: FloodSize, history: int, rng: np.random.Generator) -> Moment:
    """Draw a time.

    Args:
        sequence: Whole, clean.
        size: Of window and schedule; with ``random`` every latent has a level of its own.
        history: Latents that are seen at most.
        rng: Draws it.
    """
    window, length = size.window, len(sequence.latents)
    time = float(rng.uniform(0.0, length / window))
    chunk = size.schedule == "chunk"
    end = min((int(time) + 1) * window if chunk else int(window * time) + 1, length)
    begin = max(0, end - history)
    if size.schedule == "random":
        levels = torch.from_numpy(rng.random(end - begin, np.float32))
    else:
        levels = noise_levels(torch.tensor([time]), end, window, size.schedule)[0, begin:]
    return Moment(excerpt(sequence, begin, end), levels)


def flood_loss(model: Denoiser, size: FloodSize, batch: Batch, levels: Tensor) -> Tensor:
    """Squared error of the velocity, summed over the last ``window`` latents of each sequence, averaged over sequences.

    With the schedule ``random`` all latents count, by as much in total.

    Args:
        model: Learns.
        size: Of window and schedule.
        batch: Sequences that end with their window.
        levels: ``[B, T]`` shares of noise.
    """
    noise = torch.randn_like(batch.latents)
    noisy = (1 - levels[..., None]) * batch.latents + levels[..., None] * noise
    number = torch.arange(batch.latents.shape[1], device=levels.device)
    fed = number < batch.lengths[:, None]
    made = model(noisy, levels, model.read(batch.tokens), batch.text_mask, fed)
    free = size.schedule == "random"
    counted = fed if free else fed & (number >= batch.lengths[:, None] - size.window)
    error = (made - (batch.latents - noise)).float().square().sum(-1) * counted
    share = size.window / counted.sum(1) if free else 1.0
    return (error.sum(1) * share).mean()
