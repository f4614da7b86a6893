"""What a node takes, does and sends, streamed to a collector (a recorder, a trace) without holding up its loop.

The loop tells its :class:`Tees` what happens; each :class:`Tee` keeps it in a bounded queue, which a thread empties
into the collector's Unix socket. A collector that is too slow loses events, never the conversation's time: what was
lost is counted, and the node's state follows, so that a replay can go on from there.

A step can be taken again from what is streamed: the engine's state, then every message and tick in the order in which
the engine was stepped with it, where its steps yielded, and which were given up.
"""

import json
import pickle
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec
import pyarrow as pa

from mio.contracts.messages import Message, Tick, VideoFrame
from mio.contracts.wire import ArrowArray, Metadata, Wire, encode
from mio.runtime.slot_protocol import Marks

Content = Literal["headers", "digests", "whole", "inputs"]
"""What is kept of payloads: nothing; all but pixels, of which a digest; everything; also that of every input."""

DIGEST_BYTES = 16
NO_CONTENT = frozenset({"seq", "sent_ns", "host", "origin_ns", "mono_ns", "timestamp", "v"})
"""Header fields that say when, where and as which a message was sent."""

_LONGEST_EVENTS = 20_000
_LARGEST_BYTES = 96_000_000
_EMPTY_EVERY_S = 0.02
_CLOSE_WITHIN_S = 0.5
_CONNECT_WITHIN_S = 2.0
_BOUNDARY_WITHIN_NS = 2_000_000_000
_ON_THE_WAY_NS = 2_000_000_000  # messages sent shortly before: their senders may not have been listened to yet
_LENGTH = struct.Struct(">I")


