"""The loop that steps an engine: messages in, messages out, timer ticks, interruption by flush.

States of the work: at most one step of a ``queued`` or ``latest`` port is in progress (a generator that is advanced one
output at a time); others wait in the queue. ``urgent`` messages and ticks are stepped at once, between two yields.
"""

import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from mio.contracts.engine import Engine, Output
from mio.contracts.messages import Message, Tick
from mio.contracts.wire import decode, encode
from mio.errors import ContractError, MioError
from mio.runtime.host_clock import HostClocks
from mio.runtime.manifest import Manifest
from mio.runtime.slot_protocol import Marks
from mio.runtime.stats import NodeStats
from mio.runtime.tee import Content, Tees
from mio.runtime.transport import Closed, Event, Received, Stopping, Transport

TICK = "tick"
_DRAIN_S = 2.0  # how long queued inputs are worked off after the dataflow asked to stop
_IDLE_S = 0.1
_REPORTED = 200  # different problems that are remembered, so that each is told once
_DRAINING_NS = 50_000_000
_MESSAGES_NS = 5_000_000  # at least, between two ticks that are late, for messages that wait


class _Work(NamedTuple):
    port: str
    message: Message


class _Step:
    """A step in progress, with the time it has taken so far."""

    def __init__(self, port: str, seq: int, outputs: Iterator[Output | None]) -> None:
        self.port = port
        self.seq = seq
        self.outputs = outputs
        self.elapsed_ns = 0


