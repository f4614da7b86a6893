"""A door between a node's program and dora's daemon: the program connects, and waits there until it is let in.

A program that connects with dora's ``Node()`` first subscribes to its inputs, then registers with the daemon, and then
asks it to start: the second request on its first connection. Held back there, it already keeps the inputs that reach it
and has sent nothing yet, while another program still serves under the same node id. Standard library only.
"""

import contextlib
import re
import socket
import threading
from collections.abc import Mapping

_CONFIG = "DORA_NODE_CONFIG"
_ADDRESS = re.compile(r"(?P<before>socket_addr: *[\"']?)(?P<host>[\d.]+|\[[\da-f:]+\]):(?P<port>\d+)")
_LENGTH_BYTES = 8  # of the little-endian length in front of each request
_CHUNK = 1 << 16


class Gate:
    """Passes a program's connections on to the daemon, and holds its request to start.

    Attributes:
        reached: Set when the program waits at the gate.
        environ: The program's environment: the one given, with the gate in the daemon's place.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        found = _ADDRESS.search(environ.get(_CONFIG, ""))
        if found is None:
            raise ValueError(f"no daemon's address in {_CONFIG}")
        self._daemon = (found["host"].strip("[]"), int(found["port"]))
        self._door = socket.create_server(("127.0.0.1", 0))
        here = f"127.0.0.1:{self._door.getsockname()[1]}"
        config = environ[_CONFIG]
        self.environ = {**environ, _CONFIG: f"{config[: found.end('before')]}{here}{config[found.end('port') :]}"}
        self.reached = threading.Event()
        self._opened = threading.Event()

    def serve(self) -> None:
        """Take the program's connections from now on, in threads."""
        threading.Thread(target=self._serve, daemon=True).start()

    def open(self) -> None:
        """Let the program in."""
        self._opened.set()

    def _serve(self) -> None:
        first = True
        while True:
            program, _ = self._door.accept()
            try:
                daemon = socket.create_connection(self._daemon)
            except OSError:
                program.close()
                continue
            for end in (program, daemon):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._ask, args=(program, daemon, first), daemon=True).start()
            threading.Thread(target=_pass_on, args=(daemon, program), daemon=True).start()
            first = False

    def _ask(self, program: socket.socket, daemon: socket.socket, first: bool) -> None:
        """Pass requests on; on the first connection, all after the first one wait for the gate to open."""
        with contextlib.suppress(OSError):
            if first and not self._opened.is_set():
                daemon.sendall(_request(program))
                waiting = program.recv(_CHUNK)
                self.reached.set()
                self._opened.wait()
                daemon.sendall(waiting)
        _pass_on(program, daemon)


def _request(connection: socket.socket) -> bytes:
    """One request with its length in front."""
    head = _exactly(connection, _LENGTH_BYTES)
    return head + _exactly(connection, int.from_bytes(head, "little"))


def _exactly(connection: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        part = connection.recv(size - len(data))
        if not part:
            break
        data += part
    return bytes(data)


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(_CHUNK):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
