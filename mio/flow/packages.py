"""From what a dataflow runs to what is known of it: package, manifest, configuration struct."""

import importlib
import shutil
from collections.abc import Iterable
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Protocol, runtime_checkable

import msgspec

from mio.errors import MioError
from mio.flow.dataflow import FlowNode
from mio.runtime.manifest import MANIFEST, Manifest, manifest_path, read_manifest


@runtime_checkable
class Checkable(Protocol):
    """A configuration that can look for what it needs (weights, devices) without starting the node."""

    def check(self) -> Iterable[MioError]:
        """What is missing, each with its remedy."""
        ...


@cache
def packages_by_script() -> dict[str, str]:
    """Node packages of the installed projects by their console script."""
    scripts = entry_points(group="console_scripts")
    return {
        script.name: script.module.rpartition(".")[0]
        for script in scripts
        if script.module.endswith(".node") and script.attr == "main"
    }


def package_of(node: FlowNode) -> str | None:
    """Python package of a node whose path is a console script of an installed project; None for other programs."""
    return packages_by_script().get(node.path)


def manifest_of(node: FlowNode, folder: Path) -> Manifest | None:
    """A node's manifest: that of its package, or a ``dora-node.yml`` beside its program.

    Args:
        node: The node.
        folder: Folder of the dataflow, which relative paths refer to.

    Raises:
        ConfigError: If it has one that is malformed.
    """
    package = package_of(node)
    path = manifest_path(package) if package else (folder / node.path).parent / MANIFEST
    return read_manifest(path) if node.path and path.is_file() else None


def config_struct(package: str) -> type[msgspec.Struct] | None:
    """The configuration struct of a node package, by the project's convention ``nodes.talker.config.TalkerConfig``."""
    name = package.rpartition(".")[2].capitalize() + "Config"
    try:
        return getattr(importlib.import_module(f"{package}.config"), name, None)
    except ModuleNotFoundError:
        return None


def executable(node: FlowNode, folder: Path) -> Path | None:
    """What dora would run for a node: a file relative to the dataflow, else a program on the search path."""
    path = Path(node.path)
    local = path if path.is_absolute() else folder / path
    if local.is_file():
        return local
    found = shutil.which(node.path)
    return Path(found) if found else None
