"""The user's choice of devices, kept between runs."""

import os
from pathlib import Path

import msgspec

from mio.errors import MioError, did_you_mean

KINDS = ("microphone", "speaker", "camera", "screen")
FILE = Path(os.environ.get("XDG_CONFIG_HOME", "~/.config")).expanduser() / "mio" / "devices.yml"


def picked(file: Path = FILE) -> dict[str, str]:
    """Device by kind.

    Raises:
        MioError: If the file is broken.
    """
    try:
        return msgspec.yaml.decode(file.read_bytes(), type=dict[str, str])
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.MsgspecError) as error:
        raise MioError(f"{file}: {error}", "remove it and pick again with 'mio devices --pick'") from error


def pick(kind: str, device: str, known: list[tuple[str, str]], file: Path = FILE) -> None:
    """Keep a choice; an empty one is forgotten.

    A number is kept as the name that it has now, since numbers change when something is plugged in.

    Args:
        kind: One of :data:`KINDS`.
        device: Number, name or part of a name; ``null`` for none.
        known: Numbers and names of the devices that there are.
        file: Where choices are kept.

    Raises:
        MioError: If there is no such device, or the file cannot be written.
    """
    choices = picked(file)
    choices.pop(kind, None)
    if device:
        choices[kind] = _name(kind, device, known)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(msgspec.yaml.encode(choices))
    except OSError as error:
        raise MioError(f"cannot write {file}: {error}", "make its folder writable, or set XDG_CONFIG_HOME") from error


def _name(kind: str, device: str, known: list[tuple[str, str]]) -> str:
    for number, name in known:
        if device in (number, name):
            return number if kind in ("camera", "screen") else name
    matching = [name for _, name in known if device.lower() in name.lower()]
    if device == "null" or matching:
        return device
    raise MioError(f"no {kind} '{device}'", did_you_mean(device, [name for _, name in known]))
