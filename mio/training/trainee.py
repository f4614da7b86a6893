"""What learns by gradients, step by step: optimiser, schedule, and optionally averaged weights, all of it resumable."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np
import torch
from torch import Tensor, nn

from mio.training.ema import Ema
from mio.training.run_folder import read_run

T = TypeVar("T", bound=msgspec.Struct)

_LONGEST_GRADIENT = 1.0
_AVERAGED = "ema."


class GradientTrainee(ABC):
    """Learns a batch at a time; see :class:`~mio.training.loop.Trainee`."""

    def __init__(self, model: nn.Module, optimizer: torch.optim.Optimizer, rate: Callable[[int], float]) -> None:
        """Get ready.

        Args:
            model: What learns.
            optimizer: Of its parameters, with the highest learning rate.
            rate: Share of that rate at each step.
        """
        self._model = model
        self._optimizer = optimizer
        self._schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)

    @abstractmethod
    def losses(self) -> Mapping[str, Tensor]:
        """Losses of the next batch, by name; ``loss`` is what is minimised."""

    def step(self) -> dict[str, float]:
        """Learn from a batch.

        Returns:
            The losses, and ``gradient``, its length before it is cut to 1.
        """
        losses = self.losses()
        self._optimizer.zero_grad()
        losses["loss"].backward()
        length = nn.utils.clip_grad_norm_(self._model.parameters(), _LONGEST_GRADIENT)
        self._optimizer.step()
        self._schedule.step()
        return {**{name: float(value.detach()) for name, value in losses.items()}, "gradient": float(length)}

    def weights(self) -> dict[str, Tensor]:
        """What is learnt."""
        return self._model.state_dict()

    def state(self) -> dict[str, Any]:
        """Optimiser and schedule."""
        return {"optimizer": self._optimizer.state_dict(), "schedule": self._schedule.state_dict()}

    def restore(self, weights: dict[str, Tensor], state: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        self._model.load_state_dict(weights)
        self._optimizer.load_state_dict(state["optimizer"])
        self._schedule.load_state_dict(state["schedule"])


class AveragedTrainee(GradientTrainee):
    """The same with averaged weights beside the others, and a generator of its own for choosing batches."""

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        rate: Callable[[int], float],
        *,
        decay: float,
        seed: int,
    ) -> None:
        """Get ready; see :class:`GradientTrainee`.

        Args:
            model: What learns.
            optimizer: Of its parameters.
            rate: Share of its rate at each step.
            decay: What the average keeps of itself per step.
            seed: Of the generator.
        """
        super().__init__(model, optimizer, rate)
        self._ema = Ema(model, decay)
        self._rng = np.random.default_rng(seed)

    def step(self) -> dict[str, float]:
        """See :class:`GradientTrainee`."""
        figures = super().step()
        self._ema.update()
        return figures

    def weights(self) -> dict[str, Tensor]:
        """Averaged weights under ``ema.``, the others under their own names."""
        own = {name: value.clone() for name, value in super().weights().items()}
        return {**own, **{f"{_AVERAGED}{name}": value.clone() for name, value in self._ema.weights().items()}}

    def state(self) -> dict[str, Any]:
        """Optimiser, schedule and generator."""
        return {**super().state(), "ema_updates": self._ema.updates, "random": self._rng.bit_generator.state}

    def restore(self, weights: dict[str, Tensor], state: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        super().restore({k: v for k, v in weights.items() if not k.startswith(_AVERAGED)}, state)
        averaged = {k.removeprefix(_AVERAGED): v for k, v in weights.items() if k.startswith(_AVERAGED)}
        self._ema.restore(averaged, state["ema_updates"])
        self._rng.bit_generator.state = state["random"]

    def averaged(self) -> dict[str, Tensor]:
        """The averaged model's whole state, to be shipped."""
        with self._ema.applied():
            return {name: value.clone() for name, value in self._model.state_dict().items()}


def averaged_weights(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The averaged model's whole state, of an :class:`AveragedTrainee`'s weights in a checkpoint."""
    own = {name: value for name, value in weights.items() if not name.startswith(_AVERAGED)}
    return own | {k.removeprefix(_AVERAGED): v for k, v in weights.items() if k.startswith(_AVERAGED)}


def read_averaged(path: Path, struct: type[T]) -> tuple[T, dict[str, Tensor]]:
    """Settings of a run of an :class:`AveragedTrainee`, and the averaged model's whole state.

    Raises:
        MioError: If there is no such run, or no checkpoint yet.
    """
    settings, checkpoint = read_run(path, struct)
    return settings, averaged_weights(checkpoint.weights)


def cosine_rate(warm_up: int, steps: int, last: float) -> Callable[[int], float]:
    """A rate that rises over a warm-up, then falls along a cosine.

    Args:
        warm_up: Steps until it is 1.
        steps: Steps until it is ``last``.
        last: Share that it ends with.
    """

    def rate(step: int) -> float:
        if step < warm_up:
            return (step + 1) / warm_up
        done = min(1.0, (step - warm_up) / max(1, steps - warm_up))
        return last + 0.5 * (1 - last) * (1 + math.cos(math.pi * done))

    return rate


def linear_rate(warm_up: int, steps: int) -> Callable[[int], float]:
    """A rate that rises over a warm-up and falls to nothing by ``steps``, both in a straight line."""
    return lambda step: min(1.0, (step + 1) / warm_up) * max(0.0, 1 - step / steps)
