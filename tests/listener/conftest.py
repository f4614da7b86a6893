import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache

import numpy as np
import numpy.typing as npt
import pytest
import soxr

from mio.contracts.rates import MICROPHONE_HZ
from mio.espeak import speak


def _spoken(text: str, voice: str) -> npt.NDArray[np.float32]:
    speech = speak(text, voice, rate_wpm=160)
    return soxr.resample(speech.samples, speech.sample_rate, MICROPHONE_HZ).astype(np.float32)


@pytest.fixture(scope="session")
def say() -> Iterator[Callable[..., npt.NDArray[np.float32]]]:
    """Speech of espeak-ng at the microphone's rate.

    Each text is spoken by a process of its own: espeak-ng's flutter goes on from text to text and cannot be reset, so
    in one process the sound, and with it what is understood, would depend on all that was spoken before.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["mio.espeak", "soxr"])
    with ProcessPoolExecutor(1, mp_context=context, max_tasks_per_child=1) as speakers:

        @cache
        def spoken(text: str, voice: str = "en-us") -> npt.NDArray[np.float32]:
            return speakers.submit(_spoken, text, voice).result()

        yield spoken
