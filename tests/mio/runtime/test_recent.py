import numpy as np
import pytest

from mio.runtime.recent import RecentTimes


def test_percentiles_are_of_what_was_noted():
    times = RecentTimes()
    for value_ms in range(1, 101):
        times.note(value_ms * 1_000_000)
    assert times.percentiles_ms() == {"p50": 51.0, "p95": 95.0, "p99": 99.0, "max": 100.0}
    assert times.percentiles_ms(newest=10) == {"p50": 95.0, "p95": 100.0, "p99": 100.0, "max": 100.0}


def test_nothing_noted_has_no_percentiles():
    assert RecentTimes().percentiles_ms() == {}


def test_old_durations_are_forgotten_and_memory_stays():
    times = RecentTimes()
    size = times._values.nbytes
    for value in np.arange(100_000):
        times.note(int(value) * 1_000)
    assert times.count == 100_000
    assert times._values.nbytes == size
    assert times.percentiles_ms()["p50"] == pytest.approx(100.0 - 4.096 / 2, abs=0.01)
