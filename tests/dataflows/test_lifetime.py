import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

pytestmark = pytest.mark.dataflow
PARTS = Path(__file__).parent / "parts"
STARTER = """
import sys, time
from pathlib import Path
from mio.flow.running import RunningFlow
flow = RunningFlow(Path(sys.argv[1]), Path(sys.argv[2]))
flow.wait_for_log("node is ready", 60.0)
print(flow.pid, flush=True)
time.sleep(600.0)
"""


@pytest.fixture
def started(tmp_path: Path) -> Any:
    """A program that has started a flow, the flow's own process, and all processes below that."""
    node = {"id": "pulse", "path": str(PARTS / "pulse/node.py"), "outputs": ["x"], "inputs": {"a": "dora/timer/secs/9"}}
    flow = tmp_path / "flow.yml"
    flow.write_text(yaml.safe_dump({"nodes": [{**node, "env": {"PYTHONSAFEPATH": "1"}}]}))
    paths = filter(None, [str(PARTS), os.environ.get("PYTHONPATH")])
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "MIO_CONTROL_DIR": str(tmp_path / "control")}
    command = [sys.executable, "-c", STARTER, str(flow), str(tmp_path / "dora.log")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env) as starter:
        assert starter.stdout is not None
        dora = psutil.Process(int(starter.stdout.readline()))
        nodes = dora.children(recursive=True)
        yield starter, dora, nodes
        starter.kill()
    for process in filter(psutil.Process.is_running, [dora, *nodes]):
        process.kill()


def test_a_flow_is_stopped_in_order_when_the_program_that_started_it_is_killed(
    started: Any, tmp_path: Path, wait_until: Callable[..., None]
) -> None:
    starter, dora, nodes = started
    assert len(nodes) >= 2
    os.kill(starter.pid, signal.SIGKILL)
    wait_until(lambda: not any(process.is_running() for process in [dora, *nodes]), within_s=180.0)
    assert "pulse finished successfully" in (tmp_path / "dora.log").read_text()


def test_nodes_end_when_dora_itself_is_killed(started: Any, wait_until: Callable[..., None]) -> None:
    _, dora, nodes = started
    dora.kill()
    wait_until(lambda: not any(process.is_running() for process in nodes), within_s=180.0)
