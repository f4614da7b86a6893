import numpy as np
import pytest
import soxr

from mio.bench._codec_quality import ClosedRecogniser, quality, si_sdr_db
from mio.contracts.rates import SPEECH_HZ
from mio.espeak import Espeak

TEXT = "the quick brown fox jumps over the lazy dog"


@pytest.fixture(scope="module")
def spoken() -> np.ndarray:
    said = Espeak.shared().synthesize(TEXT, "en-us", rate_wpm=150)
    return np.asarray(soxr.resample(said.samples, said.sample_rate, SPEECH_HZ), np.float32)


def test_a_voice_left_as_it_is_has_the_best_figures_and_noise_worsens_all(spoken: np.ndarray) -> None:
    noise = np.random.default_rng(0).normal(size=len(spoken)).astype(np.float32) * np.abs(spoken).std()
    same, weak, strong = (quality(spoken, spoken + share * noise) for share in (0.0, 0.05, 0.5))
    assert same.pesq > 4.5 and same.stoi > 0.99 and same.mel_db == 0.0
    assert same.pesq > weak.pesq > strong.pesq
    assert same.stoi > weak.stoi > strong.stoi
    assert same.si_sdr_db > weak.si_sdr_db > strong.si_sdr_db
    assert weak.mel_db < strong.mel_db


def test_distortion_is_counted_whatever_the_scale() -> None:
    rng = np.random.default_rng(1)
    truth, noise = rng.normal(size=(2, 100_000)).astype(np.float32)
    assert si_sdr_db(truth, truth + 0.1 * noise) == pytest.approx(20.0, abs=0.2)
    assert si_sdr_db(truth, 3 * (truth + 0.1 * noise)) == pytest.approx(20.0, abs=0.2)


def test_words_are_heard_among_those_that_are_read(spoken: np.ndarray) -> None:
    pytest.importorskip("pocketsphinx")
    recogniser = ClosedRecogniser([TEXT, "a house stands on the hill"])
    assert recogniser.knows(TEXT) and not recogniser.knows("grmblfx")
    heard = set(recogniser.hear(spoken).split())
    assert heard <= {*TEXT.split(), "a", "house", "stands", "on", "hill"}
    assert len(heard & set(TEXT.split())) >= 3
