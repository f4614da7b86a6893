"""The process that runs a node's engine, under a supervisor that may replace it by a successor.

States and transitions: ``STANDBY`` (connected beside the active worker, keeps inputs, sends nothing) -> ``PREPARED`` on
``Prepare``; ``PREPARED`` (the same, and looks often for word to go) -> ``ACTIVE`` on ``Go``; ``ACTIVE`` (steps the
engine) -> ``RETIRING`` on ``Retire``; ``RETIRING`` (steps on until a boundary) -> ``RETIRED`` there; ``RETIRED`` (sends
nothing) -> the end on ``Leave``, or ``ACTIVE`` again on ``Resume``.
"""

import gc
import logging
import os
import pickle
import signal
import sys
import time
from collections.abc import Callable
from enum import Enum
from importlib import import_module
from pathlib import Path
from typing import cast

import msgspec
import pyarrow as pa

from mio.config import load_config
from mio.contracts.engine import Engine
from mio.errors import MioError, Needing
from mio.runtime import slot_protocol as slot
from mio.runtime.compute import yield_to_others
from mio.runtime.dora_env import dora_node_id
from mio.runtime.heap import bound_heap, trim_heap
from mio.runtime.identity import identity
from mio.runtime.lifetime import die_with_parent
from mio.runtime.link import Link
from mio.runtime.loop import Loop
from mio.runtime.manifest import Manifest, manifest_path, read_manifest
from mio.runtime.priority import give_way, take_back
from mio.runtime.stats import NodeStats, budget_ms, run_folder
from mio.runtime.tee import Content
from mio.runtime.transport import Closed, DoraTransport, Received, Stopping, Transport

_BEAT_S = 0.5
_CHECKPOINT_S = 1.0
_FIGURES_S = 1.0
_TRIM_S = 10.0
_FLUSH_S = 1.5  # dora sends in the background; peers map its shared memory before this process goes
_STANDBY_WAIT_S = 0.02
_HANDING_OVER_WAIT_S = 0.002
_HANDOVER_NS = 40_000_000  # what a hand-over takes: where a tick would come sooner, it is waited for
_BUFFERED = 4_000
_LARGE_BYTES = 65_536


class State(Enum):
    """See the module's docstring."""

    STANDBY = "standby"
    PREPARED = "prepared"
    ACTIVE = "active"
    RETIRING = "retiring"
    RETIRED = "retired"


