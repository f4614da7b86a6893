"""Latency and loss of one hop between two nodes, against raw shared memory and ZeroMQ.

Payloads of 8 B, 8 kB, 1 MB and one 720 x 720 picture go from a paced source to a sink, through the project's own loop
over dora (encoded, sent, received, decoded), through POSIX shared memory with a pipe as doorbell, and through ZeroMQ
(ipc). The last part keeps every core busy and counts lost messages at 200 Hz.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

import yaml

from mio.bench._hop_nodes import FRAME_SIDE
from mio.bench._hop_peers import WARM_UP, SharedMemory, ZeroMQ, latencies_ms
from mio.bench.report import Report, percentile
from mio.errors import MioError
from mio.flow.running import RunningFlow

DURATION = "about 3 min"

SIZES = {"8B": 8, "8kB": 8_192, "1MB": 1 << 20, "frame": FRAME_SIDE * FRAME_SIDE * 3}
RATES_HZ = {"8B": 100.0, "8kB": 100.0, "1MB": 50.0, "frame": 30.0}
_BUDGET_MS = {"8kB": 1.5, "1MB": 4.0}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.add_argument("--seconds", type=float, default=8.0, help="per payload and carrier (8)")
    parser.add_argument("--loss-seconds", type=float, default=60.0, help="of the loss test (60)")


def run(args: argparse.Namespace, report: Report) -> None:
    """Measure all payloads over all carriers, then loss under load."""
    for name, size in SIZES.items():
        rate_hz = RATES_HZ[name]
        dora, _ = _over_dora(size, rate_hz, args.seconds)
        messages = int(args.seconds * rate_hz) + WARM_UP
        shm = _over(SharedMemory(size), rate_hz, messages)
        zmq = _over(ZeroMQ(size), rate_hz, messages)
        for carrier, figures in (("dora", dora), ("shm", shm), ("zmq", zmq)):
            for share in ("p50", "p99"):
                report.figures[f"{carrier}_{name}_{share}_ms"] = round(figures[share], 4)
        report.row("one hop, p50 / p99 ms", payload=name, rate_hz=rate_hz, **_cells(dora, shm, zmq))
        if name in _BUDGET_MS:
            report.figure(f"dora_{name}_p50_ms", dora["p50"], target=_BUDGET_MS[name])
    with _busy_cores():
        busy, lost = _over_dora(SIZES["8kB"], 200.0, args.loss_seconds)
    report.figure("dora_busy_200hz_lost", lost, target=0)
    report.figure("dora_busy_200hz_p50_ms", busy["p50"])
    report.figure("dora_busy_200hz_p99_ms", busy["p99"])


def _cells(dora: dict[str, float], shm: dict[str, float], zmq: dict[str, float]) -> dict[str, str]:
    return {
        name: f"{figures['p50']:.3f} / {figures['p99']:.3f}"
        for name, figures in (("dora", dora), ("shm_pipe", shm), ("zeromq", zmq))
    }


def _over_dora(size: int, rate_hz: float, seconds: float) -> tuple[dict[str, float], int]:
    """Waiting times of the sink in ms, and the number of lost messages."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "hop.yml"
        path.write_text(yaml.safe_dump({"nodes": hop_nodes(size, rate_hz)}))
        with RunningFlow(path, folder / "dora.log", {"MIO_RUN_DIR": name}) as running:
            running.wait_for_log("all nodes are ready", 60)
            time.sleep(seconds + 1.0)
            if not running.running:
                raise MioError(f"the dataflow ended early: {running.complaint()}")
        port = json.loads((folder / "sink.stats.json").read_text())["inputs"]["x"]
        return port["waited_ms"], port["lost"]


def hop_nodes(size: int, rate_hz: float) -> list[Mapping[str, object]]:
    """A dataflow's two nodes: a source of messages of ``size`` bytes, and a sink, in this order."""
    source = {
        "id": "source",
        "path": sys.executable,
        "args": f"-m mio.bench._hop_nodes source {size} {rate_hz}",
        "shared_memory_pool_size": "64MB",
        "inputs": {"alive": "dora/timer/secs/3600"},
        "outputs": ["x"],
    }
    sink = {
        "id": "sink",
        "path": sys.executable,
        "args": f"-m mio.bench._hop_nodes sink {size}",
        "inputs": {"x": {"source": "source/x", "queue_size": 1000}},
    }
    return [source, sink]


def _over(peer: SharedMemory | ZeroMQ, rate_hz: float, messages: int) -> dict[str, float]:
    try:
        measured = latencies_ms(peer, rate_hz, messages)
    finally:
        peer.remove()
    return {"p50": percentile(measured, 0.5), "p99": percentile(measured, 0.99)}


@contextmanager
def _busy_cores() -> Generator[None]:
    """Keep every core busy meanwhile."""
    burn = "while True: pass"
    hogs = [subprocess.Popen([sys.executable, "-c", burn]) for _ in range(os.cpu_count() or 1)]
    try:
        yield
    finally:
        for hog in hogs:
            hog.kill()
            hog.wait()
