import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mio.tape.format import read_tape, value_of

pytestmark = pytest.mark.dataflow
Start = Callable[..., Any]
PARTS = Path(__file__).parent / "parts"


def shadow(*words: str) -> subprocess.Popen[str]:
    path = os.pathsep.join(filter(None, (str(PARTS), os.environ.get("PYTHONPATH"))))
    command = [sys.executable, "-m", "mio.cli.main", "shadow", "relay", *words]
    return subprocess.Popen(
        command, env={**os.environ, "PYTHONPATH": path, "COLUMNS": "200"}, stdout=subprocess.PIPE, text=True
    )


def assert_untouched(lines: list[dict[str, Any]]) -> None:
    numbers = [line["number"] for line in lines]
    assert numbers == list(range(numbers[0], numbers[-1] + 1))
    assert {line["engine"] for line in lines} == {"a"}


def test_a_shadow_gets_the_same_inputs_from_the_same_state_and_the_flow_notices_nothing(
    relay_flow: Start, tmp_path: Path
) -> None:
    flow = relay_flow()
    tape = tmp_path / "shadow.tape"
    process = shadow("b", "--seconds", "3", "--out", str(tape))
    said, _ = process.communicate(timeout=180)
    assert process.returncode == 0
    assert "candidate" in said and "rss_mb" in said and "not followed" not in said
    sent = [value_of(row.event, "y")[0].as_py() for row in read_tape(tape) if row.event.event == "send"]
    assert len(sent) > 100
    lines = flow.lines
    assert_untouched(lines)
    by_number = {line["number"]: line for line in lines}
    for text in sent:
        engine, taken, number, _part = text.split()
        assert engine == "b"
        assert int(taken) == by_number[int(number)]["taken"], "the state went on from the node's"


def test_a_shadow_that_is_killed_leaves_the_flow_as_it_was(relay_flow: Start) -> None:
    flow = relay_flow()
    process = shadow("b", "--seconds", "60")
    assert process.stdout is not None
    assert "follows" in process.stdout.readline()
    time.sleep(1.0)
    process.send_signal(signal.SIGKILL)
    process.wait()
    seen = len(flow.lines)
    deadline = time.monotonic() + 180
    while len(flow.lines) < seen + 300:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert_untouched(flow.lines)
    assert flow.swap("b")["ok"]
