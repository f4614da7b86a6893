"""Builds a recorded node's engine again, from the configuration that is on the tape."""

import contextlib
from pathlib import Path
from typing import Any, cast

import yaml

from mio.config import ConfigFile, build_config
from mio.contracts.engine import Engine
from mio.runtime.manifest import Manifest, manifest_path, read_manifest
from mio.runtime.worker import parts
from mio.tape.format import TapeError


def rebuild(about: dict[str, Any]) -> tuple[Engine, Manifest]:
    """Build the engine of a recorded node, not opened yet, in its initial state.

    Args:
        about: What the node said of itself; see :func:`mio.runtime.identity.identity`.

    Raises:
        MioError: If its package, weights or files are missing here.
    """
    package, folder = str(about.get("package", "")), Path(about.get("folder", "."))
    if not package:
        raise TapeError("the node did not say what it is", "record it again")
    struct, build_engine = parts(package)
    env: dict[str, str] = about["env"]
    sections = cast(dict[str, Any], yaml.safe_load(about["config"]) or {}) if about.get("config") else {}
    path = folder / env["MIO_CONFIG"] if env.get("MIO_CONFIG") else None
    with contextlib.chdir(folder) if folder.is_dir() else contextlib.nullcontext():
        config = build_config(ConfigFile(path, sections, {}), about["node"], struct, env)
        return build_engine(config), read_manifest(manifest_path(package))
