"""The pitch of a voice, by autocorrelation."""

import numpy as np
import numpy.typing as npt

from mio.contracts.messages import FloatArray

LOWEST_HZ, HIGHEST_HZ = 75.0, 500.0
_WINDOW_S = 0.04
_HOP_S = 0.01
_VOICED = 0.5  # autocorrelation at the period from which a frame counts as voiced
_FIRST_PEAK = 0.9  # of the highest peak: the shortest period that explains the sound nearly as well as the best
_QUIET_DB = 35.0
_BAND_HZ = 900.0


def pitch_hz(samples: FloatArray, sample_rate: int) -> npt.NDArray[np.float64]:
    """Fundamental frequency every 10 ms.

    Args:
        samples: ``[n]`` a single voice.
        sample_rate: Hz.

    Returns:
        ``[frames]`` Hz, 0 where the sound is unvoiced or silent.
    """
    size, hop = round(_WINDOW_S * sample_rate), round(_HOP_S * sample_rate)
    if len(samples) < size:
        return np.zeros(0)
    window = np.hanning(size)
    frames = np.lib.stride_tricks.sliding_window_view(samples, size)[::hop] * window
    correlation = _autocorrelation(frames, sample_rate) / _autocorrelation(window[None], sample_rate, band=False)
    power = np.maximum(correlation[:, 0], 1e-12)
    shortest, longest = round(sample_rate / HIGHEST_HZ), min(round(sample_rate / LOWEST_HZ), size - 2)
    part = correlation[:, shortest - 1 : longest + 2] / power[:, None]
    inner = part[:, 1:-1]
    peaks = (inner >= part[:, :-2]) & (inner > part[:, 2:])
    best = np.where(peaks, inner, 0.0).max(axis=1)
    lag = shortest + (peaks & (inner >= _FIRST_PEAK * best[:, None])).argmax(axis=1)
    loud = power > power.max() * 10.0 ** (-_QUIET_DB / 10.0)
    return np.where((best > _VOICED) & loud, sample_rate / lag, 0.0)


def semitones(pitch: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Voiced frames of a pitch track in semitones against their median."""
    voiced = pitch[pitch > 0.0]
    return 12.0 * np.log2(voiced / np.median(voiced)) if len(voiced) else np.zeros(0)


def _autocorrelation(
    frames: npt.NDArray[np.float64], sample_rate: int, *, band: bool = True
) -> npt.NDArray[np.float64]:
    """``[frames, lags]``, of what lies below the first formants' harmonics where ``band``."""
    size = frames.shape[1]
    spectrum = np.abs(np.fft.rfft(frames, 2 * size, axis=1)) ** 2
    if band:
        spectrum[:, np.fft.rfftfreq(2 * size, 1.0 / sample_rate) > _BAND_HZ] = 0.0
    correlation = np.fft.irfft(spectrum, axis=1)[:, :size]
    return correlation if band else np.maximum(correlation, 1e-6 * correlation[0, 0])
