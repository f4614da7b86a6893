"""Runs any program as a node's worker: one that speaks to the supervisor, or a plain dora node that knows of none.

A plain program is held at a :class:`~mio.runtime.gate.Gate` until its predecessor has stopped. It cannot say what it
has taken or stop at a boundary: to retire, it is stopped as a process, and its successor takes what was sent from then
on. A program that speaks the slot protocol is passed through. Standard library only.

States and transitions: ``LOADING`` -> ``SPEAKING`` when the program says something on its link; ``LOADING`` ->
``WAITING`` when it stands at the gate; ``WAITING`` -> ``RUNNING`` on ``Go`` (at once, if it replaces nobody);
``RUNNING`` -> ``STOPPED`` on ``Retire``; ``STOPPED`` -> ``RUNNING`` on ``Resume``, or the end on ``Leave``.
"""

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from enum import Enum
from pathlib import Path

from mio.runtime import slot_protocol as slot
from mio.runtime.gate import Gate
from mio.runtime.lifetime import die_with_parent

_BEAT_S = 0.5
_LOOK_S = 0.01
_POLL_S = 0.2
_RELEASE_S = 0.25
_LAST_WORDS_S = 0.5
_OVERLAY = Path(__file__).with_name("zenoh.json5")


class State(Enum):
    """See the module's docstring."""

    LOADING = "loading"
    SPEAKING = "speaking"
    WAITING = "waiting"
    RUNNING = "running"
    STOPPED = "stopped"


