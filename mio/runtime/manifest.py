"""A node's manifest, ``dora-node.yml``: its ports, their message types and how they are delivered."""

import importlib.util
from pathlib import Path
from typing import Literal

import msgspec

from mio.contracts.messages import MESSAGES_BY_TYPE, MessageType
from mio.errors import ConfigError
from mio.yaml_source import read_yaml

MANIFEST = "dora-node.yml"

Delivery = Literal["queued", "urgent", "latest"]


class InputPort(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An input port.

    Attributes:
        type: dora type of its messages, such as ``mio/v1/Speech``.
        delivery: ``queued`` in order, after what is being worked on; ``urgent`` at once, between two yields of the
            running step; ``latest`` as queued, but only the newest one.
        required: Whether the node is of no use without it.
        description: What arrives there.
    """

    type: str
    delivery: Delivery = "queued"
    required: bool = False
    description: str = ""

    @property
    def message(self) -> MessageType:
        """The message struct."""
        return MESSAGES_BY_TYPE[self.type]


class OutputPort(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An output port: the dora type of its messages, and what they are."""

    type: str
    description: str = ""

    @property
    def message(self) -> MessageType:
        """The message struct."""
        return MESSAGES_BY_TYPE[self.type]


class EnvVariable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An environment variable that the node reads."""

    type: str
    default: str | int | float | bool | None = None
    description: str = ""


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"api_version": "apiVersion"}):
    """What ``dora-node.yml`` says, in the format of dora's node hub with typed ports."""

    api_version: int
    name: str
    description: str
    runtime: str
    entrypoint: str
    namespace: str = "mio"
    categories: list[str] = []
    keywords: list[str] = []
    build: str = ""
    dora: str = ""
    platforms: list[str] = []
    inputs: dict[str, InputPort] = {}
    outputs: dict[str, OutputPort] = {}
    env: dict[str, EnvVariable] = {}
    example: str = ""

    @staticmethod
    def of_ports(name: str, inputs: dict[str, InputPort], outputs: dict[str, OutputPort]) -> "Manifest":
        """The manifest of a node that has no ``dora-node.yml``."""
        return Manifest(
            api_version=1, name=name, description="", runtime="python", entrypoint="", inputs=inputs, outputs=outputs
        )

    @property
    def node(self) -> str:
        """Name of the node without the project's prefix: its folder and its section in the configuration."""
        return self.name.removeprefix("mio-")


def manifest_path(package: str) -> Path:
    """Path of a node package's manifest, without importing the package's engine.

    Raises:
        ConfigError: If there is no such package.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ConfigError(f"no package {package}", "install the project: pip install -e .")
    return Path(next(iter(spec.submodule_search_locations))) / MANIFEST


def read_manifest(path: Path) -> Manifest:
    """Read and check a manifest.

    Raises:
        ConfigError: If it is missing, malformed, or names an unknown message type.
    """
    source = read_yaml(path, "put a dora-node.yml beside node.py")
    try:
        manifest = msgspec.convert(source.data, Manifest)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: {error}", "see another node's dora-node.yml") from error
    for direction, ports in (("inputs", manifest.inputs), ("outputs", manifest.outputs)):
        for name, port in ports.items():
            if port.type not in MESSAGES_BY_TYPE:
                line = source.line(f"{direction}.{name}.type")
                known = ", ".join(sorted(MESSAGES_BY_TYPE))
                raise ConfigError(f"{path}:{line}: unknown type '{port.type}'", f"one of {known}")
    return manifest
