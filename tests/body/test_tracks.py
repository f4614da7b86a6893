import numpy as np
import pytest

from nodes.body.tracks import Track


def _random_track(seed: int) -> Track:
    rng = np.random.default_rng(seed)
    track = Track.still(rng.normal(size=3))
    at_s = 0.0
    for _ in range(40):
        at_s += rng.uniform(0.02, 0.6)
        track.move(at_s, rng.uniform(0.15, 1.2), rng.normal(size=3))
    return track


@pytest.mark.parametrize("seed", range(5))
def test_value_velocity_and_acceleration_are_continuous_however_movements_cut_each_other(seed):
    track = _random_track(seed)
    for before, after in zip(track.movements, track.movements[1:], strict=False):
        for old, new in zip(before.derivatives(after.start_s), after.derivatives(after.start_s + 1e-9), strict=True):
            assert np.allclose(old, new, atol=1e-4)


def test_derivatives_are_those_of_the_samples():
    track = _random_track(7)
    movement, step_s = track.movements[5], 1e-4
    at_s = movement.start_s + 0.4 * movement.duration_s
    low, middle, high = movement.sample(np.array([at_s - step_s, at_s, at_s + step_s]))
    value, velocity, acceleration = movement.derivatives(at_s)
    assert np.allclose(value, middle)
    assert np.allclose(velocity, (high - low) / (2 * step_s), rtol=1e-4, atol=1e-6)
    assert np.allclose(acceleration, (high - 2 * middle + low) / step_s**2, rtol=1e-3, atol=1e-3)


def test_a_movement_from_rest_is_the_minimum_jerk_curve_and_rests_at_its_target():
    track = Track.still((1.0, 0.0))
    track.move(2.0, 0.8, (2.0, -3.0))
    share = np.linspace(0, 1, 9)
    curve = 10 * share**3 - 15 * share**4 + 6 * share**5
    values = track.sample(2.0 + 0.8 * share)
    assert np.allclose(values, np.array([1.0, 0.0]) + curve[:, None] * np.array([1.0, -3.0]))
    assert np.allclose(track.sample(np.array([2.8, 3.0, 99.0])), [2.0, -3.0])


def test_a_movement_drops_those_planned_after_its_start():
    track = Track.still((0.0,))
    track.move(1.0, 0.5, (1.0,))
    track.move(5.0, 0.5, (9.0,))
    track.move(3.0, 0.5, (2.0,))
    assert track.target == 2.0
    assert track.sample(np.array([6.0])) == 2.0


def test_forgetting_the_past_leaves_the_future_as_it_is():
    track = _random_track(3)
    times_s = np.linspace(6.0, 14.0, 200)
    before = track.sample(times_s)
    count = len(track.movements)
    track.forget(6.0)
    assert len(track.movements) < count
    assert np.array_equal(track.sample(times_s), before)


def test_sampling_in_pieces_equals_sampling_at_once():
    track = _random_track(4)
    times_s = np.linspace(-1.0, 14.0, 300)
    pieces = [track.sample(times_s[index : index + 1]) for index in range(len(times_s))]
    assert np.allclose(np.concatenate(pieces), track.sample(times_s), atol=1e-12)
