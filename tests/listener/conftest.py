from collections.abc import Callable
from functools import cache

import numpy as np
import numpy.typing as npt
import pytest
import soxr

from mio.contracts.rates import MICROPHONE_HZ
from mio.espeak import Espeak


@pytest.fixture(scope="session")
def say() -> Callable[..., npt.NDArray[np.float32]]:
    """Speech of espeak-ng at the microphone's rate."""

    @cache
    def spoken(text: str, name: str = "en-us") -> npt.NDArray[np.float32]:
        speech = Espeak.shared().synthesize(text, name, rate_wpm=160)
        return soxr.resample(speech.samples, speech.sample_rate, MICROPHONE_HZ).astype(np.float32)

    return spoken
