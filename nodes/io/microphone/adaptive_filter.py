"""The linear part of echo cancellation: learns how a room returns what is played, and takes that out of the sound.

A Kalman filter in the frequency domain whose state is the room's impulse response, cut into partitions (F. Kuech,
E. Mabande, G. Enzner, "State-space architecture of the partitioned-block-based acoustic echo controller", ICASSP 2014;
G. Enzner, P. Vary, "Frequency-domain adaptive Kalman filter for acoustic echo control in hands-free telephones", Signal
Processing 2006). It knows how uncertain each coefficient is and how much of what it hears is no echo, so it learns fast
while only the loudspeaker is heard, and hardly anything while somebody speaks: no double-talk detector is needed.
Arrays in, arrays out.
"""

import numpy as np
import numpy.typing as npt

from mio.contracts.messages import FloatArray
from mio.contracts.rates import MICROPHONE_HZ

BLOCK_SAMPLES = 640
"""Samples per call, 40 ms: a chunk of the microphone, so that nothing waits for it."""

_PARTITIONS = 13  # of 40 ms: 200 ms that devices do not report, and 0.3 s of reverberation
_STAYS = np.float32(0.9995)  # of the response per block, the state's transition: a room that changes in 80 s
_DOUBT = np.float32(0.3)  # variance of a coefficient before anything is known: an echo 5 dB below what is played
_DECAY_S = 1.0  # for which responses fall by 60 dB at most
_MEMORY = np.float32(0.5)  # of the power that is no echo, per block
_NEIGHBOURS = np.full(5, 0.2, np.float32)  # bins over which that power is averaged
_LEAST_POWER = np.float32(2 * BLOCK_SAMPLES * 1e-7)  # -70 dBFS
_SHARE = np.float32(0.5)  # of a transform of two blocks that is new
_LOST = 2.0  # of the captured power; a filter that leaves more, and more than it expects, has learned another room
_LOST_MEMORY = 0.9  # per block: 0.4 s
_ODD_RATIO = 4.0  # of the captured power, in one block
_VOICE_BINS = slice(24, 320)  # 300 Hz to 4 kHz
_UNMODELLED = np.float32(0.02)  # of the echo, -17 dB: distortion, and clocks that jitter

ComplexArray = npt.NDArray[np.complex64]