class Worker:
    """Drives a loop as its supervisor says."""

    def __init__(self, loop: Loop, transport: Transport, link: Link, role: slot.Role) -> None:
        self._loop = loop
        self._transport = transport
        self._link = link
        self._state = State.STANDBY if role == "standby" else State.ACTIVE
        self._buffer: list[Received] = []
        self._first_in: dict[str, int] = {}
        self._retire = slot.Retire({}, 0.0)
        self._retire_by_s = 0.0
        self._beat_s = self._checkpoint_s = self._figures_s = 0.0
        self._trimmed_s = time.monotonic()

    def run(self) -> None:
        """Work until the dataflow ends or a successor has taken over."""
        try:
            while self._obey() and self._turn():
                self._report()
        finally:
            if self._state in (State.ACTIVE, State.RETIRING):
                self._loop.close()

    def _turn(self) -> bool:
        match self._state:
            case State.STANDBY:
                return self._keep_one(_STANDBY_WAIT_S)
            case State.PREPARED:
                return self._keep_one(_HANDING_OVER_WAIT_S)
            case State.ACTIVE:
                return self._loop.turn()
            case State.RETIRING:
                going = self._loop.turn(_HANDING_OVER_WAIT_S, drain=True)
                if going and self._may_retire():
                    self._hand_over()
                return going
            case State.RETIRED:
                time.sleep(_HANDING_OVER_WAIT_S)
                return True

    def _obey(self) -> bool:
        """Carry out what the supervisor says; false if it is gone."""
        try:
            while (message := self._link.hear()) is not None:
                self._carry_out(message)
        except EOFError:
            return False
        return True

    def _carry_out(self, message: object) -> None:
        match message:
            case slot.Prepare(marks):
                self._prepare(marks)
            case slot.Go(marks):
                self._take_over(marks)
            case slot.Retire():
                self._retire = message
                self._retire_by_s = time.monotonic() + message.within_s
                self._loop.leave_since(message.since_ns)
                self._state = State.RETIRING
            case slot.Trim(last_in):
                self._buffer = [event for event in self._buffer if _seq(event) > last_in.get(event.port, -1)]
            case slot.Resume():
                self._resume()
            case slot.Leave():
                _leave()
            case slot.Tee():
                self._tee(message)
            case _:
                raise TypeError(f"a worker cannot obey {type(message).__name__}")

    def _resume(self) -> None:
        """Serve again, since the successor could not; what cannot be opened any more ends this worker."""
        try:
            if self._loop.engine.exclusive:
                self._loop.engine.open()
        except MioError as error:
            self._link.tell(slot.Failed(error.problem, error.remedy))
            sys.exit(1)
        self._loop.take_left()
        self._state = State.ACTIVE

    def _tee(self, tee: slot.Tee) -> None:
        try:
            self._loop.tee(Path(tee.path), cast(Content, tee.content), identity(sys.argv[1]))
        except OSError as error:
            self._transport.log("warn", f"cannot stream to {tee.path}: {error.strerror}")

    def _keep_one(self, longest_wait_s: float) -> bool:
        """Keep one input for later; false if the dataflow ends."""
        event = self._transport.receive(longest_wait_s)
        if isinstance(event, Closed | Stopping):
            return False
        if isinstance(event, Received):
            self._buffer.append(_own_copy(event))
            del self._buffer[:-_BUFFERED]
            if event.port not in self._first_in:
                self._first_in[event.port] = _seq(event)
                self._link.tell(slot.FirstInputs(dict(self._first_in)))
        return True

    def _may_retire(self) -> bool:
        if not self._loop.drained or self._loop.waits_for(self._retire.first_in):
            return False
        at_boundary = not self._loop.stepping and self._loop.engine.at_boundary()
        return (at_boundary and not self._loop.ticks_within(_HANDOVER_NS)) or time.monotonic() > self._retire_by_s

    def _hand_over(self) -> None:
        stopped_ns = time.monotonic_ns()
        marks = self._loop.marks()  # before a step in progress is closed: its rest may be part of the state
        self._loop.abandon()
        if self._loop.engine.exclusive:
            self._loop.engine.close()
        self._state = State.RETIRED
        self._link.tell(slot.Retired(marks, stopped_ns))

    def _prepare(self, marks: slot.Marks) -> None:
        try:
            self._loop.engine.prepare(marks.state)
        except MioError as error:
            self._link.tell(slot.Failed(error.problem, error.remedy))
            return
        self._state = State.PREPARED
        self._link.tell(slot.Prepared())

    def _take_over(self, marks: slot.Marks) -> None:
        try:
            self._loop.engine.import_state(marks.state)
            self._loop.engine.open()
        except MioError as error:
            self._link.tell(slot.Failed(error.problem, error.remedy))
            return
        self._loop.adopt(marks)
        self._state = State.ACTIVE
        for event in self._buffer:
            if _seq(event) > marks.last_in.get(event.port, -1) and event.arrived_ns >= marks.taken_until_ns:
                self._loop.take(event)
        self._buffer.clear()
        self._link.tell(slot.Active())

    def _report(self) -> None:
        """Tell the supervisor how it goes; what it has no room for now is told a moment later."""
        now = time.monotonic()
        if now - self._beat_s >= _BEAT_S and self._link.mention(slot.Beat()):
            self._beat_s = now
        if now - self._figures_s >= _FIGURES_S and self._link.mention(slot.Figures(self._loop.stats.now())):
            self._figures_s = now
        if self._state is State.ACTIVE and now - self._checkpoint_s >= _CHECKPOINT_S and self._link.free:
            self._checkpoint_s = now
            self._link.mention(slot.Checkpoint(self._loop.marks()))
        if self._state is State.ACTIVE and now - self._trimmed_s >= _TRIM_S and not self._loop.stepping:
            self._trimmed_s = now
            trim_heap()  # mostly below a millisecond; what a busy moment left in the heap would else stay there


def build(package: str) -> tuple[Engine, Manifest]:
    """Load a node's engine: its configuration from the environment, its weights from disk.

    Args:
        package: Such as ``nodes.talker``, whose ``config`` has ``TalkerConfig`` and whose ``engine`` has
            ``build_engine(config)``.

    Raises:
        MioError: With the remedy.
    """
    manifest = read_manifest(manifest_path(package))
    config_struct, build_engine = parts(package)
    config = load_config(dora_node_id() or package.rpartition(".")[2], config_struct)
    engine = build_engine(config)
    engine.label = engine.label or str(getattr(config, "engine", ""))
    return engine, manifest


