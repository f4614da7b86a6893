"""Looks for everything that would go wrong in a dataflow, before anything starts."""

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from mio.config import SHARED, build_config, read_config_file
from mio.contracts.messages import VideoFrame, type_name
from mio.errors import ConfigError, MioError, did_you_mean
from mio.flow.dataflow import Dataflow, FlowInput, FlowNode, read_flow
from mio.flow.dora import validate
from mio.flow.packages import Checkable, config_struct, executable, manifest_of, package_of, packages_by_script
from mio.runtime.manifest import Manifest
from mio.runtime.stats import BUDGET_VARIABLE, parse_budget_ms

_INPUT_KEYS = ("source", "queue_size", "queue_policy", "input_timeout")
_VIDEO = type_name(VideoFrame)


class Problem(NamedTuple):
    """Something that is wrong, or looks wrong.

    Attributes:
        severity: An ``error`` keeps the flow from working; a ``warning`` does not.
        text: What and where.
        remedy: What to do.
    """

    severity: Literal["error", "warning"]
    text: str
    remedy: str

    def __str__(self) -> str:
        """One line."""
        return f"{self.severity}: {self.text}" + (f" -> {self.remedy}" if self.remedy else "")


class CheckedFlow(NamedTuple):
    """A dataflow with the manifests of its nodes, as far as they have one."""

    flow: Dataflow
    manifests: dict[str, Manifest]


def check_flow(path: Path, environ: Mapping[str, str] | None = None) -> list[Problem]:
    """Check a dataflow: YAML, wiring, port types, programs, configuration, weights and devices.

    Args:
        path: The dataflow.
        environ: Environment that the nodes will inherit; that of this process if left out.

    Returns:
        Problems in the order of the file; empty if all is well.
    """
    env = dict(os.environ if environ is None else environ)
    try:
        flow = read_flow(path)
    except ConfigError as error:
        return [_error(error)]
    problems = list(_duplicate_ids(flow))
    manifests: dict[str, Manifest] = {}
    for node in flow.nodes:
        try:
            manifest = manifest_of(node, path.parent)
        except MioError as error:
            problems.append(_error(error))
            continue
        if manifest is not None:
            manifests[node.id] = manifest
    checked = CheckedFlow(flow, manifests)
    for node in flow.nodes:
        problems.extend(_program(flow, node))
        problems.extend(_ports(checked, node))
        problems.extend(_wires(checked, node))
        problems.extend(_restarts(flow, node))
        problems.extend(_budget(flow, node))
    problems.extend(_configurations(flow, env))
    if not any(problem.severity == "error" for problem in problems):
        problems.extend(Problem("error", text, remedy) for text, remedy in validate(path))
    return problems


def _error(error: MioError) -> Problem:
    return Problem("error", error.problem, error.remedy)


def _duplicate_ids(flow: Dataflow) -> Iterator[Problem]:
    seen: set[str] = set()
    for node in flow.nodes:
        if node.id in seen:
            yield Problem(
                "error", f"{flow.place(f'nodes.{node.index}')}: two nodes are called '{node.id}'", "rename one"
            )
        seen.add(node.id)


def _program(flow: Dataflow, node: FlowNode) -> Iterator[Problem]:
    if not node.path or node.path == "dynamic" or executable(node, flow.path.parent):
        return
    place = flow.place(f"nodes.{node.index}.path")
    remedy = did_you_mean(node.path, packages_by_script(), "install it, or correct 'path:'")
    yield Problem("error", f"{place}: node '{node.id}': no program '{node.path}'", remedy)


def _ports(checked: CheckedFlow, node: FlowNode) -> Iterator[Problem]:
    """Ports that the node's manifest does not have, or needs but are not wired."""
    manifest = checked.manifests.get(node.id)
    if manifest is None:
        return
    flow, at = checked.flow, f"nodes.{node.index}"
    yield from _declared_types(flow, node, manifest)
    for port, wire in node.inputs.items():
        if port not in manifest.inputs and not wire.virtual:
            yield _unknown_port(flow, f"{at}.inputs.{port}", node, port, "input", list(manifest.inputs))
    for port in node.outputs:
        if port not in manifest.outputs:
            yield _unknown_port(flow, f"{at}.outputs", node, port, "output", list(manifest.outputs))
    for port, declared in manifest.inputs.items():
        if declared.required and port not in node.inputs:
            text = f"{flow.place(at)}: node '{node.id}' needs input '{port}' ({declared.type})"
            yield Problem("error", text, f"wire it: '{port}: NODE/OUTPUT'")


def _declared_types(flow: Dataflow, node: FlowNode, manifest: Manifest) -> Iterator[Problem]:
    """Types that the dataflow declares otherwise than the node's manifest."""
    at = f"nodes.{node.index}"
    for key, ports in (("input_types", manifest.inputs), ("output_types", manifest.outputs)):
        declared_types = node.raw.get(key)
        for port, name in (declared_types if isinstance(declared_types, dict) else {}).items():
            if port in ports and ports[port].type != name:
                text = f"{flow.place(f'{at}.{key}.{port}')}: node '{node.id}': {key} says {port} is {name}"
                yield Problem("error", text, f"it is {ports[port].type}")


