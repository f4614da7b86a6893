"""The collector: a Unix socket to which nodes stream what happens in them."""

import os
import selectors
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from mio.errors import MioError
from mio.runtime.control import private_root
from mio.runtime.tee import TapeEvent
from mio.tape.format import Row

_LENGTH = struct.Struct(">I")
_READ_BYTES = 1 << 20
_BUFFER_BYTES = 4 << 20


class _Stream:
    """One worker's connection, and what of it is not a whole event yet."""

    def __init__(self, connection: socket.socket, run: int) -> None:
        self.connection = connection
        self.run = run
        self.node = ""
        self._bytes = bytearray()
        self._decoder = msgspec.msgpack.Decoder(TapeEvent)

    def read(self) -> list[Row] | None:
        """Events that have arrived whole; None when the worker has gone."""
        try:
            part = self.connection.recv(_READ_BYTES)
        except BlockingIOError:
            return []
        except OSError:
            return None
        if not part:
            return None
        self._bytes += part
        return list(self._events())

    def _events(self) -> Iterator[Row]:
        start = 0
        while len(self._bytes) - start >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._bytes, start)
            end = start + _LENGTH.size + length
            if len(self._bytes) < end:
                break
            with memoryview(self._bytes) as view:
                event = self._decoder.decode(view[start + _LENGTH.size : end])
            start = end
            if event.event == "start":
                self.node = str(msgspec.json.decode(event.header)["node"])
            yield Row(self.node, self.run, event)
        del self._bytes[:start]


class Collector:
    """Takes the streams of any number of workers.

    Attributes:
        path: The socket.
        connected: Workers that are connected now.
    """

    def __init__(self) -> None:
        """Open the socket in this user's own folder.

        Raises:
            MioError: If it cannot be made.
        """
        self.connected = 0
        self._runs = 0
        self._selector = selectors.DefaultSelector()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self.path: Path = private_root() / f"{os.getpid()}-{time.monotonic_ns() % 1_000_000}.tee"
            self._socket.bind(str(self.path))
        except OSError as error:
            self._socket.close()
            raise MioError(f"no socket for recording: {error}", "set MIO_CONTROL_DIR to a short path") from error
        self._socket.listen(64)
        self._socket.setblocking(False)
        self._selector.register(self._socket, selectors.EVENT_READ)

    def rows(self, within_s: float) -> list[Row]:
        """What has arrived, after waiting a while for it."""
        found: list[Row] = []
        for key, _ in self._selector.select(within_s):
            if key.data is None:
                self._accept()
                continue
            stream: _Stream = key.data
            rows = stream.read()
            if rows is None:
                self._drop(stream)
            else:
                found += rows
        return found

    def close(self) -> None:
        """Let all workers go and remove the socket."""
        for key in list(self._selector.get_map().values()):
            if key.data is not None:
                self._drop(key.data)
        self._selector.close()
        self._socket.close()
        self.path.unlink(missing_ok=True)

    def _accept(self) -> None:
        connection, _ = self._socket.accept()
        connection.setblocking(False)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
        self._selector.register(connection, selectors.EVENT_READ, _Stream(connection, self._runs))
        self._runs += 1
        self.connected += 1

    def _drop(self, stream: _Stream) -> None:
        self._selector.unregister(stream.connection)
        stream.connection.close()
        self.connected -= 1
