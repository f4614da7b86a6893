"""Offset between lips and sound in a recorded file: the opening of the lips against the bursts of [p] before [a].

A [p] has both in one moment: the lips part, and the burst sounds. Jaw opening against loudness, the usual measure, is
biased by coarticulation. Both are found in the decoded file alone: bursts as steep rises of level after a silent
closure, lips as the darkness between them in the part of the picture that moves most.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.signal import find_peaks

from mio.measure.sound import FloatArray
from mio.measure.video import Picture

_HOP_S = 0.001
_SMOOTHED = 3  # hops
_STEP = 4  # hops on either side between which a rise is measured
_APART = 80  # hops between two bursts
_CLOSURE = 20  # hops of closure before a burst, which may ring on
_CONTEXT = 400  # hops before it within which something was spoken
_RISE_DB = 18.0
_CLOSED_DB = 30.0  # below the loudest
_OPENING_SHARE = 0.15  # of the way from closed to open at which the lips count as parted
_PROMINENCE_SHARE = 0.25  # of the whole range of opening that a closure must stand out by
_MATCH_S = 0.15  # a parting farther from a burst belongs to another
_SMALL = 4  # pictures are averaged over blocks of this many pixels
_MOVING_SHARE = 0.004  # of the picture's blocks: those that change most are taken for the mouth

Signal = npt.NDArray[np.float64]


class LipSync(NamedTuple):
    """What was measured.

    Attributes:
        offset_ms: Median of the lips' opening minus the burst; positive if the lips are late.
        spread_ms: Half the distance between the quartiles.
        closures: How many could be measured.
        offsets_ms: Of each closure.
    """

    offset_ms: float
    spread_ms: float
    closures: int
    offsets_ms: list[float]


class NoClosures(ValueError):
    """Too few bursts, or no mouth, were found."""


def measure_lip_sync(pictures: Iterable[Picture], samples: FloatArray, sample_rate: int, at_least: int = 5) -> LipSync:
    """Measure a recorded test sentence that is full of [pa].

    Args:
        pictures: Decoded pictures.
        samples: ``[n]`` decoded sound from the pictures' time 0.
        sample_rate: Hz.
        at_least: Closures that must be found.

    Raises:
        NoClosures: If fewer are found.
    """
    bursts = burst_times_s(samples, sample_rate)
    times, opening = mouth_opening(pictures)
    partings = _partings_s(times, opening)
    found = [(burst, _nearest(partings, burst)) for burst in bursts]
    offsets = [1e3 * (parting - burst) for burst, parting in found if parting is not None]
    if len(offsets) < at_least:
        raise NoClosures(f"{len(offsets)} of {len(bursts)} bursts have an opening of the lips beside them")
    low, middle, high = np.percentile(offsets, [25, 50, 75])
    return LipSync(float(middle), float(high - low) / 2, len(offsets), [round(o, 1) for o in offsets])


def burst_times_s(samples: FloatArray, sample_rate: int) -> list[float]:
    """Steep rises of level out of a closure, between other sounds: when the level is half way up, in dB."""
    hop = round(_HOP_S * sample_rate)
    frames = samples[: len(samples) // hop * hop].reshape(-1, hop).astype(np.float64)
    level = np.maximum(10 * np.log10(np.mean(frames**2, axis=1) + 1e-10), -90.0)
    smooth = np.convolve(level, np.full(_SMOOTHED, 1 / _SMOOTHED), mode="same")
    rise = np.zeros_like(smooth)
    rise[_STEP:-_STEP] = smooth[2 * _STEP :] - smooth[: -2 * _STEP]
    steep, _ = find_peaks(rise, height=_RISE_DB, distance=_APART)
    quiet = level.max() - _CLOSED_DB
    bursts: list[float] = []
    for index in steep:
        closure = smooth[max(0, index - _STEP - _CLOSURE) : index - _STEP]
        spoken_before = (smooth[max(0, index - _CONTEXT) : index] > quiet).any()
        if len(closure) == _CLOSURE and closure.max() < quiet and spoken_before:
            low, high = smooth[index - _STEP], smooth[index + _STEP]
            bursts.append(float((index - _STEP + np.argmax(smooth[index - _STEP :] >= (low + high) / 2)) * _HOP_S))
    return bursts


def mouth_opening(pictures: Iterable[Picture]) -> tuple[Signal, Signal]:
    """How open the mouth is in each picture, from its darkness; the mouth is what moves most.

    Returns:
        Times in seconds and openings without unit, both ``[pictures]``.

    Raises:
        NoClosures: If nothing moves.
    """
    times: list[float] = []
    small: list[npt.NDArray[np.float32]] = []
    for picture in pictures:
        times.append(picture.time_s)
        small.append(_shrink(picture.rgb))
    stack = np.stack(small)
    movement = np.abs(np.diff(stack, axis=0)).mean(axis=0)
    count = max(6, round(_MOVING_SHARE * movement.size))
    moving = np.argsort(movement.ravel())[-count:]
    if movement.ravel()[moving].mean() < 0.2:
        raise NoClosures("nothing moves in the picture")
    mouth = stack.reshape(len(stack), -1)[:, moving].astype(np.float64)
    centred = mouth - mouth.mean(axis=0)
    _, _, components = np.linalg.svd(centred, full_matrices=False)
    opening = centred @ components[0]
    darkness = -mouth.mean(axis=1)
    return np.array(times), opening * np.sign(np.corrcoef(opening, darkness)[0, 1])


def _shrink(rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    grey = rgb.astype(np.float32).mean(axis=2)
    height, width = (size // _SMALL * _SMALL for size in grey.shape)
    blocks = grey[:height, :width].reshape(height // _SMALL, _SMALL, width // _SMALL, _SMALL)
    return blocks.mean(axis=(1, 3))


def _partings_s(times: Signal, opening: Signal) -> Signal:
    """Moments at which the lips part: a little way up from each closure to the opening that follows it."""
    grid = np.arange(times[0], times[-1], _HOP_S)
    values = np.interp(grid, times, opening)
    prominence = _PROMINENCE_SHARE * float(np.ptp(values))
    closures, _ = find_peaks(-values, prominence=prominence)
    openings, _ = find_peaks(values, prominence=prominence)
    partings: list[float] = []
    for closed in closures:
        later = openings[openings > closed]
        top = int(later[0]) if len(later) else len(values) - 1
        threshold = values[closed] + _OPENING_SHARE * (values[top] - values[closed])
        below = np.flatnonzero(values[closed : top + 1] <= threshold)[-1]
        partings.append(float(grid[closed + below]))
    return np.array(partings)


def _nearest(partings_s: Signal, burst_s: float) -> float | None:
    if not len(partings_s):
        return None
    nearest = float(partings_s[np.abs(partings_s - burst_s).argmin()])
    return nearest if abs(nearest - burst_s) <= _MATCH_S else None
