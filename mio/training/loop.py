"""The training loop: steps, checkpoints, log and progress; stops cleanly when asked to and goes on where it stopped."""

import signal
import threading
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple, Protocol

from torch import Tensor

from mio.training.log import TrainingLog
from mio.training.progress import Progress
from mio.training.run_folder import Checkpoint, RunFolder
from mio.training.seeds import random_state, restore_random_state, seed_all


class Trainee(Protocol):
    """Something that learns step by step."""

    def step(self) -> Mapping[str, float]:
        """Learn once and return what was measured, by name."""
        ...

    def weights(self) -> dict[str, Tensor]:
        """What was learned, by name."""
        ...

    def state(self) -> dict[str, Any]:
        """What else is needed to go on: optimiser, position in the data; plain values and tensors."""
        ...

    def restore(self, weights: dict[str, Tensor], state: dict[str, Any]) -> None:
        """Go on from what :meth:`weights` and :meth:`state` gave."""
        ...


class Plan(NamedTuple):
    """How long to train and how often to save.

    Attributes:
        steps: Steps in total, those of earlier starts included.
        seed: Of all random numbers, set when the run begins.
        save_every_s: Seconds between two checkpoints; the last step is always saved.
        device: Where checkpoints are loaded to.
    """

    steps: int
    seed: int = 0
    save_every_s: float = 60.0
    device: str = "cpu"


class _Stop:
    """Whether somebody asked the training to stop."""

    asked = False


def train(trainee: Trainee, folder: RunFolder, plan: Plan, progress: Progress) -> int:
    """Train until the plan is fulfilled or somebody asks to stop (Ctrl-C, SIGTERM); a checkpoint is left either way.

    The global random generators are seeded at the beginning of a run and restored when it goes on, so that an
    interrupted run and an uninterrupted one learn the same.

    Args:
        trainee: What learns.
        folder: Where the run lives; if it has a checkpoint, the run goes on from it.
        plan: How long.
        progress: Shows how far it is.

    Returns:
        Steps done in total; fewer than planned if it was stopped.
    """
    seed_all(plan.seed)
    step, trained_s = _go_on(trainee, folder, plan)
    saved, saved_at_s = step, time.monotonic()
    began_s = saved_at_s - trained_s
    log = TrainingLog(folder.log, after_step=step)
    with _stoppable() as stop, progress.shown(step, plan.steps):
        while step < plan.steps and not stop.asked:
            figures = trainee.step()
            step += 1
            log.write(step, {"trained_s": time.monotonic() - began_s, **figures})
            progress.update(step, figures)
            if time.monotonic() - saved_at_s >= plan.save_every_s:
                _save(trainee, folder, step, time.monotonic() - began_s)
                saved, saved_at_s = step, time.monotonic()
        if saved != step:
            _save(trainee, folder, step, time.monotonic() - began_s)
    log.close()
    return step


def _go_on(trainee: Trainee, folder: RunFolder, plan: Plan) -> tuple[int, float]:
    """Restore the last checkpoint, if there is one; give its step and the seconds trained so far."""
    checkpoint = folder.latest(plan.device)
    if checkpoint is None:
        return 0, 0.0
    trainee.restore(checkpoint.weights, checkpoint.state["trainee"])
    restore_random_state(checkpoint.state["random"])
    return checkpoint.step, float(checkpoint.state["trained_s"])


def _save(trainee: Trainee, folder: RunFolder, step: int, trained_s: float) -> None:
    state = {"trainee": trainee.state(), "random": random_state(), "trained_s": trained_s}
    folder.save(Checkpoint(step, trainee.weights(), state))


@contextmanager
def _stoppable() -> Generator[_Stop]:
    """Let the first SIGINT or SIGTERM end the loop after its step; a second SIGINT interrupts at once."""
    stop = _Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def ask(number: int, _: object) -> None:
        if stop.asked and number == signal.SIGINT:
            raise KeyboardInterrupt
        stop.asked = True

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
