import numpy as np
import pytest

from nodes.talker.timbre import PeakLimiter, Timbre, faded, limited, loudness_of

RATE = 24_000


def noise(seconds: float, level: float = 0.1) -> np.ndarray:
    return (level * np.random.default_rng(0).standard_normal(round(seconds * RATE))).astype(np.float32)


@pytest.fixture(scope="module")
def timbre() -> Timbre:
    return Timbre.fitted(noise(3.0), RATE, warmth=0.6, room_db=-24.0, loudness_db=-20.0)


@pytest.mark.parametrize("rate", [22_050, 24_000, 16_000])
def test_a_click_stays_where_it_is(timbre: Timbre, rate: int) -> None:
    sound = np.zeros(rate, np.float32)
    sound[rate // 2] = 1.0
    processed = timbre.process(sound, rate)
    assert abs(int(np.argmax(np.abs(processed))) / RATE - 0.5) < 0.0005


def test_any_length_gives_that_length_and_the_rooms_tail(timbre: Timbre) -> None:
    tails = {len(timbre.process(noise(0.1)[:count], RATE)) - count for count in (0, 1, 7, 2_000)}
    tails |= {len(timbre.process(noise(2.0)[:count], RATE)) - count for count in (12_480, 12_481, 40_001)}
    assert len(tails) == 1
    assert 0.05 < tails.pop() / RATE < 0.2


def test_blocks_leave_no_seams(timbre: Timbre) -> None:
    tone = (0.1 * np.sin(2 * np.pi * 440 * np.arange(3 * RATE) / RATE)).astype(np.float32)
    middle = timbre.filter(tone)[RATE // 2 : 5 * RATE // 2]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle)))) ** 2
    near = np.abs(np.fft.rfftfreq(len(middle), 1 / RATE) - 440) < 5
    assert spectrum[~near].sum() < 1e-6 * spectrum.sum()


def test_the_fit_sets_the_loudness_and_removes_rumble(timbre: Timbre) -> None:
    assert loudness_of(timbre.process(noise(2.0), RATE)) == pytest.approx(-20.0, abs=0.7)
    middle = slice(RATE // 4, 3 * RATE // 4)
    assert np.abs(timbre.process(np.full(RATE, 0.2, np.float32), RATE)[middle]).max() < 0.002
    rumble = (0.2 * np.sin(2 * np.pi * 20 * np.arange(RATE) / RATE)).astype(np.float32)
    flat = Timbre.fitted(noise(3.0), RATE, warmth=0.0, room_db=-60.0, loudness_db=-20.0)
    assert loudness_of(flat.process(rumble, RATE)[middle]) < loudness_of(rumble) - 18.0


def test_warmth_brings_the_spectrum_towards_that_of_a_voice() -> None:
    slopes = []
    for warmth in (0.0, 1.0):
        sound = Timbre.fitted(noise(3.0), RATE, warmth=warmth, room_db=-60.0, loudness_db=-20.0).filter(noise(2.0))
        spectrum = np.abs(np.fft.rfft(sound)) ** 2
        frequency = np.fft.rfftfreq(len(sound), 1 / RATE)
        low, high = (spectrum[(frequency > a) & (frequency < b)].sum() for a, b in ((200, 800), (2_000, 8_000)))
        slopes.append(10 * np.log10(low / high))
    assert slopes[1] > slopes[0] + 8.0


def test_the_limit_bends_only_what_is_loud() -> None:
    ramp = np.linspace(-3.0, 3.0, 1_001, dtype=np.float32)
    bent = limited(ramp)
    assert np.abs(bent).max() <= 0.95
    assert np.all(np.diff(bent) >= 0.0)
    quiet = np.abs(ramp) <= 0.6
    assert np.array_equal(bent[quiet], ramp[quiet])


def test_both_ends_are_faded() -> None:
    sound = faded(np.ones(1_000, np.float32))
    assert sound[0] == sound[-1] == 0.0
    assert sound[500] == 1.0
    assert len(faded(np.ones(1, np.float32))) == 1


def test_silence_has_no_loudness() -> None:
    assert loudness_of(np.zeros(RATE, np.float32)) == -np.inf
    assert loudness_of(np.zeros(0, np.float32)) == -np.inf


def test_loud_syllables_are_turned_down_smoothly_and_soft_ones_left_alone() -> None:
    times_s = np.arange(RATE) / RATE
    level = np.where((times_s > 0.3) & (times_s < 0.5), 1.5, 0.3)
    sound = (level * np.sin(2 * np.pi * 200 * times_s)).astype(np.float32)
    limiter = PeakLimiter()
    made = np.concatenate([limiter(piece) for piece in np.split(sound, [1_000, 9_000, 17_000])])
    inside = (times_s > 0.31) & (times_s < 0.5)
    assert np.abs(made[inside]).max() == pytest.approx(0.6, abs=0.01)
    gain = made[np.abs(sound) > 0.01] / sound[np.abs(sound) > 0.01]
    before, after = times_s[np.abs(sound) > 0.01] < 0.29, times_s[np.abs(sound) > 0.01] > 0.6
    assert np.allclose(gain[before], 1.0) and np.allclose(gain[after], 1.0)
    assert np.abs(np.diff(gain)).max() < 0.02  # a jump would be heard as a click
    middle = (times_s[np.abs(sound) > 0.01] > 0.35) & (times_s[np.abs(sound) > 0.01] < 0.45)
    assert np.ptp(gain[middle]) < 1e-3  # the wave keeps its shape
