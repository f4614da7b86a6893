"""Where time goes on a tape: between nodes, in nodes, and on the critical path of each turn."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import NamedTuple

import numpy as np

from mio.contracts.messages import Clock, FaceMotion, Reply, Speech, Transcript, VideoFrame
from mio.contracts.rates import SPEECH_HZ
from mio.contracts.wire import Metadata
from mio.errors import ConfigError
from mio.runtime.stats import BUDGET_VARIABLE, parse_budget_ms
from mio.runtime.tee import TapeEvent
from mio.tape.contents import NodeRun, Tape
from mio.tape.format import metadata_of

ON_THE_WAY = "on the way"


class Percentiles(NamedTuple):
    """Of some durations, in milliseconds."""

    number: int
    p50: float
    p95: float
    p99: float


class Edge(NamedTuple):
    """One wire: from a message's being sent to its being taken.

    Attributes:
        source: ``node/output``.
        target: ``node.input``.
        waited: Times.
    """

    source: str
    target: str
    waited: Percentiles


class NodeTime(NamedTuple):
    """What one node's steps on one input, or its ticks, take.

    Attributes:
        node: The node.
        port: Input, or ``tick``.
        computed: Times of whole steps, without what came between their outputs.
        share: Of the traced time, how much it computed.
        over_budget: Steps longer than the node's budget.
        budget_ms: That budget; 0 if it has none.
    """

    node: str
    port: str
    computed: Percentiles
    share: float
    over_budget: int
    budget_ms: float


class Stage(NamedTuple):
    """A part of a turn's critical path.

    Attributes:
        where: Node, or two nodes and an arrow.
        what: What happens there.
        ms: How long.
    """

    where: str
    what: str
    ms: float


class TurnPath(NamedTuple):
    """From the end of the user's sound to the answer's first picture.

    Attributes:
        segment_id: The turn.
        text: What was understood; empty where only headers were recorded.
        stages: Parts, in order; their sum is the whole.
        face_ahead_ms: How long before the first sound was heard its face motion had been sent; None if it never was.
    """

    segment_id: int
    text: str
    stages: list[Stage]
    face_ahead_ms: float | None

    @property
    def total_ms(self) -> float:
        """The whole path."""
        return sum(stage.ms for stage in self.stages)

    @property
    def limiting(self) -> Stage:
        """The longest stage."""
        return max(self.stages, key=lambda stage: stage.ms)


class _Message(NamedTuple):
    node: str
    port: str
    event: TapeEvent
    header: Metadata

    @property
    def at_ns(self) -> int:
        return self.event.at_ns

    @property
    def segment_id(self) -> int:
        return int(self.header.get("segment_id", 0))


class Trace:
    """Figures of one tape; a headers-only one is enough."""

    def __init__(self, tape: Tape) -> None:
        self._tape = tape
        self.duration_s = max(1e-9, (tape.ended_ns - tape.began_ns) / 1e9)

    def edges(self) -> list[Edge]:
        """Times on every wire between nodes of one host, longest first."""
        waited: dict[tuple[str, str], list[int]] = defaultdict(list)
        hosts = {run.node: run.about.get("host") for run in self._tape.runs}
        for run in self._tape.runs:
            for event in run.events:
                source = run.sources.get(event.port)
                if event.event == "take" and source and hosts.get(source[0]) == run.about.get("host"):
                    waited["/".join(source), f"{run.node}.{event.port}"].append(event.at_ns - event.stamp_ns)
        found = [Edge(source, target, percentiles(values)) for (source, target), values in waited.items()]
        return sorted(found, key=lambda edge: -edge.waited.p95)

    def node_times(self) -> list[NodeTime]:
        """What steps take, by node and input, most costly first."""
        computed: dict[tuple[str, str], list[int]] = defaultdict(list)
        budgets: dict[str, float] = {}
        for run in self._tape.runs:
            budgets[run.node] = _budget_ms(run)
            for event in run.events:
                if event.event in ("done", "abandon"):
                    computed[run.node, event.port].append(event.stamp_ns)
        found: list[NodeTime] = []
        for (node, port), values in computed.items():
            over = sum(0.0 < budgets[node] * 1e6 < value for value in values)
            share = sum(values) / 1e9 / self.duration_s
            found.append(NodeTime(node, port, percentiles(values), share, over, budgets[node]))
        return sorted(found, key=lambda one: -one.share)

    def turns(self) -> list[TurnPath]:
        """The critical path of each turn that was answered with sound, in order."""
        ends = [m for m in self._of(Transcript.KIND) if m.header.get("final") and m.header.get("origin_ns")]
        paths = (self._path(end) for end in ends)
        return [path for path in paths if path is not None]

    def _path(self, end: _Message) -> TurnPath | None:
        """The path of one turn; None if it was not answered."""
        segment_id = end.segment_id
        reply = _first(m for m in self._of(Reply.KIND) if m.segment_id == segment_id)
        speech = _first(m for m in self._of(Speech.KIND) if m.segment_id == segment_id)
        heard = _first(m for m in self._of(Clock.KIND) if m.segment_id == segment_id)
        if reply is None or speech is None or heard is None:
            return None
        heard_ns, heard_stage_s = _sound_begins(heard)
        stages = [Stage(end.node, "ends the turn and understands it", _ms(end.at_ns - int(end.header["origin_ns"])))]
        stages += self._hop(end, reply, "thinks")
        stages += self._hop(reply, speech, "speaks")
        stages += self._hop(speech, heard, "plays", until_ns=heard_ns)
        picture = _first(m for m in self._of(VideoFrame.KIND) if m.header.get("stage_s", -1.0) >= heard_stage_s - 1e-9)
        if picture is not None:
            due_ns = heard_ns + round((picture.header["stage_s"] - heard_stage_s) * 1e9)
            seen_ns = max(picture.at_ns, due_ns)
            stages.append(Stage(picture.node, "shows the first picture", _ms(seen_ns - heard_ns)))
        face = _first(m for m in self._of(FaceMotion.KIND) if m.at_ns >= speech.at_ns)
        ahead = None if face is None else _ms(heard_ns - face.at_ns)
        text = end.event.data.decode() if end.event.type == "string" else ""
        return TurnPath(segment_id, text, stages, ahead)

    def _hop(self, cause: _Message, effect: _Message, what: str, until_ns: int | None = None) -> Iterator[Stage]:
        """From a message's being sent to that of the one that follows from it: on the way, and in the node."""
        end_ns = effect.at_ns if until_ns is None else until_ns
        key = (cause.node, cause.port, cause.event.seq, cause.at_ns)
        taken_ns = self._taken.get(key, {}).get(effect.node, cause.at_ns)
        if taken_ns > cause.at_ns:
            yield Stage(f"{cause.node} → {effect.node}", ON_THE_WAY, _ms(taken_ns - cause.at_ns))
        yield Stage(effect.node, what, _ms(end_ns - taken_ns))

    def _of(self, kind: str) -> list[_Message]:
        return self._messages.get(kind, [])

    @cached_property
    def _messages(self) -> dict[str, list[_Message]]:
        """Messages by kind, in the order of sending."""
        found: dict[str, list[_Message]] = defaultdict(list)
        for (node, port), events in self._tape.streams().items():
            for event in events:
                header = metadata_of(event)
                found[str(header.get("kind"))].append(_Message(node, port, event, header))
        return {kind: sorted(messages, key=lambda m: m.at_ns) for kind, messages in found.items()}

    @cached_property
    def _taken(self) -> dict[tuple[str, str, int, int], dict[str, int]]:
        """When each message was taken by each node."""
        found: dict[tuple[str, str, int, int], dict[str, int]] = defaultdict(dict)
        for run in self._tape.runs:
            for event in run.events:
                if event.event == "take" and event.port in run.sources:
                    found[*run.sources[event.port], event.seq, event.stamp_ns][run.node] = event.at_ns
        return found


def percentiles(values_ns: list[int]) -> Percentiles:
    """Percentiles of durations in nanoseconds."""
    p50, p95, p99 = np.percentile(values_ns, [50, 95, 99]) / 1e6
    return Percentiles(len(values_ns), round(float(p50), 3), round(float(p95), 3), round(float(p99), 3))


def _sound_begins(heard: _Message) -> tuple[int, float]:
    """When the turn's first sample is heard: ``CLOCK_MONOTONIC`` in ns, and stage time in s."""
    header = heard.header
    early_s = header["heard_sample"] / SPEECH_HZ
    return int(header["mono_ns"]) - round(early_s / header["rate"] * 1e9), header["stage_s"] - early_s


def _budget_ms(run: NodeRun) -> float:
    try:
        return parse_budget_ms(run.about.get("env", {}).get(BUDGET_VARIABLE, ""))
    except ConfigError:
        return 0.0


def _first(messages: Iterable[_Message]) -> _Message | None:
    return next(iter(messages), None)


def _ms(duration_ns: int) -> float:
    return round(duration_ns / 1e6, 3)
