import numpy as np
import pytest

from mio.contracts.rates import MICROPHONE_HZ
from mio.measure.room import RoomSettings, echo_of
from mio.sound_ring import SoundRing
from nodes.io.microphone.adaptive_filter import BLOCK_SAMPLES, AdaptiveFilter
from nodes.io.microphone.drift import DriftTracker

ROOM = RoomSettings(delay_ms=60.0, drive_db=-30.0, reverberation_s=0.2)


def bursts(seconds: float, seed: int) -> np.ndarray:
    """Noise in syllables, falling towards high frequencies as voices do."""
    count = round(seconds * MICROPHONE_HZ) // BLOCK_SAMPLES * BLOCK_SAMPLES
    spectrum = np.fft.rfft(np.random.default_rng(seed).normal(size=count))
    spectrum *= np.exp(-((np.fft.rfftfreq(count, 1 / MICROPHONE_HZ) / 2_500) ** 2))
    envelope = np.clip(np.sin(2 * np.pi * 3.0 * np.arange(count) / MICROPHONE_HZ), 0.0, 1.0)
    sound = np.fft.irfft(spectrum, count) * envelope
    return (0.3 * sound / np.abs(sound).max()).astype(np.float32)


def filtered(adaptive: AdaptiveFilter, captured: np.ndarray, played: np.ndarray) -> np.ndarray:
    starts = range(0, len(captured), BLOCK_SAMPLES)
    blocks = [slice(start, start + BLOCK_SAMPLES) for start in starts]
    return np.concatenate([adaptive.process(captured[block], played[block]) for block in blocks])


def less_db(before: np.ndarray, after: np.ndarray) -> float:
    return float(10 * np.log10(np.square(before).sum() / np.square(after).sum()))


def test_an_echo_goes_and_a_user_who_speaks_over_it_stays() -> None:
    played, user = bursts(9.0, 0), bursts(9.0, 1)
    user[: 6 * MICROPHONE_HZ] = 0.0
    echo = echo_of(played, ROOM, MICROPHONE_HZ)
    user *= np.float32(np.sqrt(np.square(echo).sum() / np.square(user).sum() / 3))
    left = filtered(AdaptiveFilter(), echo + user, played)
    alone = slice(5 * MICROPHONE_HZ, 6 * MICROPHONE_HZ)
    together = slice(6 * MICROPHONE_HZ, None)
    assert less_db(echo[alone], left[alone]) > 20.0
    assert less_db(user[together], left[together] - user[together]) > 15.0


def excesses(captured: np.ndarray, played: np.ndarray, from_s: float) -> np.ndarray:
    """What is left over what an echo may leave, of the blocks from a time on in which there may be one."""
    adaptive, found = AdaptiveFilter(), []
    for start in range(0, len(captured), BLOCK_SAMPLES):
        block = slice(start, start + BLOCK_SAMPLES)
        adaptive.process(captured[block], played[block])
        found.append(adaptive.excess)
    return np.array(found[round(from_s * MICROPHONE_HZ / BLOCK_SAMPLES) :])


def test_an_echo_leaves_no_more_than_is_expected_while_the_room_is_learned_and_a_user_leaves_more() -> None:
    played, user = bursts(3.0, 0), bursts(3.0, 1)
    echo = echo_of(played, ROOM, MICROPHONE_HZ)
    user *= np.float32(np.sqrt(np.square(echo).sum() / np.square(user).sum()))
    alone, together = excesses(echo, played, 0.5), excesses(echo + user, played, 0.5)
    assert np.median(alone) < 1.0
    assert np.mean(alone > 4.0) < 0.05
    assert np.mean(together > 4.0) > 0.3


def test_where_there_is_no_echo_that_is_soon_known() -> None:
    played, noise = bursts(3.0, 0), 1e-4 * bursts(3.0, 1)
    user = np.zeros_like(played)
    user[MICROPHONE_HZ:] = 0.1 * bursts(2.0, 2)
    assert np.mean(excesses(noise, played, 0.5) > 4.0) < 0.05
    assert np.mean(excesses(noise + user, played, 1.0) > 4.0) > 0.2


def test_without_anything_played_sound_passes_untouched() -> None:
    user = bursts(1.0, 0)
    np.testing.assert_array_equal(filtered(AdaptiveFilter(), user, np.zeros_like(user)), user)


def test_another_room_is_learned_anew() -> None:
    played = bursts(14.0, 0)
    captured = echo_of(played, ROOM, MICROPHONE_HZ)
    captured[6 * MICROPHONE_HZ :] *= -1.0
    left = filtered(AdaptiveFilter(), captured, played)
    last = slice(13 * MICROPHONE_HZ, None)
    assert less_db(captured[last], left[last]) > 15.0


def test_noise_that_has_nothing_to_do_with_what_is_played_stays() -> None:
    played, noise = bursts(4.0, 0), bursts(4.0, 1)
    left = filtered(AdaptiveFilter(), noise, played)
    assert np.isfinite(left).all()
    assert less_db(noise, left) == pytest.approx(0.0, abs=2.0)


@pytest.mark.parametrize("samples", [-30, 25])
def test_a_filter_whose_reference_is_moved_in_a_pause_goes_on(samples: int) -> None:
    played = bursts(8.0, 0)
    played[6 * MICROPHONE_HZ : 7 * MICROPHONE_HZ] = 0.0
    echo = echo_of(played, ROOM, MICROPHONE_HZ)
    adaptive, half = AdaptiveFilter(), round(6.8 * MICROPHONE_HZ)
    filtered(adaptive, echo[:half], played[:half])
    assert adaptive.silent
    adaptive.shift(samples)
    moved = np.roll(played, samples)
    left = filtered(adaptive, echo[half:], moved[half:])
    first = slice(round(0.2 * MICROPHONE_HZ), round(0.5 * MICROPHONE_HZ))
    assert less_db(echo[half:][first], left[first]) > 12.0


@pytest.mark.parametrize("ppm", [-80.0, 50.0])
def test_drift_is_found_in_the_echo(ppm: float) -> None:
    room = RoomSettings(delay_ms=60.0, drift_ppm=ppm, drive_db=-30.0, reverberation_s=0.2)
    played = bursts(12.0, 0)
    captured = echo_of(played, room, MICROPHONE_HZ)
    ring = SoundRing(len(played))
    ring.append(played)
    adaptive, drift = AdaptiveFilter(), DriftTracker()
    for start in range(0, len(played) - BLOCK_SAMPLES, BLOCK_SAMPLES):
        block = captured[start : start + BLOCK_SAMPLES]
        adaptive.process(block, ring.read(start + drift.lead, BLOCK_SAMPLES))
        drift.update(adaptive.echo, block)
    assert drift.rate / BLOCK_SAMPLES * 1e6 == pytest.approx(ppm, abs=12.0)


def test_whole_samples_are_taken_once() -> None:
    drift = DriftTracker()
    drift.lead = -3.4
    assert (drift.take_whole(), drift.take_whole()) == (-3, 0)
    assert drift.lead == pytest.approx(-0.4)
