"""The tape: an Arrow IPC stream of what happened in the nodes, which can be read up to wherever it was cut off.

One row per event. ``node`` and ``run`` say whose it is: a node whose worker is replaced begins a new run. The other
columns are those of :class:`mio.runtime.tee.TapeEvent`. Each message is kept once, by the node that sent it; those that
took it refer to it by sender's output, number and time. A picture is kept as JPEG (type ``jpeg``), as its pixels
(``uint8``) or not at all; its digest is always that of the exact pixels. Further events, of node ``tape``: ``begin``
with what was asked for, ``end`` with a summary if the recorder was not killed.
"""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import msgspec
import pyarrow as pa

from mio.contracts.wire import ArrowArray, Metadata
from mio.errors import MioError
from mio.runtime.tee import TapeEvent

VERSION = "1"
TAPE = "tape"
"""The node of events of the recorder itself."""

JPEG = "jpeg"
SCHEMA = pa.schema(
    [
        ("node", pa.string()),
        ("run", pa.int32()),
        ("at_ns", pa.int64()),
        ("event", pa.string()),
        ("port", pa.string()),
        ("seq", pa.int64()),
        ("stamp_ns", pa.int64()),
        ("header", pa.string()),
        ("data", pa.large_binary()),
        ("type", pa.string()),
        ("digest", pa.binary()),
    ],
    metadata={"mio_tape": VERSION},
)
_FIELDS = TapeEvent.__struct_fields__
_TYPES = {"float": pa.float32(), "uint8": pa.uint8()}


class TapeError(MioError):
    """A tape that cannot be read or written, or lacks what is asked of it."""


class Row(NamedTuple):
    """One event of a tape.

    Attributes:
        node: The node.
        run: Number of its worker, in the order in which workers connected.
        event: What happened.
    """

    node: str
    run: int
    event: TapeEvent


def metadata_of(event: TapeEvent) -> Metadata:
    """The header of an event as it was."""
    return json.loads(event.header) if event.header else {}


def value_of(event: TapeEvent, name: str) -> ArrowArray:
    """The payload of an event as dora carried it; a JPEG is decoded, which is near the picture but not equal to it.

    Args:
        event: One with a message.
        name: What to call it in an error.

    Raises:
        TapeError: If the payload was not kept.
    """
    match event.type:
        case "string":
            return pa.array([event.data.decode()])
        case "float" | "uint8":
            kind = _TYPES[event.type]
            return pa.Array.from_buffers(kind, len(event.data) * 8 // kind.bit_width, [None, pa.py_buffer(event.data)])
        case "jpeg":
            from mio.tape.pictures import from_jpeg

            return pa.array(from_jpeg(event.data).reshape(-1))
        case _:
            raise TapeError(
                f"the payload of {name} number {event.seq} is not on the tape", "record without --headers-only"
            )


class TapeWriter:
    """Writes a tape so that whatever has been flushed can be read, also if the writer is killed.

    Attributes:
        events: Events written.
    """

    def __init__(self, file: BinaryIO, about: dict[str, Any]) -> None:
        """Begin a tape.

        Args:
            file: Opened for writing without a buffer.
            about: What was asked for.

        Raises:
            TapeError: If it cannot be written.
        """
        self.events = 0
        self._file = file
        self._waiting: list[Row] = []
        with _writing(file.name):
            options = pa.ipc.IpcWriteOptions(compression="lz4")
            self._stream = pa.ipc.new_stream(file, SCHEMA, options=options)
        self.add(Row(TAPE, 0, TapeEvent(time.monotonic_ns(), "begin", header=json.dumps(about))))
        self.flush()

    def add(self, row: Row) -> None:
        """Keep an event until the next flush."""
        self._waiting.append(row)

    def flush(self) -> None:
        """Hand what waits to the operating system.

        Raises:
            TapeError: If it cannot be written; what was flushed before stays readable.
        """
        if not self._waiting:
            return
        rows, self._waiting = self._waiting, []
        with _writing(self._file.name):
            self._stream.write_batch(_to_batch(rows))
        self.events += len(rows)

    def close(self, summary: dict[str, Any]) -> None:
        """End the tape.

        Raises:
            TapeError: If it cannot be written.
        """
        self.add(Row(TAPE, 0, TapeEvent(time.monotonic_ns(), "end", header=json.dumps(summary))))
        self.flush()
        with _writing(self._file.name):
            self._stream.close()
            self._file.close()


class _writing:  # noqa: N801 - used like a function
    """Turns what the operating system says into one clear error."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None: ...

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, OSError):
            raise TapeError(
                f"{self._name}: {error.strerror or error}", "what was written before can be read"
            ) from error


def read_tape(path: Path, *, pictures: bool = True) -> Iterator[Row]:
    """Read the events of a tape, in the order in which they reached the recorder; a cut-off end is left out.

    Args:
        path: The file.
        pictures: Whether to read pictures, which are most of a tape.

    Raises:
        TapeError: If it is no tape.
    """
    try:
        with path.open("rb") as file:
            reader = pa.ipc.open_stream(file)
            if (reader.schema.metadata or {}).get(b"mio_tape") != VERSION.encode():
                raise TapeError(f"{path} is no tape of version {VERSION}", "record one: mio record")
            while (batch := _next_batch(reader)) is not None:
                yield from _rows(batch, pictures=pictures)
    except (OSError, pa.ArrowInvalid) as error:
        raise TapeError(f"{path}: {error}", "name a tape that 'mio record' has written") from error


def _rows(batch: Any, *, pictures: bool) -> Iterator[Row]:
    columns = [column.to_pylist() for column in batch.columns]
    for node, run, *fields in zip(*columns, strict=True):
        event = TapeEvent(*fields)
        if not pictures and event.data and event.type in (JPEG, "uint8"):
            event = msgspec.structs.replace(event, data=b"", type="")
        yield Row(node, run, event)


def _to_batch(rows: list[Row]) -> Any:
    columns: list[list[Any]] = [[row.node for row in rows], [row.run for row in rows]]
    columns += [[getattr(row.event, name) for row in rows] for name in _FIELDS]
    arrays = [pa.array(column, field.type) for column, field in zip(columns, SCHEMA, strict=True)]
    return pa.record_batch(arrays, SCHEMA)


def _next_batch(reader: Any) -> Any:
    try:
        return reader.read_next_batch()
    except (StopIteration, OSError, pa.ArrowInvalid):  # the end, or where the writer was killed
        return None
