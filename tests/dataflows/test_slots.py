import json
import os
import re
import signal
import time
from collections.abc import Callable
from typing import Any

import psutil
import pytest

from mio.cli.main import main
from mio.runtime.control import control_root

pytestmark = pytest.mark.dataflow
Start = Callable[..., Any]


def assert_gapless(lines: list[dict[str, Any]]) -> None:
    """Nothing lost, doubled or out of order: in the stream's numbers, in the payload and in the engine's own state."""
    assert [line["seq"] for line in lines] == list(range(lines[0]["seq"], lines[0]["seq"] + len(lines)))
    keys = [(line["number"], line["part"]) for line in lines]
    assert keys == sorted(set(keys))
    numbers = sorted({line["number"] for line in lines})
    assert numbers == list(range(numbers[0], numbers[-1] + 1))
    taken = [line["taken"] for line in lines]
    assert taken == sorted(taken)
    assert taken[-1] - taken[0] == numbers[-1] - numbers[0]


def test_swaps_under_load_lose_double_and_reorder_nothing(relay_flow: Start) -> None:
    flow = relay_flow(copies=3)
    for engine in ("b", "c", "d"):
        answer = flow.swap(engine, load_s=0.3)
        assert answer["ok"], answer
        seen = len(flow.lines)
        while len(flow.lines) < seen + 200:
            time.sleep(0.05)
    lines = flow.lines
    assert_gapless(lines)
    assert list(dict.fromkeys(line["engine"] for line in lines)) == ["a", "b", "c", "d"]


def test_a_tick_driven_engine_goes_on_counting_after_a_swap(relay_flow: Start) -> None:
    flow = relay_flow()
    assert flow.ask("pulse", do="swap", env={})["ok"]
    seen = len(flow.lines)
    while len(flow.lines) < seen + 100:
        time.sleep(0.05)
    assert_gapless(flow.lines)


def test_an_engine_that_loads_too_long_leaves_the_old_one_serving(relay_flow: Start) -> None:
    flow = relay_flow(extra={"MIO_LOAD_S": "1"})
    answer = flow.swap("b", load_s=30)
    assert "still loading after" in answer["problem"]
    assert_gapless(flow.lines)


def test_a_start_that_takes_long_says_what_is_waited_for(relay_flow: Start) -> None:
    flow = relay_flow(extra={"MIO_LOAD_S": "6"}, load_s=6)
    said = flow.running.log_path.read_text()
    assert len(re.findall(r"relay: after \d+ s still loading; the whole dataflow waits for it", said)) == 1
    assert len(re.findall(r"pulse: after \d+ s ready; dora waits for another node", said)) == 1


def test_a_killed_worker_is_back_with_its_state(relay_flow: Start) -> None:
    flow = relay_flow()
    flow.wait_until(lambda: flow.lines[-1]["taken"] > 700)
    before, seen = flow.lines[-1], len(flow.lines)
    os.kill(flow.ask("relay", do="status")["worker_pid"], signal.SIGKILL)
    flow.wait_until(lambda: flow.lines[-1]["number"] > before["number"] + 400)
    assert flow.running.running
    assert min(line["taken"] for line in flow.lines[seen:]) > before["taken"] - 600  # a checkpoint is made every second
    assert flow.ask("relay", do="status")["deaths"] == 1


def test_a_hung_worker_is_replaced(relay_flow: Start) -> None:
    flow = relay_flow(extra={"MIO_HANG_S": "1.5"})
    assert flow.swap("hangs")["ok"]
    pid = flow.ask("relay", do="status")["worker_pid"]
    deadline = time.monotonic() + 180
    while flow.ask("relay", do="status")["worker_pid"] == pid:
        time.sleep(0.1)
        assert time.monotonic() < deadline
    assert "has not moved for 1.5 s" in flow.running.log_path.read_text()


def test_a_second_request_during_a_swap_is_refused(relay_flow: Start) -> None:
    flow = relay_flow()
    from threading import Thread

    answers: list[dict[str, Any]] = []
    first = Thread(target=lambda: answers.append(flow.swap("b", load_s=1.5)))
    first.start()
    time.sleep(0.5)
    assert "relay is loading" in flow.swap("c")["problem"]
    first.join()
    assert answers[0]["ok"]


