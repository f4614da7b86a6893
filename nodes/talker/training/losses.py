"""What a decoded voice is compared by: mel spectra of several windows, and pitch.

Mel spectra: L1 over several windows (Yamamoto et al. 2020; MUFFIN, Ng et al. 2025), of logarithms and of loudness,
which grows with a power of the magnitude (Stevens 1957): of logarithms alone, two thirds are about what is 30 dB
and more below the speech, and its loudest parts come out worst. Pitch: the paper
compares posteriors of a pretrained pitch network (arXiv 2512.13674, figure of Kodama-Tokenizer); here they come from
the normalised autocorrelation (Boersma 1993), which needs no weights.
"""

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from scipy.ndimage import median_filter
from torch import Tensor, nn

from mio.measure.pitch import pitch_hz
from mio.nn.mel import mel_filters
from nodes.talker.models.codec.correlation import Autocorrelation
from nodes.talker.models.codec.harmonics import MIDDLE_HZ, Pitch
from nodes.talker.models.codec.sizes import SAMPLE_RATE
from nodes.talker.models.codec.vocos import HOP, LATE_SAMPLES, WINDOW

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

_BANDS = {2_048: 100, 1_024: 80, 512: 40}
"""Of spectra, by their window in samples."""

_FAINT = 2e-4  # magnitude of a band, -74 dB, at which a difference of logarithms counts half
_LOUDNESS = 0.4  # power of the magnitude
_LEAST = 1e-5  # magnitude that counts as silence, -100 dB
_USUAL = 1e-2  # magnitude, -40 dB, at which a difference counts the same in loudness as in logarithms
_PITCH_WINDOW, _PITCH_HOP = 1_024, 480
_SHARPNESS = 10.0
_VOICED = 0.5
_PITCH_FIRST_S, _PITCH_EVERY_S = 0.02, 0.01  # middle of the first window of mio.measure.pitch, and the next ones
_SMOOTHED = 7  # times of the pitch, 70 ms: single ones an octave off are left out
_QUIET = 1e-3  # of the loudest frame's power


class MelDistance(nn.Module):
    """Mean difference of mel spectra over three windows: of natural logarithms of magnitudes, and of loudness.

    Attributes:
        windows: Their lengths in samples.
    """

    windows = tuple(_BANDS)

    def __init__(self) -> None:
        super().__init__()
        for window, bands in _BANDS.items():
            shape = torch.hann_window(window)
            self.register_buffer(f"window_{window}", shape * 2 / shape.sum(), persistent=False)
            self.register_buffer(f"filters_{window}", mel_filters(bands, window, SAMPLE_RATE), persistent=False)

    def forward(self, made: Tensor, real: Tensor) -> Tensor:
        """Scalar distance of ``[B, 1, T]`` and ``[B, 1, T]``."""
        return torch.stack([self._distance(made, real, window) for window in self.windows]).mean()

    def _distance(self, made: Tensor, real: Tensor, window: int) -> Tensor:
        found, wanted = (self.mel(wave, window) + _FAINT for wave in (made, real))
        loudness, wanted_loudness = ((x / _USUAL).pow(_LOUDNESS) for x in (found, wanted))
        loud = (loudness - wanted_loudness).abs().mean() / _LOUDNESS
        return 0.5 * ((found.log() - wanted.log()).abs().mean() + loud)

    def mel(self, wave: Tensor, window: int) -> Tensor:
        """``[B, n, bands]`` magnitudes of ``[B, 1, T]``."""
        shape, filters = self.get_buffer(f"window_{window}"), self.get_buffer(f"filters_{window}")
        pieces = F.pad(wave[:, 0], (window // 2, window // 2)).unfold(1, window, window // 4)
        spectrum = torch.fft.rfft(pieces * shape)
        return (spectrum.real.square() + spectrum.imag.square() + _LEAST**2).sqrt() @ filters


class PitchDistance(nn.Module):
    """Cross entropy of the pitch of a decoded voice, under that of the real one, where the real one is voiced."""

    def __init__(self) -> None:
        super().__init__()
        self._autocorrelation = Autocorrelation(_PITCH_WINDOW)

    def forward(self, made: Tensor, real: Tensor) -> Tensor:
        """Scalar distance of ``[B, 1, T]`` and ``[B, 1, T]``; 0 where both agree."""
        power, wanted = self._correlation(real)
        _, found = self._correlation(made)
        voiced = (wanted.amax(-1) > _VOICED) & (power > _QUIET * power.amax())
        target = F.softmax(_SHARPNESS * wanted, -1)
        logits = F.log_softmax(_SHARPNESS * found, -1)
        divergence = F.kl_div(logits, target, reduction="none").sum(-1)
        return (divergence * voiced).sum() / voiced.sum().clamp(min=1)

    def _correlation(self, wave: Tensor) -> tuple[Tensor, Tensor]:
        return self._autocorrelation(wave[:, 0].unfold(1, _PITCH_WINDOW, _PITCH_HOP))


def pitch_labels(wave: Tensor) -> Pitch:
    """Real pitch of each spectrum of a decoder that says ``[B, 1, T]`` speech; held where there is none."""
    count = (wave.shape[2] + LATE_SAMPLES) // HOP
    begins_s = (np.arange(count) * HOP - LATE_SAMPLES) / SAMPLE_RATE
    ends_s, middles_s = begins_s + WINDOW / SAMPLE_RATE, begins_s + WINDOW / 2 / SAMPLE_RATE
    rows = [_row_pitch(row, ends_s, middles_s) for row in wave[:, 0].cpu().numpy()]
    return Pitch(*(torch.from_numpy(np.stack(of)).float().to(wave.device) for of in zip(*rows, strict=True)))


def pitch_distance(said: Pitch, wanted: Pitch) -> dict[str, Tensor]:
    """``said_st``: semitones between the pitch that is said and the real one, where there is one; ``voiced``: nats."""
    off = 12 * (said.octaves - wanted.octaves).abs()
    return {
        "said_st": (off * wanted.voiced).sum() / wanted.voiced.sum().clamp(min=1),
        "voiced": F.binary_cross_entropy_with_logits(said.voiced, wanted.voiced),
    }


def _row_pitch(sound: Floats, pitch_s: Doubles, voice_s: Doubles) -> tuple[Doubles, Doubles]:
    """Octaves above 150 Hz at some times, and 1 where there is a voice at others."""
    hz = pitch_hz(sound, SAMPLE_RATE)
    known = np.flatnonzero(hz)
    if not len(known):
        return np.zeros(len(pitch_s)), np.zeros(len(voice_s))
    at_s = _PITCH_FIRST_S + _PITCH_EVERY_S * np.arange(len(hz))
    nearest = np.clip(np.round((voice_s - _PITCH_FIRST_S) / _PITCH_EVERY_S).astype(int), 0, len(hz) - 1)
    octaves = median_filter(np.log2(hz[known] / MIDDLE_HZ), _SMOOTHED, mode="nearest")
    return np.interp(pitch_s, at_s[known], octaves), (hz[nearest] > 0).astype(np.float64)
