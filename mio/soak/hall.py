"""A dataflow in one process and in made-up time: real engines, wired as the YAML says, stepped as fast as they can."""

import heapq
import os
from collections import defaultdict, deque
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec

from mio.contracts.engine import Engine
from mio.contracts.messages import Clock, Message, Tick
from mio.errors import MioError
from mio.flow.dataflow import read_flow
from mio.flow.graph import edges
from mio.flow.packages import package_of
from mio.runtime.worker import build

_HOST = "hall"

Listener = Callable[[str, str, Message], None]
"""Called with node, output and message."""


class Hall:
    """Steps engines in the order of time; what one sends arrives at once.

    Attributes:
        engines: By node.
        now_ns: Made-up ``CLOCK_MONOTONIC``.

    Args:
        flow: The dataflow.
        nodes: Which of its nodes take part; nothing reaches or comes from the others.
        env: Environment in which they are built.
        device_speed: Stage seconds per second, as a sound card plays that is a little fast or slow.
    """

    def __init__(self, flow: Path, nodes: Iterable[str], env: Mapping[str, str], device_speed: float = 1.0) -> None:
        read = read_flow(flow)
        known = {node.id: package_of(node) for node in read.nodes}
        self.now_ns = 0
        self.engines: dict[str, Engine] = {}
        with _environment({"MIO_CONFIG": str(flow.with_name("mio.config.yml")), **env}):
            for node in nodes:
                package = known.get(node)
                if package is None:
                    raise MioError(f"{flow}: no node '{node}' of this project", "name nodes of the dataflow")
                self.engines[node] = build(package)[0]
        self._targets: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
        for edge in edges(read):
            if edge.source in self.engines and edge.target in self.engines:
                self._targets[edge.source, edge.output].append((edge.target, edge.port))
        self._speed = device_speed
        self._seq: dict[tuple[str, str], int] = defaultdict(int)
        self._ticks = [(0, node) for node, engine in self.engines.items() if engine.tick_hz > 0]
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> None:
        """Call a function with all that is sent."""
        self._listeners.append(listener)

    def open(self) -> None:
        """Open all engines."""
        for engine in self.engines.values():
            engine.open()

    def close(self) -> None:
        """Close all engines."""
        for engine in self.engines.values():
            engine.close()

    def run(self, seconds: float) -> None:
        """Let time pass."""
        end_ns = self.now_ns + round(seconds * 1e9)
        while self._ticks and self._ticks[0][0] <= end_ns:
            self.now_ns, node = self._ticks[0]
            due_ns = self.now_ns + round(1e9 / self.engines[node].tick_hz)
            heapq.heapreplace(self._ticks, (due_ns, node))
            self.tell(node, "tick", Tick(mono_ns=self.now_ns))
        self.now_ns = end_ns

    def tell(self, node: str, port: str, message: Message) -> None:
        """Step a node with a message, and all that follows from it."""
        waiting = deque([(node, port, message)])
        while waiting:
            node, port, message = waiting.popleft()
            for output in self.engines[node].step(port, message):
                if output is not None:
                    waiting += self._sent(node, *output)

    def _sent(self, node: str, output: str, message: Message) -> list[tuple[str, str, Message]]:
        """Who gets what a node sent."""
        seq = self._seq[node, output]
        self._seq[node, output] += 1
        sent = msgspec.structs.replace(message, seq=seq, sent_ns=self.now_ns, host=_HOST)
        for listener in self._listeners:
            listener(node, output, sent)
        if isinstance(sent, Clock):
            stage_s, rate = sent.stage_s * self._speed, sent.rate * self._speed
            sent = msgspec.structs.replace(sent, stage_s=stage_s, rate=rate)
        return [(target, port, sent) for target, port in self._targets[node, output]]


@contextmanager
def _environment(env: Mapping[str, str]) -> Generator[None]:
    """Environment variables for a while."""
    before = {name: os.environ.get(name) for name in env}
    os.environ.update(env)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
