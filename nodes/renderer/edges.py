"""Anti-aliasing of silhouettes after drawing, on the CPU and on edge pixels only.

Morphological anti-aliasing (A. Reshetov, "Morphological Antialiasing", HPG 2009): along every run of pixels on the
border between two surfaces the true edge is taken to be a line between the middles of the steps at its ends, and pixels
are mixed with their neighbour across the border by the area that the line cuts off. Borders are where the number of the
surface in the alpha channel changes, so texture is left alone.
"""

from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

_LONGEST = 24  # pixels of a run from its end that an edge is followed
_LEAST = 0.02  # of a pixel that is cut off; less is not seen


def smooth_edges(pixels: Bytes) -> None:
    """Smooth silhouettes in place.

    Args:
        pixels: ``[h, w, 4]``, contiguous; alpha has the number of the surface that is seen, and none afterwards.
    """
    height, width = pixels.shape[:2]
    surfaces = cv2.extractChannel(pixels, 3)
    level = _mixes(np.asarray(surfaces, np.uint8))
    upright = [
        _Mixes(_turned(mixes.target, height, width), _turned(mixes.other, height, width), mixes.share)
        for mixes in _mixes(np.asarray(cv2.transpose(surfaces), np.uint8))
    ]
    _mix(pixels.view(np.uint32).reshape(-1), (*level, *upright))


class _Mixes(NamedTuple):
    """Pixels to change, each at most once, the pixel to mix each with, and the share of that."""

    target: Ints
    other: Ints
    share: npt.NDArray[np.float32]


def _mix(pixels: npt.NDArray[np.uint32], groups: tuple[_Mixes, ...]) -> None:
    """Add up the changes of all groups; all are worked out from the pixels as they were."""
    target, other = (np.concatenate([group[k] for group in groups]) for k in range(2))
    share = np.concatenate([group.share for group in groups])
    before = pixels[target].view(np.uint8).astype(np.float32).reshape(-1, 4)
    across = pixels[other].view(np.uint8).astype(np.float32).reshape(-1, 4)
    change = np.rint((across - before) * share[:, None]).astype(np.int16)
    start = 0
    for group in groups:
        end = start + len(group.target)
        mixed = pixels[group.target].view(np.uint8).reshape(-1, 4) + change[start:end]
        pixels[group.target] = mixed.clip(0, 255).astype(np.uint8).view(np.uint32)[:, 0]
        start = end


def _turned(places: Ints, height: int, width: int) -> Ints:
    """Flat indices of a picture for those of its transpose."""
    across, down = np.divmod(places, height)
    return down * width + across


def _mixes(surfaces: Bytes) -> tuple[_Mixes, _Mixes]:
    """What to do along borders between rows: at pixels over a border, and at pixels below one.

    From a step at an end, the edge runs from half a pixel over the border to the border in the middle of the run, or,
    where it steps the other way at the other end, through the middle to half a pixel on the other side.
    """
    width = surfaces.shape[1]
    flat = surfaces.reshape(-1)
    places = np.flatnonzero(flat[:-width] != flat[width:])
    firsts = np.flatnonzero(np.diff(places, prepend=-2) != 1)
    lengths = np.diff(firsts, append=len(places))
    start_step = _step(flat, places[firsts] - 1, width)
    end_step = _step(flat, places[firsts + lengths - 1], width)
    stepped = (start_step != 0) | (end_step != 0)
    firsts, lengths = firsts[stepped], lengths[stepped]
    from_start = _counted(lengths)
    at = np.repeat(firsts, lengths) + from_start
    to_end = np.repeat(lengths - 1, lengths) - from_start
    half = np.repeat(0.5 * np.minimum(lengths, _LONGEST).astype(np.float32), lengths)
    cut = np.zeros(len(at), np.float32)
    for distance, step in ((from_start, start_step), (to_end, end_step)):
        cut -= np.repeat(step[stepped], lengths) * np.maximum(0.5 - (0.5 * distance + 0.25) / half, 0)
    over, below = np.flatnonzero(cut > _LEAST), np.flatnonzero(cut < -_LEAST)
    upper, lower = places[at[over]], places[at[below]]
    return _Mixes(upper, upper + width, cut[over]), _Mixes(lower + width, lower, -cut[below])


def _counted(lengths: Ints) -> Ints:
    """0, 1, 2, ... for each of the lengths, one after the other."""
    ends = np.cumsum(lengths)
    return np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - lengths, lengths)


def _step(surfaces: Bytes, places: Ints, width: int) -> npt.NDArray[np.float32]:
    """Which way borders between rows turn after places: -1 up, 1 down, 0 neither or both."""
    here, last = np.maximum(places, 0), len(surfaces) - 1
    beside = np.minimum(here + 1, last)
    below, below_beside = np.minimum(here + width, last), np.minimum(beside + width, last)
    upper, lower = surfaces[here] != surfaces[beside], surfaces[below] != surfaces[below_beside]
    return (lower.astype(np.float32) - upper) * (places >= 0)
