import numpy as np
import pytest

from mio.measure.pitch import pitch_hz, semitones


def buzz(hertz: float, rate: int, seconds: float = 0.5) -> np.ndarray:
    time_s = np.arange(round(seconds * rate)) / rate
    harmonics = [np.sin(2 * np.pi * k * hertz * time_s) / k for k in range(1, int(3_000 / hertz))]
    return (0.1 * np.sum(harmonics, axis=0)).astype(np.float32)


@pytest.mark.parametrize("rate", [16_000, 22_050, 24_000])
@pytest.mark.parametrize("hertz", [90.0, 150.0, 210.0, 330.0])
def test_the_pitch_of_a_buzz_is_its_fundamental(hertz: float, rate: int) -> None:
    track = pitch_hz(buzz(hertz, rate), rate)
    assert len(track) == pytest.approx(46, abs=2)
    assert np.median(track) == pytest.approx(hertz, rel=0.02)


def test_noise_and_silence_have_no_pitch() -> None:
    noise = np.random.default_rng(0).standard_normal(24_000).astype(np.float32)
    assert np.mean(pitch_hz(noise, 24_000) > 0) < 0.1
    assert not pitch_hz(np.zeros(24_000, np.float32), 24_000).any()
    assert len(pitch_hz(np.zeros(10, np.float32), 24_000)) == 0


def test_semitones_are_counted_from_the_median() -> None:
    assert semitones(np.array([0.0, 100.0, 200.0, 400.0, 0.0])).tolist() == [-12.0, 0.0, 12.0]
    assert len(semitones(np.zeros(4))) == 0
