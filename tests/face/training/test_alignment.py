import numpy as np
import pytest
import soxr

from mio.contracts.phones import SILENCE
from mio.contracts.rates import MICROPHONE_HZ
from mio.espeak import Espeak
from nodes.face.training.alignment import Aligner

TEXT = "please call my mother before monday"


@pytest.fixture(scope="module")
def aligner() -> Aligner:
    return Aligner()


def test_phones_of_a_sentence_are_found_where_they_are_spoken(aligner: Aligner) -> None:
    said = Espeak.shared().synthesize(TEXT, "en-us", rate_wpm=140)
    sound = np.asarray(soxr.resample(said.samples, said.sample_rate, MICROPHONE_HZ), np.float32)
    found = aligner.align(TEXT, sound)
    assert found is not None
    times_s = [phone.start_s for phone in found]
    assert times_s == sorted(times_s)
    assert found[-1].symbol == SILENCE
    assert sum(phone.stress for phone in found) >= 2
    theirs_s = np.array([phone.start_s for phone in said.phones if phone.symbol == "m"])
    ours_s = [phone.start_s for phone in found if phone.symbol == "m"]
    assert len(ours_s) == 3
    assert all(np.abs(theirs_s - at_s).min() < 0.08 for at_s in ours_s)


def test_words_without_a_pronunciation_and_sound_of_nothing_are_left_out(aligner: Aligner) -> None:
    assert aligner.align("qwrtzp people", np.zeros(16_000, np.float32)) is None
    assert aligner.align("", np.zeros(16_000, np.float32)) is None
