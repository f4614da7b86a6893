"""States of random generators as values that any format can carry."""

from typing import Any


def to_text(value: Any) -> Any:
    """A generator's state with its 128-bit numbers as text, which any format can carry."""
    if isinstance(value, dict):
        return {key: to_text(part) for key, part in value.items()}
    return f"{value:#x}" if isinstance(value, int) else value


def from_text(value: Any) -> Any:
    """What :func:`to_text` was given."""
    if isinstance(value, dict):
        return {key: from_text(part) for key, part in value.items()}
    return int(value, 16) if isinstance(value, str) and value.startswith("0x") else value
