"""What an aligner hears: mel-frequency cepstra and their first two derivatives, 100 per second.

Source: Davis & Mermelstein 1980 (cepstra), Furui 1986 (derivatives), in the amounts that HTK made customary: 13
numbers and 39 with derivatives; each number has zero mean and unit deviation over a recording.
"""

from functools import cache

import numpy as np
import numpy.typing as npt

from mio.contracts.rates import SPEECH_HZ
from mio.nn.mel import mel_filters

Floats = npt.NDArray[np.float32]

STEP_SAMPLES = 240
"""10 ms."""

_WINDOW, _TRANSFORM, _BANDS, _CEPSTRA = 600, 1_024, 40, 13
_LEAST = 1e-4  # magnitude, about the noise of recordings
_REACH = 2  # frames to each side that a derivative is fitted to


def cepstra(sound: Floats) -> Floats:
    """``[n, 39]`` of ``[240 n]`` samples at 24 kHz, each frame from 25 ms around the middle of its 10 ms."""
    margin = (_WINDOW - STEP_SAMPLES) // 2
    padded = np.pad(sound, (margin, margin))
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::STEP_SAMPLES]
    window, filters, cosines = _tables()
    magnitude = np.abs(np.fft.rfft(frames * window, _TRANSFORM)).astype(np.float32)
    still = np.log(np.maximum(magnitude @ filters, _LEAST)) @ cosines
    first = _derivative(still)
    found = np.concatenate((still, first, _derivative(first)), 1)
    return ((found - found.mean(0)) / (found.std(0) + 1e-5)).astype(np.float32)


def _derivative(values: Floats) -> Floats:
    """``[n, m]`` slope of a line fitted to each value and its neighbours."""
    padded = np.pad(values, ((_REACH, _REACH), (0, 0)), mode="edge")
    count = len(values)
    slope = sum(k * (padded[_REACH + k :][:count] - padded[_REACH - k :][:count]) for k in range(1, _REACH + 1))
    return np.asarray(slope / (2 * sum(k * k for k in range(1, _REACH + 1))), np.float32)


@cache
def _tables() -> tuple[Floats, Floats, Floats]:
    window = np.hanning(_WINDOW).astype(np.float32) * 2 / (_WINDOW / 2)
    filters = np.asarray(mel_filters(_BANDS, _TRANSFORM, SPEECH_HZ).numpy(), np.float32)
    order, band = np.arange(_CEPSTRA), np.arange(_BANDS) + 0.5
    cosines = np.cos(np.pi * order[None, :] * band[:, None] / _BANDS).astype(np.float32)
    return window, filters, cosines
