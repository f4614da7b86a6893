"""What outlives a supervisor that is killed: where its worker stood, and what it had been swapped to.

A file beside the control socket, readable by its owner only, rewritten with every checkpoint and removed when the node
ends in order. Standard library only.
"""

import os
import pickle
from dataclasses import dataclass, field
from pathlib import Path

from mio.runtime.slot_protocol import Marks


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
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> Standing | None:
        """What a killed predecessor left; None if there was none or it cannot be read."""
        try:
            content = pickle.loads(self._path.read_bytes())
        except (OSError, EOFError, pickle.UnpicklingError, AttributeError, ImportError):
            return None
        return content if isinstance(content, Standing) else None

    def write(self, standing: Standing) -> None:
        """Replace what was written; a full disk must not stop the conversation."""
        partial = self._path.with_suffix(".new")
        try:
            with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                pickle.dump(standing, file, pickle.HIGHEST_PROTOCOL)
            partial.replace(self._path)
        except OSError:
            partial.unlink(missing_ok=True)

    def remove(self) -> None:
        """Remove it."""
        self._path.unlink(missing_ok=True)
