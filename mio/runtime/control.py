"""Requests to a node's supervisor: one JSON object over a Unix socket that only its owner can reach.

Standard library only.
"""

import contextlib
import json
import os
import shutil
import socket
import time
from pathlib import Path
from typing import Any

from mio.runtime.dora_env import control_root

_LONGEST = 1 << 20
_TIMEOUT_S = 2.0
_FORGOTTEN_S = 60.0  # a folder of sockets that nobody answers and nobody has touched for so long is left over
_ID_LENGTH = 12  # of a dataflow's id, the random end: socket paths must be short


class Request:
    """A request that waits for its answer.

    Attributes:
        content: What is asked: ``do`` and its arguments.
    """

    def __init__(self, connection: socket.socket, content: dict[str, Any]) -> None:
        self.content = content
        self._connection = connection

    def answer(self, content: dict[str, Any]) -> None:
        """Grant it."""
        self._send({"ok": True, **content})

    def refuse(self, problem: str, remedy: str = "") -> None:
        """Say why not, and what to do."""
        self._send({"ok": False, "problem": problem, "remedy": remedy})

    def _send(self, content: dict[str, Any]) -> None:
        try:
            self._connection.sendall(json.dumps(content).encode() + b"\n")
        except OSError:
            pass  # whoever asked has gone
        finally:
            self._connection.close()


class ControlServer:
    """The socket on which a supervisor takes requests.

    Attributes:
        path: Where it is; files beside it can be reached by their owner only.
    """

    def __init__(self, dataflow_id: str, node_id: str) -> None:
        root = private_root()
        _clear_away(root)
        self.path = root / dataflow_id[-_ID_LENGTH:] / f"{node_id}.sock"
        self.path.parent.mkdir(mode=0o700, exist_ok=True)
        self.path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.bind(str(self.path))
        self._socket.listen()
        self._socket.setblocking(False)

    def accept(self) -> Request | None:
        """A request, if one has come."""
        try:
            connection, _ = self._socket.accept()
        except BlockingIOError:
            return None
        connection.settimeout(_TIMEOUT_S)
        try:
            content = json.loads(_read_line(connection))
        except (OSError, ValueError):
            connection.close()
            return None
        return Request(connection, content)

    def fileno(self) -> int:
        """For ``select``."""
        return self._socket.fileno()

    def close(self) -> None:
        """Stop taking requests and remove the socket."""
        self._socket.close()
        self.path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # other nodes of the dataflow are still there
            self.path.parent.rmdir()


def private_root() -> Path:
    """The folder of control sockets, made if there is none.

    Raises:
        OSError: If others can look into it.
    """
    root = control_root()
    root.mkdir(mode=0o700, exist_ok=True)
    status = root.stat()
    if status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise OSError(f"{root} is open to others -> remove it, or set MIO_CONTROL_DIR to a folder of your own")
    return root


def ask(path: Path, content: dict[str, Any], timeout_s: float) -> dict[str, Any]:
    """Ask a supervisor and wait for its answer.

    Args:
        path: Its socket.
        content: ``do`` and its arguments.
        timeout_s: How long to wait.

    Raises:
        OSError: If it is not there or does not answer in time.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout_s)
        connection.connect(str(path))
        connection.sendall(json.dumps(content).encode() + b"\n")
        return json.loads(_read_line(connection))


def running_flows(root: Path | None = None) -> dict[str, dict[str, Path]]:
    """Sockets by dataflow and node, of all dataflows of this user, or of those below another folder.

    Those of dead supervisors are left out.
    """
    found: dict[str, dict[str, Path]] = {}
    for path in sorted(filter(_answered, (root or control_root()).glob("*/*.sock"))):
        found.setdefault(path.parent.name, {})[path.stem] = path
    return found


def _answered(path: Path) -> bool:
    """Whether a supervisor is behind a socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.setblocking(False)
        try:
            connection.connect(str(path))
        except BlockingIOError:  # so many ask it that this one would have to wait
            return True
        except OSError:
            return False
    return True


def _clear_away(root: Path) -> None:
    """Remove what dataflows have left behind whose supervisors were all killed."""
    for folder in root.iterdir():
        with contextlib.suppress(OSError):
            forgotten = time.time() - folder.stat().st_mtime > _FORGOTTEN_S
            if forgotten and folder.is_dir() and not any(map(_answered, folder.glob("*.sock"))):
                shutil.rmtree(folder)


def _read_line(connection: socket.socket) -> bytes:
    line = bytearray()
    while not line.endswith(b"\n") and len(line) < _LONGEST:
        part = connection.recv(65_536)
        if not part:
            break
        line += part
    return bytes(line)
