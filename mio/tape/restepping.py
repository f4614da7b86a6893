"""Takes the steps of a recorded node again, in the order of the tape, and compares what comes out bit by bit."""

import json
from collections.abc import Callable, Iterator
from itertools import zip_longest
from typing import Any, NamedTuple

import numpy as np

from mio.contracts.engine import Engine, Output
from mio.contracts.messages import Message, Tick
from mio.contracts.wire import Metadata, encode
from mio.errors import MioError
from mio.runtime.slot_protocol import Marks
from mio.runtime.tee import TapeEvent, digest, payload_bytes
from mio.tape.contents import NodeRun, Tape
from mio.tape.format import TapeError, metadata_of
from mio.tape.marks import read_marks

_NOT_THE_ENGINES = ("sent_ns", "host", "timestamp")  # the loop's


class Comparison(NamedTuple):
    """What came out of a node's steps, taken again.

    Attributes:
        node: The node.
        run: Number of its worker.
        steps: Steps taken.
        messages: Messages that were sent by these steps on the tape.
        equal: Those that came out equal in every bit.
        first_difference: Where it differs first; empty if nowhere.
        skipped: Why nothing was compared; empty if it was.
    """

    node: str
    run: int
    steps: int = 0
    messages: int = 0
    equal: int = 0
    first_difference: str = ""
    skipped: str = ""

    @property
    def same(self) -> bool:
        """Whether all messages came out equal, and no others."""
        return not self.first_difference and self.messages == self.equal


class _Output(NamedTuple):
    port: str
    seq: int
    header: Metadata
    data: bytes
    digest: bytes


def restep(tape: Tape, run: NodeRun, build: Callable[[], Engine]) -> Comparison:
    """Take a node's steps again from its recorded state.

    Args:
        tape: Where its inputs are.
        run: What it did.
        build: Makes its engine.

    Raises:
        MioError: If the engine cannot be built or an input is not on the tape.
    """
    events = run.settled
    if not events:
        return Comparison(run.node, run.run, skipped="it took no step")
    if not any(event.event == "send" for event in events):
        return Comparison(run.node, run.run, skipped="it sent nothing")
    if any(event.event == "send" and not event.digest for event in events):
        return Comparison(run.node, run.run, skipped="only headers were recorded")
    stepper = _Stepper(tape, run, build)
    for event in events:
        stepper.follow(event)
    stepper.close()
    return _compare(run, stepper)


class _Stepper:
    """An engine that follows a tape.

    Attributes:
        steps: Steps taken.
        expected: Messages on the tape.
        produced: Messages that the engine sent.
    """

    def __init__(self, tape: Tape, run: NodeRun, build: Callable[[], Engine]) -> None:
        self.steps = 0
        self.expected: list[TapeEvent] = []
        self.produced: list[_Output] = []
        self._tape = tape
        self._run = run
        self._build = build
        self._engine: Engine | None = None
        self._active: Iterator[Output | None] | None = None
        self._next_out: dict[str, int] = {}

    def follow(self, event: TapeEvent) -> None:
        """Do what the node did."""
        if event.event == "state":
            self._start(read_marks(event.data))
        if self._engine is None:
            return
        match event.event:
            case "send":
                self.expected.append(event)
            case "step":
                outputs = self._step(self._engine, event)
                while self._pull(outputs):
                    pass
            case "begin":
                self._active = self._step(self._engine, event)
            case "pull" if self._active is not None:
                self._pull(self._active)
            case "abandon":
                self._abandon()
            case "lost":
                self.close()
            case _:
                pass

    def close(self) -> None:
        """Give the engine up."""
        self._abandon()
        if self._engine is not None:
            self._engine.close()
        self._engine = None

    def _start(self, marks: Marks) -> None:
        self.close()
        self._engine = self._build()
        if self._engine.exclusive:
            raise TapeError("it holds a device or file", "")
        if marks.state:
            self._engine.import_state(marks.state)
        self._engine.rehearsal = True
        self._engine.open()
        self._next_out = dict(marks.next_out)

    def _step(self, engine: Engine, event: TapeEvent) -> Iterator[Output | None]:
        self.steps += 1
        try:
            return iter(engine.step(event.port, self._message(event)))
        except TapeError:
            raise
        except MioError:  # the node said so in its log and went on
            return iter(())

    def _message(self, event: TapeEvent) -> Message:
        if event.port == "tick":
            return Tick(mono_ns=event.stamp_ns)
        return self._tape.message(self._run, event)

    def _pull(self, outputs: Iterator[Output | None]) -> bool:
        try:
            output = next(outputs)
        except (StopIteration, MioError):
            return False
        if output is not None:
            self._keep(*output)
        return True

    def _keep(self, port: str, message: Message) -> None:
        seq = self._next_out.get(port, 0)
        self._next_out[port] = seq + 1
        wire = encode(message, seq=seq, sent_ns=0, host="")
        header: Metadata = json.loads(json.dumps(wire.metadata, default=str))
        data = payload_bytes(wire.value)
        self.produced.append(_Output(port, seq, header, data, digest(wire.metadata, data)))

    def _abandon(self) -> None:
        close = getattr(self._active, "close", None)
        if close is not None:
            close()
        self._active = None


def _compare(run: NodeRun, stepper: _Stepper) -> Comparison:
    ports = sorted({event.port for event in stepper.expected} | {output.port for output in stepper.produced})
    equal, first = 0, ""
    for port in ports:
        expected = (event for event in stepper.expected if event.port == port)
        produced = (output for output in stepper.produced if output.port == port)
        for event, output in zip_longest(expected, produced):
            difference = _difference(event, output)
            equal += not difference
            first = first or (difference and f"{port} {difference}")
    return Comparison(run.node, run.run, stepper.steps, len(stepper.expected), equal, first)


def _difference(event: TapeEvent | None, output: _Output | None) -> str:
    """How two messages differ; empty if in nothing."""
    if event is None:
        return f"number {output.seq} came out, but is not on the tape" if output else ""
    if output is None:
        return f"number {event.seq} did not come out"
    recorded = metadata_of(event)
    for name in sorted({*recorded, *output.header} - set(_NOT_THE_ENGINES)):
        if recorded.get(name) != output.header.get(name):
            return f"number {event.seq}: {name} was {recorded.get(name)!r}, is {output.header.get(name)!r}"
    if event.digest == output.digest:
        return ""
    return f"number {event.seq}: {_distance(event, output.data)}"


def _distance(event: TapeEvent, data: bytes) -> str:
    if event.type != "float" or len(event.data) != len(data):
        return f"its payload of {len(event.data)} bytes differs from one of {len(data)}"
    apart = np.abs(np.frombuffer(event.data, np.float32) - np.frombuffer(data, np.float32))
    return f"its payload differs in {np.count_nonzero(apart)} of {len(apart)} values, by at most {apart.max():.3g}"


def check(tape: Tape, nodes: list[str], rebuild: Callable[[dict[str, Any]], Engine]) -> Iterator[Comparison]:
    """Take the steps of several nodes again.

    Args:
        tape: The tape.
        nodes: Which nodes.
        rebuild: Makes the engine of a node from what it said of itself.

    Yields:
        What came out of each run of each node.
    """
    for node in nodes:
        for run in tape.runs_of(node):
            try:
                yield restep(tape, run, lambda about=run.about: rebuild(about))
            except MioError as error:
                yield Comparison(node, run.run, skipped=error.problem)
