"""A dataflow YAML as plain values: nodes, inputs with their sources, outputs, environment."""

import re
from pathlib import Path
from typing import Any, cast

import msgspec

from mio.errors import ConfigError
from mio.yaml_source import YamlSource, read_yaml

VIRTUAL_SOURCE = "dora/"
"""Sources that dora itself provides: timers and logs."""

_ENV_REFERENCE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


class FlowInput(msgspec.Struct, frozen=True):
    """One wire into a node.

    Attributes:
        source: ``node/output``, or a virtual source such as ``dora/timer/secs/1``.
        queue_size: Messages kept for a slow receiver.
        queue_policy: ``drop_oldest`` or ``backpressure``.
        keys: Keys as written, for finding misspelt ones.
    """

    source: str
    queue_size: int = 10
    queue_policy: str = "drop_oldest"
    keys: tuple[str, ...] = ()

    @property
    def virtual(self) -> bool:
        """Whether dora itself is the source."""
        return self.source.startswith(VIRTUAL_SOURCE)

    @property
    def node(self) -> str:
        """Id of the sending node."""
        return self.source.partition("/")[0]

    @property
    def output(self) -> str:
        """Output of the sending node."""
        return self.source.partition("/")[2]


class FlowNode(msgspec.Struct, frozen=True):
    """One node of a dataflow, as written.

    Attributes:
        index: Position in the file.
        id: Its id.
        path: What is run; empty for modules and other kinds that dora resolves itself.
        inputs: Wires by input port.
        outputs: Output ports.
        env: Its environment, without the dataflow's.
        raw: All its keys.
    """

    index: int
    id: str
    path: str
    inputs: dict[str, FlowInput]
    outputs: list[str]
    env: dict[str, str]
    raw: dict[str, Any]


class Dataflow(msgspec.Struct, frozen=True):
    """A dataflow file.

    Attributes:
        source: The file with its line numbers.
        nodes: Nodes in the order of the file.
        env: Environment of all nodes.
    """

    source: YamlSource
    nodes: list[FlowNode]
    env: dict[str, str]

    @property
    def path(self) -> Path:
        """The file."""
        return self.source.path

    def node(self, node_id: str) -> FlowNode | None:
        """The node of that id."""
        return next((node for node in self.nodes if node.id == node_id), None)

    def environment(self, node: FlowNode, environ: dict[str, str]) -> dict[str, str]:
        """What a node sees: the environment, overridden by the dataflow's, overridden by its own."""
        own = {**self.env, **node.env}
        return {**environ, **{name: _expand(value, environ) for name, value in own.items()}}

    def place(self, key: str) -> str:
        """``file:line`` of a dotted key."""
        return f"{self.path}:{self.source.line(key)}"


def read_flow(path: Path) -> Dataflow:
    """Read a dataflow file.

    Raises:
        ConfigError: If it is missing, no YAML, or not a list of nodes with ids.
    """
    source = read_yaml(path, "name a dataflow, such as dataflows/mio.yml")
    root = source.data
    if not isinstance(root, dict) or not isinstance(root.get("nodes"), list):
        raise ConfigError(f"{path}:1: not a dataflow: expected 'nodes:' with a list", "see dataflows/mio.yml")
    nodes = [_node(source, index, item) for index, item in enumerate(cast(list[Any], root["nodes"]))]
    return Dataflow(source, nodes, _strings(root.get("env")))


def _node(source: YamlSource, index: int, item: Any) -> FlowNode:
    place = f"{source.path}:{source.line(f'nodes.{index}')}"
    if not isinstance(item, dict) or not isinstance(item.get("id"), str):
        raise ConfigError(f"{place}: a node without an id", "begin it with '- id: NAME'")
    raw = cast(dict[str, Any], item)
    inputs = raw.get("inputs") or {}
    outputs = raw.get("outputs") or []
    if not isinstance(inputs, dict) or not isinstance(outputs, list):
        raise ConfigError(
            f"{place}: node '{raw['id']}': inputs must be a mapping, outputs a list", "see dataflows/mio.yml"
        )
    wires = {str(port): _input(place, raw["id"], str(port), value) for port, value in inputs.items()}
    return FlowNode(
        index, raw["id"], str(raw.get("path", "")), wires, [str(o) for o in outputs], _strings(raw.get("env")), raw
    )


def _input(place: str, node_id: str, port: str, value: Any) -> FlowInput:
    if isinstance(value, str):
        return FlowInput(value)
    if isinstance(value, dict) and isinstance(value.get("source"), str):
        size = value.get("queue_size", 10)
        return FlowInput(
            value["source"],
            size if isinstance(size, int) else 10,
            str(value.get("queue_policy", "drop_oldest")),
            tuple(str(key) for key in value),
        )
    raise ConfigError(f"{place}: node '{node_id}': input '{port}' has no source", f"write '{port}: node/output'")


def _strings(env: Any) -> dict[str, str]:
    if not isinstance(env, dict):
        return {}
    return {str(name): str(value) for name, value in env.items()}


def _expand(value: str, environ: dict[str, str]) -> str:
    return _ENV_REFERENCE.sub(lambda match: environ.get(match[1] or match[2], ""), value)
