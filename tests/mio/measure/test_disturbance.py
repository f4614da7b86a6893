import subprocess
import sys
from types import SimpleNamespace

import psutil
import pytest

from mio.measure import disturbance
from mio.measure.disturbance import Disturbance

BURN = "import time\nwhile time.process_time() < 0.5: pass"


class Times(tuple[float, ...]):
    """As psutil has them on Linux: user, nice, system, idle, iowait, steal."""

    names = ("user", "nice", "system", "idle", "iowait", "steal")

    def __getattr__(self, name: str) -> float:
        if name not in self.names:
            raise AttributeError(name)
        return self[self.names.index(name)]


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A machine with two processors whose counters the test sets."""
    counters = SimpleNamespace(times=Times((100.0, 10.0, 20.0, 500.0, 5.0, 7.0)), own=(1.0, 1.0, 3.0, 0.0), now=50.0)
    keys = ("user", "system", "children_user", "children_system")
    monkeypatch.setattr(psutil, "cpu_times", lambda: counters.times)
    monkeypatch.setattr(disturbance.os, "cpu_count", lambda: 2)
    monkeypatch.setattr(disturbance.os, "times", lambda: SimpleNamespace(**dict(zip(keys, counters.own, strict=True))))
    monkeypatch.setattr(disturbance.time, "monotonic", lambda: counters.now)
    return counters


def test_what_the_host_took_and_what_others_used_are_told_apart(machine: SimpleNamespace) -> None:
    measured = Disturbance()
    machine.now += 10.0
    machine.times = Times((104.0, 11.0, 21.0, 510.0, 6.0, 10.0))  # 6 s busy, 3 s taken
    machine.own = (2.0, 1.0, 5.0, 1.0)  # 4 s
    taken_pct, others_pct = measured.shares()
    assert taken_pct == pytest.approx(100 / 3)
    assert others_pct == pytest.approx(10.0)


def test_a_machine_that_tells_of_no_host_and_rests_is_undisturbed(machine: SimpleNamespace) -> None:
    machine.times = Times((100.0, 10.0, 20.0, 500.0))
    Times.names, names = ("user", "nice", "system", "idle"), Times.names
    try:
        measured = Disturbance()
        machine.now += 1.0
        assert measured.shares() == (0.0, 0.0)
    finally:
        Times.names = names


def test_what_a_child_has_used_counts_as_own() -> None:
    before_s = disturbance._used()[2]
    subprocess.run([sys.executable, "-c", BURN], check=True)
    assert disturbance._used()[2] - before_s >= 0.4
