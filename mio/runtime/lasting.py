"""What outlives a supervisor that is killed: where its worker stood, and what it had been swapped to.

A file beside the control socket, readable by its owner only, rewritten with the checkpoints and removed when the node
ends in order. Standard library only.
"""

import os
import pickle
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from mio.runtime.slot_protocol import Marks

_BYTES_PER_S = 200_000
"""What is written on average: a state of 1 MB, such as a recording of who is speaking, is kept every 5 s."""


@dataclass
class Standing:
    """How a node stands.

    Attributes:
        command: Program of its worker.
        overrides: Environment of its worker, as swaps have set it.
        marks: Its worker's last checkpoint.
        swaps: Swaps so far.
        deaths: Workers and supervisors that have died so far.
    """

    command: list[str]
    overrides: dict[str, str] = field(default_factory=dict)
    marks: Marks = field(default_factory=Marks)
    swaps: int = 0
    deaths: int = 0


class StandingFile:
    """The file.

    Args:
        path: Where it is; in a folder that only its owner may look into.
        now_s: A clock.
    """

    def __init__(self, path: Path, now_s: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._now_s = now_s
        self._rested_s = 0.0

    def read(self) -> Standing | None:
        """What a killed predecessor left; None if there was none or it cannot be read."""
        try:
            content = pickle.loads(self._path.read_bytes())
        except (OSError, EOFError, pickle.UnpicklingError, AttributeError, ImportError):
            return None
        return content if isinstance(content, Standing) else None

    def keep(self, standing: Standing) -> None:
        """Write it, unless what was written last was too large for being written again so soon."""
        if self._now_s() >= self._rested_s:
            self.write(standing)

    def write(self, standing: Standing) -> None:
        """Replace what was written; a full disk must not stop the conversation."""
        partial = self._path.with_suffix(".new")
        self._rested_s = self._now_s() + len(standing.marks.sealed) / _BYTES_PER_S
        try:
            with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                pickle.dump(standing, file, pickle.HIGHEST_PROTOCOL)
            partial.replace(self._path)
        except OSError:
            partial.unlink(missing_ok=True)

    def remove(self) -> None:
        """Remove it."""
        self._path.unlink(missing_ok=True)
