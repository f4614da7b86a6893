"""Anti-aliasing of silhouettes after drawing, on the CPU and on edge pixels only.

Morphological anti-aliasing (A. Reshetov, "Morphological Antialiasing", HPG 2009): along every run of pixels on the
border between two surfaces the true edge is taken to be a line between the middles of the steps at its ends, and pixels
are mixed with their neighbour across the border by the area that the line cuts off. Borders are where the number of the
surface in the alpha channel changes, so texture is left alone.
"""

import cv2
import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]
Cuts = npt.NDArray[np.float32]

_LONGEST = 24  # pixels of a run from its end that an edge is followed
_LEAST = 0.02  # of a pixel that is cut off; less is not seen


def smooth_edges(pixels: Bytes) -> None:
    """Smooth silhouettes in place.

    Args:
        pixels: ``[h, w, 4]``, contiguous; alpha has the number of the surface that is seen, and is used up.
    """
    height, width = pixels.shape[:2]
    surfaces = np.asarray(cv2.extractChannel(pixels, 3), np.uint8)
    both = np.concatenate([surfaces.reshape(-1), np.asarray(cv2.transpose(surfaces), np.uint8).reshape(-1)])
    upright, aside = _borders(surfaces.reshape(-1), width), _borders(both[height * width :], height)
    places = np.concatenate([upright, aside + height * width])
    strides = np.repeat([width, height], [len(upright), len(aside)])
    at, cut = _cuts(both, places, strides)
    first, second = places[at], places[at] + strides[at]
    picture = np.concatenate([_in_picture(one, height, width) for one in (first, second)]).reshape(2, -1)
    _mix(pixels.view(np.uint32).reshape(-1), picture, cut, int(np.searchsorted(at, len(upright))))


def _in_picture(places: Ints, height: int, width: int) -> Ints:
    """Flat indices of the picture, for those of the picture with its transpose behind it."""
    down, across = np.divmod(places - height * width, height)
    return np.where(places < height * width, places, across * width + down)


def _mix(pixels: npt.NDArray[np.uint32], pairs: Ints, cut: Cuts, turn: int) -> None:
    """Mix pixels on both sides of borders, as they were before.

    Args:
        pixels: ``[h * w]`` to be changed.
        pairs: ``[2, n]`` the pixels before and behind each place of a border.
        cut: ``[n]`` share of the second one that the first one gets; where negative, the other way round.
        turn: Where places of borders between columns begin.
    """
    colours = pixels[pairs].view(np.uint8).reshape(2, -1, 4).astype(np.float32)
    change = np.rint((colours[1] - colours[0]) * cut[:, None]).astype(np.int16)
    target = np.where(cut > 0, pairs[0], pairs[1])
    # A corner may be mixed several times; within one of the four groups each pixel comes up once.
    for start, end in ((0, turn), (turn, len(cut))):
        for group in (cut[start:end] > 0, cut[start:end] < 0):
            rows = start + np.flatnonzero(group)
            mixed = pixels[target[rows]].view(np.uint8).reshape(-1, 4) + change[rows]
            pixels[target[rows]] = mixed.clip(0, 255).astype(np.uint8).view(np.uint32)[:, 0]


def _borders(surfaces: Bytes, width: int) -> Ints:
    """Flat indices of pixels that see another surface than the pixel below, ascending."""
    return np.flatnonzero(surfaces[:-width] != surfaces[width:])


def _cuts(surfaces: Bytes, places: Ints, strides: Ints) -> tuple[Ints, Cuts]:
    """Where edges cut pixels off along the runs of borders.

    From a step at an end, the edge runs from half a pixel over the border to the border in the middle of the run, or,
    where it steps the other way at the other end, through the middle to half a pixel on the other side.

    Args:
        surfaces: Flat pictures.
        places: ``[p]`` of borders; those of a run follow each other.
        strides: ``[p]`` from a place to the pixel on the other side.

    Returns:
        Which of the places, and the area that is cut off the pixel there, negative if off the one on the other side.
    """
    firsts = np.flatnonzero(np.diff(places, prepend=-2) != 1)
    lengths = np.diff(firsts, append=len(places))
    start_step = _step(surfaces, places[firsts] - 1, strides[firsts])
    end_step = _step(surfaces, places[firsts + lengths - 1], strides[firsts])
    stepped = np.flatnonzero((start_step != 0) | (end_step != 0))
    lengths = lengths[stepped]
    from_start = _counted(lengths)
    run = np.repeat(np.arange(len(stepped)), lengths)
    reach = 1.0 / np.minimum(lengths, _LONGEST).astype(np.float32)[run]
    to_end = lengths[run] - 1 - from_start
    cut = start_step[stepped][run] * np.minimum((from_start + 0.5) * reach - 0.5, 0)
    cut += end_step[stepped][run] * np.minimum((to_end + 0.5) * reach - 0.5, 0)
    seen = np.flatnonzero(np.abs(cut) > _LEAST)
    return (firsts[stepped][run] + from_start)[seen], cut[seen].astype(np.float32)


def _counted(lengths: Ints) -> Ints:
    """0, 1, 2, ... for each of the lengths, one after the other."""
    ends = np.cumsum(lengths)
    return np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - lengths, lengths)


def _step(surfaces: Bytes, places: Ints, strides: Ints) -> Cuts:
    """Which way borders between rows turn after places: -1 up, 1 down, 0 neither or both."""
    here, last = np.maximum(places, 0), len(surfaces) - 1
    beside = np.minimum(here + 1, last)
    below, below_beside = np.minimum(here + strides, last), np.minimum(beside + strides, last)
    upper, lower = surfaces[here] != surfaces[beside], surfaces[below] != surfaces[below_beside]
    return (lower.astype(np.float32) - upper) * (places >= 0)
