import contextlib
import json
import os
import tempfile
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from mio.flow.running import RunningFlow
from mio.runtime.control import ask, running_flows

FAILED = pytest.StashKey[bool]()
PARTS = Path(__file__).parent / "parts"
WAIT_S = 180.0  # a host that takes the CPU away made what takes three seconds last longer than thirty


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Flows run in real time: where a host took the CPU away, there are two more chances, which are shown."""
    for item in items:
        if item.get_closest_marker("dataflow") is not None:
            item.add_marker(pytest.mark.flaky(reruns=2, reruns_delay=10))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """What a module shares ends with a test that failed on it, so that another try begins with a fresh flow."""
    report = yield
    if call.when == "call":
        item.stash[FAILED] = report.failed
    elif call.when == "teardown" and item.stash.get(FAILED, False) and isinstance(item, pytest.Function):
        for definitions in item._fixtureinfo.name2fixturedefs.values():
            if definitions[-1].scope == "module":
                definitions[-1].finish(item._request)
    return report


class RelayFlow:
    """pulse -> relay -> tally, running; what arrives is in ``lines``."""

    def __init__(self, folder: Path, relay: dict[str, Any], rate_hz: float, extra: dict[str, str]) -> None:
        self.folder = folder
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

    def wait_until(self, condition: Callable[[], bool], within_s: float = WAIT_S) -> None:
        wait_until(condition, within_s)

    def swap(self, engine: str, **keys: Any) -> dict[str, Any]:
        env = {f"MIO_RELAY__{key.upper()}": str(value) for key, value in {"engine": engine, **keys}.items()}
        return self.ask("relay", do="swap", env=env)


def wait_until(condition: Callable[[], bool], within_s: float = WAIT_S) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


@pytest.fixture(name="wait_until")
def waiting() -> Callable[..., None]:
    return wait_until


@contextlib.contextmanager
def relay_flows(folder: Path) -> Iterator[Callable[..., RelayFlow]]:
    """Starts flows with a control folder of their own, and stops them."""
    flows: list[RelayFlow] = []

    def start(rate_hz: float = 200.0, extra: dict[str, str] | None = None, **relay: Any) -> RelayFlow:
        flow = RelayFlow(folder, relay, rate_hz, extra or {})
        flows.append(flow)
        wait_until(lambda: len(flow.lines) > 20)
        return flow

    with tempfile.TemporaryDirectory(prefix="mio") as control, pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIO_CONTROL_DIR", control)
        yield start
        for flow in flows:
            flow.running.stop()


@pytest.fixture(name="relay_flows", scope="session")
def relay_flows_fixture() -> Callable[[Path], Any]:
    """For fixtures of modules."""
    return relay_flows


@pytest.fixture
def relay_flow(tmp_path: Path) -> Iterator[Any]:
    with relay_flows(tmp_path) as start:
        yield start


@pytest.fixture(scope="module")
def steady_flow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RelayFlow]:
    """A flow for the tests of a module that leave it as it is; they come last, so that it runs beside no others."""
    with relay_flows(tmp_path_factory.mktemp("steady")) as start:
        yield start()


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
