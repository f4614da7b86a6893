"""Weights and inputs that are drawn from their names, so that golden files of tests need only hold outputs."""

import zlib
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor


def weights(state: Mapping[str, Tensor], scale: float = 1.0) -> dict[str, Tensor]:
    """Weights for every name of a network's state, of the same shapes; matrices times ``scale``."""
    return {
        name: _weight(name, tuple(value.shape)) * (scale if value.ndim > 1 else 1.0) for name, value in state.items()
    }


def inputs(name: str, *shape: int) -> Tensor:
    """Normally distributed numbers of a shape, the same ones for the same name."""
    return _normal(f"input {name}", shape)


def _weight(name: str, shape: tuple[int, ...]) -> Tensor:
    values = 0.3 * _normal(name, shape)
    scales = name.endswith("gamma") or name == "std" or ("norm" in name and name.endswith("weight"))
    return 1 + 0.2 * values.abs() if scales else values


def _normal(name: str, shape: tuple[int, ...]) -> Tensor:
    return torch.from_numpy(np.random.default_rng(zlib.crc32(name.encode())).standard_normal(shape).astype(np.float32))
