"""What the loop needs of a dataflow, and dora's version of it: the only module that imports dora.

dora's traps are handled here: the lossless zenoh settings, the timeout that arrives as an error event, STOP that
overtakes queued inputs, and metadata that must be flat.
"""

import os
import socket
import time
from pathlib import Path
from typing import Any, NamedTuple, Protocol, cast

from mio.contracts.wire import ArrowArray, Metadata, Wire
from mio.runtime.dora_env import dora_node_id

OVERLAY = Path(__file__).with_name("zenoh.json5")
"""Settings without which dora's direct path drops messages silently when the CPU is busy."""

_SHARED_FROM_BYTES = 65_536
"""Messages from this size on go through shared memory, such as pictures. dora's own 4,096 would make every node whose
messages once grow beyond it map a pool for that."""


class Received(NamedTuple):
    """A message as it arrived on an input port, with ``CLOCK_MONOTONIC`` then; 0 if unknown."""

    port: str
    value: ArrowArray
    metadata: Metadata
    arrived_ns: int = 0


class Stopping(NamedTuple):
    """The dataflow asks the node to end; inputs that are already queued still follow."""


class Closed(NamedTuple):
    """No further input will come."""


Event = Received | Stopping | Closed


class Transport(Protocol):
    """A node's connection to its dataflow."""

    node_id: str
    host: str

    def receive(self, timeout_s: float) -> Event | None:
        """The next event; None if none came within the timeout (0: do not wait)."""
        ...

    def send(self, port: str, wire: Wire) -> None:
        """Send a message on an output port."""
        ...

    def log(self, level: str, text: str) -> None:
        """Put a line into the dataflow's log."""
        ...


class _DoraNode(Protocol):
    """The part of dora's ``Node`` that is used; its own stub lacks half of it."""

    def next(self, timeout: float) -> dict[str, Any] | None: ...
    def try_recv(self) -> dict[str, Any] | None: ...
    def send_output(self, output_id: str, data: Any, metadata: dict[str, Any]) -> None: ...
    def log(self, level: str, message: str, target: str) -> None: ...


class DoraTransport:
    """A dora node."""

    def __init__(self) -> None:
        os.environ.setdefault("DORA_ZENOH_CONFIG_OVERLAY", str(OVERLAY))
        os.environ.setdefault("DORA_ZERO_COPY_THRESHOLD", str(_SHARED_FROM_BYTES))
        os.environ["RUST_BACKTRACE"] = "0"
        from dora import Node

        self.node_id = dora_node_id() or "node"
        self.host = socket.gethostname()
        self._node = cast(_DoraNode, Node())
        self._stopping = False
        self._deaf = False

    def receive(self, timeout_s: float) -> Event | None:
        """See :class:`Transport`.

        When a successor connects under the same node id, dora's daemon turns to it and may end this node's events
        without a stop: then nothing is heard any more, but sending goes on.
        """
        if self._deaf:
            time.sleep(timeout_s)
            return None
        if timeout_s <= 0:
            event = self._node.try_recv()
            return None if event is None else self._translate(event)
        event = self._node.next(timeout=timeout_s)
        if event is not None:
            return self._translate(event)
        self._deaf = not self._stopping
        return None if self._deaf else Closed()

    def send(self, port: str, wire: Wire) -> None:
        """See :class:`Transport`."""
        self._node.send_output(port, wire.value, wire.metadata)

    def log(self, level: str, text: str) -> None:
        """See :class:`Transport`."""
        self._node.log(level, text, self.node_id)

    def _translate(self, event: dict[str, Any]) -> Event | None:
        match event["type"]:
            case "INPUT" if "kind" in event["metadata"]:
                return Received(event["id"], event["value"], event["metadata"], time.monotonic_ns())
            case "STOP":
                self._stopping = True
                return Stopping()
            case "ERROR" if "timed out" not in event["error"]:
                self.log("error", event["error"])
            case _:  # keepalive timers, closed inputs of a neighbour that restarts, dora's notices
                pass
        return None
