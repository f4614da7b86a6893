import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from mio.bench._two_machines import BACK, CLOCK_OFF_S, FRONT, TwoMachines, why_not

pytestmark = [
    pytest.mark.dataflow,
    pytest.mark.skipif(bool(why_not()), reason=why_not() or "two machines"),
]
PARTS = Path(__file__).parent / "parts"


def node(name: str, machine: str, **keys: Any) -> dict[str, Any]:
    return {
        "id": name,
        "path": str(PARTS / name / "node.py"),
        "deploy": {"machine": machine},
        "env": {"PYTHONSAFEPATH": "1"},
        **keys,
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("two")


@pytest.fixture(scope="module")
def machines(folder: Path) -> Iterator[TwoMachines]:
    """Both, before a flow runs on them and afterwards."""
    control = folder / "c"
    env = {
        "PYTHONPATH": os.pathsep.join(filter(None, (str(PARTS), os.environ.get("PYTHONPATH")))),
        "MIO_TALLY__PATH": str(folder / "tally.jsonl"),
        "MIO_PULSE__RATE_HZ": "50",
        "MIO_CONTROL_DIR": str(control),
    }
    with TwoMachines(folder, env) as two:
        yield two


def test_each_machine_listens_to_its_own_network_and_to_nobody_else(machines: TwoMachines) -> None:
    assert_reached_by_cable_only(machines)


def test_a_flow_runs_on_two_machines_whose_clocks_differ(machines: TwoMachines, folder: Path) -> None:
    alive = {"alive": "dora/timer/secs/3600"}
    nodes = [
        node("pulse", FRONT, outputs=["x"], inputs=alive),
        node("relay", BACK, outputs=["y"], inputs={"x": {"source": "pulse/x", "queue_size": 1000}, **alive}),
        node("tally", FRONT, inputs={"y": {"source": "relay/y", "queue_size": 1000}, **alive}),
    ]
    flow = folder / "flow.yml"
    flow.write_text(yaml.safe_dump({"nodes": nodes}))
    started = machines.dora("start", str(flow), "--name", "two", "--detach")
    assert started.returncode == 0, started.stdout + started.stderr
    lines = wait_for_lines(folder / "tally.jsonl", 150)
    assert {line["host"] for line in lines} == {"back"} != {socket.gethostname()}
    numbers = [line["number"] for line in lines]
    assert numbers == list(range(numbers[0], numbers[-1] + 1))
    under_way_s = [(line["mono_ns"] - line["sent_ns"]) / 1e9 for line in lines]
    assert min(under_way_s) >= 0
    assert max(under_way_s) < CLOCK_OFF_S / 2
    assert_reached_by_cable_only(machines)
    assert machines.dora("stop", "two").returncode == 0


def assert_reached_by_cable_only(machines: TwoMachines) -> None:
    for machine in (FRONT, BACK):
        addresses = [line.split()[4].rpartition(":")[0] for line in machines.listening(machine).splitlines()]
        assert addresses
        assert all(address.startswith(("127.", machines.address(machine))) for address in addresses), addresses


def wait_for_lines(path: Path, count: int) -> list[dict[str, Any]]:
    deadline = time.monotonic() + 180
    while not path.is_file() or path.read_bytes().count(b"\n") < count:
        assert time.monotonic() < deadline, "too few messages came"
        time.sleep(0.1)
    return [json.loads(line) for line in path.read_text().splitlines()[:count]]