class AdaptiveFilter:
    """Takes the linear echo out of a microphone's sound, block by block."""

    def __init__(self) -> None:
        bins = BLOCK_SAMPLES + 1
        self._played = np.zeros(2 * BLOCK_SAMPLES, np.float32)
        self._inputs = np.zeros((_PARTITIONS, bins), np.complex64)
        self._input_powers = np.zeros((_PARTITIONS, bins), np.float32)
        self._near_power = np.zeros(bins, np.float32)
        self._captured_power = self._left_power = 0.0
        self._echo = np.zeros(BLOCK_SAMPLES, np.float32)
        self._excess = float("inf")
        self._restart()

    @property
    def echo(self) -> FloatArray:
        """``[640]`` echo that was found in the last block."""
        return self._echo

    @property
    def excess(self) -> float:
        """Power of what was left in the last block, over what may be left of the echo by an uncertain, linear response.

        In the band of voices. At most about one where there is nothing but a known room's echo; infinite where there
        can be none.
        """
        return self._excess

    @property
    def silent(self) -> bool:
        """Whether nothing of what was played can still be heard."""
        return not self._played.any() and not self._input_powers.any()

    def process(self, captured: FloatArray, reference: FloatArray) -> FloatArray:
        """``[640]`` captured samples without the echo of the ``[640]`` played meanwhile, and of earlier ones."""
        self._push(reference)
        estimate = np.einsum("pf,pf->f", self._inputs, self._response)
        self._echo = _samples(estimate)[BLOCK_SAMPLES:]
        left = captured - self._echo
        self._excess = float("inf")
        if self._input_powers.any():
            self._learn(_spectra(np.concatenate([np.zeros_like(left), left])), _power(estimate))
        return self._judged(captured, left)

    def shift(self, samples: int) -> None:
        """From now on the reference comes a number of samples later; only while :attr:`silent`."""
        taps = _samples(self._response)[:, :BLOCK_SAMPLES].reshape(-1)
        moved = np.zeros_like(taps)
        low, high = max(0, samples), len(taps) + min(0, samples)
        moved[low - samples : high - samples] = taps[low:high]
        self._response = _spectra(moved.reshape(_PARTITIONS, -1))

    def _restart(self) -> None:
        """Know nothing of the room."""
        decay = 10 ** (-6.0 * np.arange(_PARTITIONS) * BLOCK_SAMPLES / MICROPHONE_HZ / _DECAY_S)
        shape = self._inputs.shape
        self._response: ComplexArray = np.zeros(shape, np.complex64)
        self._variance: FloatArray = np.broadcast_to(_DOUBT * decay[:, None], shape).astype(np.float32)

    def _push(self, reference: FloatArray) -> None:
        self._played = np.concatenate([self._played[BLOCK_SAMPLES:], reference])
        self._inputs = np.roll(self._inputs, 1, axis=0)
        self._inputs[0] = _spectra(self._played)
        self._input_powers = np.roll(self._input_powers, 1, axis=0)
        self._input_powers[0] = _power(self._inputs[0])

    def _learn(self, error: ComplexArray, echo: FloatArray) -> None:
        """Correct the response by the ``[bins]`` spectrum of what is left; ``[bins]`` power of the echo."""
        self._variance *= _STAYS**2
        self._variance += (1 - _STAYS**2) * _power(self._response)
        own = _SHARE * np.einsum("pf,pf->f", self._input_powers, self._variance)
        power = _power(error)
        expected = own + _UNMODELLED * _SHARE * echo + _LEAST_POWER
        self._excess = float(power[_VOICE_BINS].sum() / expected[_VOICE_BINS].sum())
        heard = np.convolve(np.pad(power, 2, mode="edge"), _NEIGHBOURS, "valid")
        self._near_power = _MEMORY * self._near_power + (1 - _MEMORY) * heard
        gain = self._variance / (own + np.maximum(self._near_power, _LEAST_POWER))
        self._response += _constrained(np.conj(self._inputs) * gain * error)
        self._variance *= 1 - _SHARE * gain * self._input_powers

    def _judged(self, captured: FloatArray, left: FloatArray) -> FloatArray:
        """What is left, or what was captured where the filter makes it worse."""
        powers = float(np.dot(captured, captured)), float(np.dot(left, left))
        self._captured_power = _LOST_MEMORY * self._captured_power + (1 - _LOST_MEMORY) * powers[0]
        self._left_power = _LOST_MEMORY * self._left_power + (1 - _LOST_MEMORY) * powers[1]
        if self._left_power > _LOST * self._captured_power and self._excess > _LOST:
            self._restart()
            self._left_power = self._captured_power
        return captured if powers[1] > _ODD_RATIO * powers[0] else left


def _constrained(spectra: ComplexArray) -> ComplexArray:
    """Spectra of responses that are one block long, ``[partitions, bins]``, without what wraps around."""
    return _spectra(_samples(spectra)[:, :BLOCK_SAMPLES])


def _spectra(samples: FloatArray) -> ComplexArray:
    """``[..., bins]`` of ``[..., n]`` samples, filled up with silence to two blocks."""
    return np.fft.rfft(samples, 2 * BLOCK_SAMPLES, axis=-1).astype(np.complex64, copy=False)


def _samples(spectra: ComplexArray) -> FloatArray:
    """``[..., 1280]`` of ``[..., bins]``."""
    return np.fft.irfft(spectra, axis=-1).astype(np.float32, copy=False)


def _power(spectra: ComplexArray) -> FloatArray:
    return np.square(spectra.real) + np.square(spectra.imag)
