"""Reads a node's state from a tape: plain values and arrays, and nothing that a crafted file could run."""

import io
import pickle
from typing import Any

from mio.runtime.slot_protocol import Marks
from mio.tape.format import TapeError

_ALLOWED = {
    ("mio.runtime.slot_protocol", "Marks"),
    ("collections", "deque"),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "scalar"),
    ("numpy._core.numeric", "_frombuffer"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy.core.multiarray", "scalar"),
    ("numpy.core.numeric", "_frombuffer"),
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module_name: str, global_name: str, /) -> Any:
        """Only what states are made of."""
        if (module_name, global_name) not in _ALLOWED:
            raise TapeError(f"a state on the tape holds a {module_name}.{global_name}", "states are values and arrays")
        return super().find_class(module_name, global_name)


def read_marks(data: bytes) -> Marks:
    """A node's state as its worker streamed it.

    Raises:
        TapeError: If it holds anything but plain values and arrays.
    """
    try:
        marks = _Unpickler(io.BytesIO(data)).load()
        if isinstance(marks, Marks) and marks.sealed:
            _Unpickler(io.BytesIO(marks.sealed)).load()  # so that ``marks.state`` is safe to read
    except (pickle.UnpicklingError, EOFError, AttributeError, ImportError, IndexError) as error:
        raise TapeError(
            f"a state on the tape cannot be read: {error}", "was it recorded by another version?"
        ) from error
    if not isinstance(marks, Marks):
        raise TapeError(f"a state on the tape is a {type(marks).__name__}", "record it again")
    return marks
