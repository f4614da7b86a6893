"""A trained body as a folder: both networks in one file, and what rebuilds them."""

from pathlib import Path
from typing import NamedTuple

from mio.nn.weights import fill, read_weights, write_weights
from nodes.body.models.causal_vae import CausalVae
from nodes.body.models.denoiser import Denoiser
from nodes.body.models.sizes import FloodSize

_VAE, _DENOISER = "vae.", "denoiser."


class Networks(NamedTuple):
    """Both networks, ready to be used.

    Attributes:
        vae: The autoencoder.
        denoiser: The transformer.
        size: What they were built from.
    """

    vae: CausalVae
    denoiser: Denoiser
    size: FloodSize


def read_networks(folder: Path) -> Networks:
    """Read what :func:`write_networks` wrote.

    Raises:
        ConfigError: If a file is missing or broken, or does not fit the sizes that it names.
    """
    weights, size = read_weights(folder, FloodSize)
    networks = Networks(CausalVae(size.vae), Denoiser(size.denoiser), size)
    for network, prefix in ((networks.vae, _VAE), (networks.denoiser, _DENOISER)):
        own = {name.removeprefix(prefix): weight for name, weight in weights.items() if name.startswith(prefix)}
        fill(network, own, folder)
    return networks


def write_networks(folder: Path, networks: Networks) -> None:
    """Write both networks in half precision."""
    vae = {f"{_VAE}{name}": weight for name, weight in networks.vae.state_dict().items()}
    denoiser = {f"{_DENOISER}{name}": weight for name, weight in networks.denoiser.state_dict().items()}
    write_weights(folder, {**vae, **denoiser}, networks.size, half=True)
