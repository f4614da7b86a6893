import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from mio.flow.running import RunningFlow
from mio.runtime.control import ask, running_flows

PARTS = Path(__file__).parent / "parts"


class RelayFlow:
    """pulse -> relay -> tally, running; what arrives is in ``lines``."""

    def __init__(self, folder: Path, relay: dict[str, Any], rate_hz: float, extra: dict[str, str]) -> None:
        self.tally = folder / "tally.jsonl"
        env = {
            "PYTHONPATH": os.pathsep.join(filter(None, [str(PARTS), os.environ.get("PYTHONPATH")])),
            "MIO_TALLY__PATH": str(self.tally),
            "MIO_PULSE__RATE_HZ": str(rate_hz),
            "MIO_RUN_DIR": str(folder),
            **{f"MIO_RELAY__{key.upper()}": str(value) for key, value in relay.items()},
            **extra,
        }
        node = {"restart_policy": "on-failure", "env": {"PYTHONSAFEPATH": "1"}}
        alive = {"alive": "dora/timer/secs/3600"}
        nodes = [
            {"id": "pulse", "path": str(PARTS / "pulse/node.py"), "outputs": ["x"], "inputs": alive, **node},
            {
                "id": "relay",
                "path": str(PARTS / "relay/node.py"),
                "outputs": ["y"],
                "inputs": {"x": {"source": "pulse/x", "queue_size": 1000}, **alive},
                **node,
            },
            {
                "id": "tally",
                "path": str(PARTS / "tally/node.py"),
                "inputs": {"y": {"source": "relay/y", "queue_size": 1000}, **alive},
                **node,
            },
        ]
        path = folder / "flow.yml"
        path.write_text(yaml.safe_dump({"nodes": nodes}))
        self.running = RunningFlow(path, folder / "dora.log", env)

    @property
    def lines(self) -> list[dict[str, Any]]:
        text = self.tally.read_text() if self.tally.is_file() else ""
        return [json.loads(line) for line in text.splitlines()]

    def ask(self, node: str, timeout_s: float = 60.0, **content: Any) -> dict[str, Any]:
        (sockets,) = running_flows().values()
        return ask(sockets[node], content, timeout_s)

    def wait_until(self, condition: Callable[[], bool], within_s: float = 30.0) -> None:
        wait_until(condition, within_s)

    def swap(self, engine: str, **keys: Any) -> dict[str, Any]:
        env = {f"MIO_RELAY__{key.upper()}": str(value) for key, value in {"engine": engine, **keys}.items()}
        return self.ask("relay", do="swap", env=env)


def wait_until(condition: Callable[[], bool], within_s: float = 30.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


@pytest.fixture(name="wait_until")
def waiting() -> Callable[..., None]:
    return wait_until


@pytest.fixture
def relay_flow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    control = tempfile.mkdtemp(prefix="mio")
    monkeypatch.setenv("MIO_CONTROL_DIR", control)
    flows: list[RelayFlow] = []

    def start(rate_hz: float = 200.0, extra: dict[str, str] | None = None, **relay: Any) -> RelayFlow:
        flow = RelayFlow(tmp_path, relay, rate_hz, extra or {})
        flows.append(flow)
        wait_until(lambda: len(flow.lines) > 20)
        return flow

    yield start
    for flow in flows:
        flow.running.stop()
    shutil.rmtree(control)


@pytest.fixture
def listening_addresses() -> Callable[[str], set[str]]:
    def find(run_folder: str) -> set[str]:
        found: set[str] = set()
        for process in psutil.process_iter():
            try:
                if process.environ().get("MIO_RUN_DIR") != run_folder:
                    continue
                connections = process.net_connections("inet")
            except psutil.Error:
                continue
            found |= {c.laddr.ip for c in connections if c.laddr and c.status in (psutil.CONN_LISTEN, psutil.CONN_NONE)}
        return found

    return find
