"""How far a training is: a bar on a terminal, a line now and then elsewhere."""

import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bar


class Progress:
    """Shows steps, times and a few figures."""

    def __init__(
        self,
        console: Console,
        title: str,
        figures: Sequence[str] = (),
        *,
        smoothing: float = 0.9,
        every_s: float = 20.0,
    ) -> None:
        """Get ready.

        Args:
            console: Where to.
            title: What is being trained.
            figures: Names of the figures to show; all if none is named.
            smoothing: What the shown figures keep of their last value at each step, 0..1.
            every_s: Seconds between two lines where there is no terminal.
        """
        self._console = console
        self._title = title
        self._figures = figures
        self._smoothing = smoothing
        self._every_s = every_s
        self._mean: dict[str, float] = {}
        self._bar: Bar | None = None
        self._steps = 0
        self._said_s = 0.0

    @contextmanager
    def shown(self, step: int, steps: int) -> Generator[None]:
        """Show it while the training lasts.

        Args:
            step: Steps done before.
            steps: Steps in total.
        """
        self._steps = steps
        if not self._console.is_terminal:
            self._said_s = time.monotonic()
            yield
            return
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Bar(*columns, TimeRemainingColumn(), TextColumn("{task.fields[said]}"), console=self._console) as bar:
            bar.add_task(self._title, total=steps, completed=step, said="")
            self._bar = bar
            yield
        self._bar = None

    def update(self, step: int, figures: Mapping[str, float]) -> None:
        """A step is done.

        Args:
            step: Steps done in total.
            figures: What it measured.
        """
        for name, value in figures.items():
            if not self._figures or name in self._figures:
                self._mean[name] = value + self._smoothing * (self._mean.get(name, value) - value)
        said = "  ".join(f"{name} {value:.3f}" for name, value in self._mean.items())
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=step, said=said)
        elif time.monotonic() - self._said_s >= self._every_s or step == self._steps:
            self._said_s = time.monotonic()
            self._console.print(f"{self._title}: step {step} of {self._steps}  {said}", highlight=False, markup=False)
