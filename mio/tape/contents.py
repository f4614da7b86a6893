"""What a tape holds, by node: the runs of its workers, and the messages that they sent."""

import json
from collections import defaultdict
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from mio.contracts.messages import Message
from mio.contracts.wire import decode
from mio.errors import did_you_mean
from mio.runtime.tee import TapeEvent
from mio.tape.format import TAPE, TapeError, metadata_of, read_tape, value_of

_Key = tuple[str, str, int, int]


class Sent(NamedTuple):
    """A message as its sender sent it."""

    node: str
    event: TapeEvent


class NodeRun:
    """What one worker of a node did.

    Attributes:
        node: The node.
        run: Number of the worker.
        about: What the node is; see :func:`mio.runtime.identity.identity`.
        events: What happened, in order.
    """

    def __init__(self, node: str, run: int) -> None:
        self.node = node
        self.run = run
        self.about: dict[str, Any] = {}
        self.events: list[TapeEvent] = []

    @cached_property
    def early(self) -> dict[tuple[str, int, int], TapeEvent]:
        """Inputs that the node itself streamed with their payload, by port, number and time of sending."""
        takes = (event for event in self.events if event.event == "take" and event.header)
        return {(event.port, event.seq, event.stamp_ns): event for event in takes}

    @cached_property
    def settled(self) -> list[TapeEvent]:
        """Events from the recorded state on, up to the last moment at which no step was under way."""
        begin = next((index for index, event in enumerate(self.events) if event.event == "state"), len(self.events))
        return _up_to_rest(self.events[begin:])

    @cached_property
    def stepped(self) -> list[TapeEvent]:
        """The beginnings of its settled steps on messages."""
        return [event for event in self.settled if event.event in ("step", "begin") and event.port != "tick"]

    @cached_property
    def dora(self) -> dict[str, Any]:
        """What dora told the node."""
        return yaml.load(self.about.get("dora", ""), _Loader) or {}

    @cached_property
    def sources(self) -> dict[str, tuple[str, str]]:
        """Node and output behind each input."""
        inputs = (self.dora.get("run_config") or {}).get("inputs") or {}
        named = {port: wire["source"] if isinstance(wire, dict) else str(wire) for port, wire in inputs.items()}
        found = {port: source.partition("/") for port, source in named.items()}
        return {port: (node, output) for port, (node, _, output) in found.items()}


def _up_to_rest(events: list[TapeEvent]) -> list[TapeEvent]:
    """Events up to the last moment at which no step was under way."""
    rest, active, at_once = 0, False, False
    for index, event in enumerate(events):
        match event.event:
            case "begin":
                active = True
            case "step":
                at_once = True
            case "done" if at_once:
                at_once = False
            case "done" | "abandon":
                active = False
            case _:
                continue
        if not active and not at_once:
            rest = index + 1
    return events[:rest]


class Tape:
    """A tape that has been read.

    Attributes:
        path: The file.
        about: What was asked for when it was recorded.
        whole: Whether the recorder ended it; if not, it was killed.
        runs: Runs of all nodes, in the order in which they began.
    """

    def __init__(self, path: Path, *, pictures: bool = False) -> None:
        """Read a tape.

        Args:
            path: The file.
            pictures: Whether to keep pictures, which may be large.

        Raises:
            TapeError: If it is no tape.
        """
        self.path = path
        self.about: dict[str, Any] = {}
        self.whole = False
        runs: dict[tuple[str, int], NodeRun] = {}
        self._sent: dict[_Key, TapeEvent] = {}
        for node, run, event in read_tape(path, pictures=pictures):
            if node == TAPE:
                self._note(event)
                continue
            of = runs.setdefault((node, run), NodeRun(node, run))
            of.events.append(event)
            if event.event == "start":
                of.about = json.loads(event.header)
            elif event.event == "send":
                self._sent[node, event.port, event.seq, event.at_ns] = event
        self.runs = list(runs.values())

    def _note(self, event: TapeEvent) -> None:
        if event.event == "begin":
            self.about = json.loads(event.header)
        self.whole = event.event == "end"

    @property
    def nodes(self) -> list[str]:
        """Recorded nodes, in the order of the dataflow if that is known."""
        recorded = {run.node for run in self.runs}
        described = [str(node["id"]) for node in self.flow.get("nodes", [])]
        return [node for node in described if node in recorded] + sorted(recorded.difference(described))

    @property
    def flow(self) -> dict[str, Any]:
        """The dataflow as dora understood it; empty if no node said so."""
        for run in self.runs:
            if run.dora.get("dataflow_descriptor"):
                return run.dora["dataflow_descriptor"]
        return {}

    @property
    def began_ns(self) -> int:
        """``CLOCK_MONOTONIC`` of the first event."""
        return min((run.events[0].at_ns for run in self.runs), default=0)

    @property
    def ended_ns(self) -> int:
        """``CLOCK_MONOTONIC`` of the last event."""
        return max((run.events[-1].at_ns for run in self.runs), default=0)

    def runs_of(self, node: str) -> list[NodeRun]:
        """Runs of one node.

        Raises:
            TapeError: If it was not recorded.
        """
        found = [run for run in self.runs if run.node == node]
        if not found:
            raise TapeError(f"{self.path} has no node '{node}'", did_you_mean(node, self.nodes))
        return found

    def streams(self, *, settled: bool = False) -> dict[tuple[str, str], list[TapeEvent]]:
        """Messages by node and output, in the order of sending.

        Args:
            settled: Only those of steps that are whole on the tape.
        """
        found: dict[tuple[str, str], list[TapeEvent]] = defaultdict(list)
        for run in self.runs:
            for event in run.settled if settled else run.events:
                if event.event == "send":
                    found[run.node, event.port].append(event)
        return {key: sorted(events, key=lambda event: event.at_ns) for key, events in sorted(found.items())}

    def sent(self, run: NodeRun, port: str, seq: int, sent_ns: int) -> Sent | None:
        """The message that a node took on an input, from the sender's side; None if that was not recorded."""
        node, output = run.sources.get(port, ("", ""))
        event = self._sent.get((node, output, seq, sent_ns))
        return None if event is None else Sent(node, event)

    def given(self, run: NodeRun, taken: TapeEvent) -> TapeEvent | None:
        """The message that a node took or was stepped with: its sender's, or if it was sent too early, its own."""
        found = self.sent(run, taken.port, taken.seq, taken.stamp_ns)
        return found.event if found else run.early.get((taken.port, taken.seq, taken.stamp_ns))

    def message(self, run: NodeRun, taken: TapeEvent) -> Message:
        """The message with which a node was stepped.

        Raises:
            TapeError: If the message is not on the tape.
        """
        event = self.given(run, taken)
        if event is None:
            source = "/".join(run.sources.get(taken.port, ("?", "?")))
            raise TapeError(f"{run.node} took {source} number {taken.seq}, which is not on the tape", "")
        return decode(value_of(event, f"{run.node}.{taken.port}"), metadata_of(event))


def _tagged(loader: Any, _suffix: str, node: Any) -> Any:
    """Values that dora marks with a type of its own."""
    return loader.construct_mapping(node) if isinstance(node, yaml.MappingNode) else None


class _Loader(yaml.SafeLoader):
    pass


_Loader.add_multi_constructor("!", _tagged)
