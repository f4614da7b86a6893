"""How the C library keeps memory that was freed, where that is glibc; elsewhere nothing is done.

By default glibc learns from the largest block that was ever freed to keep blocks of that size, so that a process holds
what its worst moment took. Here the limits are fixed: what is larger goes back to the system when it is freed.
It also gives each of up to eight threads per core an arena of its own, in which what is free does not serve the others:
a node has some twenty threads, most of them dora's, that allocate little. They share two.
"""

import ctypes
from functools import cache
from typing import Any

_KEPT_BYTES = 8 << 20  # above a picture of 1080 x 1920 (6.2 MB), whose memory would else be cleared for every picture
_ARENAS = 2
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # malloc.h


def bound_heap() -> None:
    """Give blocks above a fixed size back when they are freed, and what is free at the heap's end beyond it.

    To be called before other threads begin.
    """
    libc = _glibc()
    if libc is not None:
        libc.mallopt(_M_MMAP_THRESHOLD, _KEPT_BYTES)
        libc.mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)
        libc.mallopt(_M_ARENA_MAX, _ARENAS)


def trim_heap() -> None:
    """Give all free pages back, such as after loading: some milliseconds per 100 MB that are free."""
    libc = _glibc()
    if libc is not None:
        libc.malloc_trim(0)


@cache
def _glibc() -> Any:
    try:
        library = ctypes.CDLL("libc.so.6")
    except OSError:
        return None
    return library if hasattr(library, "mallopt") and hasattr(library, "malloc_trim") else None
