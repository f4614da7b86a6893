"""Messages between a supervisor and its worker, pickled over a socket. Standard library only.

Neither end waits for the other for long: a worker goes on stepping its engine while its supervisor is stopped, and a
supervisor sees that its worker hangs even if that happened in the middle of a message.
"""

import contextlib
import pickle
import select
import socket
import struct
import time
from typing import Any

_LENGTH = struct.Struct("!I")
_PART = 1 << 16


class Link:
    """One end of the connection.

    Args:
        end: A connected stream socket.
    """

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(False)
        self._socket = end
        self._coming = bytearray()
        self._going = bytearray()

    def tell(self, message: Any, patience_s: float = 2.0) -> bool:
        """Send a message; false if the other side is gone. What there is no room for is sent later.

        Args:
            message: What to send.
            patience_s: How long to wait for room.
        """
        content = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
        self._going += _LENGTH.pack(len(content)) + content
        deadline_s = time.monotonic() + patience_s
        try:
            while not self._flush() and (left_s := deadline_s - time.monotonic()) > 0:
                select.select([], [self._socket], [], left_s)
        except (OSError, ValueError):
            return False
        return True

    def mention(self, message: Any) -> bool:
        """Send a message at once, or drop it while an earlier one still waits for room; false if it was dropped."""
        return self.free and self.tell(message, 0.0)

    def hear(self) -> Any:
        """The next message that has arrived; None if there is none.

        Raises:
            EOFError: If the other side is gone.
        """
        with contextlib.suppress(OSError):  # what the other side said before it went is still to be heard
            self._flush()
        try:
            gone = not self._receive()
        except OSError as error:
            raise EOFError from error
        content = self._take()
        if content is None:
            if gone:
                raise EOFError
            return None
        return pickle.loads(content)

    def wait(self) -> Any:
        """The next message, however long it takes to arrive.

        Raises:
            EOFError: If the other side is gone.
        """
        while (message := self.hear()) is None:
            select.select([self._socket], [], [])
        return message

    @property
    def free(self) -> bool:
        """Whether all that was told has left this process."""
        try:
            return self._flush()
        except OSError:
            return False

    def fileno(self) -> int:
        """For ``select``."""
        return self._socket.fileno()

    def close(self) -> None:
        """Close this end."""
        self._socket.close()

    def _flush(self) -> bool:
        """Send what waits; whether nothing waits any more."""
        with contextlib.suppress(BlockingIOError):
            while self._going:
                del self._going[: self._socket.send(self._going)]
        return not self._going

    def _receive(self) -> bool:
        """Take what has arrived; false if the other side is gone."""
        while True:
            try:
                part = self._socket.recv(_PART)
            except BlockingIOError:
                return True
            except ConnectionResetError:  # said once, before the rest, if the other side left something unread
                continue
            if not part:
                return False
            self._coming += part

    def _take(self) -> bytes | None:
        """The first whole message of what has arrived."""
        if len(self._coming) < _LENGTH.size:
            return None
        end = _LENGTH.size + _LENGTH.unpack_from(self._coming)[0]
        if len(self._coming) < end:
            return None
        content = bytes(self._coming[_LENGTH.size : end])
        del self._coming[:end]
        return content
