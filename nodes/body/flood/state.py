"""What the engine remembers, in its plain form for a successor."""

from typing import Any, TypeVar

import msgspec
import numpy as np
import torch
from torch import Tensor

from mio.errors import MioError
from mio.rotation import Array

T = TypeVar("T")

KIND = "flood"
VERSION = 2


def export_state(state: Any, understudy: dict[str, Any], pose: Array) -> dict[str, Any]:
    """Plain lists, dicts, texts and numbers.

    Args:
        state: What to export.
        understudy: What the procedural engine exported.
        pose: ``[3, 159]`` last frames that were to be seen.
    """
    plain = msgspec.to_builtins(state, enc_hook=_plain, str_keys=True)
    return {"version": VERSION, "kind": KIND, "pose": pose.tolist(), "understudy": understudy, "flood": plain}


def import_state(plain: dict[str, Any], kind: type[T]) -> T | None:
    """Rebuild a state from its plain form; None if it is another engine's or another version's.

    Raises:
        MioError: If it is malformed.
    """
    if plain.get("kind") != KIND or plain.get("version") != VERSION:
        return None
    try:
        return msgspec.convert(plain["flood"], kind, dec_hook=_rebuilt, strict=False)
    except (msgspec.ValidationError, KeyError, ValueError, TypeError) as error:
        raise MioError(f"body: state cannot be taken over: {error}", "the body starts from rest") from error


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, Tensor):
        return {"bytes": value.dtype is torch.uint8, "shape": list(value.shape), "values": value.flatten().tolist()}
    raise NotImplementedError(type(value))


def _rebuilt(kind: Any, value: Any) -> Any:
    if kind is Tensor:
        values = torch.tensor(value["values"], dtype=torch.uint8 if value["bytes"] else torch.float32)
        return values.reshape([int(side) for side in value["shape"]])
    return np.asarray(value, np.float64)
