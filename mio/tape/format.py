"""The tape: an Arrow IPC stream of events, which can be read up to wherever it was cut off.

One row per event:

====== ============ ==============================================================================================
column type         meaning
====== ============ ==============================================================================================
at_ns  int64        ``CLOCK_MONOTONIC`` in the node
node   string       its id
event  string       ``start`` of the recording, ``take`` (a step begins on a message), ``urgent`` (a step is begun and
                    finished at once), ``pull`` (the running step is asked for its next output), ``send``, ``done``,
                    ``abandon`` (the running step is given up), ``lost`` (events that could not be kept)
port   string       input or output port
kind   string       kind of the message
header string       its metadata, as JSON; for ``start`` what the node was started with
data   large_binary its payload; a picture as JPEG or nothing
type   string       Arrow type of the payload as it was: ``float``, ``uint8``, ``string``; ``jpeg`` for a picture
digest fixed 16     BLAKE2b of kind, fields that do not depend on when or where it ran, and payload
====== ============ ==============================================================================================
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import pyarrow as pa

from mio.contracts.wire import ArrowArray, Metadata
from mio.errors import MioError

SCHEMA = pa.schema(
    [
        ("at_ns", pa.int64()),
        ("node", pa.string()),
        ("event", pa.string()),
        ("port", pa.string()),
        ("kind", pa.string()),
        ("header", pa.string()),
        ("data", pa.large_binary()),
        ("type", pa.string()),
        ("digest", pa.binary(16)),
    ],
    metadata={"mio_tape": "1"},
)

DIGEST_BYTES = 16
_NOT_DIGESTED = {"sent_ns", "host", "timestamp"}


class Event(NamedTuple):
    """One row of a tape; see the module."""

    at_ns: int
    node: str
    event: str
    port: str = ""
    kind: str = ""
    header: str = ""
    data: bytes = b""
    type: str = ""
    digest: bytes = bytes(DIGEST_BYTES)

    @property
    def metadata(self) -> Metadata:
        """The header as it was."""
        return json.loads(self.header) if self.header else {}

    @property
    def value(self) -> ArrowArray:
        """The payload as dora carried it.

        Raises:
            MioError: If only its digest was kept.
        """
        match self.type:
            case "string":
                return pa.array([self.data.decode()])
            case "float" | "uint8":
                kind = pa.float32() if self.type == "float" else pa.uint8()
                width = kind.bit_width // 8
                return pa.Array.from_buffers(kind, len(self.data) // width, [None, pa.py_buffer(self.data)])
            case _:
                raise MioError(f"the payload of {self.node}/{self.port} was not kept", "record with --pictures raw")


def message_event(at_ns: int, node: str, event: str, port: str, value: ArrowArray, metadata: Metadata) -> Event:
    """The event of a message that was taken or sent."""
    if pa.types.is_string(value.type):
        data = value[0].as_py().encode()
    else:
        buffer = value.buffers()[1]
        width = value.type.bit_width // 8
        start = value.offset * width
        data = buffer.slice(start, len(value) * width).to_pybytes() if buffer is not None else b""
    plain = {name: field for name, field in metadata.items() if name != "timestamp"}
    header = json.dumps(plain, ensure_ascii=False, sort_keys=True)
    digest = digest_of(plain, data)
    return Event(at_ns, node, event, port, str(metadata.get("kind", "")), header, data, str(value.type), digest)


def digest_of(metadata: dict[str, Any], data: bytes) -> bytes:
    """Digest of a message without what depends on when and where it ran."""
    fields = {name: field for name, field in metadata.items() if name not in _NOT_DIGESTED}
    hashed = hashlib.blake2b(json.dumps(fields, ensure_ascii=False, sort_keys=True).encode(), digest_size=DIGEST_BYTES)
    hashed.update(data)
    return hashed.digest()


def to_batch(events: list[Event]) -> pa.RecordBatch:
    """Events as one record batch."""
    columns = list(zip(*events, strict=True)) if events else [[] for _ in SCHEMA]
    return pa.record_batch(
        [pa.array(column, field.type) for column, field in zip(columns, SCHEMA, strict=True)], SCHEMA
    )


class TapeWriter:
    """Writes a tape so that whatever has been flushed can be read, also if the writer is killed."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._stream = pa.ipc.new_stream(file, SCHEMA)
        self.events = 0

    def write(self, events: list[Event]) -> None:
        """Append events and hand them to the operating system."""
        if events:
            self._stream.write_batch(to_batch(events))
            self._file.flush()
            self.events += len(events)

    def close(self) -> None:
        """End the tape."""
        self._stream.close()
        self._file.close()


def read_tape(path: Path) -> Iterator[Event]:
    """Read the events of a tape, in the order in which they reached the file; a cut-off end is left out.

    Raises:
        MioError: If it is no tape.
    """
    try:
        with path.open("rb") as file:
            reader = pa.ipc.open_stream(file)
            if (reader.schema.metadata or {}).get(b"mio_tape") != b"1":
                raise MioError(f"{path} is no tape of this version", "record one: mio record")
            while (batch := _next_batch(reader)) is not None:
                for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                    yield Event(*row)
    except (OSError, pa.ArrowInvalid) as error:
        raise MioError(f"{path}: {error}", "name a tape that 'mio record' has written") from error


def _next_batch(reader: Any) -> Any:
    try:
        return reader.read_next_batch()
    except (StopIteration, OSError, pa.ArrowInvalid):  # the end, or where the writer was killed
        return None
