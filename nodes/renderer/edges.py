"""Anti-aliasing of silhouettes after drawing, on the CPU and on edge pixels only.

Morphological anti-aliasing (A. Reshetov, "Morphological Antialiasing", HPG 2009): along every run of pixels on the
border between two surfaces the true edge is taken to be a line between the middles of the steps at its ends, and pixels
are mixed with their neighbour across the border by the area that the line cuts off. Borders are where the number of the
surface in the alpha channel changes, so texture is left alone.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

_LONGEST = 24  # pixels of a run from its end that an edge is followed


def smooth_edges(picture: Bytes, surfaces: Bytes) -> None:
    """Smooth silhouettes in place.

    Args:
        picture: ``[h, w, 3]``, contiguous.
        surfaces: ``[h, w]``, contiguous, number of the surface that is seen in each pixel.
    """
    height, width = surfaces.shape
    below, beside = np.zeros((height, width), bool), np.zeros((height, width), bool)
    np.not_equal(surfaces[:-1], surfaces[1:], out=below[:-1])
    np.not_equal(surfaces[:, :-1], surfaces[:, 1:], out=beside[:, :-1])
    below_at, beside_at = np.flatnonzero(below), np.flatnonzero(beside)
    beside_at = beside_at[np.argsort(beside_at % width * height + beside_at // width, kind="stable")]
    below, beside = below.ravel(), beside.ravel()
    flat = picture.reshape(-1, 3)
    mixes = [_mixes(_runs(below_at, beside, 1, width)), _mixes(_runs(beside_at, below, width, 1))]
    target, other, share = (np.concatenate(columns) for columns in zip(*mixes, strict=True))
    if len(target) == 0:
        return
    change = (flat[other].astype(np.float32) - flat[target]) * share[:, None]
    # A corner pixel may be mixed both ways: the changes are added up.
    order = np.argsort(target, kind="stable")
    places, starts = np.unique(target[order], return_index=True)
    total = np.add.reduceat(change[order], starts)
    flat[places] = np.clip(flat[places] + total, 0, 255).astype(np.uint8)


class _Runs(NamedTuple):
    """Places on borders, ordered along their runs.

    Attributes:
        first: Flat index of the pixel on the upper (left) side of each border place.
        other: Flat index of the pixel across.
        from_start: Places between it and the start of its run.
        to_end: Places between it and the end of its run.
        start_step: Which way the border turns before the run: -1 up, 1 down, 0 neither or both.
        end_step: The same after the run.
    """

    first: Ints
    other: Ints
    from_start: Ints
    to_end: Ints
    start_step: Ints
    end_step: Ints


def _runs(places: Ints, crossing: Bools, along: int, across: int) -> _Runs:
    """Group border places into runs.

    Args:
        places: Flat indices of border places, ordered along the runs.
        crossing: Flat map of the borders at right angles.
        along: Step of a flat index to the next place of a run.
        across: Step of a flat index across the border.
    """
    new = np.ones(len(places), bool)
    new[1:] = np.diff(places) != along
    starts = np.flatnonzero(new)
    lengths = np.diff(np.append(starts, len(places)))
    from_start = np.arange(len(places)) - np.repeat(starts, lengths)
    to_end = np.repeat(lengths, lengths) - 1 - from_start
    first, last = places[starts], places[starts + lengths - 1]
    start_step = np.repeat(_step(crossing, first - along, across), lengths)
    end_step = np.repeat(_step(crossing, last, across), lengths)
    return _Runs(places, places + across, from_start, to_end, start_step, end_step)


def _step(crossing: Bools, places: Ints, across: int) -> Ints:
    inside = places >= 0
    upper, lower = crossing[places * inside], crossing[np.minimum(places + across, len(crossing) - 1)]
    return (lower.astype(np.int64) - upper) * inside


def _mixes(runs: _Runs) -> tuple[Ints, Ints, npt.NDArray[np.float32]]:
    """Pixels to change, the pixel to mix each with, and the share of that.

    From a step at an end, the edge runs from half a pixel over the border to the border in the middle of the run, or,
    where it steps the other way at the other end, through the middle to half a pixel on the other side.
    """
    half = 0.5 * np.minimum(runs.from_start + runs.to_end + 1, _LONGEST)
    cut = np.zeros(len(half))
    for distance, step in ((runs.from_start, runs.start_step), (runs.to_end, runs.end_step)):
        cut -= step * np.maximum(0.5 - (0.5 * distance + 0.25) / half, 0)
    upper, lower = cut > 0.02, cut < -0.02
    target = np.concatenate([runs.first[upper], runs.other[lower]])
    other = np.concatenate([runs.other[upper], runs.first[lower]])
    return target, other, np.concatenate([cut[upper], -cut[lower]]).astype(np.float32)
