"""Configuration of the script node, and the script itself."""

from pathlib import Path
from typing import Any

import msgspec


class ScriptConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is played.

    Attributes:
        path: YAML file with a list of cues.
    """

    path: Path


class Cue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One message of a script.

    Attributes:
        at_s: When it is sent, seconds of stage time.
        port: Output port.
        message: Fields of the port's message.
    """

    at_s: float
    port: str
    message: dict[str, Any]
