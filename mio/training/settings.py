"""Settings of a training, changed from the command line."""

from typing import Any, TypeVar

import msgspec

from mio.errors import ConfigError

T = TypeVar("T", bound=msgspec.Struct)


def with_settings(config: T, pairs: list[str]) -> T:
    """Settings with some replaced.

    Args:
        config: The settings.
        pairs: ``KEY=VALUE`` each; a dot leads into settings inside settings.

    Raises:
        ConfigError: If a key is unknown or a value out of range.
    """
    values: dict[str, Any] = msgspec.to_builtins(config)
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise ConfigError(f"--set {pair}: no value", "write KEY=VALUE")
        *path, last = key.split(".")
        inner = values
        for name in path:
            inner = inner.get(name)
            if not isinstance(inner, dict):
                raise ConfigError(f"--set {pair}: no settings named {name}", f"keys: {', '.join(values)}")
        inner[last] = value
    try:
        return msgspec.convert(values, type(config), strict=False)
    except msgspec.ValidationError as error:
        raise ConfigError(f"--set: {error}", f"keys: {', '.join(type(config).__struct_fields__)}") from error
