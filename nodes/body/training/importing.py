"""The authors' released checkpoints as a checkpoint of ours: two Lightning files, one for each network.

Their files hold ``state_dict``, and in ``ema_state`` the averaged parameters in the order of the network's own
(https://github.com/ShandaAI/FloodDiffusion, ``generate_ldf.py``, Apache-2.0); the averaged ones are taken.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from mio.errors import ConfigError
from mio.nn.weights import NAME_RELEASED, read_checkpoint
from nodes.body.models.causal_vae import CausalVae
from nodes.body.models.checkpoint import Networks
from nodes.body.models.denoiser import Denoiser
from nodes.body.models.released import denoiser_weights, vae_weights
from nodes.body.models.sizes import FloodSize

_Renaming = Callable[[Mapping[str, Tensor], Mapping[str, Tensor]], dict[str, Tensor]]


def import_released(vae: Path, denoiser: Path, size: FloodSize) -> Networks:
    """Read both files.

    Args:
        vae: The autoencoder, such as ``vae_1d_z4_step=300000.ckpt``.
        denoiser: The transformer, such as ``step_step=50000.ckpt``.
        size: ``PAPER`` or ``TINY``, whichever the transformer is.

    Raises:
        ConfigError: If a file is missing, damaged, holds more than plain tensors, or is of another size.
    """
    networks = Networks(CausalVae(size.vae), Denoiser(size.denoiser), size)
    _load(networks.vae, vae, vae_weights)
    _load(networks.denoiser, denoiser, denoiser_weights)
    return networks


def _load(network: nn.Module, path: Path, rename: _Renaming) -> None:
    checkpoint = _read(path)
    released: dict[str, Tensor] = checkpoint["state_dict"]
    averaged = checkpoint.get("ema_state", {}).get("shadow_params")
    if averaged is not None:
        released = {**released, **_named(averaged, released, network, path)}
    network.load_state_dict(rename(released, network.state_dict()))


def _named(averaged: list[Tensor], released: Mapping[str, Tensor], network: nn.Module, path: Path) -> dict[str, Tensor]:
    """Averaged parameters by name: in their file they have none, but the order of the others."""
    buffers = {name for name, _ in network.named_buffers()}
    names = [name for name in released if name not in buffers and "text_encoder." not in name]
    if [released[name].shape for name in names] != [weight.shape for weight in averaged]:
        raise ConfigError(f"{path}: averaged weights of another network", "take a file as it was released")
    return dict(zip(names, averaged, strict=True))


def _read(path: Path) -> dict[str, Any]:
    checkpoint = read_checkpoint(path, "state_dict")
    if not isinstance(checkpoint, dict) or "state_dict" not in checkpoint:
        raise ConfigError(f"{path}: has no state_dict", NAME_RELEASED)
    return checkpoint
