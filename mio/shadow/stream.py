"""A running node's inputs and outputs as they happen, from its tee; the candidate's transport."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

from mio.contracts.messages import Message
from mio.contracts.wire import Wire, decode
from mio.errors import MioError
from mio.flow.live import LiveFlow
from mio.runtime.slot_protocol import Marks
from mio.runtime.tee import TapeEvent, Tees
from mio.runtime.transport import Closed, Event, Received
from mio.tape.collector import Collector
from mio.tape.format import metadata_of, value_of
from mio.tape.marks import read_marks

_WITHIN_S = 10.0


class Sent(NamedTuple):
    """An output.

    Attributes:
        port: Where it was sent.
        message: The message.
        computed_ns: How long its step had computed when it came.
    """

    port: str
    message: Message
    computed_ns: int


class NodeStream:
    """What one node takes and sends, from now on.

    Attributes:
        about: What the node is: package, environment, configuration.
        marks: Its state when the stream began; None until it has said so.
        lost: Events that could not be streamed in time.
    """

    def __init__(self, flow: LiveFlow, node: str) -> None:
        """Begin to listen.

        Raises:
            MioError: If there is no such node, or it does not answer.
        """
        self.about: dict[str, Any] = {}
        self.marks: Marks | None = None
        self.lost = 0
        self._state: Marks | None = None
        self._collector = Collector()
        self._inputs: deque[Received] = deque()
        self._on_sent: Callable[[Sent], None] = lambda _: None
        try:
            flow.ask(node, {"do": "tee", "path": str(self._collector.path), "content": "inputs"}, _WITHIN_S)
            self._wait_for(lambda: bool(self.about), node)
        except BaseException:
            self.close()
            raise

    def wait_for_state(self, node: str, within_s: float) -> Marks:
        """The node's state, from which a candidate starts; it is told before the node's next step.

        Raises:
            MioError: If the node does nothing in the meantime.
        """
        deadline = time.monotonic() + within_s
        while self.marks is None:
            if time.monotonic() > deadline:
                raise MioError(f"{node} had nothing to do in {within_s:g} s", "talk meanwhile, or raise --seconds")
            self._read(0.1)
        return self.marks

    def follow(self, on_sent: Callable[[Sent], None]) -> None:
        """Tell what the node sends."""
        self._on_sent = on_sent

    def next_input(self, within_s: float) -> Received | Closed | None:
        """The next message that the node has taken; Closed when it has gone."""
        if not self._inputs:
            self._read(within_s)
        if self._inputs:
            return self._inputs.popleft()
        return None if self._collector.connected else Closed()

    def close(self) -> None:
        """Listen no more."""
        self._collector.close()

    def _wait_for(self, done: Callable[[], bool], node: str) -> None:
        deadline = time.monotonic() + _WITHIN_S
        while not done():
            if time.monotonic() > deadline:
                raise MioError(f"{node} does not stream what it does", "is it an engine of Mio, and at work?")
            self._read(0.1)

    def _read(self, within_s: float) -> None:
        for row in self._collector.rows(within_s):
            self._note(row.event)

    def _note(self, event: TapeEvent) -> None:
        match event.event:
            case "start":
                self.about = metadata_of(event)
            case "state":
                self._state = read_marks(event.data)
            case "begin" | "step" if self.marks is None and self._state is not None:
                self.marks = _before(self._state, event)
            case "lost":
                self.lost += event.seq
            case "take":
                metadata = metadata_of(event)
                self._inputs.append(Received(event.port, value_of(event, event.port), metadata, event.at_ns))
            case "send":
                message = decode(value_of(event, event.port), metadata_of(event))
                self._on_sent(Sent(event.port, message, event.stamp_ns))
            case _:
                pass


def _before(marks: Marks, step: TapeEvent) -> Marks:
    """A state with what had been taken then, without the message whose step begins next."""
    if step.seq < 0:
        return marks
    return replace(marks, last_in={**marks.last_in, step.port: step.seq - 1})


class ShadowTransport:
    """A candidate's connection: it hears what the node hears, and nobody hears it.

    Attributes:
        complaints: Warnings and errors that it has logged.
    """

    def __init__(self, stream: NodeStream, node_id: str, host: str) -> None:
        self.node_id = node_id
        self.host = host
        self.complaints: list[str] = []
        self._stream = stream

    def receive(self, timeout_s: float) -> Event | None:
        """See :class:`mio.runtime.transport.Transport`."""
        return self._stream.next_input(timeout_s)

    def send(self, port: str, wire: Wire) -> None:
        """Send nothing: the loop's tee tells what would have been sent."""

    def log(self, level: str, text: str) -> None:
        """Keep what the candidate complains of."""
        if level in ("warn", "error"):
            self.complaints.append(text)


class ShadowTees(Tees):
    """Tells what the candidate's loop sends."""

    def __init__(self, on_sent: Callable[[Sent, Wire], None]) -> None:
        super().__init__()
        self._on_sent = on_sent

    def sent(self, port: str, wire: Wire, computed_ns: int) -> None:
        """An output has been made."""
        self._on_sent(Sent(port, decode(wire.value, wire.metadata), computed_ns), wire)
