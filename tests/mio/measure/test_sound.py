import numpy as np
import pytest

from mio.measure.sound import Silence, longest_gap_s, onset_s, sound_bounds_s

RATE = 16_000


def track(*spans: tuple[float, float], duration_s: float = 3.0) -> np.ndarray:
    time = np.arange(round(duration_s * RATE)) / RATE
    sound = 1e-5 * np.sin(time * 50)
    for start, end in spans:
        sound[(time >= start) & (time < end)] += 0.2
    return sound.astype(np.float32)


def test_sound_is_bounded_to_5_ms() -> None:
    assert sound_bounds_s(track((0.5, 1.2)), RATE) == pytest.approx((0.5, 1.2), abs=0.005)


def test_only_the_span_is_looked_at() -> None:
    assert sound_bounds_s(track((0.1, 0.3), (2.0, 2.5)), RATE, 1.0) == pytest.approx((2.0, 2.5), abs=0.005)


def test_silence_is_an_error_not_a_number() -> None:
    with pytest.raises(Silence, match="nothing but silence between 1.00 s and 3.00 s"):
        sound_bounds_s(track((0.1, 0.3)), RATE, 1.0)
    with pytest.raises(Silence, match="no samples"):
        sound_bounds_s(track(), RATE, 5.0)


def test_the_longest_gap_is_found_between_first_and_last_sound() -> None:
    sound = track((0.2, 0.5), (0.6, 1.0), (1.35, 2.0))
    assert longest_gap_s(sound, RATE, 0.0, 3.0) == pytest.approx(0.35, abs=0.01)


def test_a_click_before_the_words_is_no_onset() -> None:
    assert onset_s(track((0.2, 0.22), (0.5, 1.2)), RATE) == pytest.approx(0.5, abs=0.005)


def test_a_click_with_nothing_after_it_is_one() -> None:
    assert onset_s(track((0.2, 0.22)), RATE) == pytest.approx(0.2, abs=0.005)
