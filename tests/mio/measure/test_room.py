import msgspec
import numpy as np
import pytest

from mio.measure.room import (
    EchoPath,
    RoomSettings,
    active_level_db,
    at_level,
    decay_s,
    echo_of,
    impulse_response,
    room_noise,
    soft_clipped,
)

HZ = 16_000
CLEAN = RoomSettings(drive_db=-40.0, echo_db=0.0)


def noise(seconds: float, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.0, 0.1, round(seconds * HZ)).astype(np.float32)


def delay_samples(played: np.ndarray, heard: np.ndarray) -> int:
    size = 2 * len(played)
    spectrum = np.fft.rfft(heard, size) * np.conj(np.fft.rfft(played, size))
    return int(np.argmax(np.fft.irfft(spectrum)[: len(played)]))


@pytest.mark.parametrize("reverberation_s", [0.2, 0.35, 0.6])
def test_the_room_decays_as_it_should(reverberation_s: float) -> None:
    response = impulse_response(RoomSettings(reverberation_s=reverberation_s), HZ)
    assert decay_s(response, HZ) == pytest.approx(reverberation_s, rel=0.1)
    assert np.square(response).sum() == pytest.approx(1.0, rel=1e-4)


def test_the_direct_sound_is_first_and_strongest() -> None:
    response = np.abs(impulse_response(RoomSettings(), HZ))
    assert int(response.argmax()) == 0
    assert (response[round(0.02 * HZ) :] > 0).sum() > 1_000


def test_rooms_of_different_seeds_differ() -> None:
    one, other = (impulse_response(RoomSettings(seed=seed), HZ) for seed in (0, 1))
    assert np.abs(one - other).max() > 0.01


@pytest.mark.parametrize("delay_ms", [20.0, 200.0])
def test_the_echo_is_late_by_the_delay(delay_ms: float) -> None:
    played = noise(2.0)
    heard = echo_of(played, msgspec.structs.replace(CLEAN, delay_ms=delay_ms), HZ)
    assert delay_samples(played, heard) == pytest.approx(delay_ms * HZ / 1e3, abs=1)


def test_a_loudspeaker_with_a_fast_clock_gets_ahead() -> None:
    room = msgspec.structs.replace(CLEAN, delay_ms=100.0, drift_ppm=400.0)
    played = noise(20.0)
    heard = echo_of(played, room, HZ)
    first, last = slice(0, 2 * HZ), slice(18 * HZ, 20 * HZ)
    gained = delay_samples(played[first], heard[first]) - delay_samples(played[last], heard[last])
    assert gained == pytest.approx(18.0 * 400e-6 * HZ, abs=10)


def test_the_echo_has_its_level() -> None:
    played = noise(3.0)
    heard = echo_of(played, msgspec.structs.replace(CLEAN, echo_db=-12.0), HZ)
    assert active_level_db(heard[HZ:]) - active_level_db(played) == pytest.approx(-12.0, abs=1.0)


def test_blocks_of_any_size_give_the_same_echo() -> None:
    played = noise(1.0)
    whole, parts = EchoPath(CLEAN, HZ), EchoPath(CLEAN, HZ)
    sizes = [160, 1, 4_000, 37, 1_600, len(played) - 5_798]
    pieces = np.split(played, np.cumsum(sizes)[:-1])
    np.testing.assert_allclose(
        np.concatenate([parts.process(piece) for piece in pieces]), whole.process(played), atol=1e-5
    )


def test_clipping_presses_loud_sound_and_leaves_quiet_sound() -> None:
    quiet, loud = np.full(10, 0.01, np.float32), np.full(10, 1.0, np.float32)
    np.testing.assert_allclose(soft_clipped(quiet, 6.0), quiet, rtol=1e-3)
    assert soft_clipped(loud, 6.0).max() < 0.5


def test_noise_and_speech_are_put_to_a_level() -> None:
    assert active_level_db(room_noise(5 * HZ, -60.0, 0)) == pytest.approx(-60.0, abs=0.5)
    speech = np.concatenate([noise(1.0), np.zeros(2 * HZ, np.float32)])
    assert active_level_db(at_level(speech, -26.0)) == pytest.approx(-26.0, abs=0.01)
