"""Messages to Arrow arrays with flat metadata, and back.

The payload becomes one primitive Arrow array without a copy; all other fields become metadata, which dora keeps only if
it is flat: int, float, bool, str, and lists of int, float or str.
"""

from typing import Any, NamedTuple, TypeVar

import msgspec
import numpy as np
import pyarrow as pa

from mio.contracts.messages import MESSAGES, VERSION, BodyMotion, FaceMotion, Message, VideoFrame
from mio.contracts.rates import BODY_DIM, FACE_DIM
from mio.errors import ContractError

ArrowArray = Any
"""A ``pyarrow.Array``; pyarrow ships no usable types."""

Metadata = dict[str, Any]
M = TypeVar("M", bound=Message)

_WIDTHS = {FaceMotion.KIND: FACE_DIM, BodyMotion.KIND: BODY_DIM}


class Wire(NamedTuple):
    """A message as dora carries it."""

    value: ArrowArray
    metadata: Metadata


def encode(message: Message, *, seq: int, sent_ns: int, host: str) -> Wire:
    """Turn a message into what dora sends.

    Args:
        message: Any travelling message.
        seq: Its position in the output stream.
        sent_ns: ``CLOCK_MONOTONIC`` now.
        host: Name of this machine.
    """
    metadata: Metadata = {"kind": message.KIND, "v": VERSION}
    for field in message.__struct_fields__:
        if field != message.PAYLOAD:
            metadata[field] = getattr(message, field)
    metadata.update(seq=seq, sent_ns=sent_ns, host=host)
    payload = getattr(message, message.PAYLOAD) if message.PAYLOAD else None
    return Wire(_to_arrow(payload), metadata)


def decode(value: ArrowArray, metadata: Metadata) -> Message:
    """Turn what dora delivered into a message.

    Raises:
        ContractError: If it is of no known kind, of another major version, or breaks its contract.
    """
    kind = metadata.get("kind")
    struct = MESSAGES.get(kind) if isinstance(kind, str) else None
    if struct is None:
        raise ContractError(f"unknown message kind {kind!r}", f"send one of {', '.join(sorted(MESSAGES))}")
    version = str(metadata.get("v", ""))
    if version.split(".")[0] != VERSION.split(".")[0]:
        raise ContractError(f"{kind} has schema version {version!r}, this node speaks {VERSION}", "update the sender")
    fields = {name: metadata[name] for name in struct.__struct_fields__ if name in metadata}
    if struct.PAYLOAD:
        fields[struct.PAYLOAD] = _from_arrow(struct, value)
    try:
        return msgspec.convert(fields, struct, dec_hook=_keep)
    except msgspec.ValidationError as error:
        raise ContractError(f"{kind}: {error}") from error


def _to_arrow(payload: Any) -> ArrowArray:
    if payload is None:
        return pa.array([], pa.uint8())
    if isinstance(payload, str):
        return pa.array([payload])
    flat = np.ascontiguousarray(payload).reshape(-1)
    kind = pa.uint8() if flat.dtype == np.uint8 else pa.float32()
    return pa.Array.from_buffers(kind, len(flat), [None, pa.py_buffer(flat)])


def _from_arrow(struct: type[Message], value: ArrowArray) -> Any:
    if pa.types.is_string(value.type):
        if len(value) != 1:
            raise ContractError(f"{struct.KIND}: {len(value)} strings, expected 1")
        return value[0].as_py()
    expected = pa.uint8() if struct is VideoFrame else pa.float32()
    if value.type != expected or value.null_count:
        raise ContractError(f"{struct.KIND}: payload is {value.type}, expected {expected} without nulls")
    array = value.to_numpy(zero_copy_only=True)
    if struct is not VideoFrame:  # a view would hold its slot in dora's shared memory for as long as it is kept
        array = array.copy()
    width = _WIDTHS.get(struct.KIND)
    if width is None:
        return array
    if len(array) % width:
        raise ContractError(f"{struct.KIND}: {len(array)} values, expected a multiple of {width}")
    return array.reshape(-1, width)


def _keep(_type: type, payload: Any) -> Any:
    return payload
