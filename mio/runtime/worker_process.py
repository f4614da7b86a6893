"""A worker as its supervisor sees it: a process, the link to it, what it has said of itself. Standard library only."""

import os
import subprocess
import time
from collections.abc import Mapping
from typing import Any

from mio.runtime import slot_protocol as slot


class WorkerProcess:
    """A worker and the link to it.

    Attributes:
        command: What was started.
        overrides: Environment that makes it differ from what dora gave.
        loaded: Whether it has built its engine.
        connected: Whether it is connected to dora.
        load_s: How long it took from its start until it was connected; 0 before.
        silent_s: For how long it has said nothing, as far as the supervisor itself was running.
        figures: What it measured of itself last.
        failure: What it said before it failed.
        first_in: First inputs that it has kept as a standby.
        since_ns: For one that does not say so: it has all inputs that were sent since.
        exclusive: Whether it needs devices that its predecessor may hold.
    """

    def __init__(self, command: list[str], role: slot.Role, overrides: Mapping[str, str]) -> None:
        self.command = command
        self.overrides = dict(overrides)
        self.loaded = self.connected = False
        self.load_s = self.silent_s = 0.0
        self._began_s = time.monotonic()
        self.figures: dict[str, Any] = {}
        self.failure: slot.Failed | None = None
        self.first_in: dict[str, int] = {}
        self.since_ns = 0
        self.exclusive = False
        self.link, theirs = slot.link_pair()
        env = {**os.environ, **self.overrides, slot.FD_VARIABLE: str(theirs.fileno()), slot.ROLE_VARIABLE: role}
        if role != "active":
            env["DORA_ZENOH_LISTEN"] = "tcp/127.0.0.1:0"  # the planned port is held by the active worker
        with theirs:
            self.process = subprocess.Popen(command, env=env, pass_fds=[theirs.fileno()])

    def note(self, message: object) -> None:
        """Take over what it says of itself."""
        self.silent_s = 0.0
        match message:
            case slot.Loaded(exclusive):
                self.loaded, self.exclusive = True, exclusive
            case slot.Connected(since_ns):
                self.connected, self.since_ns = True, since_ns
                self.load_s = round(time.monotonic() - self._began_s, 3)
            case slot.Figures(summary):
                self.figures = summary
            case slot.Failed():
                self.failure = message
            case slot.FirstInputs(first_in):
                self.first_in = first_in
            case _:
                pass

    def discard(self) -> None:
        """Kill it and close the link."""
        self.process.kill()
        self.process.wait()
        self.link.close()
