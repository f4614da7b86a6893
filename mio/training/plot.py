"""Draws the logs of trainings: one panel per figure, one line per run or per group of runs with different seeds."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mio.errors import MioError
from mio.training.log import Columns

FloatArray = npt.NDArray[np.float64]


def plot_logs(groups: Mapping[str, Sequence[Columns]], figures: Sequence[str], path: Path, *, smooth: int = 1) -> None:
    """Draw figures over steps: the mean of a group as a line, its least and greatest run as a band.

    Args:
        groups: Logs of runs that differ by their seed only, by the name of the group.
        figures: Names of the figures, one panel each.
        path: The picture; its suffix says which format.
        smooth: Steps that a moving average spans.

    Raises:
        MioError: If matplotlib is missing.
    """
    try:
        from matplotlib import figure  # loads for a second
    except ImportError as error:
        raise MioError("plots need matplotlib", "pip install 'mio[train]'") from error
    made: Any = figure.Figure(figsize=(5.5 * len(figures), 4.2), layout="constrained")
    panels = made.subplots(1, len(figures), squeeze=False)[0]
    for panel, name in zip(panels, figures, strict=True):
        for label, runs in groups.items():
            _draw(panel, label, [run for run in runs if name in run], name, smooth)
        panel.set_xlabel("step")
        panel.set_ylabel(name.replace("_", " "))
        panel.grid(alpha=0.3)
    panels[0].legend(fontsize="small")
    path.parent.mkdir(parents=True, exist_ok=True)
    made.savefig(path)


def moving_mean(values: Sequence[float], span: int) -> FloatArray:
    """``[n]`` mean of each value and those before it, at most ``span`` of them; NaN does not count."""
    array = np.asarray(values, np.float64)
    known = np.isfinite(array)
    sums = np.cumsum(np.where(known, array, 0.0))
    counts = np.cumsum(known)
    sums[span:] -= sums[:-span].copy()
    counts[span:] -= counts[:-span].copy()
    return np.divide(sums, counts, out=np.full(len(array), np.nan), where=counts > 0)


def _draw(panel: Any, label: str, runs: Sequence[Columns], name: str, smooth: int) -> None:
    if not runs:
        return
    length = min(len(run["step"]) for run in runs)
    steps = runs[0]["step"][:length]
    lines = np.stack([moving_mean(run[name][:length], smooth) for run in runs])
    (line,) = panel.plot(steps, lines.mean(axis=0), label=f"{label} ({len(runs)})" if len(runs) > 1 else label)
    if len(runs) > 1:
        panel.fill_between(steps, lines.min(axis=0), lines.max(axis=0), color=line.get_color(), alpha=0.15, lw=0)
