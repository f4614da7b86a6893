"""What the commands that train share: their common options, a training from its beginning or where it stopped."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from rich.console import Console

from mio.training.log import read_log
from mio.training.loop import Plan, Trainee, train
from mio.training.plot import plot_logs
from mio.training.progress import Progress
from mio.training.run_folder import RunFolder


class Figures(NamedTuple):
    """What is seen of a training.

    Attributes:
        title: Its name.
        shown: Figures shown while it goes on.
        drawn: Figures of the plot; those that were not measured are left out.
        smooth: Steps that the plot averages over.
    """

    title: str
    shown: Sequence[str]
    drawn: Sequence[str] = ("loss",)
    smooth: int = 100


def add_run_arguments(parser: argparse.ArgumentParser, out: Path) -> None:
    """Describe where a run lives, its settings, where it computes, and its plot.

    Args:
        parser: Of the command.
        out: Default folder.
    """
    parser.add_argument("--out", type=Path, default=out, help=f"folder of the run ({out})")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting, as batch=32")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu", help="where to compute")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the log (png, svg)")


def learn(
    trainee: Trainee, folder: RunFolder, plan: Plan, figures: Figures, console: Console, plot: Path | None = None
) -> bool:
    """Train as planned or until it is stopped, draw the log, and say so.

    Args:
        trainee: What learns.
        folder: Of the run, which goes on if it has a checkpoint.
        plan: How long.
        figures: What is shown and drawn.
        console: Where it is said.
        plot: File of the plot; None for none.

    Returns:
        Whether the plan is fulfilled.
    """
    done = train(trainee, folder, plan, Progress(console, figures.title, figures.shown))
    if plot:
        log = read_log(folder.log)
        drawn = [name for name in figures.drawn if name in log]
        plot_logs({figures.title: [log]}, drawn, plot, smooth=figures.smooth)
        console.print(f"drawn: {plot}")
    if done < plan.steps:
        console.print(f"stopped at step {done} of {plan.steps}; the same command goes on")
    return done >= plan.steps
