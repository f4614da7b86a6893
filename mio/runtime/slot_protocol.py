"""What a slot's supervisor and its workers tell each other, pickled over a socket pair. Standard library only."""

import os
import pickle
import socket
from dataclasses import dataclass, field
from typing import Any, Literal

from mio.runtime.link import Link

FD_VARIABLE = "MIO_SLOT_FD"
ROLE_VARIABLE = "MIO_SLOT_ROLE"
STATE_VARIABLE = "MIO_SLOT_STATE"
"""A file with pickled :class:`Marks` from which a node begins."""

Role = Literal["active", "standby", "shadow"]


@dataclass(frozen=True)
class Marks:
    """Where a worker stands, so that its successor goes on from there.

    Attributes:
        last_in: Number of the last message taken from each input.
        next_out: Number of the next message on each output.
        sealed: What the engine exported, pickled: a supervisor passes it on without importing what it is made of.
        taken_until_ns: For a program that does not number what it takes: it has taken all that arrived before,
            ``CLOCK_MONOTONIC``.
        next_tick_ns: When its next tick was due, ``CLOCK_MONOTONIC``; 0 if unknown.
    """

    last_in: dict[str, int] = field(default_factory=dict)
    next_out: dict[str, int] = field(default_factory=dict)
    sealed: bytes = b""
    taken_until_ns: int = 0
    next_tick_ns: int = 0

    @staticmethod
    def of(last_in: dict[str, int], next_out: dict[str, int], state: dict[str, Any], next_tick_ns: int = 0) -> "Marks":
        """Marks with an engine's state."""
        sealed = pickle.dumps(state, pickle.HIGHEST_PROTOCOL)
        return Marks(dict(last_in), dict(next_out), sealed, next_tick_ns=next_tick_ns)

    @property
    def state(self) -> dict[str, Any]:
        """What the engine exported; for workers, who can import what it is made of."""
        return pickle.loads(self.sealed) if self.sealed else {}


# From worker to supervisor


@dataclass(frozen=True)
class Loaded:
    """The engine is built; the worker is about to connect to dora.

    Attributes:
        exclusive: Whether it needs a device that its predecessor may hold.
    """

    exclusive: bool = False


@dataclass(frozen=True)
class Connected:
    """The worker is connected under the node's id.

    Attributes:
        since_ns: For one that cannot say which inputs it has: it has those sent since, ``CLOCK_MONOTONIC``; else 0.
    """

    since_ns: int = 0


@dataclass(frozen=True)
class Failed:
    """The worker cannot do its job."""

    problem: str
    remedy: str = ""


@dataclass(frozen=True)
class Beat:
    """The worker's loop goes round."""


@dataclass(frozen=True)
class Checkpoint:
    """Where the worker stands, once a second, for a successor if it dies."""

    marks: Marks


@dataclass(frozen=True)
class Figures:
    """What the worker measures of itself, about once a second.

    Attributes:
        summary: As in :meth:`mio.runtime.stats.NodeStats.summary`, of the recent past.
    """

    summary: dict[str, Any]


@dataclass(frozen=True)
class FirstInputs:
    """Numbers of the first messages that a standby worker has buffered, by port."""

    first_in: dict[str, int]


@dataclass(frozen=True)
class Prepared:
    """The standby worker has done beforehand what it can, and looks closely for word to take over."""


@dataclass(frozen=True)
class Retired:
    """The worker has stopped at a boundary and sends nothing any more.

    Attributes:
        marks: Where it stands.
        stopped_ns: Since when it does nothing but hand over, ``CLOCK_MONOTONIC``.
    """

    marks: Marks
    stopped_ns: int


@dataclass(frozen=True)
class Active:
    """The worker has taken over."""


# From supervisor to worker


@dataclass(frozen=True)
class Retire:
    """Stop at the next boundary, at the latest after a while, having taken all that the successor has not buffered.

    Attributes:
        first_in: First message that the successor has of each port.
        within_s: Patience for a boundary.
        since_ns: What was sent since then is the successor's, ``CLOCK_MONOTONIC``; 0 if ``first_in`` says it all.
        release: Whether to let go of all devices, because the successor needs them.
    """

    first_in: dict[str, int]
    within_s: float
    since_ns: int = 0
    release: bool = False


@dataclass(frozen=True)
class Prepare:
    """Do beforehand what would cost time at the hand-over, which comes next.

    Attributes:
        marks: Where the predecessor stood about a second ago.
    """

    marks: Marks


@dataclass(frozen=True)
class Go:
    """Take over from where the predecessor stands."""

    marks: Marks


@dataclass(frozen=True)
class Trim:
    """The active worker has taken everything up to here: a standby worker can forget it."""

    last_in: dict[str, int]


@dataclass(frozen=True)
class Resume:
    """Go on: the successor has failed."""


@dataclass(frozen=True)
class Leave:
    """End this process: the successor has taken over."""


@dataclass(frozen=True)
class Recover:
    """Start from where a worker stood that has died, or from nothing; the first thing an active worker is told."""

    marks: Marks


@dataclass(frozen=True)
class Tee:
    """Stream what the node takes, does and sends to a collector as well.

    Attributes:
        path: The collector's Unix socket.
        content: What is kept of payloads: ``headers``, ``digests`` (of pixels), ``whole`` or ``inputs``.
    """

    path: str
    content: str = "whole"


WorkerMessage = Loaded | Connected | Failed | Beat | Checkpoint | Figures | FirstInputs | Prepared | Retired | Active
SupervisorMessage = Retire | Prepare | Go | Trim | Resume | Leave | Recover | Tee


def link_pair() -> tuple[Link, socket.socket]:
    """The supervisor's end, and a socket that the worker inherits."""
    ours, theirs = socket.socketpair()
    return Link(ours), theirs


def inherited_link() -> Link | None:
    """The worker's end, named by the environment; None in a process that has no supervisor."""
    number = os.environ.pop(FD_VARIABLE, "")
    return Link(socket.socket(fileno=int(number))) if number else None