def parts(package: str) -> tuple[type[msgspec.Struct], Callable[[msgspec.Struct], Engine]]:
    """A node's configuration struct, and what builds its engine from one.

    Raises:
        MioError: If a package that it needs is missing.
    """
    node = package.rpartition(".")[2]
    with Needing(node, "io" if package.startswith("nodes.io.") else node):
        config_struct: type[msgspec.Struct] = getattr(import_module(f"{package}.config"), f"{node.capitalize()}Config")
        return config_struct, import_module(f"{package}.engine").build_engine


def main() -> None:
    """Run the engine of the package named on the command line, as the supervisor's link says."""
    package = sys.argv[1]
    link = slot.inherited_link()
    if link is None:
        sys.exit("mio.runtime.worker is started by a node's supervisor, not by hand")
    die_with_parent()
    bound_heap()
    yield_to_others()
    role = cast(slot.Role, os.environ.get(slot.ROLE_VARIABLE, "active"))
    gave_way = give_way() if role == "standby" else 0
    try:
        engine, manifest = build(package)
        stats = NodeStats(dora_node_id() or package, run_folder(), budget_ms())
        stats.engine = engine.label
        marks = _prepare(engine, link) if role == "active" else slot.Marks()
    except MioError as error:
        link.tell(slot.Failed(error.problem, error.remedy))
        sys.exit(1)
    take_back(gave_way)
    link.tell(slot.Loaded(engine.exclusive))
    gc.collect()
    trim_heap()
    gc.freeze()  # what has been loaded stays; looking through it at every collection costs a renderer 2 to 3 %
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; dora ends nodes in order
    signal.signal(signal.SIGTERM, _end)
    transport = DoraTransport()
    _log_through(transport)
    loop = Loop(engine, manifest, transport, stats)
    loop.adopt(marks)
    link.tell(slot.Connected())
    Worker(loop, transport, link, role).run()


def _prepare(engine: Engine, link: Link) -> slot.Marks:
    """Open the engine, in the state of a worker that has died if there is one."""
    try:
        message = link.wait()
    except EOFError:
        sys.exit(1)
    recovers = isinstance(message, slot.Recover) and message.marks.sealed
    marks = message.marks if recovers else _first_marks(engine)
    if marks.sealed:
        engine.import_state(marks.state)
    engine.open()
    return marks


def _first_marks(engine: Engine) -> slot.Marks:
    """Where to begin: for a replay, where the recorded node stood; what holds a device begins afresh."""
    path = os.environ.get(slot.STATE_VARIABLE)
    if not path or engine.exclusive:
        return slot.Marks()
    return cast(slot.Marks, pickle.loads(Path(path).read_bytes()))


def _seq(event: Received) -> int:
    return int(event.metadata.get("seq", -1))


def _own_copy(event: Received) -> Received:
    """A message that holds no slot of dora's shared memory, however long it is kept."""
    if event.value.nbytes < _LARGE_BYTES:
        return event
    copied = pa.py_buffer(event.value.buffers()[1].to_pybytes())
    value = pa.Array.from_buffers(event.value.type, len(event.value), [None, copied], offset=event.value.offset)
    return event._replace(value=value)


def _leave() -> None:
    """End without dropping dora's node, which would close its outputs under the successor."""
    time.sleep(_FLUSH_S)
    sys.stdout.flush()
    os._exit(0)


def _end(_signal: int, _frame: object) -> None:
    sys.exit(0)


class _TransportHandler(logging.Handler):
    def __init__(self, transport: Transport) -> None:
        super().__init__()
        self._transport = transport

    def emit(self, record: logging.LogRecord) -> None:
        level = {"WARNING": "warn", "CRITICAL": "error"}.get(record.levelname, record.levelname.lower())
        self._transport.log(level, self.format(record))


def _log_through(transport: Transport) -> None:
    """Send this process's log records to the dataflow's log with their levels."""
    root = logging.getLogger()
    root.handlers[:] = [_TransportHandler(transport)]
    root.setLevel(logging.INFO)


if __name__ == "__main__":
    main()
