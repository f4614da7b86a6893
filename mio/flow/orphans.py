"""Shared memory that nobody holds any more. Linux only; elsewhere nothing is found."""

import contextlib
import fcntl
import time
from pathlib import Path

_SHARED = Path("/dev/shm")
_NEW_S = 1.0  # a younger one may be about to be locked


def remove_orphans(folder: Path = _SHARED, *, older_than_s: float = _NEW_S) -> list[Path]:
    """Remove segments of zenoh, which dora sends with, that no process holds.

    Who holds one has locked it, and zenoh itself removes those that are not locked when it starts next. A daemon that
    ends does not always get as far as removing its own, some kB.

    Args:
        folder: Where the system keeps shared memory.
        older_than_s: Newer ones stay.

    Returns:
        What was removed.
    """
    removed: list[Path] = []
    for path in folder.glob("*.zenoh"):
        with contextlib.suppress(OSError), path.open("r+b") as segment:
            fcntl.flock(segment, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if time.time() - path.stat().st_mtime >= older_than_s:
                path.unlink()
                removed.append(path)
    return removed
