"""What every node's engine is: pure, stepped with one message at a time, ignorant of dora, clocks and environment."""

from collections.abc import Iterable
from typing import Any

from mio.contracts.messages import Message

Output = tuple[str, Message]
"""An output port and what to send on it."""

Outputs = Iterable[Output | None]
"""What a step yields: outputs, or None for "nothing yet, look whether something newer has arrived"."""


class Engine:
    """Base of all engines.

    Life of an engine: it is built (weights are loaded, nothing is touched that another process may hold), perhaps
    prepared and given a predecessor's state, opened, stepped, and closed. It may be closed and opened again.

    A step may be a generator: the runtime sends each output as soon as it is yielded and looks for newer input between
    two yields. A flushing input closes the generator, so state must be consistent at every yield. A step that
    computes for longer than 50 ms yields inside.

    Attributes:
        tick_hz: How often the runtime steps the engine with a ``Tick`` on port ``tick``; 0 for never.
        exclusive: Whether it holds something that two processes cannot hold at once (a device, a window, a file):
            then a predecessor is closed before its successor is opened.
        rehearsal: Whether nothing it does may last, since what it sees has happened before or happens to another
            engine (a replay, a shadow): then it keeps nothing in files. Set before it is opened.
        label: What it is called in figures; empty if its configuration names it.
    """

    tick_hz: float = 0.0
    exclusive: bool = False
    rehearsal: bool = False
    label: str = ""

    def prepare(self, state: dict[str, Any]) -> None:
        """Do beforehand what would make :meth:`open` slow; the predecessor still serves and holds what it holds.

        Args:
            state: What the predecessor exported a moment ago. It is given a newer one before it is opened.

        Raises:
            MioError: If it is already clear that it cannot be opened.
        """

    def open(self) -> None:
        """Acquire what is held while stepping: devices, windows, files.

        Raises:
            MioError: If it cannot be had.
        """

    def step(self, port: str, message: Message) -> Outputs:
        """Take one input and yield what follows from it.

        Args:
            port: Input port, or ``tick``.
            message: What arrived there; a ``Tick`` on port ``tick``.
        """
        raise NotImplementedError

    def at_boundary(self) -> bool:
        """Whether a successor could take over now without being noticed, such as between two sentences."""
        return True

    def export_state(self) -> dict[str, Any]:
        """State that a successor needs to go on where this engine stands: plain values and arrays only."""
        return {}

    def import_state(self, state: dict[str, Any]) -> None:
        """Take over the state that a predecessor exported; unknown or missing keys are ignored."""

    def close(self) -> None:
        """Finish and release what is held (files, devices), before another process takes over or this one ends."""