def _unknown_port(flow: Dataflow, key: str, node: FlowNode, port: str, kind: str, known: list[str]) -> Problem:
    text = f"{flow.place(key)}: node '{node.id}' has no {kind} '{port}'"
    return Problem("error", text, did_you_mean(port, known))


def _wires(checked: CheckedFlow, node: FlowNode) -> Iterator[Problem]:
    for port, wire in node.inputs.items():
        key = f"nodes.{node.index}.inputs.{port}"
        yield from _wire_keys(checked.flow, node, port, wire, key)
        if not wire.virtual:
            yield from _wire_source(checked, node, port, wire, key)


def _wire_keys(flow: Dataflow, node: FlowNode, port: str, wire: FlowInput, key: str) -> Iterator[Problem]:
    """Keys of an input that dora would accept in silence and ignore."""
    for name in wire.keys:
        if name not in _INPUT_KEYS:
            text = f"{flow.place(f'{key}.{name}')}: {node.id}/{port}: unknown key '{name}'"
            yield Problem("error", text, did_you_mean(name, _INPUT_KEYS))
    if wire.queue_size < 1:
        yield Problem(
            "error", f"{flow.place(key)}: {node.id}/{port}: queue_size must be at least 1", "leave it out for 10"
        )


def _wire_source(checked: CheckedFlow, node: FlowNode, port: str, wire: FlowInput, key: str) -> Iterator[Problem]:
    flow = checked.flow
    place = f"{flow.place(key)}: {node.id}/{port}"
    sender = flow.node(wire.node)
    if sender is None:
        remedy = did_you_mean(wire.node, [other.id for other in flow.nodes])
        yield Problem("error", f"{place}: no node '{wire.node}'", remedy)
        return
    if wire.output not in sender.outputs:
        remedy = f"its outputs here: {', '.join(sender.outputs) or 'none'}; add it to 'outputs:' if the node has it"
        yield Problem("error", f"{place}: node '{sender.id}' lists no output '{wire.output}'", remedy)
        return
    sent, taken = checked.manifests.get(sender.id), checked.manifests.get(node.id)
    if sent and taken and wire.output in sent.outputs and port in taken.inputs:
        out_type, in_type = sent.outputs[wire.output].type, taken.inputs[port].type
        if out_type != in_type:
            yield Problem(
                "error", f"{place} takes {in_type}, but {wire.source} sends {out_type}", "wire another output"
            )
    if sent and wire.output in sent.outputs and sent.outputs[wire.output].type == _VIDEO:
        yield from _video(flow, sender, wire, place)


def _video(flow: Dataflow, sender: FlowNode, wire: FlowInput, place: str) -> Iterator[Problem]:
    if wire.queue_policy == "backpressure":
        yield Problem(
            "error", f"{place}: pictures with queue_policy backpressure block the whole output", "use drop_oldest"
        )
    if "shared_memory_pool_size" not in sender.raw:
        at = flow.place(f"nodes.{sender.index}")
        yield Problem(
            "warning",
            f"{at}: node '{sender.id}' sends pictures with dora's default pool of 8 MiB, which copies large ones",
            "add 'shared_memory_pool_size: 64MB' to it",
        )


def _restarts(flow: Dataflow, node: FlowNode) -> Iterator[Problem]:
    at = flow.place(f"nodes.{node.index}")
    if package_of(node) and node.raw.get("restart_policy", "never") == "never":
        yield Problem("warning", f"{at}: node '{node.id}' stays dead if it crashes", "add 'restart_policy: on-failure'")


def _budget(flow: Dataflow, node: FlowNode) -> Iterator[Problem]:
    try:
        parse_budget_ms(node.env.get(BUDGET_VARIABLE, ""))
    except ConfigError as error:
        place = flow.place(f"nodes.{node.index}.env.{BUDGET_VARIABLE}")
        yield Problem("error", f"{place}: node '{node.id}': {error.problem}", error.remedy)


def _configurations(flow: Dataflow, environ: dict[str, str]) -> Iterator[Problem]:
    """Configuration file, sections, and what they need."""
    files: set[Path] = set()
    for node in flow.nodes:
        package = package_of(node)
        struct = config_struct(package) if package else None
        if struct is None:
            continue
        env = flow.environment(node, environ)
        name = env.get("MIO_CONFIG", "")
        try:
            file = read_config_file(flow.path.parent / name if name else None)
            if file.path is not None and file.path not in files:
                files.add(file.path)
                yield from _unknown_sections(flow, file.path, list(file.sections))
            config = build_config(file, node.id, struct, env)
        except MioError as error:
            yield _error(error)
            continue
        if isinstance(config, Checkable):
            with contextlib.chdir(flow.path.resolve().parent):  # where dora runs the nodes
                missing = list(config.check())
            yield from (Problem("error", f"{node.id}: {one.problem}", one.remedy) for one in missing)


def _unknown_sections(flow: Dataflow, path: Path, sections: list[str]) -> Iterator[Problem]:
    """Sections named almost like a node; others may belong to other dataflows."""
    ids = [node.id for node in flow.nodes]
    for section in sections:
        remedy = did_you_mean(section, ids, "-")
        if section not in (SHARED, *ids) and remedy != "-":
            yield Problem("error", f"{path}: section '{section}' names no node of {flow.path.name}", remedy)
