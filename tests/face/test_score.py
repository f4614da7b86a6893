import numpy as np
import pytest

from nodes.face.score import Drift, Pulse, Pulses, Track

TIMES = np.arange(0.0, 4.0, 0.001)


def test_a_track_arrives_and_stays():
    track = Track([1.0, 0.0])
    track.aim([3.0, -1.0], 1.0, 0.5)
    assert track.at(np.array([0.9, 1.25, 1.5, 9.0])) == pytest.approx(np.array([[1, 0], [2, -0.5], [3, -1], [3, -1]]))


def test_a_new_target_during_a_movement_makes_no_jump_in_place_or_speed():
    track = Track([0.0])
    track.aim([10.0], 1.0, 1.0)
    track.aim([-5.0], 1.5, 0.6)
    values = track.at(TIMES)[:, 0]
    assert values[-1] == pytest.approx(-5.0)
    assert np.abs(np.diff(values)).max() < 0.06
    assert np.abs(np.diff(values, 2)).max() < 5e-4


def test_what_lies_in_the_future_can_be_struck_out():
    track = Track([0.0])
    track.aim([1.0], 1.0, 0.5)
    track.aim([2.0], 3.0, 0.5)
    track.strike(2.0)
    assert track.at(TIMES)[-1, 0] == pytest.approx(1.0)
    pulses = Pulses([Pulse("a", 1.0, 0.1, 0.1, 0.1, 1.0), Pulse("b", 2.0, 0.1, 0.1, 0.1, 1.0)])
    pulses.strike(1.5)
    assert pulses.at("a", TIMES).max() == pytest.approx(1.0) and not pulses.at("b", TIMES).any()


def test_forgetting_and_shifting_leave_what_is_to_come_as_it_is():
    track = Track([0.0])
    track.aim([1.0], 0.2, 0.5)
    track.aim([4.0], 2.0, 0.5)
    before = track.at(TIMES)[1000:]
    track.forget(1.0)
    assert len(track.moves) == 1 and track.at(TIMES)[1000:] == pytest.approx(before)
    track.shift(10.0)
    assert track.at(TIMES + 10.0)[1000:] == pytest.approx(before)


def test_a_pulse_rises_holds_and_falls():
    pulses = Pulses([Pulse("blink", 1.0, 0.1, 0.2, 0.3, 0.8)])
    values = pulses.highest("blink", np.array([0.99, 1.1, 1.2, 1.3, 1.6, 3.0]))
    assert values == pytest.approx([0.0, 0.8, 0.8, 0.8, 0.0, 0.0])
    assert pulses.highest("nod", TIMES) == pytest.approx(0.0)


def test_drift_is_smooth_of_unit_variance_and_a_function_of_time_alone():
    drift = Drift(4, seed=2)
    times = np.arange(0.0, 2000.0, 0.04)
    values = drift.at(times)
    assert values.std(0) == pytest.approx(1.0, abs=0.15)
    assert np.abs(np.diff(values, axis=0)).max() < 0.35
    assert np.array_equal(Drift(4, seed=2).at(times[500:510]), values[500:510])
    assert not np.allclose(Drift(4, seed=3).at(times[:10]), values[:10])


def test_drift_moves_slowly_more_than_fast():
    values = Drift(1, seed=1).at(np.arange(0.0, 4096.0, 0.125))[:, 0]
    power = np.abs(np.fft.rfft(values)) ** 2
    hertz = np.fft.rfftfreq(len(values), 0.125)
    low = power[(hertz > 0.05) & (hertz < 0.3)].sum()
    high = power[(hertz > 0.6) & (hertz < 2.0)].sum()
    assert low > 5.0 * high > 0.0
