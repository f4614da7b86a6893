"""Things that go wrong with a node, done on purpose, and how long it takes until it works again."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from enum import Enum
from typing import Any, NamedTuple

from mio.errors import MioError
from mio.flow.live import LiveFlow
from mio.measure.nodes import Reading, read_nodes
from mio.runtime.slot import HANG_S

_SWAP_WITHIN_S = 120.0
_LOOK_EVERY_S = 0.05


class Fault(Enum):
    """What goes wrong."""

    KILL_WORKER = "kill -9 worker"
    KILL_NODE = "kill -9 supervisor"
    STOP_WORKER = "SIGSTOP worker"
    SWAP = "swap to the same engine"
    LOAD = "burst of load"


class Outcome(NamedTuple):
    """A fault that has been got over, or not.

    Attributes:
        node: Where it happened.
        fault: What it was.
        back_s: From the fault until the node did its work again; None if that did not happen in time.
        load_s: How long its new worker took to load and connect; 0 if it kept its worker.
    """

    node: str
    fault: Fault
    back_s: float | None
    load_s: float

    @property
    def extra_s(self) -> float | None:
        """What the recovery took beyond loading, and beyond noticing that a worker hangs."""
        if self.back_s is None:
            return None
        return self.back_s - self.load_s - (HANG_S if self.fault is Fault.STOP_WORKER else 0.0)


def strike(flow: LiveFlow, node: str, fault: Fault, within_s: float = 90.0) -> Outcome:
    """Do it, and wait until the node works again.

    Args:
        flow: The running dataflow.
        node: Which node.
        fault: What is to go wrong.
        within_s: How long to wait.
    """
    before = _read(flow, node)
    began_s = time.monotonic()
    match fault:
        case Fault.KILL_WORKER:
            os.kill(before.standing["worker_pid"], signal.SIGKILL)
        case Fault.KILL_NODE:
            os.kill(before.standing["pid"], signal.SIGKILL)
        case Fault.STOP_WORKER:
            os.kill(before.standing["worker_pid"], signal.SIGSTOP)
        case Fault.SWAP:
            flow.ask(node, {"do": "swap", "env": {}}, _SWAP_WITHIN_S)
            return Outcome(node, fault, 0.0, 0.0)
        case Fault.LOAD:
            _burn(seconds=3.0)
            return Outcome(node, fault, 0.0, 0.0)
    return _until_back(flow, before, fault, began_s, within_s)


def draw(rng: random.Random, nodes: list[str]) -> tuple[str, Fault]:
    """A random fault of a random node."""
    return rng.choice(nodes), rng.choice(list(Fault))


def _until_back(flow: LiveFlow, before: Reading, fault: Fault, began_s: float, within_s: float) -> Outcome:
    """Wait until another worker has told that it works."""

    def is_back(now: Reading) -> bool:
        return now.standing["worker_pid"] != before.standing["worker_pid"] and now.standing["state"] == "steady"

    try:
        now = _wait(flow, before.node, is_back, within_s)
    except MioError:
        return Outcome(before.node, fault, None, 0.0)
    return Outcome(before.node, fault, now.at_s - began_s, now.standing["load_s"])


def _wait(flow: LiveFlow, node: str, condition: Callable[[Reading], Any], within_s: float) -> Reading:
    deadline_s = time.monotonic() + within_s
    while time.monotonic() < deadline_s:
        readings = read_nodes(flow, [node])
        if readings and condition(readings[0]):
            return readings[0]
        time.sleep(_LOOK_EVERY_S)
    raise MioError(f"{node} did not come back within {within_s:g} s")


def _read(flow: LiveFlow, node: str) -> Reading:
    return _wait(flow, node, lambda reading: reading.standing["state"] == "steady", _SWAP_WITHIN_S)


def _burn(seconds: float) -> None:
    """Keep all cores busy for a while."""
    program = f"import time; end = time.monotonic() + {seconds}\nwhile time.monotonic() < end: pass"
    hogs = [subprocess.Popen([sys.executable, "-c", program]) for _ in range(os.cpu_count() or 1)]
    for hog in hogs:
        hog.wait()
