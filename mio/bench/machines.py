"""Latency of a hop between two machines, against the same hop within one.

Both are network namespaces of this machine with a virtual cable between them, so the cable itself costs nothing: what
is measured is what dora and the kernel's network add. Needs root.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import yaml

from mio.bench._two_machines import BACK, FRONT, TwoMachines, why_not
from mio.bench.hop import RATES_HZ, SIZES, hop_nodes
from mio.bench.report import Report
from mio.errors import MioError

DURATION = "about 2 min"

_READY_S = 60.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.add_argument("--seconds", type=float, default=8.0, help="per payload (8)")


def run(args: argparse.Namespace, report: Report) -> None:
    """Measure each payload within the front machine, then from front to back."""
    problem = why_not()
    if problem:
        raise MioError(problem, "run it as root on Linux with iproute2")
    for name, size in SIZES.items():
        cells: dict[str, str] = {}
        medians: list[float] = []
        for place, sink in (("one_machine", FRONT), ("two_machines", BACK)):
            waited_ms, lost = _hop(size, RATES_HZ[name], args.seconds, sink)
            medians.append(waited_ms["p50"])
            cells[place] = f"{waited_ms['p50']:.3f} / {waited_ms['p99']:.3f}"
            report.figures[f"{place}_{name}_p50_ms"] = waited_ms["p50"]
            report.figures[f"{place}_{name}_p99_ms"] = waited_ms["p99"]
            report.figures[f"{place}_{name}_lost"] = lost
        report.row("one hop, p50 / p99 ms", payload=name, **cells, extra=f"{medians[1] - medians[0]:.3f}")


def _hop(size: int, rate_hz: float, seconds: float, sink: str) -> tuple[dict[str, float], int]:
    """Waiting times of a sink on a machine in ms, and the number of lost messages."""
    nodes = [
        {**node, "deploy": {"machine": machine}}
        for node, machine in zip(hop_nodes(size, rate_hz), (FRONT, sink), strict=True)
    ]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        stats = folder / "sink.stats.json"
        (folder / "hop.yml").write_text(yaml.safe_dump({"nodes": nodes}))
        with TwoMachines(folder, {"MIO_RUN_DIR": name}, one_clock=True) as machines:
            started = machines.dora("start", str(folder / "hop.yml"), "--name", "hop", "--detach")
            if started.returncode:
                raise MioError(f"the flow did not start: {started.stderr.strip()}", "see dora's message")
            deadline = time.monotonic() + _READY_S
            while not stats.is_file() and time.monotonic() < deadline:
                time.sleep(0.1)
            time.sleep(seconds + 1.0)
            machines.dora("stop", "hop")
        if not stats.is_file():
            raise MioError("no message came to the other machine", "run: mio bench hop")
        port = json.loads(stats.read_text())["inputs"].get("x")
        if port is None:
            raise MioError("no message came to the other machine", "run: mio bench hop")
        return port["waited_ms"], port["lost"]
