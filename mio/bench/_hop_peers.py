"""What one hop over dora is compared with: shared memory with a pipe as doorbell, and ZeroMQ."""

import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable
from multiprocessing import shared_memory
from multiprocessing.connection import Connection
from typing import Protocol

import numpy as np
import zmq

WARM_UP = 20


class Peer(Protocol):
    """A way to carry payloads of one size from this process to another; it is pickled to get there."""

    def sender(self) -> Callable[[int], None]:
        """What sends one payload with its time."""
        ...

    def receiver(self) -> Callable[[], int]:
        """What receives one payload and returns its time."""
        ...


class SharedMemory:
    """POSIX shared memory; a pipe says that a payload is there."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._block = shared_memory.SharedMemory(create=True, size=size)
        self._far, self._near = multiprocessing.get_context("spawn").Pipe(duplex=False)

    def sender(self) -> Callable[[int], None]:
        """See :class:`Peer`."""
        payload = np.zeros(self._size, np.uint8)

        def send(sent_ns: int) -> None:
            np.ndarray(self._size, np.uint8, buffer=self._block.buf)[:] = payload
            self._near.send(sent_ns)

        return send

    def receiver(self) -> Callable[[], int]:
        """See :class:`Peer`."""

        def receive() -> int:
            sent_ns = self._far.recv()
            np.ndarray(self._size, np.uint8, buffer=self._block.buf).copy()
            return sent_ns

        return receive

    def remove(self) -> None:
        """Give the memory back."""
        self._block.close()
        self._block.unlink()


class ZeroMQ:
    """ZeroMQ push and pull over a Unix socket."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._address = f"ipc://{tempfile.gettempdir()}/mio-hop-{os.getpid()}-{size}"

    def sender(self) -> Callable[[int], None]:
        """See :class:`Peer`."""
        socket = zmq.Context.instance().socket(zmq.PUSH)
        socket.connect(self._address)
        payload = bytes(self._size)

        def send(sent_ns: int) -> None:
            socket.send_multipart([str(sent_ns).encode(), payload])

        return send

    def receiver(self) -> Callable[[], int]:
        """See :class:`Peer`."""
        socket = zmq.Context.instance().socket(zmq.PULL)
        socket.bind(self._address)

        def receive() -> int:
            sent_ns, payload = socket.recv_multipart()
            np.frombuffer(payload, np.uint8).copy()
            return int(sent_ns)

        return receive

    def remove(self) -> None:
        """Nothing to give back."""


def latencies_ms(peer: Peer, rate_hz: float, messages: int) -> list[float]:
    """Send paced messages to another process and return how long each took, without the first ones."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_receive, args=(peer, theirs, messages), daemon=True)
    process.start()
    ours.recv()
    send = peer.sender()
    due = time.monotonic()
    for _ in range(messages):
        due += 1 / rate_hz
        time.sleep(max(0.0, due - time.monotonic()))
        send(time.monotonic_ns())
    measured: list[float] = ours.recv()
    process.join(10)
    return measured[WARM_UP:]


def _receive(peer: Peer, results: Connection, messages: int) -> None:
    receive = peer.receiver()
    results.send("ready")
    measured: list[float] = []
    for _ in range(messages):
        sent_ns = receive()
        measured.append((time.monotonic_ns() - sent_ns) / 1e6)
    results.send(measured)
