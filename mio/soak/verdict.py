"""Lines fitted through what was sampled, and what they say: drift, growth, leaks."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]

WARM_UP_SHARE = 0.4
WARM_UP_S = 300.0
_ENDS = 10  # samples that stand for the beginning and for the end


class Verdict(NamedTuple):
    """A figure against what is asked of it.

    Attributes:
        name: The figure, with its unit.
        value: The figure.
        limit: What it may be at most.
        hint: What it means, or where it comes from.
    """

    name: str
    value: float
    limit: float
    hint: str = ""

    @property
    def holds(self) -> bool:
        """Whether the figure is within its limit; one that could not be measured is not."""
        return bool(self.value <= self.limit)


def after_warm_up(times_s: Values) -> npt.NDArray[np.bool_]:
    """Which samples lie behind the warm-up: five minutes, or two fifths of a shorter run."""
    if not len(times_s):
        return np.zeros(0, np.bool_)
    since_s = times_s - times_s[0]
    return since_s >= min(WARM_UP_S, WARM_UP_SHARE * since_s[-1])


def slope_per_s(times_s: Values, values: Values) -> float:
    """Slope of the line with the least squared distance; not a number for fewer than three samples."""
    usable = np.isfinite(values)
    if usable.sum() < 3:
        return float("nan")
    x = times_s[usable] - times_s[usable].mean()
    return float((x @ (values[usable] - values[usable].mean())) / (x @ x))


def growth(times_s: Values, values: Values) -> float:
    """By how much the fitted line rises from the first sample to the last."""
    return slope_per_s(times_s, values) * float(times_s[-1] - times_s[0]) if len(times_s) else float("nan")


def gained(values: Values) -> float:
    """Median at the end minus median at the beginning."""
    count = min(_ENDS, max(1, len(values) // 3))
    return float(np.median(values[-count:]) - np.median(values[:count])) if len(values) else float("nan")


def drift_ms_per_hour(times_s: Values, ahead_ms: Values, epochs: Values) -> float:
    """The largest slope of stage time against ``CLOCK_MONOTONIC`` within one epoch of the clock."""
    slopes = [
        abs(slope_per_s(times_s[epochs == epoch], ahead_ms[epochs == epoch]) * 3_600.0)
        for epoch in np.unique(epochs)
        if (epochs == epoch).sum() >= 3
    ]
    return max(slopes, default=float("nan"))


def judge_nodes(times_s: Values, columns: dict[str, Values]) -> list[Verdict]:
    """What samples of all nodes together say.

    Args:
        times_s: ``[n]`` of the samples.
        columns: ``memory_mb``, ``handles``, ``threads``, ``shared_mb``: ``[n]`` each.
    """
    warm = after_warm_up(times_s)
    times, memory = times_s[warm], columns["memory_mb"][warm]
    share = 100.0 * growth(times, memory) / float(np.mean(memory)) if len(memory) else float("nan")
    lasted = f"over {(times[-1] - times[0]) / 60:.1f} min after warm-up" if len(times) else ""
    return [
        Verdict("memory growth %", share, 1.0, lasted),
        Verdict("file handles gained", gained(columns["handles"][warm]), 0.0),
        Verdict("threads gained", gained(columns["threads"][warm]), 0.0),
        Verdict("shared memory gained MB", gained(columns["shared_mb"][warm]), 1.0),
    ]


def judge_stream(times_s: Values, columns: dict[str, Values]) -> list[Verdict]:
    """What the probe's lines say of clock and pictures.

    Args:
        times_s: ``[n]`` of the lines.
        columns: Of :data:`mio.soak.probe.COLUMNS`: ``[n]`` each.
    """
    warm = after_warm_up(times_s)
    late = columns["late_p50_ms"][warm]
    drift = drift_ms_per_hour(times_s[warm], columns["stage_ahead_ms"][warm], columns["epoch"][warm])
    trend = abs(slope_per_s(times_s[warm], late)) * 3_600.0
    return [
        Verdict("stage clock drift ms/h", drift, 5.0, "against CLOCK_MONOTONIC"),
        Verdict("picture after its sound p50 ms", _median(late), 45.0, "as it reaches the screen"),
        Verdict("trend of that ms/h", trend, 5.0 if len(late) >= 1_000 else 600.0, "noisy in runs below 20 min"),
        Verdict("picture interval p50 ms", _median(columns["interval_p50_ms"][warm]), 1.1e3 / 30, "30 a second"),
    ]


def _median(values: Sequence[float] | Values) -> float:
    usable = np.asarray(values)[np.isfinite(values)]
    return float(np.median(usable)) if len(usable) else float("nan")
