"""Trains the autoencoder. Source: FloodDiffusion (arXiv 2512.03520), released configuration ``vae_wan_1d``.

Loss: smooth L1 of all features, half as much again of the joints' positions, and 1e-5 of the divergence from a normal
distribution; AdamW with a warm-up, averaged weights.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from mio.training.ema import Ema
from nodes.body.models.causal_vae import FRAMES_PER_LATENT, CausalVae
from nodes.body.models.sizes import VaeSize
from nodes.body.motion.features import PLACES, VELOCITIES, turn_matrices
from nodes.body.training.motion_set import Clip, statistics

_PLACES_WEIGHT = 0.5
_KL_WEIGHT = 1e-5
_EMA_PREFIX = "ema."


class VaeTraining(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of a run.

    Attributes:
        size: The autoencoder.
        data: Folder of the motion set.
        batch: Stretches of motion per step.
        latents: Latents per stretch; 16 are 61 frames.
        rate: Learning rate after the warm-up, to fall to a tenth along a cosine by ``steps``.
        warm_up: Steps until then.
        steps: Steps in total.
        ema: What the averaged weights keep of themselves per step.
        seed: Of everything that is drawn.
    """

    size: VaeSize = VaeSize()
    data: str = ""
    batch: int = 256
    latents: int = 16
    rate: float = 2e-4
    warm_up: int = 1_000
    steps: int = 300_000
    ema: float = 0.99
    seed: int = 1


class VaeTrainee:
    """Learns a step at a time; see :class:`~mio.training.loop.Trainee`."""

    def __init__(self, settings: VaeTraining, clips: list[Clip], device: str = "cpu") -> None:
        self._settings = settings
        self._device = torch.device(device)
        frames = 1 + FRAMES_PER_LATENT * (settings.latents - 1)
        self._clips = [clip.features for clip in clips if len(clip.features) >= frames]
        self._frames = frames
        self._shares = np.array([len(clip) - frames + 1 for clip in self._clips], np.float64)
        self._shares /= self._shares.sum()
        torch.manual_seed(settings.seed)
        self.model = CausalVae(settings.size).to(self._device)
        mean, std = statistics(clips)
        self.model.mean.copy_(torch.from_numpy(mean))
        self.model.std.copy_(torch.from_numpy(std))
        self._optimizer = torch.optim.AdamW(self.model.parameters(), settings.rate, (0.9, 0.99), weight_decay=0.0)
        self._schedule = torch.optim.lr_scheduler.LambdaLR(self._optimizer, self._rate)
        self._ema = Ema(self.model, settings.ema)
        self._rng = np.random.default_rng(settings.seed)

    def step(self) -> Mapping[str, float]:
        """One batch."""
        losses = vae_loss(self.model, self._batch())
        self._optimizer.zero_grad(set_to_none=True)
        losses["loss"].backward()
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self._optimizer.step()
        self._schedule.step()
        self._ema.update()
        return {**{name: float(value.detach()) for name, value in losses.items()}, "gradient": float(norm)}

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

    def _batch(self) -> Tensor:
        chosen = self._rng.choice(len(self._clips), self._settings.batch, p=self._shares)
        starts = [self._rng.integers(len(self._clips[number]) - self._frames + 1) for number in chosen]
        cut = [self._clips[k][s : s + self._frames] for k, s in zip(chosen, starts, strict=True)]
        return torch.from_numpy(np.stack(cut)).to(self._device)

    def _rate(self, step: int) -> float:
        settings = self._settings
        if step < settings.warm_up:
            return (step + 1) / settings.warm_up
        done = (step - settings.warm_up) / max(1, settings.steps - settings.warm_up)
        return 0.1 + 0.45 * (1 + float(np.cos(np.pi * min(1.0, done))))


def vae_loss(model: CausalVae, frames: Tensor) -> dict[str, Tensor]:
    """Losses of ``[B, T, 263]`` frames, by name; ``loss`` is what is minimised."""
    mean, log_variance = model.distribution(frames)
    latents = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
    wanted = (frames - model.mean) / model.std
    made = (model.decode(latents) - model.mean) / model.std
    features = F.smooth_l1_loss(made, wanted)
    places = F.smooth_l1_loss(made[..., PLACES], wanted[..., PLACES])
    divergence = (-0.5 * (1 + log_variance - mean.square() - log_variance.exp())).mean()
    loss = features + _PLACES_WEIGHT * places + _KL_WEIGHT * divergence
    return {"loss": loss, "features": features, "places": places, "divergence": divergence}


@torch.no_grad()
def reconstruction(model: CausalVae, clips: list[Clip]) -> dict[str, float]:
    """How well clips survive the autoencoder.

    Returns:
        ``joints_mm``: mean distance of joints beside the root; ``turns_deg``: mean angle between rotations;
        ``velocities_ratio``: speed of the decoded joints over the original's; ``latent_std``: of all latents.
    """
    distances, angles, speeds, latents = [], [], [], []
    for clip in clips:
        count = 1 + (len(clip.features) - 1) // FRAMES_PER_LATENT * FRAMES_PER_LATENT
        frames = torch.from_numpy(np.array(clip.features[:count]))[None]
        latent = model.encode(frames)
        made = model.decode(latent)[0].numpy().astype(np.float64)
        real = frames[0].numpy().astype(np.float64)
        latents.append(latent[0])
        offset = (made - real)[:, PLACES].reshape(count, -1, 3)
        distances.append(np.linalg.norm(offset, axis=-1).mean())
        between = turn_matrices(real).swapaxes(-1, -2) @ turn_matrices(made)
        cosine = (np.trace(between, axis1=-2, axis2=-1) - 1) / 2
        angles.append(np.degrees(np.arccos(cosine.clip(-1, 1))).mean())
        speed = [np.linalg.norm(x[:, VELOCITIES].reshape(count, -1, 3), axis=-1).mean() for x in (made, real)]
        speeds.append(speed[0] / max(speed[1], 1e-6))
    return {
        "joints_mm": 1000 * float(np.mean(distances)),
        "turns_deg": float(np.mean(angles)),
        "velocities_ratio": float(np.median(speeds)),
        "latent_std": float(torch.cat(latents).std()),
    }


def settings_for(data: Path, **changed: Any) -> VaeTraining:
    """Settings of a run on a motion set."""
    return VaeTraining(data=str(data), **changed)
