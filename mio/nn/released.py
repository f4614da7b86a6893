"""Weights of checkpoints that others released, under the names that our networks have for them."""

import re
from collections.abc import Callable, Iterable, Mapping

from torch import Tensor

from mio.errors import ConfigError

Rules = Iterable[tuple[str, str]]
"""Regular expressions and what to put in their place, applied one after another."""


def by_rules(name: str, rules: Rules) -> str:
    """A name after all rules."""
    for pattern, replacement in rules:
        name = re.sub(pattern, replacement, name)
    return name


def renamed(
    released: Mapping[str, Tensor], rename: Callable[[str], str], wanted: Mapping[str, Tensor], remedy: str
) -> dict[str, Tensor]:
    """Weights under our names, all that our network has and no others.

    Args:
        released: By their names.
        rename: Their name to ours.
        wanted: Our network's state, whose names and shapes they must have.
        remedy: What to do where they do not.

    Raises:
        ConfigError: If a weight is missing, unknown or of another shape.
    """
    named: dict[str, Tensor] = {}
    for theirs, weight in released.items():
        ours = rename(theirs)
        if ours not in wanted:
            raise ConfigError(f"the checkpoint's weight {theirs} has no place in the model", remedy)
        if weight.shape != wanted[ours].shape:
            shapes = f"{tuple(weight.shape)} instead of {tuple(wanted[ours].shape)}"
            raise ConfigError(f"the checkpoint's weight {theirs} is {shapes}", remedy)
        named[ours] = weight
    missing = sorted(set(wanted) - set(named))
    if missing:
        raise ConfigError(f"the checkpoint lacks {missing[0]} and {len(missing) - 1} more weights", remedy)
    return named
