"""A dataflow of one node for tests: scripted input, recorded output, no dora, and a clock that only moves when told."""

import time
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path

from mio.contracts.engine import Engine
from mio.contracts.messages import Message, Tick
from mio.contracts.wire import Wire, decode, encode
from mio.runtime.loop import Loop
from mio.runtime.manifest import Manifest, read_manifest
from mio.runtime.stats import NodeStats
from mio.runtime.transport import Closed, Event, Received, Stopping

ScriptItem = tuple[str, Message] | tuple[str, Message, float] | Event

_EVENTS = (Received, Stopping, Closed)
_STEP_NS = 1_000_000
_BUSY_NS = 1_000_000_000
_PAUSE_S = 0.002
_DEADLINE_S = 120.0


class FakeTransport:
    """A transport that delivers a script and keeps what is sent.

    Script items are ``(port, message)``, delivered as soon as the loop asks; ``(port, message, at_s)``, delivered when
    the fake clock has reached that time; or an :class:`~mio.runtime.transport.Event`. When the script is over and
    ``run_s`` has passed, the input closes.

    Attributes:
        sent: ``(port, message)`` in the order of sending, decoded again from the wire.
        logged: ``(level, text)``.
        now_ns: The fake clock; waiting moves it.
    """

    def __init__(
        self,
        script: Iterable[ScriptItem] = (),
        *,
        run_s: float = 0.0,
        node_id: str = "node",
    ) -> None:
        self.node_id = node_id
        self.host = "test"
        self.sent: list[tuple[str, Message]] = []
        self.logged: list[tuple[str, str]] = []
        self.now_ns = 0
        self._script = deque(script)
        self._run_ns = round(run_s * 1e9)
        self._seq: dict[str, int] = {}

    def clock(self) -> int:
        """Fake ``CLOCK_MONOTONIC``; reading it costs a microsecond, so that a busy loop gets on."""
        self.now_ns += 1_000
        return self.now_ns

    def receive(self, timeout_s: float) -> Event | None:
        """Deliver what is due, else wait on the fake clock."""
        if self._script and self._due(self._script[0]):
            return self._deliver(self._script.popleft())
        patience_ns = 0 if timeout_s > 0 else _BUSY_NS  # a busy engine may finish what it has begun
        if not self._script and self.now_ns >= self._run_ns + patience_ns:
            return Closed()
        if timeout_s > 0:
            self.now_ns += min(round(timeout_s * 1e9), _STEP_NS) or 1
        return None

    def send(self, port: str, wire: Wire) -> None:
        """Keep a message."""
        self.sent.append((port, decode(wire.value, wire.metadata)))

    def log(self, level: str, text: str) -> None:
        """Keep a line."""
        self.logged.append((level, text))

    def messages(self, port: str) -> list[Message]:
        """What was sent on one port."""
        return [message for sent_port, message in self.sent if sent_port == port]

    def _due(self, item: ScriptItem) -> bool:
        if isinstance(item, _EVENTS) or len(item) < 3:
            return True
        return self.now_ns >= round(item[2] * 1e9)

    def _deliver(self, item: ScriptItem) -> Event:
        if isinstance(item, _EVENTS):
            return item
        port, message = item[0], item[1]
        seq = self._seq.get(port, -1) + 1
        self._seq[port] = seq
        wire = encode(message, seq=seq, sent_ns=self.now_ns, host=self.host)
        return Received(port, wire.value, wire.metadata)


def run_engine(
    engine: Engine,
    manifest: Manifest | Path,
    script: Iterable[ScriptItem],
    *,
    run_s: float = 0.0,
) -> FakeTransport:
    """Run an engine through the real loop on a scripted dataflow, in fake time.

    Args:
        engine: The engine under test.
        manifest: Its ports, or the path of its ``dora-node.yml``.
        script: See :class:`FakeTransport`.
        run_s: Fake seconds for which timer ticks go on.

    Returns:
        The transport, with what was sent and logged.
    """
    ports = read_manifest(manifest) if isinstance(manifest, Path) else manifest
    transport = FakeTransport(script, run_s=run_s, node_id=ports.node)
    Loop(engine, ports, transport, NodeStats(transport.node_id), now_ns=transport.clock).run()
    return transport


def steps(engine: Engine, port: str, message: Message) -> list[tuple[str, Message]]:
    """All outputs of one step of an engine, without a loop."""
    return [output for output in engine.step(port, message) if output is not None]


def tick(engine: Engine, at_s: float) -> list[tuple[str, Message]]:
    """All outputs of one timer tick at a monotonic time in seconds."""
    return steps(engine, "tick", Tick(mono_ns=round(at_s * 1e9)))


def run_until(engine: Engine, until: Callable[[list[tuple[str, Message]]], bool]) -> list[tuple[str, Message]]:
    """Tick an engine in real time until what has come out is enough; for engines that wait for something outside.

    Raises:
        TimeoutError: If it is not enough within two minutes; says what came out.
    """
    outputs: list[tuple[str, Message]] = []
    began_s = time.monotonic()
    while not until(outputs):
        if time.monotonic() - began_s > _DEADLINE_S:
            raise TimeoutError(f"after {_DEADLINE_S:g} s there is only {outputs}")
        outputs += tick(engine, time.monotonic())
        time.sleep(_PAUSE_S)
    return outputs
