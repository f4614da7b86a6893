import mmap
import os
import subprocess
import sys

import pytest

from mio.measure.nodes import own_bytes

BUSY_MOMENT = """
import os, sys
from mio.measure.nodes import own_bytes
from mio.runtime.heap import bound_heap, trim_heap
if "bound" in sys.argv:
    bound_heap()
before = own_bytes(os.getpid())
large = bytearray(20 << 20)  # by default this teaches glibc to keep blocks of that size
del large
pairs = [(bytearray(9 << 20), bytearray(2_000)) for _ in range(8)]
marks = [mark for _, mark in pairs]  # lie between, so that the heap cannot shrink
del pairs
after = own_bytes(os.getpid())
trim_heap()
print((after - before) >> 20, (own_bytes(os.getpid()) - before) >> 20)
"""


def kept_mb(*words: str) -> tuple[int, int]:
    done = subprocess.run([sys.executable, "-c", BUSY_MOMENT, *words], capture_output=True, text=True, check=True)
    after, trimmed = done.stdout.split()
    return int(after), int(trimmed)


@pytest.mark.skipif(own_bytes(os.getpid()) == 0, reason="needs Linux's /proc")
def test_a_bound_heap_gives_back_what_a_busy_moment_took():
    unbound, trimmed = kept_mb()
    bound, _ = kept_mb("bound")
    assert unbound > 40
    assert trimmed < 10
    assert bound < 10


@pytest.mark.skipif(own_bytes(os.getpid()) == 0, reason="needs Linux's /proc")
def test_own_memory_is_what_was_written_and_neither_asked_for_nor_shared():
    size = 64 << 20
    before = own_bytes(os.getpid())
    with mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE) as own, mmap.mmap(-1, size, flags=mmap.MAP_SHARED) as shared:
        assert own_bytes(os.getpid()) - before < size // 8
        shared.write(bytes(size))
        assert own_bytes(os.getpid()) - before < size // 8
        own.write(bytes(size))
        assert size * 7 // 8 < own_bytes(os.getpid()) - before < size * 9 // 8