class Loop:
    """Runs one engine on one transport.

    Attributes:
        engine: The engine.
        stats: What it measures of itself.
        tees: Who is told what happens here.
        drained: Whether the last look found no message waiting in the transport.
    """

    def __init__(
        self,
        engine: Engine,
        manifest: Manifest,
        transport: Transport,
        stats: NodeStats,
        now_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self.engine = engine
        self.tees = Tees(now_ns)
        self._manifest = manifest
        self._transport = transport
        self.stats = stats
        self._now_ns = now_ns
        self._queue: deque[_Work] = deque()
        self._active: _Step | None = None
        self._last_in: dict[str, int] = {}
        self._next_out: dict[str, int] = {}
        self._reported: set[str] = set()
        self._period_ns = round(1e9 / engine.tick_hz) if engine.tick_hz > 0 else 0
        self._next_tick_ns = now_ns()
        self._ticked_ns = self._tick_took_ns = 0
        self._ticked = False
        self._deadline_ns: int | None = None
        self._clocks = HostClocks(transport.host)
        self._until_ns = 0
        self._left: list[Received] = []
        self._adopted_in: dict[str, int] = {}
        self._adopted_ns = 0
        self.drained = False

    def run(self) -> None:
        """Open the engine, step it until no input will come any more, and close it."""
        self.engine.open()
        try:
            while self.turn():
                pass
        finally:
            self.close()

    def turn(self, longest_wait_s: float = _IDLE_S, *, drain: bool = False) -> bool:
        """Take at most one event, tick if due, advance the step in progress; false when all is done.

        An engine whose ticks take longer than their period still gets its messages: as long as any wait, they have as
        much time as the last tick took.

        Args:
            longest_wait_s: How long to wait for an event.
            drain: Whether to take all events that have come, and not only one, and to work on them for up to 50 ms.
        """
        event = self._transport.receive(min(longest_wait_s, self._patience_s()))
        going = self._accept(event)
        while drain and going and event is not None:
            event = self._transport.receive(0.0)
            going = self._accept(event)
        self.drained = event is None
        if not going:
            return False
        if self._deadline_ns is None:
            self._tick_if_due(idle=self.drained and self._active is None and not self._queue)
        elif self._now_ns() > self._deadline_ns:
            return False
        self.stats.waiting(len(self._queue))
        self._advance()
        until_ns = self._now_ns() + _DRAINING_NS
        while drain and (self._active is not None or self._queue) and self._now_ns() < until_ns:
            self._advance()
        self.stats.write_if_due()
        return True

    def _accept(self, event: Event | None) -> bool:
        """Take what an event brings; false if it was the last."""
        match event:
            case Received():
                self.take(event)
            case Stopping():
                self._deadline_ns = self._now_ns() + round(_DRAIN_S * 1e9)
            case Closed():
                self._drain()
                return False
            case None:
                pass
        return True

    def close(self) -> None:
        """Close the engine and write the last figures."""
        self.engine.close()
        self.stats.write_if_due(now=True)
        self.tees.close()

    @property
    def stepping(self) -> bool:
        """Whether a step is in progress."""
        return self._active is not None

    def waits_for(self, first_in: dict[str, int]) -> bool:
        """Whether messages wait here that a successor has not got, who has each port from a number on."""
        return any(work.message.seq < first_in.get(work.port, sys.maxsize) for work in self._queue)

    def leave_since(self, sent_ns: int) -> None:
        """Leave to a successor what is sent from a time on, except what is urgent; 0 for nothing."""
        self._until_ns = sent_ns

    def take_left(self) -> None:
        """Take what was left to a successor, which cannot take over."""
        self._until_ns = 0
        left, self._left = self._left, []
        for event in left:
            self.take(event)

    def abandon(self) -> None:
        """Close the step in progress."""
        if self._active is not None:
            self.tees.ended("abandon", self._active.port, self._active.seq, self._active.elapsed_ns)
            self._close(self._active)
            self._active = None

    def tee(self, path: Path, content: Content, start: dict[str, Any]) -> None:
        """Begin to stream what happens here to a collector.

        Raises:
            OSError: If nobody listens there.
        """
        self.tees.attach(path, content, start)
        for work in self._queue:
            self.tees.waits(work.port, work.message)

    def marks(self) -> Marks:
        """Where this loop stands, for a successor: what has been taken from each port (stepped, or dropped)."""
        return Marks.of(self._last_in, self._next_out, self.engine.export_state(), self._next_tick_ns)

    def ticks_within(self, span_ns: int) -> bool:
        """Whether a tick is due so soon; never right after one, since no moment is further from the next."""
        return self._period_ns > 0 and not self._ticked and self._next_tick_ns - self._now_ns() < span_ns

    def adopt(self, marks: Marks) -> None:
        """Go on with a predecessor's message numbers, and in step with its ticks if they have not long ceased."""
        self._last_in = dict(marks.last_in)
        self._adopted_in, self._adopted_ns = dict(marks.last_in), self._now_ns()
        self._next_out = dict(marks.next_out)
        in_step = abs(marks.next_tick_ns - self._adopted_ns) < self._period_ns
        self._next_tick_ns = marks.next_tick_ns if in_step else self._adopted_ns

    def _patience_s(self) -> float:
        if self._active is not None or self._queue:
            return 0.0
        if not self._period_ns or self._deadline_ns is not None:
            return _IDLE_S
        return min(_IDLE_S, max(0.0, (self._next_tick_ns - self._now_ns()) / 1e9))

    def take(self, event: Received) -> None:
        """Decode a message and queue it, replace by it, or step it at once, as its port says."""
        port = self._manifest.inputs.get(event.port)
        stats = self.stats.input(event.port)
        try:
            if port is None:
                raise ContractError(f"no input '{event.port}'", "see the node's dora-node.yml for its ports")
            message = decode(event.value, event.metadata)
            if not isinstance(message, port.message):
                raise ContractError(f"input '{event.port}' takes {port.type}, got {message.KIND}", "mend the wiring")
        except ContractError as error:
            stats.refused += 1
            self._report(event.port, error)
            return
        message = self._clocks.here(message, event.arrived_ns or self._now_ns())
        if self._was_predecessors(event.port, message):
            return
        if 0 < self._until_ns <= message.sent_ns and port.delivery != "urgent":
            self._left.append(event)
            return
        self.tees.taken(event.port, event.metadata, event.value)
        same_host = message.host == self._transport.host
        stats.received(message.seq, self._now_ns() - message.sent_ns if same_host else None)
        if message.flush:
            self._discard()
        if port.delivery == "urgent":
            self._last_in[event.port] = message.seq
            self._step_at_once(event.port, message)
            return
        if port.delivery == "latest":
            self._forget(event.port)
        self._queue.append(_Work(event.port, message))

    def _was_predecessors(self, port: str, message: Message) -> bool:
        """Whether a predecessor has taken this message, which has come here only after the hand-over."""
        return message.sent_ns < self._adopted_ns and 0 <= message.seq <= self._adopted_in.get(port, -1)

    def _discard(self) -> None:
        """Close the step in progress and forget what waits."""
        self.abandon()
        for port in {work.port for work in self._queue}:
            self._forget(port)

    def _forget(self, port: str) -> None:
        """Drop what waits on one port."""
        for work in self._queue:
            if work.port == port:
                self._last_in[port] = work.message.seq
                self.stats.input(port).replaced += 1
        self._queue = deque(work for work in self._queue if work.port != port)

    def _tick_if_due(self, *, idle: bool) -> None:
        self._ticked = False
        now = self._now_ns()
        messages_ns = max(_MESSAGES_NS, self._tick_took_ns)
        if not self._period_ns or now < self._next_tick_ns or not (idle or now - self._ticked_ns >= messages_ns):
            return
        behind = (now - self._next_tick_ns) // self._period_ns
        self.stats.ticks_skipped += behind
        self._next_tick_ns += (behind + 1) * self._period_ns
        self._step_at_once(TICK, Tick(mono_ns=now))
        self._ticked = True
        self._ticked_ns = self._now_ns()
        self._tick_took_ns = self._ticked_ns - now

    def _step_at_once(self, port: str, message: Message) -> None:
        step = self._begin(port, message, at_once=True)
        while step is not None and self._pull(step):
            pass

    def _advance(self) -> None:
        if self._active is None and self._queue:
            work = self._queue.popleft()
            self._last_in[work.port] = work.message.seq
            self._active = self._begin(work.port, work.message, at_once=False)
        if self._active is not None:
            self.tees.pulled()
            self._active = self._active if self._pull(self._active) else None

    def _begin(self, port: str, message: Message, *, at_once: bool) -> _Step | None:
        if self.tees.waiting and self._active is None:
            self.tees.state(self.marks(), at_boundary=self.engine.at_boundary())
        self.tees.began(port, message, at_once=at_once)
        began = time.perf_counter_ns()
        try:
            step = _Step(port, message.seq, iter(self.engine.step(port, message)))
        except MioError as error:
            self._report(port, error)
            self.tees.ended("done", port, message.seq, time.perf_counter_ns() - began)
            return None
        step.elapsed_ns = time.perf_counter_ns() - began
        return step

    def _pull(self, step: _Step) -> bool:
        """Take one output of a step and send it; false when the step is done."""
        began = time.perf_counter_ns()
        try:
            output = next(step.outputs, _Step)
        except MioError as error:
            self._report(step.port, error)
            output = _Step
        step.elapsed_ns += time.perf_counter_ns() - began
        if output is _Step:
            self.stats.step_computed(step.port, step.elapsed_ns)
            self.tees.ended("done", step.port, step.seq, step.elapsed_ns)
            return False
        if isinstance(output, tuple):
            self._send(*output, computed_ns=step.elapsed_ns)
        return True

    def _close(self, step: _Step) -> None:
        close = getattr(step.outputs, "close", None)
        if close is not None:
            close()

    def _send(self, port: str, message: Message, *, computed_ns: int) -> None:
        declared = self._manifest.outputs.get(port)
        if declared is None or not isinstance(message, declared.message):
            raise ContractError(f"the engine sent {message.KIND} on '{port}', which dora-node.yml does not declare")
        seq = self._next_out.get(port, 0)
        self._next_out[port] = seq + 1
        wire = encode(message, seq=seq, sent_ns=self._now_ns(), host=self._transport.host)
        self._transport.send(port, wire)
        self.tees.sent(port, wire, computed_ns)
        self.stats.output(port).count += 1

    def _drain(self) -> None:
        """Work off what is queued after the last input."""
        deadline = self._now_ns() + round(_DRAIN_S * 1e9)
        while (self._active is not None or self._queue) and self._now_ns() < deadline:
            self._advance()

    def _report(self, port: str, error: MioError) -> None:
        """Log a problem once per port and text."""
        key = f"{port}: {error}"
        if key not in self._reported:
            if len(self._reported) >= _REPORTED:
                self._reported.clear()
            self._reported.add(key)
            self._transport.log("error", key)
