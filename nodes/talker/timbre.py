"""Light processing of a synthetic voice: spectrum of an average voice, loudness, a small room, a soft limit.

All of it but the limit is one linear filter, fitted once to a sample of the voice; its delay is compensated, so that
times in the sound stay what they were.
"""

import numpy as np
import numpy.typing as npt
import soxr

from mio.contracts.rates import SPEECH_HZ
from nodes.talker.clause import FloatArray

# Long-term average speech spectrum of women, dB in third octaves: Byrne et al. 1994, An international comparison of
# long-term average speech spectra, JASA 96, table II.
_BANDS_HZ = np.array(
    [160, 200, 250, 315, 400, 500, 630, 800, 1000, 1250, 1600, 2000, 2500, 3150, 4000, 5000, 6300, 8000, 10000]
)  # fmt: skip
_AVERAGE_DB = np.array(
    [53.4, 62.2, 60.9, 58.1, 61.7, 61.7, 60.4, 58.0, 54.3, 52.3, 51.7, 48.8, 47.3, 46.7, 45.3, 44.6, 45.2, 44.9, 45.0]
)  # fmt: skip
_LARGEST_CORRECTION_DB = 9.0
_TAPS = 1_024
_TRANSFORM = 16_384
_RUMBLE_HZ = 70.0  # no voice below; direct current neither
_REVERBERATION_S = 0.12
_ROOM_ONSET_S = 0.008
_ROOM_SEED = 7

_FRAME = SPEECH_HZ // 20
_SILENT_BELOW_DB = 40.0
_KNEE = 0.6
_CEILING = 0.95
_LIMITER_BLOCK = SPEECH_HZ // 200
_LIMITER_RELEASE = 10 ** (1 / 20)
_FADE_SAMPLES = SPEECH_HZ // 200


