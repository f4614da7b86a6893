"""By how much the loudspeaker's clock and the microphone's disagree: found in the echo itself.

If the loudspeaker plays faster than its clock says, the echo comes a little earlier every time than the adaptive filter
expects. A loop of second order (F. Gardner, "Phaselock Techniques", 2005, chapter 2) moves the reference along until
the two stay together. Arrays in, numbers out; it knows no clocks.
"""

import numpy as np

from mio.contracts.messages import FloatArray
from mio.contracts.rates import MICROPHONE_HZ
from nodes.io.microphone.adaptive_filter import BLOCK_SAMPLES

_BAND_HZ = 4_000.0  # above it, an echo that is late by a part of a period says nothing
_SMOOTHING = 0.1  # of spectra, per block of 40 ms
_LAG_GAIN = 0.1  # of the lag that is made up for in one block
_RATE_GAIN = 0.005  # of the lag that is taken for drift; settled after 5 to 10 s of sound
_LARGEST_LAG_SAMPLES = 0.5
_LARGEST_RATE = 300e-6 * BLOCK_SAMPLES  # samples per block
_LEAST_ENERGY = 1e-3  # of the expected echo's slope


class DriftTracker:
    """Follows the echo's delay between samples.

    Attributes:
        lead: Samples by which the reference is to be read ahead of where its clock says.
        rate: By how much the lead grows per block of 640 samples.
    """

    def __init__(self) -> None:
        bins = np.arange(BLOCK_SAMPLES + 1)
        self._slope = np.pi * bins / BLOCK_SAMPLES * (bins * MICROPHONE_HZ / (2 * BLOCK_SAMPLES) <= _BAND_HZ)
        self._late = self._energy = 0.0
        self.lead = 0.0
        self.rate = 0.0

    def update(self, expected: FloatArray, captured: FloatArray) -> None:
        """Compare the ``[640]`` samples of echo that were expected with the captured ones.

        The lag is what makes ``|captured - expected exp(-i w lag)|`` least, to first order.
        """
        spectrum = np.fft.rfft(expected, 2 * BLOCK_SAMPLES)
        cross = np.conj(spectrum) * np.fft.rfft(captured, 2 * BLOCK_SAMPLES)
        self._late += _SMOOTHING * (-float(np.dot(self._slope, cross.imag)) - self._late)
        energy = float(np.square(self._slope * np.abs(spectrum)).sum())
        self._energy += _SMOOTHING * (energy - self._energy)
        lag = self._late / self._energy if self._energy > _LEAST_ENERGY else 0.0
        lag = min(max(lag, -_LARGEST_LAG_SAMPLES), _LARGEST_LAG_SAMPLES)
        self.rate = min(max(self.rate - _RATE_GAIN * lag, -_LARGEST_RATE), _LARGEST_RATE)
        self.lead += self.rate - _LAG_GAIN * lag

    def take_whole(self) -> int:
        """Take the whole samples out of the lead; who does must shift the filter by as many."""
        whole = round(self.lead)
        self.lead -= whole
        return whole
