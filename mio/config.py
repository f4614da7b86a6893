"""Typed configuration: one YAML file with a section per node, overridden by the environment.

The file's path is in ``MIO_CONFIG``. Keys of the section ``shared`` reach every node that has a field of that name.
``MIO_<SECTION>__<KEY>`` in the environment overrides a key, such as ``MIO_TALKER__ENGINE=espeak``. Relative paths mean
relative to the file. Unknown keys are refused.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, cast

import msgspec

from mio.errors import ConfigError, did_you_mean
from mio.yaml_source import line_of, read_yaml

T = TypeVar("T", bound=msgspec.Struct)

SHARED = "shared"
_KEY_OF = re.compile(r" - at `\$\.?(?P<path>[^`]*)`$")
_UNKNOWN = re.compile(r"unknown field `(?P<field>[^`]+)`")
_INDEX = re.compile(r"\[(\d+)\]")


class ConfigFile:
    """A parsed configuration file that knows on which line each key stands.

    Attributes:
        path: Where it was read from; None if there is no file.
        sections: Its plain values.
        lines: Line of each dotted key.
    """

    def __init__(self, path: Path | None, sections: dict[str, Any], lines: dict[str, int]) -> None:
        self.path = path
        self.sections = sections
        self.lines = lines

    @property
    def folder(self) -> Path:
        """Folder that relative paths refer to."""
        return self.path.parent if self.path else Path.cwd()

    def where(self, key: str) -> str:
        """Place of a dotted key, such as ``mio.config.yml:12``; of its nearest parent if it is not in the file."""
        if self.path is None:
            return "configuration"
        return f"{self.path}:{line_of(self.lines, key)}"


def read_config_file(path: Path | None) -> ConfigFile:
    """Read a configuration file; None gives an empty one.

    Raises:
        ConfigError: If it is missing, no YAML, or not a mapping of sections.
    """
    if path is None:
        return ConfigFile(None, {}, {})
    source = read_yaml(path.resolve(), "set MIO_CONFIG to a readable file")
    path, data, lines = source.path, source.data or {}, source.lines
    if not isinstance(data, dict):
        raise ConfigError(f"{path}:1: expected named sections", "write 'talker:' and its keys below it")
    return ConfigFile(path, cast(dict[str, Any], data), lines)


def load_config(section: str, struct: type[T], environ: Mapping[str, str] | None = None) -> T:
    """Read the configuration of one node from ``MIO_CONFIG`` and the environment.

    Args:
        section: Node id.
        struct: What the section must look like; its defaults apply where nothing is said.
        environ: Environment; that of the process if left out.

    Raises:
        ConfigError: With file, line and remedy.
    """
    env = os.environ if environ is None else environ
    name = env.get("MIO_CONFIG", "")
    file = read_config_file(Path(name) if name else None)
    return build_config(file, section, struct, env)


def build_config(file: ConfigFile, section: str, struct: type[T], environ: Mapping[str, str]) -> T:
    """Build one node's configuration from a file that has been read.

    Raises:
        ConfigError: With file, line and remedy.
    """
    fields = set(struct.__struct_fields__)
    shared = {**_keys_of(file, SHARED), **_overrides(SHARED, environ)}
    values = {key: value for key, value in shared.items() if key in fields}
    values.update(_keys_of(file, section))
    _merge(values, _overrides(section, environ))
    try:
        return msgspec.convert(values, struct, strict=False, dec_hook=_path_hook(file.folder))
    except msgspec.ValidationError as error:
        raise _explain(str(error), file, section, struct) from error


def _keys_of(file: ConfigFile, section: str) -> dict[str, Any]:
    keys = file.sections.get(section)
    if keys is None:
        return {}
    if not isinstance(keys, dict):
        raise ConfigError(f"{file.where(section)}: section '{section}' has no keys", "write 'key: value' below it")
    return cast(dict[str, Any], keys)


def _overrides(section: str, environ: Mapping[str, str]) -> dict[str, Any]:
    prefix = f"MIO_{section.upper().replace('-', '_')}__"
    found: dict[str, Any] = {}
    for name, value in environ.items():
        if name.startswith(prefix):
            _put(found, name[len(prefix) :].lower().split("__"), value)
    return found


def _put(tree: dict[str, Any], keys: list[str], value: str) -> None:
    for key in keys[:-1]:
        tree = tree.setdefault(key, {})
    tree[keys[-1]] = value


def _merge(base: dict[str, Any], over: dict[str, Any]) -> None:
    for key, value in over.items():
        if isinstance(value, dict) and isinstance(base.get(key), dict):
            base[key] = dict(base[key])
            _merge(base[key], cast(dict[str, Any], value))
        else:
            base[key] = value


def _path_hook(folder: Path) -> Any:
    def convert(kind: type, value: Any) -> Any:
        if kind is Path:
            return (folder / Path(str(value)).expanduser()).resolve()
        raise NotImplementedError(kind)

    return convert


def _explain(text: str, file: ConfigFile, section: str, struct: type[msgspec.Struct]) -> ConfigError:
    match = _KEY_OF.search(text)
    path = _INDEX.sub(r".\1", match["path"]) if match else ""
    problem = text[: match.start()] if match else text
    key = f"{section}.{path}".rstrip(".")
    unknown = _UNKNOWN.search(problem)
    if unknown is None:
        return ConfigError(f"{file.where(key)}: {key}: {problem}", "correct the value, or leave the key out")
    field = unknown["field"]
    remedy = did_you_mean(field, _fields_at(struct, path))
    return ConfigError(f"{file.where(f'{key}.{field}')}: {key}: unknown key '{field}'", remedy)


def _fields_at(struct: type[msgspec.Struct], path: str) -> list[str]:
    """Field names of the nested struct at a dotted path; those of the outermost where the path is no plain chain."""
    current: Any = msgspec.inspect.type_info(struct)
    for key in filter(None, path.split(".")):
        if hasattr(current, "item_type"):
            current = current.item_type
            continue
        fields = {field.encode_name: field.type for field in getattr(current, "fields", ())}
        if key not in fields:
            break
        current = fields[key]
        options = [t for t in getattr(current, "types", ()) if hasattr(t, "fields")]
        current = options[0] if options else current
    return [field.encode_name for field in getattr(current, "fields", ())]
