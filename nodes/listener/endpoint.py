"""End of turn from the sound alone: has the speaker finished, or only paused?

Smart Turn v3.2 (pipecat-ai, BSD-2) hears the last eight seconds and gives the probability that the turn is complete.
Its input is Whisper's log-mel spectrogram of the sound normalised to zero mean and unit variance.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from mio.contracts.rates import MICROPHONE_HZ
from nodes.listener.session import open_session, package_file

FloatArray = npt.NDArray[np.float32]

CONTEXT_SAMPLES = 8 * MICROPHONE_HZ
"""How much the model hears, fixed by its input shape."""

# Whisper's front end: 25 ms windows every 10 ms, 80 mel bands up to 8 kHz (Slaney's scale and area normalisation).
_FFT_SAMPLES = 400
_HOP_SAMPLES = 160
_MELS = 80
_FLOOR = 1e-10
_VARIANCE_FLOOR = 1e-7
_DYNAMIC_RANGE = 8.0  # decades below the loudest value

# Slaney's mel scale: linear up to 1 kHz (15 mel), then logarithmic, 27 steps for a factor of 6.4.
_BREAK_HZ = 1000.0
_BREAK_MEL = 15.0
_STEP = np.log(6.4) / 27.0


class EndOfTurnModel:
    """Smart Turn from the file that the package pipecat-ai carries."""

    def __init__(self) -> None:
        self._session = open_session(end_of_turn_file())

    def probability(self, sound: FloatArray) -> float:
        """Probability that the turn is complete.

        Args:
            sound: ``[n]`` the turn so far at 16 kHz, with the silence after it.
        """
        features = log_mel(last_seconds(sound))[None]
        return float(np.asarray(self._session.run(None, {"input_features": features})[0])[0, 0])


def end_of_turn_file() -> Path:
    """The model in the package pipecat-ai.

    Raises:
        MioError: If it is not installed.
    """
    return package_file("pipecat", "audio/turn/smart_turn/data/smart-turn-v3.2-cpu.onnx", "pipecat-ai>=1.0")


def last_seconds(sound: FloatArray) -> FloatArray:
    """``[128000]`` the end of the sound, with zeros in front if it is shorter."""
    kept = sound[-CONTEXT_SAMPLES:]
    return np.pad(kept, (CONTEXT_SAMPLES - len(kept), 0))


def log_mel(sound: FloatArray) -> FloatArray:
    """Whisper's log-mel spectrogram of normalised sound.

    Args:
        sound: ``[n]`` at 16 kHz.

    Returns:
        ``[80, n // 160]``.
    """
    normal = (sound - sound.mean()) / np.sqrt(sound.var() + _VARIANCE_FLOOR)
    padded = np.pad(normal.astype(np.float64), _FFT_SAMPLES // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, _FFT_SAMPLES)[::_HOP_SAMPLES][:-1]
    power = np.abs(np.fft.rfft(frames * _WINDOW, axis=-1)) ** 2
    log = np.log10(np.maximum(_FILTERS @ power.T, _FLOOR))
    log = np.maximum(log, log.max() - _DYNAMIC_RANGE)
    return ((log + 4.0) / 4.0).astype(np.float32)


def _mel_filters() -> npt.NDArray[np.float64]:
    """``[80, 201]`` triangular filters of equal area."""
    edges_mel = np.linspace(0.0, _to_mel(MICROPHONE_HZ / 2), _MELS + 2)
    linear = edges_mel * _BREAK_HZ / _BREAK_MEL
    edges_hz = np.where(edges_mel < _BREAK_MEL, linear, _BREAK_HZ * np.exp(_STEP * (edges_mel - _BREAK_MEL)))
    bins_hz = np.linspace(0.0, MICROPHONE_HZ / 2, _FFT_SAMPLES // 2 + 1)
    distance = edges_hz[:, None] - bins_hz[None]
    width = np.diff(edges_hz)[:, None]
    rising = -distance[:-2] / width[:-1]
    falling = distance[2:] / width[1:]
    area = 2.0 / (edges_hz[2:] - edges_hz[:-2])
    return np.maximum(0.0, np.minimum(rising, falling)) * area[:, None]


def _to_mel(hz: float) -> float:
    return _BREAK_MEL + float(np.log(hz / _BREAK_HZ)) / _STEP if hz >= _BREAK_HZ else hz * _BREAK_MEL / _BREAK_HZ


_WINDOW = np.hanning(_FFT_SAMPLES + 1)[:-1]
_FILTERS = _mel_filters()
