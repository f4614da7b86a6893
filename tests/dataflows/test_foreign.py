import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

pytestmark = pytest.mark.dataflow
Start = Callable[..., Any]

PLAIN = Path(__file__).parent / "parts/plain/relay.py"
FEW = 20  # numbers at 200 a second: what two programs may both take, or neither, at the moment of a hand-over


def command(*words: str) -> dict[str, Any]:
    return {"do": "swap", "command": [sys.executable, *words], "folder": "/"}


def wait_for_lines(flow: Any, engine: str, count: int) -> None:
    deadline = time.monotonic() + 180
    while sum(line["engine"] == engine for line in flow.lines) < count:
        assert time.monotonic() < deadline, f"{engine} sent too little"
        time.sleep(0.05)


def sent_by(flow: Any, engine: str) -> list[dict[str, Any]]:
    return [line for line in flow.lines if line["engine"] == engine]


def test_a_plain_dora_node_takes_over_and_gives_back(relay_flow: Start) -> None:
    flow = relay_flow()
    answer = flow.ask("relay", **command(str(PLAIN), "0.5"))
    assert answer["ok"], answer
    assert answer["command"][1] == str(PLAIN)
    wait_for_lines(flow, "plain", 200)
    assert flow.swap("b")["ok"]
    wait_for_lines(flow, "b", 200)
    lines = flow.lines
    assert list(dict.fromkeys(line["engine"] for line in lines)) == ["a", "plain", "b"]
    for engine in ("a", "plain", "b"):
        numbers = [line["number"] for line in sent_by(flow, engine)]
        assert numbers == list(range(numbers[0], numbers[-1] + 1))
        seqs = [line["seq"] for line in sent_by(flow, engine)]
        assert seqs == list(range(len(seqs))), "a new sender numbers from 0"
    for before, after in (("a", "plain"), ("plain", "b")):
        step = sent_by(flow, after)[0]["number"] - sent_by(flow, before)[-1]["number"]
        assert abs(step - 1) <= FEW
    assert not flow.ask("relay", do="status")["command"]


def test_a_program_that_speaks_to_the_supervisor_loses_and_doubles_nothing(relay_flow: Start) -> None:
    flow = relay_flow()
    answer = flow.ask("relay", **command("-m", "mio.runtime.worker", "relay"), env={"MIO_RELAY__ENGINE": "b"})
    assert answer["ok"], answer
    wait_for_lines(flow, "b", 200)
    assert flow.swap("c")["ok"]
    wait_for_lines(flow, "c", 200)
    numbers = [line["number"] for line in flow.lines]
    assert numbers == list(range(numbers[0], numbers[-1] + 1))
    seqs = [line["seq"] for line in flow.lines]
    assert seqs == list(range(seqs[0], seqs[-1] + 1))


def test_a_killed_program_is_started_again(relay_flow: Start) -> None:
    flow = relay_flow()
    assert flow.ask("relay", **command(str(PLAIN), "0"))["ok"]
    wait_for_lines(flow, "plain", 50)
    (program,) = [p for p in psutil.process_iter() if _runs(p, str(PLAIN))]
    os.kill(program.pid, signal.SIGKILL)
    before = len(flow.lines)
    wait_for_lines(flow, "plain", len(sent_by(flow, "plain")) + 100)
    assert len(flow.lines) > before
    assert flow.running.stop() == 0


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((str(PLAIN), "0.2", "fails"), "it ended with status 1: RuntimeError: no such model"),
        (("-c", "pass"), "it ended with status 0"),
    ],
)
def test_a_program_that_cannot_start_leaves_the_engine_serving_and_says_why(
    steady_flow: Any, words: tuple[str, ...], says: str
) -> None:
    answer = steady_flow.ask("relay", **command(*words))
    assert not answer["ok"]
    assert says in answer["problem"]
    wait_for_lines(steady_flow, "a", len(steady_flow.lines) + 100)
    seqs = [line["seq"] for line in steady_flow.lines]
    assert seqs == list(range(seqs[0], seqs[-1] + 1))


def test_a_program_that_does_not_exist_or_connect_in_time_is_refused(steady_flow: Any) -> None:
    missing = steady_flow.ask("relay", do="swap", command=["/no/such/program"], folder="/")
    assert "/no/such/program: " in missing["problem"]
    late = steady_flow.ask("relay", **command(str(PLAIN), "60"), load_s=1.0)
    assert "it was still loading after 1 s" in late["problem"]
    steady_flow.wait_until(lambda: not [p for p in psutil.process_iter() if _runs(p, str(PLAIN))], 30.0)


def _runs(process: psutil.Process, program: str) -> bool:
    try:
        return program in process.cmdline()[:2] and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
