"""Trains the autoencoder. Source: FloodDiffusion (arXiv 2512.03520), released configuration ``vae_wan_1d``.

Loss: smooth L1 of all features, half as much again of the joints' positions, and 1e-5 of the divergence from a normal
distribution; AdamW with a warm-up, averaged weights. Once latents are in use the decoder can go on alone: it learns to
decode those very latents, a little noise on them, as a denoiser leaves it there.
"""

import msgspec
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from mio.training.trainee import AveragedTrainee, cosine_rate
from nodes.body.models.causal_vae import FRAMES_PER_LATENT, CausalVae
from nodes.body.models.sizes import VaeSize
from nodes.body.motion.features import PLACES, VELOCITIES, turn_matrices
from nodes.body.training.motion_set import Clip, statistics

_PLACES_WEIGHT = 0.5
_KL_WEIGHT = 1e-5
_LAST_RATE = 0.1


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
        made_minutes: Of motion of the procedural engine, twice as likely to be drawn as captured motion.
        jitter: Standard deviation of the noise on latents, when the decoder learns alone.
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
    made_minutes: float = 60.0
    jitter: float = 0.05
    seed: int = 1


class VaeTrainee(AveragedTrainee):
    """Learns a step at a time; see :class:`~mio.training.loop.Trainee`."""

    def __init__(
        self, settings: VaeTraining, clips: list[Clip], device: str = "cpu", going_on: CausalVae | None = None
    ) -> None:
        """Get ready.

        Args:
            settings: Of the run.
            clips: What is learned.
            device: Where it is learned.
            going_on: An autoencoder whose encoder stays as it is while its decoder learns; None for a new one.
        """
        self._settings = settings
        self._device = torch.device(device)
        frames = 1 + FRAMES_PER_LATENT * (settings.latents - 1)
        self._clips = [clip.features for clip in clips if len(clip.features) >= frames]
        self._frames = frames
        self._shares = np.array([len(clip) - frames + 1 for clip in self._clips], np.float64)
        self._shares /= self._shares.sum()
        torch.manual_seed(settings.seed)
        self.model = (_beginning(settings.size, clips) if going_on is None else going_on).to(self._device)
        self.model.encoder.requires_grad_(going_on is None)
        optimizer = torch.optim.AdamW(self.model.parameters(), settings.rate, (0.9, 0.99), weight_decay=0.0)
        rate = cosine_rate(settings.warm_up, settings.steps, _LAST_RATE)
        super().__init__(self.model, optimizer, rate, decay=settings.ema, seed=settings.seed)

    def losses(self) -> dict[str, Tensor]:
        """Of one batch."""
        if next(self.model.encoder.parameters()).requires_grad:
            return vae_loss(self.model, self._batch())
        return decoder_loss(self.model, self._batch(), self._settings.jitter)

    def _batch(self) -> Tensor:
        chosen = self._rng.choice(len(self._clips), self._settings.batch, p=self._shares)
        starts = [self._rng.integers(len(self._clips[number]) - self._frames + 1) for number in chosen]
        cut = [self._clips[k][s : s + self._frames] for k, s in zip(chosen, starts, strict=True)]
        return torch.from_numpy(np.stack(cut)).to(self._device)


def vae_loss(model: CausalVae, frames: Tensor) -> dict[str, Tensor]:
    """Losses of ``[B, T, 263]`` frames, by name; ``loss`` is what is minimised."""
    mean, log_variance = model.distribution(frames)
    latents = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
    errors = _errors(model, latents, frames)
    divergence = (-0.5 * (1 + log_variance - mean.square() - log_variance.exp())).mean()
    return {**errors, "loss": errors["loss"] + _KL_WEIGHT * divergence, "divergence": divergence}


def decoder_loss(model: CausalVae, frames: Tensor, jitter: float) -> dict[str, Tensor]:
    """The same for the decoder alone, with noise of standard deviation ``jitter`` on the latents."""
    with torch.no_grad():
        latents = model.encode(frames)
    return _errors(model, latents + jitter * torch.randn_like(latents), frames)


def _errors(model: CausalVae, latents: Tensor, frames: Tensor) -> dict[str, Tensor]:
    wanted = (frames - model.mean) / model.std
    made = (model.decode(latents) - model.mean) / model.std
    features = F.smooth_l1_loss(made, wanted)
    places = F.smooth_l1_loss(made[..., PLACES], wanted[..., PLACES])
    return {"loss": features + _PLACES_WEIGHT * places, "features": features, "places": places}


def _beginning(size: VaeSize, clips: list[Clip]) -> CausalVae:
    """A new autoencoder with the statistics of its training set."""
    model = CausalVae(size)
    mean, std = statistics(clips)
    model.mean.copy_(torch.from_numpy(mean))
    model.std.copy_(torch.from_numpy(std))
    return model


@torch.no_grad()
def normalise_latents(model: CausalVae, mean: Tensor, std: Tensor) -> None:
    """Change the first and last linear layers so that latents lose a mean and a standard deviation, ``[latent]`` each.

    What the autoencoder reconstructs stays the same.
    """
    leaving, entering = model.encoder.mix, model.decoder.mix
    means, variances = slice(0, len(mean)), slice(len(mean), 2 * len(mean))
    assert leaving.bias is not None and entering.bias is not None
    leaving.weight[means] /= std[:, None, None]
    leaving.bias[means] = (leaving.bias[means] - mean) / std
    leaving.bias[variances] -= 2 * std.log()
    entering.bias += entering.weight[:, :, 0] @ mean
    entering.weight *= std[None, :, None]


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
