"""A network as a folder: ``weights.safetensors``, and ``config.yaml`` with the settings that rebuild it."""

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from mio.errors import ConfigError

T = TypeVar("T", bound=msgspec.Struct)

WEIGHTS = "weights.safetensors"
CONFIG = "config.yaml"
NAME_RELEASED = "name a checkpoint that the authors released"
"""What to do about a file that is none."""


def write_weights(folder: Path, weights: dict[str, Tensor], config: msgspec.Struct, *, half: bool = False) -> None:
    """Write a network as a folder: weights and the settings that rebuild it.

    Args:
        folder: Made if it is missing.
        weights: By name.
        config: Settings of the network.
        half: Whether to store floating point weights as fp16, as shipped weights are.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CONFIG).write_bytes(msgspec.yaml.encode(config))
    tensors = {
        name: (w.half() if half and w.is_floating_point() else w).detach().cpu().contiguous()
        for name, w in weights.items()
    }
    save_file(tensors, folder / WEIGHTS)


def read_weights(folder: Path, struct: type[T]) -> tuple[dict[str, Tensor], T]:
    """Read what :func:`write_weights` wrote.

    Args:
        folder: Where it is.
        struct: What its settings must look like.

    Raises:
        ConfigError: If a file is missing or broken.
    """
    try:
        config = msgspec.yaml.decode((folder / CONFIG).read_bytes(), type=struct)
        return load_file(folder / WEIGHTS), config
    except (OSError, ValueError, SafetensorError) as error:
        raise ConfigError(f"{folder}: {error}", "expected weights.safetensors and config.yaml") from error


def read_checkpoint(path: Path, wanted: str) -> Any:
    """Read a PyTorch file of other authors, in which nothing is loaded but plain tensors.

    Args:
        path: The file.
        wanted: What of it is needed, as its user is told.

    Raises:
        ConfigError: If it is missing, damaged, or holds more than plain tensors.
    """
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError) as error:
        raise ConfigError(f"{path}: {error}", NAME_RELEASED) from error
    except pickle.UnpicklingError as error:
        remedy = f"save its {wanted} alone"
        raise ConfigError(f"{path}: holds more than tensors, which is not loaded", remedy) from error


def fill(network: nn.Module, weights: Mapping[str, Tensor], folder: Path) -> None:
    """Give a network its weights and make it ready to be used: in single precision, frozen.

    Args:
        network: Built from the settings in the folder.
        weights: All of its own, by name.
        folder: Where they are from.

    Raises:
        ConfigError: If they are not its own, or one is not a number.
    """
    try:
        network.load_state_dict({name: w.float() if w.is_floating_point() else w for name, w in weights.items()})
    except RuntimeError as error:
        raise ConfigError(
            f"{folder}: {str(error).splitlines()[0]}", "weights and config.yaml do not belong together"
        ) from error
    if not all(bool(torch.isfinite(weight).all()) for weight in weights.values()):
        raise ConfigError(f"{folder}: a weight is not a number", "train again or take an older checkpoint")
    network.eval().requires_grad_(False)
