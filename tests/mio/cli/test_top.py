from typing import Any

import pytest
from rich.console import Console

from mio.cli.main import main
from mio.cli.top import table
from mio.measure.nodes import Reading, Resources, activity, slowest


def reading(at_s: float, *, received: int, sent: int, cpu_s: float, worker: int = 7) -> Reading:
    figures: dict[str, Any] = {
        "mono_ns": round(at_s * 1e9),
        "inputs": {
            "x": {"count": received, "lost": 2, "refused": 0, "replaced": 1, "waited_ms": {"p50": 1.0, "p95": 2.0}},
            "y": {"count": 0, "lost": 0, "refused": 1, "replaced": 0, "waited_ms": {"p50": 5.0, "p95": 9.0}},
        },
        "outputs": {"z": sent},
        "ticks_skipped": 3,
    }
    return Reading("relay", at_s, {"worker_pid": worker}, figures, Resources(cpu_s=cpu_s))


def test_rates_are_of_the_time_between_two_readings():
    did = activity(reading(10.0, received=100, sent=50, cpu_s=1.0), reading(12.0, received=120, sent=60, cpu_s=1.5))
    assert did == pytest.approx((10.0, 5.0, 25.0))


def test_a_restarted_worker_counts_from_its_start():
    before = reading(10.0, received=100, sent=50, cpu_s=9.0)
    did = activity(before, reading(12.0, received=6, sent=4, cpu_s=0.5, worker=8))
    assert did == pytest.approx((3.0, 2.0, 25.0))


def test_a_worker_that_has_told_nothing_new_has_no_rates():
    before = reading(10.0, received=100, sent=50, cpu_s=1.0)
    did = activity(before, before._replace(at_s=10.5))
    assert (did.received_hz, did.sent_hz) == (0.0, 0.0)


def test_the_slowest_input_and_all_drops_are_told():
    now = reading(10.0, received=100, sent=50, cpu_s=1.0)
    assert slowest(now, "waited_ms")["p95"] == 9.0
    assert slowest(now, "computed_ms") == {}
    assert now.dropped == {"lost": 2, "refused": 1, "replaced": 1, "skipped": 3}


def test_the_table_says_what_needs_attention(capsys: pytest.CaptureFixture[str]):
    row: dict[str, Any] = {
        "node": "face",
        "engine": "viseme",
        "state": "loading",
        "received_hz": 40.0,
        "sent_hz": 12.5,
        "waited_ms": {"p50": 1.0, "p95": 2.0},
        "computed_ms": {},
        "cpu_pct": 7.0,
        "rss_mb": 90.0,
        "pss_mb": 0.0,
        "queued": 1,
        "longest_queue": 4,
        "dropped": {"lost": 2, "refused": 0},
        "restarts": 3,
        "swaps": 0,
        "budget_ms": 6.0,
        "over_budget": 17,
    }
    Console(width=200).print(table([row]))
    shown = capsys.readouterr().out
    for text in ("face", "(loading)", "40.0", "1.0 / 2.0", "2 lost", "3 restarts", "17 over 6 ms", "1 / 4"):
        assert text in shown
    assert "refused" not in shown


def test_without_a_running_dataflow_there_is_one_clear_error(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("MIO_CONTROL_DIR", str(tmp_path))
    assert main(["top", "--once"]) == 1
    assert capsys.readouterr().err == (
        "mio top: no dataflow is running here -> start one: mio talk, or dora run dataflows/mio.yml\n"
    )
