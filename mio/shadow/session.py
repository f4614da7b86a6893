"""A candidate engine beside a running node, in this process: built like the node, stepped with what the node takes."""

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

from mio.contracts.messages import VideoFrame
from mio.contracts.wire import Wire
from mio.errors import MioError
from mio.flow.live import LiveFlow
from mio.runtime.loop import Loop
from mio.runtime.stats import NodeStats
from mio.runtime.tee import send_event, written
from mio.runtime.worker import build
from mio.shadow.comparison import Comparison
from mio.shadow.stream import NodeStream, Sent, ShadowTees, ShadowTransport
from mio.tape.format import Row, TapeWriter

_HIDDEN = "(hidden)"
_WINDOW = "candidate"


class Cost:
    """CPU time and memory of a process over a span."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._from_s, self._cpu_s = time.monotonic(), self._cpu()

    def row(self, name: str) -> dict[str, Any]:
        """CPU cores in use since it was built, and memory now; empty if the process has ended."""
        try:
            cores = (self._cpu() - self._cpu_s) / max(1e-9, time.monotonic() - self._from_s)
            return {"process": name, "cores": round(cores, 3), "rss_mb": round(self._process.memory_info().rss / 1e6)}
        except psutil.Error:
            return {"process": name, "cores": "ended", "rss_mb": "ended"}

    def _cpu(self) -> float:
        times = self._process.cpu_times()
        return times.user + times.system


class Shadow:
    """Runs a candidate for a while and compares.

    Attributes:
        comparison: What came of it.
        complaints: What the candidate complained of.
        lost: Events of the node that could not be followed.
    """

    def __init__(self, flow: LiveFlow, node: str, env: Mapping[str, str], out: Path | None, *, screen: bool) -> None:
        """Build the candidate.

        Args:
            flow: The running dataflow.
            node: The node whose inputs it takes.
            env: Configuration that differs from the node's.
            out: Where to write its outputs, as a tape.
            screen: Whether to show its pictures in a window.

        Raises:
            MioError: If it cannot be built, or needs a device that only one can hold.
        """
        status = flow.ask(node, {"do": "status"}, 5.0)
        first = NodeStream(flow, node)
        first.close()
        _become(first.about, env)
        self._engine, self._manifest = build(first.about["package"])
        if self._engine.exclusive:
            raise MioError(
                f"{node} holds a device or a file that two cannot hold at once, so it can have no shadow",
                f"replace it for a while: mio swap {node}",
            )
        self.comparison = Comparison()
        self.complaints: list[str] = []
        self.lost = 0
        self._flow, self._node, self._out, self._screen = flow, node, out, screen
        self._host: str = first.about["host"]
        self._node_pid: int = status["worker_pid"]
        self._tape: TapeWriter | None = None

    def run(self, seconds: float) -> list[dict[str, Any]]:
        """Step the candidate with the node's inputs; returns what both cost.

        Raises:
            MioError: If the node does nothing meanwhile.
        """
        stream = NodeStream(self._flow, self._node)
        try:
            marks = stream.wait_for_state(self._node, seconds)
            stream.follow(self.comparison.of_node)
            transport = ShadowTransport(stream, self._node, self._host)
            loop = Loop(self._engine, self._manifest, transport, NodeStats(self._node))
            loop.tees = ShadowTees(self._keep)
            self._engine.import_state(marks.state)
            self._engine.rehearsal = True
            self._engine.open()
            loop.adopt(marks)
            self._open_tape()
            return self._follow(loop, seconds)
        finally:
            self.lost = stream.lost
            stream.close()
            self._close_tape()

    def _follow(self, loop: Loop, seconds: float) -> list[dict[str, Any]]:
        costs = (Cost(self._node_pid), Cost(os.getpid()))
        until_s = time.monotonic() + seconds
        try:
            while time.monotonic() < until_s and loop.turn():
                pass
        except KeyboardInterrupt:
            pass
        rows = [cost.row(name) for cost, name in zip(costs, (self._node, "candidate"), strict=True)]
        loop.close()
        return rows

    def _keep(self, sent: Sent, wire: Wire) -> None:
        self.comparison.of_candidate(sent)
        if self._tape is not None:
            self._tape.add(Row(self._node, 0, written(send_event(sent.port, wire, sent.computed_ns), wire, "whole")))
            self._tape.flush()
        if self._screen and isinstance(sent.message, VideoFrame):
            _show(sent.message)

    def _open_tape(self) -> None:
        if self._out is not None:
            self._out.parent.mkdir(parents=True, exist_ok=True)
            self._tape = TapeWriter(self._out.open("wb", buffering=0), {"shadow": self._node})

    def _close_tape(self) -> None:
        if self._tape is not None:
            self._tape.close({"shadow": self._node})
            self._tape = None


def _become(about: Mapping[str, Any], env: Mapping[str, str]) -> None:
    """Take on a node's environment and folder, with what shall differ; secrets are this process's own."""
    os.environ.update({name: value for name, value in about["env"].items() if value != _HIDDEN})
    os.environ["DORA_NODE_CONFIG"] = about["dora"]
    os.environ.update(env)
    os.chdir(about["folder"])


def _show(frame: VideoFrame) -> None:
    import cv2

    cv2.imshow(_WINDOW, frame.image[..., ::-1])
    cv2.waitKey(1)
