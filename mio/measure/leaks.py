"""What processes hold in ``/dev/shm``, and which of them have ended unburied. Linux only; elsewhere empty."""

import contextlib
from collections.abc import Iterable
from pathlib import Path

import psutil

_SHARED = Path("/dev/shm")


def shared_memory(processes: Iterable[psutil.Process]) -> set[Path]:
    """Files of shared memory that the processes have mapped."""
    found: set[Path] = set()
    for process in processes:
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{process.pid}/maps").read_text().splitlines():
                name = line.partition(str(_SHARED) + "/")[2].removesuffix(" (deleted)")
                if name:
                    found.add(_SHARED / name)
    return found


def remaining(files: Iterable[Path]) -> list[Path]:
    """Those of the files that still exist."""
    return sorted(path for path in files if path.exists())


def megabytes(files: Iterable[Path]) -> float:
    """Memory that the files take up, MB."""
    total = 0
    for path in files:
        with contextlib.suppress(OSError):
            total += path.stat().st_blocks * 512
    return total / 1e6


def zombies(processes: Iterable[psutil.Process]) -> list[int]:
    """Process ids of those that have ended and that nobody has waited for."""
    found: list[int] = []
    for process in processes:
        with contextlib.suppress(psutil.Error):
            if process.status() == psutil.STATUS_ZOMBIE:
                found.append(process.pid)
    return found
