"""A node's supervisor: a small process that never connects to dora and runs the engine in a worker process.

The worker connects under the node's id with the environment that dora gave to the supervisor. To replace it, a second
worker loads and connects beside it and keeps what arrives; then the first one stops at a boundary and says where it
stands, and the second goes on from there. A worker that dies is replaced by one that starts from its last checkpoint.
Standard library only, so that a supervisor stays at about 12 MB.

States and transitions: ``STARTING`` -> ``STEADY`` when the worker is connected; ``STEADY`` -> ``LOADING`` on a
request to swap; ``LOADING`` -> ``SETTLING`` when the candidate is connected; ``SETTLING`` -> ``PREPARING`` after a
moment, for inputs that were on their way; ``PREPARING`` -> ``RETIRING`` when the candidate has done beforehand what
would cost time later; ``RETIRING`` -> ``TAKING_OVER`` when the worker has stopped; ``TAKING_OVER`` -> ``STEADY`` when
the candidate is active. If the candidate fails or is late in any of them, the worker goes on: -> ``STEADY``. If the
worker dies in any of them: -> ``STARTING``. A supervisor that is killed takes its worker with it; dora starts another
one, which goes on from the last checkpoint that its predecessor wrote down.
"""

import math
import os
import selectors
import signal
import sys
import time
from enum import Enum
from typing import Any

from mio.runtime import slot_protocol as slot
from mio.runtime.control import ControlServer, Request
from mio.runtime.dora_env import dora_dataflow_id, dora_node_id
from mio.runtime.lasting import Standing, StandingFile
from mio.runtime.worker_process import WorkerProcess

_POLL_S = 0.2
_SETTLE_S = 0.3
_TAKE_OVER_S = 10.0
_BOUNDARY_S = 6.0
_LOAD_S = 180.0
_LEAVE_S = 5.0
_DEATHS = 4
_DEATHS_WITHIN_S = 30.0
HANG_S = 5.0
"""Silence after which a worker counts as hung: a hundred times as long as a step may go on without yielding."""


class State(Enum):
    """See the module's docstring."""

    STARTING = "starting"
    STEADY = "steady"
    LOADING = "loading"
    SETTLING = "settling"
    PREPARING = "preparing"
    RETIRING = "retiring"
    TAKING_OVER = "taking over"