class Program:
    """A program in a process group of its own, and what it said last on its standard error.

    Attributes:
        link: To its own worker, if it has one.
        process: Its process.
    """

    def __init__(self, command: list[str], folder: str, environ: dict[str, str], role: slot.Role) -> None:
        self.link, theirs = slot.link_pair()
        env = {**environ, slot.FD_VARIABLE: str(theirs.fileno()), slot.ROLE_VARIABLE: role}
        with theirs:
            self.process = subprocess.Popen(
                command,
                cwd=folder,
                env=env,
                pass_fds=[theirs.fileno()],
                stderr=subprocess.PIPE,
                start_new_session=True,
                preexec_fn=die_with_parent,
            )
        self._last_line = ""
        self._reader = threading.Thread(target=self._read_errors, daemon=True)
        self._reader.start()

    def signal(self, number: int) -> None:
        """Send a signal to the program and whatever it has started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def release(self) -> None:
        """End it, so that it lets go of its devices."""
        self.signal(signal.SIGTERM)
        try:
            self.process.wait(_RELEASE_S)
        except subprocess.TimeoutExpired:
            self.signal(signal.SIGKILL)
            self.process.wait()

    def last_words(self) -> str:
        """How it ended, with the last line that it wrote to its standard error."""
        self._reader.join(_LAST_WORDS_S)
        line = f": {self._last_line}" if self._last_line else ""
        return f"it ended with status {self.process.returncode}{line}"

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            sys.stderr.buffer.write(line)
            sys.stderr.buffer.flush()
            self._last_line = line.decode(errors="replace").strip() or self._last_line


class Adapter:
    """Speaks to the supervisor for a program."""

    def __init__(self, command: list[str], folder: str, link: slot.Link, role: slot.Role) -> None:
        self._command = command
        self._folder = folder
        self._link = link
        self._role: slot.Role = role
        self._state = State.LOADING
        self._beat_s = 0.0
        self._gate, self._program = self._start()

    def run(self) -> int:
        """Serve until the program ends or the supervisor is gone, and return the program's exit status."""
        try:
            while True:
                self._wait()
                self._hear_program()
                self._hear_supervisor()
                ended = self._program.process.poll()
                if ended is not None and self._state is not State.STOPPED:
                    return self._bury(ended)
                if self._state is State.LOADING and self._gate.reached.is_set():
                    self._stand_at_gate()
                self._beat()
        except EOFError:
            return 0
        finally:
            self._program.signal(signal.SIGKILL)

    def terminate(self, _signal: int, _frame: object) -> None:
        """Ask the program to end."""
        self._program.signal(signal.SIGTERM)

    def _start(self) -> tuple[Gate, Program]:
        gate = Gate({"DORA_ZENOH_CONFIG_OVERLAY": str(_OVERLAY), **os.environ})
        program = Program(self._command, self._folder, gate.environ, self._role)
        self._may_speak = True
        gate.serve()
        return gate, program

    def _wait(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._link, selectors.EVENT_READ)
            if self._may_speak:
                selector.register(self._program.link, selectors.EVENT_READ)
            selector.select(_LOOK_S if self._state is State.LOADING else _POLL_S)

    def _hear_program(self) -> None:
        """Pass on what a program says that speaks the slot protocol."""
        try:
            while self._may_speak and (message := self._program.link.hear()) is not None:
                self._state = State.SPEAKING
                self._gate.open()
                self._link.tell(message)
        except EOFError:
            self._may_speak = False

    def _hear_supervisor(self) -> None:
        while (message := self._link.hear()) is not None:
            if self._state is State.SPEAKING or isinstance(message, slot.Recover):
                self._program.link.tell(message)
            else:
                self._carry_out(message)

    def _carry_out(self, message: object) -> None:
        match message:
            case slot.Go() if self._state is State.WAITING:
                self._let_in()
                self._link.tell(slot.Active())
            case slot.Retire() if self._state is State.RUNNING:
                self._retire(release=message.release)
            case slot.Resume() if self._state is State.STOPPED:
                self._resume()
            case slot.Leave():
                sys.exit(0)
            case _:  # checkpoints of others, and states that a plain program has no use for
                pass

    def _stand_at_gate(self) -> None:
        self._state = State.WAITING
        self._may_speak = False
        self._link.tell(slot.Loaded())
        if self._role == "active":
            self._let_in()
        self._link.tell(slot.Connected(since_ns=time.monotonic_ns()))

    def _let_in(self) -> None:
        self._gate.open()
        self._state = State.RUNNING

    def _retire(self, *, release: bool) -> None:
        stopped_ns = time.monotonic_ns()
        if release:
            self._program.release()
        else:
            self._program.signal(signal.SIGSTOP)
        self._state = State.STOPPED
        self._link.tell(slot.Retired(slot.Marks(taken_until_ns=time.monotonic_ns()), stopped_ns))

    def _resume(self) -> None:
        if self._program.process.poll() is None:
            self._program.signal(signal.SIGCONT)
            self._state = State.RUNNING
            return
        self._role = "active"
        self._gate, self._program = self._start()
        self._state = State.LOADING

    def _bury(self, status: int) -> int:
        self._hear_program()
        if status != 0 or self._state in (State.LOADING, State.WAITING):
            self._link.tell(slot.Failed(self._program.last_words(), "the old engine goes on"))
        return abs(status)

    def _beat(self) -> None:
        now_s = time.monotonic()
        if self._state is not State.SPEAKING and now_s - self._beat_s >= _BEAT_S:
            self._beat_s = now_s
            self._link.tell(slot.Beat())


def main() -> None:
    """Run the program that the command line names after its folder, as the supervisor's link says."""
    link = slot.inherited_link()
    if link is None or len(sys.argv) < 3:
        sys.exit("mio.runtime.foreign is started by a node's supervisor, not by hand")
    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    role: slot.Role = "standby" if os.environ.get(slot.ROLE_VARIABLE) == "standby" else "active"
    try:
        adapter = Adapter(sys.argv[2:], sys.argv[1], link, role)
    except (OSError, ValueError) as error:
        link.tell(slot.Failed(f"{sys.argv[2]}: {error}", "name a program that can be run"))
        sys.exit(1)
    signal.signal(signal.SIGTERM, adapter.terminate)
    sys.exit(adapter.run())


if __name__ == "__main__":
    main()
