import numpy as np
import pytest

from mio.sound_ring import SoundRing

HZ = 16_000


def tone(at: np.ndarray, hz: float = 1_000.0) -> np.ndarray:
    return np.sin(2 * np.pi * hz * at / HZ)


def filled(samples: np.ndarray, capacity: int = 16_000) -> SoundRing:
    ring = SoundRing(capacity)
    for start in range(0, len(samples), 100):
        ring.append(samples[start : start + 100].astype(np.float32))
    return ring


@pytest.mark.parametrize("hz", [100.0, 1_000.0, 6_000.0])
@pytest.mark.parametrize("position", [500.0, 500.25, 731.999])
def test_values_between_samples_are_those_of_the_sound(hz: float, position: float) -> None:
    ring = filled(tone(np.arange(2_000), hz))
    expected = tone(position + np.arange(300), hz)
    np.testing.assert_allclose(ring.read(position, 300), expected, atol=1e-3)


def test_what_was_never_there_is_silence() -> None:
    ring = filled(np.ones(1_000))
    assert not ring.read(-500.0, 400).any()
    assert not ring.read(1_100.0, 50).any()


def test_old_samples_are_forgotten() -> None:
    ring = filled(np.ones(3_000), capacity=1_000)
    assert ring.end == 3_000
    assert not ring.read(1_000.0, 500).any()
    np.testing.assert_allclose(ring.read(2_500.0, 300), 1.0, atol=1e-3)


def test_a_restart_begins_at_any_position() -> None:
    ring = filled(np.ones(500))
    ring.restart(10_000)
    ring.append(np.ones(500, np.float32))
    assert not ring.read(100.0, 100).any()
    np.testing.assert_allclose(ring.read(10_100.0, 100), 1.0, atol=1e-3)
    assert 10_450 < ring.known_to < 10_500