class Timbre:
    """The filter of one voice."""

    def __init__(self, response: npt.NDArray[np.float64], delay: int) -> None:
        self._length = len(response)
        self._spectrum = np.fft.rfft(response.astype(np.float32), _TRANSFORM)
        self._delay = delay

    @classmethod
    def fitted(
        cls, sample: FloatArray, sample_rate: int, *, warmth: float, room_db: float, loudness_db: float
    ) -> "Timbre":
        """Fit the filter to a sample of the voice.

        Args:
            sample: ``[n]`` some seconds of speech of all kinds of sounds.
            sample_rate: Hz.
            warmth: Share of the correction towards the average spectrum, 0 to 1.
            room_db: Level of the reverberation, dB against the direct sound.
            loudness_db: RMS of the sounding parts after processing, dB below full scale.
        """
        voice = _resample(sample, sample_rate)
        response = np.convolve(_equaliser(voice, warmth), _room(room_db))
        plain = cls(response, _TAPS // 2)
        gain_db = loudness_db - loudness_of(plain.filter(voice))
        return cls(response * 10.0 ** (gain_db / 20.0), _TAPS // 2)

    def filter(self, samples: FloatArray) -> FloatArray:
        """Filter sound of 24 kHz; the reverberation's tail follows it."""
        step = _TRANSFORM - self._length + 1  # overlap-add
        count = len(samples) + self._length - 1
        blocks = np.zeros((-(-len(samples) // step), step), np.float32)
        blocks.reshape(-1)[: len(samples)] = samples
        filtered = np.fft.irfft(np.fft.rfft(blocks, _TRANSFORM) * self._spectrum, _TRANSFORM).astype(np.float32)
        tails = np.zeros_like(blocks)
        tails[:, : _TRANSFORM - step] = filtered[:, step:]
        sound = np.zeros(blocks.size + step, np.float32)
        sound[: blocks.size] = filtered[:, :step].reshape(-1)
        sound[step:] += tails.reshape(-1)
        return sound[self._delay : count - self._delay]

    def process(self, samples: FloatArray, sample_rate: int, gain_db: float = 0.0) -> FloatArray:
        """Resample to 24 kHz, filter and limit.

        Returns:
            ``[n]`` with each moment where it was, and the reverberation's tail behind the end.
        """
        sound = self.filter(_resample(samples, sample_rate)) * np.float32(10.0 ** (gain_db / 20.0))
        return faded(limited(sound))


def loudness_of(samples: FloatArray) -> float:
    """RMS of the sounding parts (50 ms frames within 40 dB of the loudest), dB below full scale."""
    frames = samples[: len(samples) // _FRAME * _FRAME].reshape(-1, _FRAME).astype(np.float64)
    power = (frames**2).mean(axis=1)
    if not len(power) or power.max() <= 0.0:
        return -np.inf
    sounding = power[power > power.max() * 10.0 ** (-_SILENT_BELOW_DB / 10.0)]
    return float(10.0 * np.log10(sounding.mean()))


def average_voice_distance_db(samples: FloatArray) -> float:
    """How far the long-term spectrum of speech is from that of an average voice: RMS over third octaves, dB."""
    return float(np.sqrt(np.mean(_from_average_db(samples) ** 2)))


class PeakLimiter:
    """Turns down peaks above the knee, in pieces of any length: down within 5 ms, up again by 1 dB in 5 ms."""

    def __init__(self) -> None:
        self._gain = 1.0

    def __call__(self, samples: FloatArray) -> FloatArray:
        """``[n]``; only the beginning of a piece may still exceed the knee, since it is not known before."""
        count = -(-len(samples) // _LIMITER_BLOCK)
        padded = np.pad(np.abs(samples), (0, count * _LIMITER_BLOCK - len(samples)))
        wanted = np.minimum(1.0, _KNEE / np.maximum(padded.reshape(count, _LIMITER_BLOCK).max(1), _KNEE))
        edges = [self._gain]
        for need in np.minimum(wanted, np.append(wanted[1:], 1.0)):
            edges.append(min(float(need), edges[-1] * _LIMITER_RELEASE))
        self._gain = edges[-1]
        gain = np.interp(np.arange(len(samples)) / _LIMITER_BLOCK, np.arange(count + 1), edges)
        return (samples * gain).astype(np.float32)


def limited(samples: FloatArray) -> FloatArray:
    """Bend what is louder than the knee so that nothing exceeds the ceiling; what is softer stays as it is."""
    size = np.abs(samples)
    room = _CEILING - _KNEE
    bent = np.sign(samples) * (_KNEE + room * np.tanh((size - _KNEE) / room))
    return np.where(size > _KNEE, bent, samples).astype(np.float32)


def faded(samples: FloatArray) -> FloatArray:
    """Fade the ends over 5 ms."""
    count = min(_FADE_SAMPLES, len(samples) // 2)
    ramp = np.linspace(0.0, 1.0, count, dtype=np.float32)
    result = samples.copy()
    result[:count] *= ramp
    result[len(result) - count :] *= ramp[::-1]
    return result


def _resample(samples: FloatArray, sample_rate: int) -> FloatArray:
    if sample_rate == SPEECH_HZ:
        return samples
    return soxr.resample(samples, sample_rate, SPEECH_HZ, quality="HQ").astype(np.float32)


def _equaliser(voice: FloatArray, warmth: float) -> npt.NDArray[np.float64]:
    """A filter towards the average spectrum, with a high pass."""
    difference = _from_average_db(voice)
    smooth = np.convolve(np.pad(difference, 1, mode="edge"), [0.25, 0.5, 0.25], mode="valid")
    gains_db = np.clip(-warmth * smooth, -_LARGEST_CORRECTION_DB, _LARGEST_CORRECTION_DB)
    bands = np.concatenate([[0.0, _RUMBLE_HZ / 2, _RUMBLE_HZ], _BANDS_HZ, [SPEECH_HZ / 2]])
    gains = 10.0 ** (np.concatenate([[-80.0, -40.0, gains_db[0]], gains_db, gains_db[-1:]]) / 20.0)
    spectrum = np.interp(np.fft.rfftfreq(_TAPS, 1.0 / SPEECH_HZ), bands, gains)
    return np.roll(np.fft.irfft(spectrum), _TAPS // 2) * np.hamming(_TAPS + 1)[:-1]


def _from_average_db(voice: FloatArray) -> npt.NDArray[np.float64]:
    """By how much each third octave of a voice is louder than in an average one; zero on the whole."""
    difference = _band_levels_db(voice) - _AVERAGE_DB
    return difference - difference.mean()


def _band_levels_db(voice: FloatArray) -> npt.NDArray[np.float64]:
    size = 2_048
    frames = np.lib.stride_tricks.sliding_window_view(voice, size)[:: size // 2] * np.hanning(size)
    power = (np.abs(np.fft.rfft(frames, axis=1)) ** 2).sum(axis=0)
    frequency = np.fft.rfftfreq(size, 1.0 / SPEECH_HZ)
    edge = 2.0 ** (1.0 / 6.0)
    bands = [power[(frequency >= band / edge) & (frequency < band * edge)].sum() for band in _BANDS_HZ]
    return 10.0 * np.log10(np.array(bands) + 1e-12)


def _room(level_db: float) -> npt.NDArray[np.float64]:
    """The direct sound, and noise that dies away: a small furnished room."""
    if level_db <= -60.0:
        return np.ones(1)
    count, onset = round(_REVERBERATION_S * SPEECH_HZ), round(_ROOM_ONSET_S * SPEECH_HZ)
    tail = np.random.default_rng(_ROOM_SEED).standard_normal(count)
    tail *= 10.0 ** (-3.0 * np.arange(count) / count)  # -60 dB at the end
    tail[:onset] = 0.0
    tail *= 10.0 ** (level_db / 20.0) / np.sqrt((tail**2).sum())
    tail[0] = 1.0
    return tail
