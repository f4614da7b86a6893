"""Lines fitted through what was sampled, and what they say: drift, growth, leaks."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]

WARM_UP_SHARE = 0.4
WARM_UP_S = 300.0
_ENDS = 10  # samples that stand for the beginning and for the end
_STRETCHES = 20  # that a line is fitted through, so that neighbouring samples, which are alike, count once
_T_975 = (12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.20, 2.18, 2.16, 2.14, 2.13, 2.12, 2.11, 2.10)
"""Student's t, 97.5 %, for 1, 2, 3 ... degrees of freedom."""


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


class Growth(NamedTuple):
    """By how much a line rises from the first sample to the last.

    Attributes:
        rise: The line's.
        doubt: Half the width of its 95 % interval.
    """

    rise: float
    doubt: float

    @property
    def at_most(self) -> float:
        """Upper end of the interval; what falls has not grown."""
        return self.rise + self.doubt


def certain_growth(times_s: Values, values: Values) -> Growth:
    """The rise of the line through medians of successive stretches, and how certain it is.

    Medians ignore what is there for a moment; a step for good makes the line rise, and is in doubt as well.

    Args:
        times_s: ``[n]`` of the samples.
        values: ``[n]``; without numbers where nothing was sampled.
    """
    usable = np.isfinite(values)
    count = min(_STRETCHES, int(usable.sum()) // 3)
    if count < 3:
        return Growth(float("nan"), float("nan"))
    x = np.array([np.median(part) for part in np.array_split(times_s[usable], count)])
    y = np.array([np.median(part) for part in np.array_split(values[usable], count)])
    slope = slope_per_s(x, y)
    off = y - y.mean() - slope * (x - x.mean())
    error = float(np.sqrt((off @ off) / (count - 2) / ((x - x.mean()) @ (x - x.mean()))))
    lasts_s = float(times_s[-1] - times_s[0])
    return Growth(slope * lasts_s, _T_975[count - 3] * error * lasts_s)


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
    return [
        memory_verdict(times, memory),
        Verdict("file handles gained", gained(columns["handles"][warm]), 0.0),
        Verdict("threads gained", gained(columns["threads"][warm]), 0.0),
        Verdict("shared memory gained MB", gained(columns["shared_mb"][warm]), 1.0),
    ]


def memory_verdict(times_s: Values, memory_mb: Values) -> Verdict:
    """Memory must not have grown by more than 1 %, which must be certain.

    Args:
        times_s: ``[n]`` of the samples, after warm-up.
        memory_mb: ``[n]``.
    """
    grown = certain_growth(times_s, memory_mb)
    percent = 100.0 / float(np.nanmean(memory_mb)) if np.isfinite(memory_mb).any() else float("nan")
    lasted_min = (times_s[-1] - times_s[0]) / 60 if len(times_s) else 0.0
    hint = (
        f"upper end of {percent * grown.rise:+.2f} ± {percent * grown.doubt:.2f} in {lasted_min:.0f} min after warm-up"
    )
    return Verdict("memory growth %", percent * grown.at_most, 1.0, hint)


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
