"""Lessons from tales: in every epoch all of them once, in another order; and the command line of such a training."""

import argparse
import random
from abc import abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec
import torch
from torch import Tensor, nn

from mio.training.trainee import GradientTrainee, linear_rate

T = TypeVar("T")
S = TypeVar("S", bound=msgspec.Struct)


class Lessons(GradientTrainee, Generic[T]):
    """A model, what it learns from, and the optimiser; the held-out part is measured after each epoch.

    Attributes:
        steps: Steps of all epochs.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        learn: Sequence[T],
        *,
        batch: int,
        epochs: int,
        warm_up: int,
        seed: int,
    ) -> None:
        """Get ready.

        Args:
            model: What learns.
            optimizer: Of its parameters.
            learn: What it learns from.
            batch: How many of those make a step; what is left over in an epoch is left out.
            epochs: How often each is seen.
            warm_up: Steps until the learning rate is reached.
            seed: Of the order.
        """
        self._learn = learn
        self._batch = batch
        self._seed = seed
        self._done = 0
        self._per_epoch = len(learn) // batch
        self.steps = epochs * self._per_epoch
        super().__init__(model, optimizer, linear_rate(warm_up, self.steps))

    @abstractmethod
    def loss(self, batch: Sequence[T]) -> Tensor:
        """Loss of a batch, scalar."""

    @abstractmethod
    def examine(self) -> dict[str, float]:
        """Figures of the held-out part."""

    def losses(self) -> dict[str, Tensor]:
        """Of the next batch."""
        epoch, at = divmod(self._done, self._per_epoch)
        order = random.Random(f"{self._seed} {epoch}").sample(range(len(self._learn)), len(self._learn))
        batch = [self._learn[number] for number in order[at * self._batch : (at + 1) * self._batch]]
        self._model.train()
        return {"loss": self.loss(batch)}

    def step(self) -> dict[str, float]:
        """Learn from a batch; measure the held-out part after each epoch."""
        figures = {"loss": super().step()["loss"]}
        self._done += 1
        return figures if self._done % self._per_epoch else {**figures, **self.examine()}

    def state(self) -> dict[str, Any]:
        """Optimiser, schedule, and how far it is."""
        return {**super().state(), "done": self._done}

    def restore(self, weights: dict[str, Tensor], state: dict[str, Any]) -> None:
        """Go on from there."""
        super().restore(weights, state)
        self._done = int(state["done"])


def run_command(about: str | None, settings: type[S], learn: Callable[[Path, Path, Path, S], None]) -> None:
    """Read a training's command line and train.

    Args:
        about: What it trains.
        settings: Struct of its settings; each is an option.
        learn: Called with folders of the data, the run and the frozen layers' states, and the settings.
    """
    torch.set_num_threads(1)
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with stories.jsonl and qa.jsonl")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run; one that was stopped goes on")
    parser.add_argument("--states", type=Path, help="folder for what the frozen layers make of the tales (1 GB)")
    for name in settings.__struct_fields__:
        default = getattr(settings(), name)
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(default), default=default)
    args = parser.parse_args()
    chosen = settings(**{name: getattr(args, name) for name in settings.__struct_fields__})
    learn(args.data, args.out, args.states or args.out / "states", chosen)