def test_a_killed_supervisor_is_back_with_the_state_and_the_engine_it_was_swapped_to(relay_flow: Start) -> None:
    flow = relay_flow()
    assert flow.swap("b")["ok"]
    flow.wait_until(lambda: flow.lines[-1]["taken"] > 700)
    before, status, seen = flow.lines[-1], flow.ask("relay", do="status"), len(flow.lines)
    os.kill(status["pid"], signal.SIGKILL)
    flow.wait_until(lambda: flow.lines[-1]["number"] > before["number"] + 400)
    assert {line["engine"] for line in flow.lines[seen:]} == {"b"}
    assert min(line["taken"] for line in flow.lines[seen:]) > before["taken"] - 600  # a checkpoint is made every second
    again = flow.ask("relay", do="status")
    assert again["pid"] != status["pid"]
    assert (again["deaths"], again["swaps"]) == (1, 1)
    assert not psutil.pid_exists(status["worker_pid"])


def test_a_worker_that_is_stopped_while_its_whole_node_stands_still_is_not_taken_for_hung(relay_flow: Start) -> None:
    flow = relay_flow(extra={"MIO_HANG_S": "1.5"})
    status = flow.ask("relay", do="status")
    for signal_number in (signal.SIGSTOP, signal.SIGCONT):
        for pid in (status["pid"], status["worker_pid"]):
            os.kill(pid, signal_number)
        time.sleep(3.0)
    assert flow.ask("relay", do="status")["deaths"] == 0


def test_a_worker_goes_on_while_its_supervisor_stands_still(relay_flow: Start) -> None:
    flow = relay_flow()
    status = flow.ask("relay", do="status")
    os.kill(status["pid"], signal.SIGSTOP)
    try:
        seen = len(flow.lines)
        flow.wait_until(lambda: len(flow.lines) > seen + 600)
    finally:
        os.kill(status["pid"], signal.SIGCONT)
    assert_gapless(flow.lines)


def test_nothing_is_left_of_a_flow_that_has_ended(relay_flow: Start) -> None:
    flow = relay_flow()
    os.kill(flow.ask("relay", do="status")["pid"], signal.SIGKILL)
    seen = len(flow.lines)
    flow.wait_until(lambda: len(flow.lines) > seen + 400)
    flow.running.stop()
    assert not list(control_root().glob("*/*"))


def test_a_supervisor_tells_what_its_worker_measures(steady_flow: Any) -> None:
    steady_flow.wait_until(lambda: steady_flow.ask("relay", do="stats")["figures"].get("outputs", {}).get("y", 0) > 0)
    answer = steady_flow.ask("relay", do="stats")
    figures = answer["figures"]
    assert figures["pid"] == answer["worker_pid"]
    assert figures["engine"] == "a"
    assert figures["inputs"]["x"]["computed_ms"]["p50"] >= 0
    assert {"queued", "longest_queue", "cpu_s", "rss_mb"} <= set(figures)


def test_mio_top_shows_every_node_of_a_running_flow(steady_flow: Any, capsys: pytest.CaptureFixture[str]) -> None:
    steady_flow.wait_until(lambda: steady_flow.ask("tally", do="stats")["figures"] != {})
    assert main(["top", "--once", "--json"]) == 0
    rows = {row["node"]: row for row in map(json.loads, capsys.readouterr().out.splitlines())}
    assert set(rows) == {"pulse", "relay", "tally"}
    assert rows["relay"]["engine"] == "a"
    assert rows["relay"]["received_hz"] > 50
    assert rows["pulse"]["sent_hz"] > 50
    assert rows["tally"]["rss_mb"] > 20


def test_a_dataflow_listens_on_this_machine_only(
    steady_flow: Any, listening_addresses: Callable[[str], set[str]]
) -> None:
    addresses = listening_addresses(str(steady_flow.folder))
    assert addresses
    assert addresses <= {"127.0.0.1", "::1"}


@pytest.mark.parametrize(("engine", "says"), [("bad", "the weights are broken"), ("dies", "it ended with status -9")])
def test_an_engine_that_cannot_load_leaves_the_old_one_serving_and_says_why(
    steady_flow: Any, engine: str, says: str
) -> None:
    answer = steady_flow.swap(engine)
    assert not answer["ok"]
    assert says in answer["problem"]
    seen = len(steady_flow.lines)
    while len(steady_flow.lines) < seen + 100:
        time.sleep(0.05)
    assert_gapless(steady_flow.lines)
    assert {line["engine"] for line in steady_flow.lines} == {"a"}