class TapeEvent(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Something that happened in a node.

    Attributes:
        at_ns: ``CLOCK_MONOTONIC`` when it happened.
        event: ``start`` (the header says what the node is); ``state`` (the data is its pickled
            :class:`~mio.runtime.slot_protocol.Marks`); ``take`` an input; ``begin`` a step that other events may come
            between, ``pull`` it for its next output, ``done``, ``abandon`` it; ``step``, one that is taken to its end
            at once, and ``done``; ``send`` an output; ``lost`` events.
        port: Port of the message.
        seq: Its number; -1 for a tick. Of ``lost``: how many events.
        stamp_ns: ``take``, ``begin``, ``step``: when the message was sent, or the tick's time. ``send``, ``done``,
            ``abandon``: how long the step has computed so far.
        header: The message's metadata, or what is said at the ``start``, as JSON.
        data: Its payload, little endian.
        type: Arrow type of the payload; empty if it was not kept.
        digest: Of the message without its times; see :func:`digest`. Empty if only headers are kept.
    """

    at_ns: int
    event: str
    port: str = ""
    seq: int = -1
    stamp_ns: int = 0
    header: str = ""
    data: bytes = b""
    type: str = ""
    digest: bytes = b""


class _Noted(NamedTuple):
    """An event with a message that is not yet written out, which the thread does."""

    event: TapeEvent
    wire: Wire


class Tee:
    """Streams events to one collector.

    Attributes:
        closed: Whether the collector has gone.
        wants_state: Whether the node's state is still to be streamed, before its next step.
        since_ns: When this began.
        keeps_inputs: Whether inputs are streamed with their payload, although their senders could stream it.
    """

    def __init__(self, path: Path, content: Content, start: dict[str, Any], now_ns: int) -> None:
        """Connect to a collector.

        Raises:
            OSError: If nobody listens there.
        """
        self.closed = False
        self.wants_state = True
        self.since_ns = now_ns
        self.keeps_inputs = content == "inputs"
        self._content: Content = content
        self._queue: deque[TapeEvent | _Noted] = deque()
        self._bytes_in = self._bytes_out = 0  # each written by one thread only
        self._lost = 0
        self._ending = threading.Event()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.settimeout(_CONNECT_WITHIN_S)
            self._socket.connect(str(path))
            self._socket.settimeout(None)
        except OSError:
            self._socket.close()
            raise
        self.put(TapeEvent(now_ns, "start", header=json.dumps(start)))
        self._thread = threading.Thread(target=self._empty, name="tee", daemon=True)
        self._thread.start()

    def put(self, event: TapeEvent, wire: Wire | None = None) -> None:
        """Keep an event for the collector; lose it if there is no room.

        Args:
            event: What happened.
            wire: The message, whose payload must not change any more.
        """
        if self.closed:
            return
        size = wire.value.nbytes if wire is not None and self._content != "headers" else len(event.data)
        if len(self._queue) >= _LONGEST_EVENTS or self._bytes_in - self._bytes_out + size > _LARGEST_BYTES:
            self._lost += 1
            return
        if self._lost:
            if len(self._queue) > _LONGEST_EVENTS // 2:
                self._lost += 1
                return
            self._queue.append(TapeEvent(event.at_ns, "lost", seq=self._lost))
            self._lost, self.wants_state, self.since_ns = 0, True, event.at_ns
        self._bytes_in += size
        self._queue.append(event if wire is None else _Noted(event, wire))

    def close(self) -> None:
        """Stream what is left, for a moment."""
        self._ending.set()
        self._thread.join(_CLOSE_WITHIN_S)

    def _empty(self) -> None:
        try:
            while not self.closed:
                ending = self._ending.is_set()
                while self._queue:
                    self._send(self._queue.popleft())
                if ending:
                    break
                self._ending.wait(_EMPTY_EVERY_S)
        except OSError:
            pass  # the collector has gone
        finally:
            self.closed = True
            self._queue.clear()
            self._socket.close()

    def _send(self, noted: TapeEvent | _Noted) -> None:
        if isinstance(noted, TapeEvent):
            event, size = noted, len(noted.data)
        else:
            event = written(noted.event, noted.wire, self._content)
            size = noted.wire.value.nbytes if self._content != "headers" else 0
        frame = msgspec.msgpack.encode(event)
        self._socket.sendall(_LENGTH.pack(len(frame)) + frame)
        self._bytes_out += size


class Tees:
    """The collectors of a node; a loop tells them what it does. With none, telling costs next to nothing."""

    def __init__(self, now_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self._tees: list[Tee] = []
        self._now_ns = now_ns

    def attach(self, path: Path, content: Content, start: dict[str, Any]) -> None:
        """Begin to stream to a collector.

        Raises:
            OSError: If nobody listens there.
        """
        self._tees.append(Tee(path, content, start, self._now_ns()))

    def close(self) -> None:
        """Stream what is left."""
        for tee in self._tees:
            tee.close()
        self._tees.clear()

    @property
    def waiting(self) -> bool:
        """Whether a collector still needs the node's state."""
        return bool(self._tees) and any(tee.wants_state for tee in self._tees)

    def state(self, marks: Marks, *, at_boundary: bool) -> None:
        """The node's state, between two steps; it waits a while for a boundary, where nothing is under way."""
        now_ns = self._now_ns()
        event = TapeEvent(now_ns, "state", data=pickle.dumps(marks))
        for tee in self._tees:
            if tee.wants_state and (at_boundary or now_ns - tee.since_ns > _BOUNDARY_WITHIN_NS):
                tee.wants_state = False
                tee.put(event)

    def taken(self, port: str, metadata: Metadata, value: ArrowArray) -> None:
        """An input has been taken from the dataflow."""
        if not self._tees:
            return
        seq, sent_ns = int(metadata.get("seq", -1)), int(metadata.get("sent_ns", 0))
        event = TapeEvent(self._now_ns(), "take", port, seq, sent_ns)
        picture = metadata.get("kind") == VideoFrame.KIND
        for tee in self._tees:
            early = sent_ns < tee.since_ns + _ON_THE_WAY_NS and not picture
            tee.put(event, Wire(value, metadata) if early or tee.keeps_inputs else None)

    def waits(self, port: str, message: Message) -> None:
        """An input was taken before and still waits for its step."""
        wire = encode(message, seq=message.seq, sent_ns=message.sent_ns, host=message.host)
        self.taken(port, wire.metadata, wire.value)

    def began(self, port: str, message: Message, *, at_once: bool) -> None:
        """A step begins: one that is taken to its end at once, or one that other steps may come between."""
        if not self._tees:
            return
        stamp_ns = message.mono_ns if isinstance(message, Tick) else message.sent_ns
        self._put(TapeEvent(self._now_ns(), "step" if at_once else "begin", port, message.seq, stamp_ns))

    def pulled(self) -> None:
        """The step that goes on between others is asked for its next output."""
        if self._tees:
            self._put(TapeEvent(self._now_ns(), "pull"))

    def ended(self, event: Literal["done", "abandon"], port: str, seq: int, computed_ns: int) -> None:
        """A step has ended, or is given up."""
        if self._tees:
            self._put(TapeEvent(self._now_ns(), event, port, seq, computed_ns))

    def sent(self, port: str, wire: Wire, computed_ns: int) -> None:
        """An output has been sent."""
        if self._tees:
            event = send_event(port, wire, computed_ns)
            for tee in self._tees:
                tee.put(event, wire)

    def _put(self, event: TapeEvent) -> None:
        for tee in self._tees:
            tee.put(event)
        if any(tee.closed for tee in self._tees):
            self._tees = [tee for tee in self._tees if not tee.closed]


def payload_bytes(value: ArrowArray) -> bytes:
    """The bytes of a message's payload as it travels."""
    if pa.types.is_string(value.type):
        return value[0].as_py().encode()
    buffer = value.buffers()[1]
    width = value.type.bit_width // 8
    return b"" if buffer is None else buffer.slice(value.offset * width, len(value) * width).to_pybytes()


def digest(metadata: Metadata, data: bytes) -> bytes:
    """Digest of a message without when, where and as which it was sent: equal for equal content of two runs.

    Args:
        metadata: Its header.
        data: Its payload.
    """
    fields = {name: field for name, field in metadata.items() if name not in NO_CONTENT}
    hashed = blake2b(json.dumps(fields, sort_keys=True, default=str).encode(), digest_size=DIGEST_BYTES)
    hashed.update(data)
    return hashed.digest()


def send_event(port: str, wire: Wire, computed_ns: int) -> TapeEvent:
    """The event of an output's being sent, still without the message."""
    return TapeEvent(int(wire.metadata["sent_ns"]), "send", port, int(wire.metadata["seq"]), computed_ns)


def written(event: TapeEvent, wire: Wire, content: Content) -> TapeEvent:
    """The event with its message's header, and as much of the payload as is kept."""
    value, metadata = wire
    plain = {name: field for name, field in metadata.items() if name != "timestamp"}
    event = msgspec.structs.replace(event, header=json.dumps(plain, ensure_ascii=False, default=str))
    if content == "headers":
        return event
    data = payload_bytes(value)
    event = msgspec.structs.replace(event, digest=digest(plain, data))
    if plain.get("kind") == VideoFrame.KIND and content == "digests":
        return event
    return msgspec.structs.replace(event, data=data, type=str(value.type))
