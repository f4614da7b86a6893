import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mio.flow.dora import dora_environment
from mio.tape.comparing import compare
from mio.tape.contents import Tape
from mio.tape.tracing import Trace

pytestmark = pytest.mark.dataflow
Start = Callable[..., Any]
PARTS = Path(__file__).parent / "parts"


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nodes are found, and no other flow is running."""
    paths = [str(PARTS), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
    with tempfile.TemporaryDirectory(prefix="mio") as control:
        monkeypatch.setenv("MIO_CONTROL_DIR", control)
        yield


def mio(*words: object, **kwargs: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "mio.cli.main", *map(str, words)]
    kwargs.setdefault("preexec_fn", listen_to_ctrl_c)
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=dora_environment(), **kwargs
    )


def listen_to_ctrl_c() -> None:
    """Shells let what they start in the background, and all that it starts, ignore the signal."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def done(*words: object, **kwargs: Any) -> tuple[int, str]:
    process = mio(*words, **kwargs)
    output, _ = process.communicate(timeout=120)
    return process.returncode, " ".join(output.split())


def recorded(path: Path, seconds: float = 2.0, *words: object) -> Tape:
    status, output = done("record", path, "--seconds", seconds, *words)
    assert status == 0, output
    return Tape(path)


def wait_for_bytes(path: Path, count: int) -> None:
    deadline = time.monotonic() + 180
    while not path.is_file() or path.stat().st_size < count:
        time.sleep(0.05)
        assert time.monotonic() < deadline


@pytest.fixture(scope="module")
def tape(relay_flows: Callable[[Path], Any], tmp_path_factory: pytest.TempPathFactory) -> Tape:
    """Two seconds of a flow that has ended."""
    folder = tmp_path_factory.mktemp("tape")
    with relay_flows(folder) as start:
        start(copies=3, rate_hz=100.0)
        return recorded(folder / "a.tape")


def test_a_recorded_flow_replays_to_the_same_bits(tape: Tape) -> None:
    assert tape.whole
    assert tape.nodes == ["pulse", "relay", "tally"]
    status, output = done("replay", tape.path, "--check")
    assert status == 0, output
    assert "not checked: it sent nothing" in output
    edges = {(edge.source, edge.target): edge.waited.number for edge in Trace(tape).edges()}
    assert edges["pulse/x", "relay.x"] > 20
    assert edges["relay/y", "tally.y"] > 60


def test_one_node_live_and_the_rest_from_the_tape_gives_the_same_stream(tape: Tape, tmp_path: Path) -> None:
    status, output = done("replay", tape.path, "--only", "relay", "--speed", "max", "--out", tmp_path / "b.tape")
    assert status == 0, output
    (relay,) = compare(tape, Tape(tmp_path / "b.tape"), ["relay"])
    assert relay.same, relay
    assert relay.equal > 60
    status, output = done("diff", tape.path, tmp_path / "b.tape")
    assert status == 0, output


def test_a_killed_recorder_loses_at_most_the_last_second(relay_flow: Start, tmp_path: Path) -> None:
    flow = relay_flow(rate_hz=100.0)
    path = tmp_path / "killed.tape"
    recorder = mio("record", path)
    try:
        wait_for_bytes(path, 30_000)
    finally:
        recorder.kill()
        killed_ns = time.monotonic_ns()
        recorder.wait()
    tape = Tape(path)
    assert not tape.whole
    assert (killed_ns - tape.ended_ns) / 1e9 < 1.0 + _stall_s(flow, killed_ns)
    seen = len(flow.lines)
    while len(flow.lines) < seen + 50:  # the flow goes on
        time.sleep(0.05)
        assert flow.running.running


def _stall_s(flow: Any, killed_ns: int) -> float:
    """For how long the flow itself was held up by the machine before the kill."""
    times = [line["mono_ns"] for line in flow.lines if line["mono_ns"] <= killed_ns] + [killed_ns]
    return max(b - a for a, b in zip(times[-300:], times[-299:], strict=False)) / 1e9


def test_a_disk_that_is_full_gives_one_clear_error_and_a_readable_tape(relay_flow: Start, tmp_path: Path) -> None:
    relay_flow(copies=3)
    path = tmp_path / "full.tape"

    def little_room() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))

    status, output = done("record", path, "--seconds", 60, preexec_fn=little_room)
    assert status == 1
    assert "full.tape: File too large -> what was written before can be read" in output
    assert "Traceback" not in output
    assert len(Tape(path).runs) == 3


def test_a_recording_goes_on_through_a_swap_and_a_death(relay_flow: Start, tmp_path: Path) -> None:
    flow = relay_flow(rate_hz=100.0)
    path = tmp_path / "swapped.tape"
    recorder = mio("record", path)
    try:
        wait_for_bytes(path, 10_000)
        assert flow.swap("b")["ok"]
        time.sleep(1.5)
        os.kill(flow.ask("relay", do="status")["worker_pid"], signal.SIGKILL)
        seen = len(flow.lines)
        while len(flow.lines) < seen + 150:
            time.sleep(0.05)
            assert flow.running.running
    finally:
        recorder.send_signal(signal.SIGINT)
        output, _ = recorder.communicate(timeout=180)
    assert recorder.returncode == 0, output
    tape = Tape(path)
    assert tape.whole
    runs = tape.runs_of("relay")
    assert len(runs) == 3
    seqs = [event.seq for run in runs[:2] for event in run.events if event.event == "send"]
    assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
    status, output = done("replay", path, "--check", "--node", "relay")
    assert status == 0, output
    assert output.count("relay") == 3
    assert "not checked" not in output


def test_nothing_running_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIO_CONTROL_DIR", str(tmp_path / "none"))
    status, output = done("record", tmp_path / "x.tape")
    assert (status, output.startswith("mio record: no dataflow is running here ->")) == (1, True)
    assert not (tmp_path / "x.tape").exists()
