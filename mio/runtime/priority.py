"""Loading in the background: a worker that loads beside the one that serves gives way to it.

Only where the system lets a process raise its priority again (root, ``CAP_SYS_NICE``, or an ``RLIMIT_NICE`` that allows
it: ``ulimit -e``); elsewhere nothing is lowered, because it could not be raised again.
"""

import contextlib
import os
import resource
import sys
from pathlib import Path

_GIVES_WAY = 5
_CAP_SYS_NICE = 23
_NICEST = 19
_RLIMIT_OF_NICE_0 = 20


def give_way() -> int:
    """Lower this process's priority if it may be raised again, and return by how much."""
    niceness = os.getpriority(os.PRIO_PROCESS, 0)
    if not _may_return_to(niceness):
        return 0
    by = min(_GIVES_WAY, _NICEST - niceness)
    _set_all_threads(niceness + by)
    return by


def take_back(by: int) -> None:
    """Raise the priority of all threads again, those included that were started meanwhile.

    Args:
        by: What :func:`give_way` returned.
    """
    if by:
        _set_all_threads(os.getpriority(os.PRIO_PROCESS, 0) - by)


def _set_all_threads(niceness: int) -> None:
    for thread in Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError):  # it has just ended
            os.setpriority(os.PRIO_PROCESS, int(thread.name), niceness)


def _may_return_to(niceness: int) -> bool:
    if sys.platform != "linux":
        return False
    limit, _ = resource.getrlimit(resource.RLIMIT_NICE)
    if limit == resource.RLIM_INFINITY or _RLIMIT_OF_NICE_0 - limit <= niceness:
        return True
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapEff:"):
            return bool(int(line.split()[1], 16) >> _CAP_SYS_NICE & 1)
    return False
