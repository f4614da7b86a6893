"""A dataflow that runs: started, watched and stopped through ``dora run``."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from mio.errors import MioError
from mio.flow.dora import dora_command, dora_environment
from mio.flow.guard import Guard
from mio.flow.orphans import remove_orphans

_STOP_GRACE_S = 20
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_OF_A_NODE = re.compile(r"^\d\d:\d\d:\d\d +(?P<level>INFO|WARN|ERROR) +(?P<node>[\w-]+): +(?P<text>.*)$")
_OF_DORA = re.compile(r"^(daemon|spawner|dora_|zenoh|run_inner)")


class RunningFlow:
    """A ``dora run`` process with its log in a file.

    Several may run on one machine: ``dora run`` picks free ports, and each has its own log and run folder. A flow that
    this process has not stopped before it ends is stopped in order nevertheless.

    Attributes:
        log_path: dora's output, with the nodes' log lines.
        pid: Process id of ``dora run``; the nodes are its children.
    """

    def __init__(self, flow: Path, log_path: Path, env: Mapping[str, str] | None = None) -> None:
        log_path.parent.mkdir(parents=True, exist_ok=True)
        self.log_path = log_path
        environ = dora_environment({**os.environ, **(env or {})})
        with log_path.open("wb") as log:
            self._process = subprocess.Popen(
                [dora_command(), "run", str(flow)],
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env=environ,
                start_new_session=True,
            )
        self.pid = self._process.pid
        self._guard = Guard(self.pid, _STOP_GRACE_S)

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.poll() is None

    def stop(self) -> int:
        """Stop all nodes in order, leave no shared memory behind, and return dora's exit status."""
        if self.running:
            self._process.send_signal(signal.SIGINT)
        try:
            return self._process.wait(_STOP_GRACE_S)
        except subprocess.TimeoutExpired:
            os.killpg(self.pid, signal.SIGKILL)
            return self._process.wait()
        finally:
            self._guard.dismiss()
            remove_orphans()

    def wait(self, timeout_s: float | None = None) -> int | None:
        """Exit status once it has ended; None if it has not within the timeout."""
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None

    def wait_for_log(self, text: str, timeout_s: float) -> None:
        """Wait until a text appears in the log.

        Raises:
            MioError: If the flow ends or the time is over before.
        """
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if text in self.log_path.read_text(errors="replace"):
                return
            if not self.running:
                raise MioError(
                    f"the dataflow ended before it said '{text}': {self.complaint()}", f"see {self.log_path}"
                )
            time.sleep(0.05)
        raise MioError(f"the dataflow did not say '{text}' within {timeout_s:g} s", f"see {self.log_path}")

    def complaint(self) -> str:
        """The first error in the log, for a one-line message."""
        for line in self.log_path.read_text(errors="replace").splitlines():
            if "ERROR" in line or " -> " in line:
                return line.strip()
        return "no error in the log"

    def __enter__(self) -> "RunningFlow":
        """Use as a context manager: stopped at the end."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        self.stop()


class LogReader:
    """Follows a dataflow's log and passes on what its nodes say, without dora's own remarks."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at = 0

    def new(self) -> list[str]:
        """Lines since the last call."""
        with self._path.open("rb") as file:
            file.seek(self._at)
            content = file.read()
        whole = content[: content.rfind(b"\n") + 1]
        self._at += len(whole)
        lines = (_said_by_node(line) for line in whole.decode(errors="replace").splitlines())
        return [line for line in lines if line]


def _said_by_node(line: str) -> str:
    found = _OF_A_NODE.match(_COLOUR.sub("", line))
    if found is None or _OF_DORA.match(found["text"]):
        return ""
    text = found["text"].removeprefix(f"{found['node']} ")
    return f"{found['node']}: {text}"