class Supervisor:
    """Runs a node's worker, replaces it on request, and brings it back when it dies or hangs."""

    def __init__(self, package: str, node_id: str, dataflow_id: str) -> None:
        self._own_command = [sys.executable, "-m", "mio.runtime.worker", package]
        self._node_id = node_id
        self._control = ControlServer(dataflow_id, node_id)
        self._file = StandingFile(self._control.path.with_suffix(".state"))
        self._standing = Standing(self._own_command)
        self._began_s = self._looked_s = time.monotonic()
        self._state = State.STARTING
        self._since_s = time.monotonic()
        self._request: Request | None = None
        self._candidate: WorkerProcess | None = None
        self._leaving: list[tuple[float, WorkerProcess]] = []
        self._deaths_s: list[float] = []
        self._tees: dict[str, str] = {}
        self._hang_s = float(os.environ.get("MIO_HANG_S", str(HANG_S)) or HANG_S)
        self._candidate_load_s = 0.0
        self._stopped_ns = 0
        self._load_s = float(os.environ.get("MIO_LOAD_S", str(_LOAD_S)) or _LOAD_S)
        self._told_of_start: set[str] = set()
        left = self._file.read()
        if left is not None:
            self._standing = left
            self._standing.deaths += 1
        self._worker: WorkerProcess = self._start_worker(recover=left is not None)

    def run(self) -> int:
        """Supervise until the worker ends, and return its exit status."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, self._terminate)
        try:
            while True:
                self._wait()
                self._serve_requests()
                self._listen_to(self._worker)
                status = self._worker.process.poll()
                if status == 0 and self._state is not State.RETIRING:
                    return 0
                if status is not None and not self._revive(status):
                    return abs(status)
                self._watch_hang()
                self._watch_start()
                self._drive_swap()
                self._bury_the_leaving()
        finally:
            self._file.remove()
            self._control.close()
            for worker in filter(None, (self._worker, self._candidate)):
                worker.discard()

    # What is heard

    def _wait(self) -> None:
        """Sleep until a worker or a request says something, or a moment has passed."""
        with selectors.DefaultSelector() as selector:
            for worker in filter(None, (self._worker, self._candidate)):
                wanted = selectors.EVENT_READ if worker.link.free else selectors.EVENT_READ | selectors.EVENT_WRITE
                selector.register(worker.link, wanted)
            selector.register(self._control, selectors.EVENT_READ)
            selector.select(_POLL_S)

    def _listen_to(self, worker: WorkerProcess) -> None:
        try:
            while (message := worker.link.hear()) is not None:
                self._note(worker, message)
        except EOFError:
            time.sleep(0.02)  # its process is about to end; do not spin meanwhile

    def _note(self, worker: WorkerProcess, message: object) -> None:
        worker.note(message)
        match message:
            case slot.Checkpoint(marks) if worker is self._worker:
                self._standing.marks = marks
                self._file.keep(self._standing)
                if self._candidate is not None:
                    self._candidate.link.tell(slot.Trim(marks.last_in))
            case slot.Connected() if worker is self._worker:
                self._go_to(State.STEADY)
                self._stream(worker)
            case slot.Connected() if self._state is State.LOADING:
                self._go_to(State.SETTLING)
            case slot.Prepared() if self._state is State.PREPARING:
                self._retire_worker()
            case slot.Retired(marks, stopped_ns) if self._state is State.RETIRING and self._candidate is not None:
                self._standing.marks = marks
                self._stopped_ns = stopped_ns
                self._stream(self._candidate)
                self._candidate.link.tell(slot.Go(marks))
                self._go_to(State.TAKING_OVER)
            case slot.Active() if self._state is State.TAKING_OVER and self._candidate is not None:
                self._finish_swap(self._candidate)
            case _:
                pass

    # A worker that dies or hangs

    def _revive(self, status: int) -> bool:
        """Start a new worker from the last checkpoint; false if they keep dying."""
        now = time.monotonic()
        self._standing.deaths += 1
        self._deaths_s = [death for death in self._deaths_s if now - death < _DEATHS_WITHIN_S] + [now]
        failure = self._worker.failure
        if failure is not None and not self._worker.connected:  # it said why it cannot start; trying again is no use
            _say(f"{self._node_id}: {failure.problem}" + (f" -> {failure.remedy}" if failure.remedy else ""))
            return False
        _say(f"{self._node_id}: its worker ended with status {status}; starting another")
        if len(self._deaths_s) >= _DEATHS:
            _say(f"{self._node_id}: {_DEATHS} workers ended within {_DEATHS_WITHIN_S:g} s -> see the lines above")
            return False
        if self._candidate is not None:
            self._give_up_swap("the active worker ended during the swap")
        self._worker.link.close()
        self._worker = self._start_worker(recover=len(self._deaths_s) == 1)  # a state that kills twice is given up
        self._go_to(State.STARTING)
        return True

    def _start_worker(self, *, recover: bool) -> WorkerProcess:
        """A worker as the node stands; in the state of the last one if it is to recover."""
        worker = WorkerProcess(self._standing.command, "active", self._standing.overrides)
        worker.link.tell(slot.Recover(self._standing.marks if recover else slot.Marks()), patience_s=0.0)
        return worker

    def _watch_hang(self) -> None:
        """Kill a worker that says nothing; time in which this process did not run either does not count."""
        now, worker = time.monotonic(), self._worker
        worker.silent_s += min(now - self._looked_s, 2 * _POLL_S)
        self._looked_s = now
        if worker.silent_s > self._patience_s():
            _say(f"{self._node_id}: its worker has not moved for {self._patience_s():g} s; killing it")
            worker.process.kill()
            worker.process.wait()

    def _watch_start(self) -> None:
        """Say what is waited for, each thing once, if a start takes long."""
        if self._state is not State.STARTING or self._elapsed_s() < self._load_s / 6:
            return
        loading, ready = "still loading; the whole dataflow waits for it", "ready; dora waits for another node"
        text = ready if self._worker.loaded else loading
        if text not in self._told_of_start:
            self._told_of_start.add(text)
            _say(f"{self._node_id}: after {self._elapsed_s():.0f} s {text}")

    def _patience_s(self) -> float:
        """How long the worker may be silent: at the first start dora lets nobody go before all nodes are ready."""
        if self._worker.connected:
            return self._hang_s
        waits_for_others = self._worker.loaded and not self._standing.deaths
        return math.inf if waits_for_others else max(self._load_s, _LOAD_S)

    # Streaming to collectors

    def _begin_tee(self, request: Request) -> None:
        path = str(request.content.get("path"))
        new = path not in self._tees
        self._tees[path] = str(request.content.get("content", "whole"))
        if new and self._worker.connected:
            self._worker.link.tell(slot.Tee(path, self._tees[path]))
        request.answer({"node": self._node_id})

    def _stream(self, worker: WorkerProcess) -> None:
        """Let a worker that begins to serve stream to the collectors that are still there."""
        self._tees = {path: content for path, content in self._tees.items() if os.path.exists(path)}
        for path, content in self._tees.items():
            worker.link.tell(slot.Tee(path, content))

    # Swapping

    def _serve_requests(self) -> None:
        request = self._control.accept()
        if request is None:
            return
        match request.content.get("do"):
            case "status":
                request.answer(self._status())
            case "stats":
                request.answer({**self._status(), "figures": self._worker.figures})
            case "tee":
                self._begin_tee(request)
            case "swap" if self._state is State.STEADY:
                self._begin_swap(request)
            case "swap":
                request.refuse(f"{self._node_id} is {self._state.value}", "try again when it is steady")
            case other:
                request.refuse(f"{self._node_id} cannot do '{other}'", "update mio: command and node differ")

    def _status(self) -> dict[str, Any]:
        return {
            "node": self._node_id,
            "state": self._state.value,
            "pid": os.getpid(),
            "worker_pid": self._worker.process.pid,
            "load_s": self._worker.load_s,
            "uptime_s": round(time.monotonic() - self._began_s, 3),
            "overrides": self._worker.overrides,
            "command": None if self._standing.command == self._own_command else self._standing.command[4:],
            "swaps": self._standing.swaps,
            "deaths": self._standing.deaths,
        }

    def _begin_swap(self, request: Request) -> None:
        overrides = {**self._worker.overrides, **request.content.get("env", {})}
        program = request.content.get("command")
        adapter = [sys.executable, "-m", "mio.runtime.foreign", request.content.get("folder", ".")]
        self._candidate = WorkerProcess([*adapter, *program] if program else self._own_command, "standby", overrides)
        self._candidate_load_s = float(request.content.get("load_s", self._load_s))
        self._request = request
        self._go_to(State.LOADING)

    def _drive_swap(self) -> None:
        candidate = self._candidate
        if candidate is None:
            return
        self._listen_to(candidate)
        if self._candidate is not candidate:
            return
        if candidate.process.poll() is not None or candidate.failure is not None:
            failure = candidate.failure or slot.Failed(f"it ended with status {candidate.process.returncode}")
            self._give_up_swap(failure.problem, failure.remedy)
            return
        if self._elapsed_s() > self._swap_patience_s():
            self._give_up_swap(f"it was still {self._state.value} after {self._elapsed_s():.0f} s")
        elif self._state is State.SETTLING and candidate.since_ns:
            self._retire_worker()
        elif self._state is State.SETTLING and self._elapsed_s() > _SETTLE_S:
            candidate.link.tell(slot.Prepare(self._standing.marks))
            self._go_to(State.PREPARING)

    def _retire_worker(self) -> None:
        candidate = self._candidate
        assert candidate is not None
        retire = slot.Retire(candidate.first_in, _BOUNDARY_S, candidate.since_ns, candidate.exclusive)
        self._worker.link.tell(retire)
        self._go_to(State.RETIRING)

    def _swap_patience_s(self) -> float:
        """How long the swap may stay in its state."""
        match self._state:
            case State.LOADING:
                return self._candidate_load_s
            case State.RETIRING:
                return _BOUNDARY_S * 2
            case _:
                return _TAKE_OVER_S

    def _finish_swap(self, candidate: WorkerProcess) -> None:
        old, self._worker, self._candidate = self._worker, candidate, None
        self._standing.command, self._standing.overrides = candidate.command, candidate.overrides
        self._standing.swaps += 1
        self._file.write(self._standing)
        old.link.tell(slot.Leave())
        self._leaving.append((time.monotonic() + _LEAVE_S, old))
        took_over_ns = time.monotonic_ns()
        handover_ms = round((took_over_ns - self._stopped_ns) / 1e6, 2)
        self._go_to(State.STEADY)
        if self._request is not None:
            self._request.answer({"handover_ms": handover_ms, "took_over_ns": took_over_ns, **self._status()})
            self._request = None

    def _give_up_swap(self, problem: str, remedy: str = "") -> None:
        """Let the old worker go on."""
        candidate, self._candidate = self._candidate, None
        if candidate is not None:
            candidate.discard()
        self._worker.link.tell(slot.Resume())
        self._go_to(State.STEADY)
        if self._request is not None:
            self._request.refuse(f"{self._node_id} was not swapped: {problem}", remedy or "the old engine goes on")
            self._request = None

    def _bury_the_leaving(self) -> None:
        still: list[tuple[float, WorkerProcess]] = []
        for deadline_s, worker in self._leaving:
            if worker.process.poll() is None and time.monotonic() < deadline_s:
                still.append((deadline_s, worker))
            else:
                worker.discard()
        self._leaving = still

    # Small things

    def _go_to(self, state: State) -> None:
        self._state = state
        self._since_s = time.monotonic()

    def _elapsed_s(self) -> float:
        return time.monotonic() - self._since_s

    def _terminate(self, _signal: int, _frame: object) -> None:
        self._worker.process.terminate()


def supervise(package: str) -> None:
    """Run a node as a slot until its dataflow ends; this is the main function of every node."""
    node_id, dataflow_id = dora_node_id(), dora_dataflow_id()
    if node_id is None or dataflow_id is None:
        program = f"mio-{package.rpartition('.')[2]}"
        sys.exit(f"{program} is a node of a dataflow and cannot run by itself -> dora run dataflows/mio.yml")
    try:
        supervisor = Supervisor(package, node_id, dataflow_id)
    except OSError as error:
        sys.exit(f"{node_id}: {error}")
    sys.exit(supervisor.run())


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
