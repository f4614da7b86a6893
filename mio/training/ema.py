"""Exponential moving average of a network's weights, which is often better than the weights themselves."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class Ema:
    """Average of the trainable parameters of a module.

    Attributes:
        decay: What the average keeps of itself at every update, once warmed up.
        updates: Updates so far.
    """

    def __init__(self, module: nn.Module, decay: float = 0.999) -> None:
        """Begin with the module's weights.

        Args:
            module: The network; it is only read, but in :meth:`applied`.
            decay: Of one update. The first updates keep less, ``(1 + n) / (10 + n)``, as TensorFlow's
                ``ExponentialMovingAverage`` does with ``num_updates``.
        """
        self.decay = decay
        self.updates = 0
        self._live = {name: p for name, p in module.named_parameters() if p.requires_grad}
        self._mean = {name: p.detach().clone() for name, p in self._live.items()}

    @torch.no_grad()
    def update(self) -> None:
        """Take in the weights as they are now."""
        self.updates += 1
        keep = min(self.decay, (1 + self.updates) / (10 + self.updates))
        for name, parameter in self._live.items():
            self._mean[name].lerp_(parameter.to(self._mean[name].dtype), 1.0 - keep)

    @contextmanager
    def applied(self) -> Generator[None]:
        """Lend the averaged weights to the module."""
        own = {name: p.detach().clone() for name, p in self._live.items()}
        self._write(self._mean)
        try:
            yield
        finally:
            self._write(own)

    def weights(self) -> dict[str, Tensor]:
        """The averaged weights by parameter name."""
        return dict(self._mean)

    def restore(self, weights: Mapping[str, Tensor], updates: int) -> None:
        """Go on from a checkpoint.

        Raises:
            KeyError: If a weight is missing.
        """
        self.updates = updates
        for name, mean in self._mean.items():
            mean.copy_(weights[name])

    @torch.no_grad()
    def _write(self, values: Mapping[str, Tensor]) -> None:
        for name, parameter in self._live.items():
            parameter.copy_(values[name])
