import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

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


@pytest.mark.parametrize(("engine", "says"), [("bad", "the weights are broken"), ("dies", "it ended with status -9")])
def test_an_engine_that_cannot_load_leaves_the_old_one_serving_and_says_why(
    relay_flow: Start, engine: str, says: str
) -> None:
    flow = relay_flow()
    answer = flow.swap(engine)
    assert not answer["ok"]
    assert says in answer["problem"]
    seen = len(flow.lines)
    while len(flow.lines) < seen + 100:
        time.sleep(0.05)
    assert_gapless(flow.lines)
    assert {line["engine"] for line in flow.lines} == {"a"}


def test_an_engine_that_loads_too_long_leaves_the_old_one_serving(relay_flow: Start) -> None:
    flow = relay_flow(extra={"MIO_LOAD_S": "1"})
    answer = flow.swap("b", load_s=30)
    assert "still loading after" in answer["problem"]
    assert_gapless(flow.lines)


def test_a_killed_worker_is_back_with_its_state(relay_flow: Start) -> None:
    flow = relay_flow()
    time.sleep(1.2)  # a checkpoint is made every second
    before = flow.lines[-1]
    os.kill(flow.ask("relay", do="status")["worker_pid"], signal.SIGKILL)
    while flow.lines[-1]["number"] < before["number"] + 600:
        time.sleep(0.05)
        assert flow.running.running
    after = flow.lines[-1]
    lost = after["number"] - before["number"] - (after["taken"] - before["taken"])
    assert after["taken"] > before["taken"]
    assert lost < 800
    assert flow.ask("relay", do="status")["deaths"] == 1


def test_a_hung_worker_is_replaced(relay_flow: Start) -> None:
    flow = relay_flow(extra={"MIO_HANG_S": "1.5"})
    assert flow.swap("hangs")["ok"]
    pid = flow.ask("relay", do="status")["worker_pid"]
    deadline = time.monotonic() + 30
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


def test_a_dataflow_listens_on_this_machine_only(
    relay_flow: Start, listening_addresses: Callable[[str], set[str]], tmp_path: Path
) -> None:
    relay_flow()
    addresses = listening_addresses(str(tmp_path))
    assert addresses
    assert addresses <= {"127.0.0.1", "::1"}
