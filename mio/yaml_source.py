"""YAML files that know on which line each key stands, so that every complaint can name its place."""

from pathlib import Path
from typing import Any, NamedTuple

import yaml

from mio.errors import ConfigError


class YamlSource(NamedTuple):
    """A parsed YAML file.

    Attributes:
        path: Where it was read from.
        data: Its plain values.
        lines: Line of each dotted key, such as ``nodes.0.inputs.audio``.
    """

    path: Path
    data: Any
    lines: dict[str, int]

    def line(self, key: str) -> int:
        """Line of a dotted key, or of its nearest parent."""
        return line_of(self.lines, key)


def read_yaml(path: Path, remedy: str = "") -> YamlSource:
    """Read a YAML file.

    Args:
        path: The file.
        remedy: What the user can do if it cannot be read.

    Raises:
        ConfigError: If it is missing, or with line and column of the syntax error.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError(f"{path}: {reason}", remedy) from error
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        lines: dict[str, int] = {}
        if root is not None:
            _note_lines(root, "", lines)
        return YamlSource(path, yaml.safe_load(text), lines)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        raise ConfigError(f"{path}{place}: {error.problem or 'not YAML'}", "mend the YAML there") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: {error}", "mend the YAML") from error


def line_of(lines: dict[str, int], key: str) -> int:
    """Line of a dotted key, or of its nearest parent; 1 if there is none."""
    while key and key not in lines:
        key = key.rpartition(".")[0]
    return lines.get(key, 1)


def _note_lines(node: yaml.Node, prefix: str, lines: dict[str, int]) -> None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            name = f"{prefix}{key.value}"
            lines[name] = key.start_mark.line + 1
            _note_lines(value, f"{name}.", lines)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            lines[f"{prefix}{index}"] = value.start_mark.line + 1
            _note_lines(value, f"{prefix}{index}.", lines)
