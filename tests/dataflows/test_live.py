import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from mio.demo.events import EventReader
from mio.flow.dora import dora_command, dora_environment
from mio.flow.running import RunningFlow
from mio.paths import share

pytestmark = [pytest.mark.dataflow, pytest.mark.timeout(600)]

LIVE = share("dataflows", "mio.yml")
NODES = {"microphone", "listener", "thinker", "talker", "face", "body", "renderer", "speaker", "screen", "journal"}


def wait_until(condition: Callable[[], Any], within_s: float = 240.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


def quiet_devices(folder: Path) -> dict[str, str]:
    """Environment of a live flow without any device, that writes into a folder only."""
    folder.mkdir(exist_ok=True)
    return {
        "MIO_MICROPHONE__DEVICE": "null",
        "MIO_SPEAKER__DEVICE": "null",
        "MIO_SCREEN__DEVICE": "null",
        "MIO_RENDERER__QUALITY": "low",
        "MIO_JOURNAL__EVENTS": str(folder / "events.jsonl"),
        "MIO_JOURNAL__TRANSCRIPT": str(folder / "transcript.md"),
        "MIO_RUN_DIR": str(folder),
        "MIO_CONTROL_DIR": str(folder / "control"),
    }


class LiveRun:
    """The live flow without devices, and what its nodes say of themselves."""

    def __init__(self, folder: Path, **extra: str) -> None:
        self.folder = folder
        self.control = Path(tempfile.mkdtemp(prefix="mio"))
        self.env = {**quiet_devices(folder), "MIO_CONTROL_DIR": str(self.control), **extra}
        self.running = RunningFlow(LIVE, folder / "dora.log", self.env)

    def stats(self, node: str) -> dict[str, Any]:
        try:
            return json.loads((self.folder / f"{node}.stats.json").read_text())
        except (OSError, ValueError):
            return {}

    def frames(self) -> int:
        return self.stats("renderer").get("outputs", {}).get("frame", 0)

    def events(self, port: str) -> list[dict[str, Any]]:
        path = self.folder / "events.jsonl"
        return [event for event in EventReader(path).new() if event["port"] == port] if path.is_file() else []

    def close(self) -> None:
        self.running.stop()
        shutil.rmtree(self.control, ignore_errors=True)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LiveRun, LiveRun]]:
    """Two at the same time."""
    folder = tmp_path_factory.mktemp("live")
    both = LiveRun(folder / "one"), LiveRun(folder / "two")
    yield both
    for run in both:
        run.close()


def test_two_instances_run_side_by_side(runs: tuple[LiveRun, LiveRun]) -> None:
    for run in runs:
        wait_until(lambda run=run: run.frames() > 10, 240.0)
    assert all(run.running.running for run in runs)
    assert {run.stats("speaker")["pid"] for run in runs}.__len__() == 2


def test_every_node_of_the_live_flow_runs_without_any_device(runs: tuple[LiveRun, LiveRun]) -> None:
    run, other = runs
    wait_until(lambda: run.frames() > 30)
    assert {path.name.partition(".")[0] for path in run.folder.glob("*.stats.json")} == NODES
    assert run.running.stop() == 0
    assert not [process for process in psutil.process_iter() if _is_worker_of(process, run.folder)]
    assert other.running.running


def test_dora_up_and_dora_start_work_and_listen_on_this_machine_only(
    tmp_path: Path, listening_addresses: Callable[[str], set[str]]
) -> None:
    env = dora_environment({**os.environ, **quiet_devices(tmp_path / "run")})
    dora = dora_command()

    def run(*words: str, check: bool = True) -> str:
        done = subprocess.run([dora, *words], env=env, cwd=tmp_path, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0 or not check, done.stdout + done.stderr
        return done.stdout

    run("up")
    try:
        run("start", str(LIVE), "--name", "mio-test", "--detach")
        wait_until(lambda: (tmp_path / "run" / "renderer.stats.json").is_file())
        assert "mio-test" in run("list")
        assert listening_addresses(str(tmp_path / "run")) <= {"127.0.0.1", "::1"}
        run("stop", "mio-test")
    finally:
        run("destroy", check=False)
    assert (tmp_path / "run" / "events.jsonl").is_file()


def _is_worker_of(process: psutil.Process, folder: Path) -> bool:
    try:
        return process.environ().get("MIO_RUN_DIR") == str(folder)
    except psutil.Error:
        return False
