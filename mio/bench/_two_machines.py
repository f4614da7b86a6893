"""Two machines in one: network namespaces with a cable between them, and a dora daemon in each.

Needs root and ``ip`` (iproute2). The second machine has a host name and a monotonic clock of its own.
"""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

from mio.errors import MioError
from mio.flow.dora import dora_command, dora_environment

FRONT, BACK = "front", "back"
CLOCK_OFF_S = 1_000
"""By how much the back machine's ``CLOCK_MONOTONIC`` is ahead."""

_NETWORK = "10.213.7"
_ADDRESS = {FRONT: f"{_NETWORK}.1", BACK: f"{_NETWORK}.2"}
_PORT = 6217
_READY_S = 60.0


def why_not() -> str:
    """What this machine lacks; empty if it can be two."""
    if os.geteuid() != 0:
        return "two machines in one need root (network namespaces)"
    missing = [tool for tool in ("ip", "unshare") if shutil.which(tool) is None]
    if missing:
        return f"two machines in one need {' and '.join(missing)}"
    probe = ["unshare", "--net", "--uts", "--mount", "--time", "--monotonic", "1", "--fork", "true"]
    done = subprocess.run(probe, capture_output=True, text=True)
    return "" if done.returncode == 0 else f"no namespaces here: {done.stderr.strip()}"


class TwoMachines:
    """Two namespaces, a coordinator and two daemons, as a context.

    Attributes:
        log: Folder with the logs of coordinator and daemons.
    """

    def __init__(self, folder: Path, env: dict[str, str] | None = None, *, one_clock: bool = False) -> None:
        """Prepare two machines.

        Args:
            folder: For logs; the daemons' working directory.
            env: Further environment of the daemons and their nodes.
            one_clock: Whether the back machine has the front one's clock and host name, for measuring delays.

        Raises:
            MioError: If this machine cannot be two.
        """
        problem = why_not()
        if problem:
            raise MioError(problem, "run it as root on a machine with iproute2 and util-linux")
        self.log = folder
        self._env = dora_environment({**os.environ, **(env or {})})
        self._names = {machine: f"mio-{os.getpid()}-{machine}" for machine in (FRONT, BACK)}
        self._one_clock = one_clock
        self._running: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> "TwoMachines":
        """Lay the cable and start the daemons."""
        try:
            self._lay_cable()
            self._start(FRONT, "coordinator", "--interface", _ADDRESS[FRONT], "--port", str(_PORT), "--store", "memory")
            for machine in (FRONT, BACK):
                self._start(machine, "daemon", "--machine-id", machine, *self._to_coordinator(), "--zenoh-no-multicast")
            self._wait_for_daemons()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the daemons and take the cable away."""
        self.close()

    def dora(self, *words: str, timeout_s: float = 60.0) -> subprocess.CompletedProcess[str]:
        """Run a dora command on the front machine."""
        command = [*self._inside(FRONT), dora_command(), *words, *self._to_coordinator()]
        return subprocess.run(command, env=self._env, capture_output=True, text=True, timeout=timeout_s, cwd=self.log)

    def address(self, machine: str) -> str:
        """Its address on the cable."""
        return _ADDRESS[machine]

    def listening(self, machine: str) -> str:
        """What listens there, as ``ss -ltnu`` says."""
        command = [*self._inside(machine), "ss", "-ltnuH"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def close(self) -> None:
        """Stop what runs, and remove the namespaces with all that is left in them."""
        for process in reversed(self._running):
            process.send_signal(signal.SIGINT)
        for process in self._running:
            try:
                process.wait(5.0)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        for name in self._names.values():
            subprocess.run(["ip", "netns", "del", name], capture_output=True)

    def _lay_cable(self) -> None:
        front, back = self._names[FRONT], self._names[BACK]
        lines = [
            f"ip netns add {front}",
            f"ip netns add {back}",
            f"ip -n {front} link add cable type veth peer name cable netns {back}",
        ]
        for machine, name in self._names.items():
            lines += [
                f"ip -n {name} addr add {_ADDRESS[machine]}/24 dev cable",
                f"ip -n {name} link set cable up",
                f"ip -n {name} link set lo up",
            ]
        for line in lines:
            done = subprocess.run(line.split(), capture_output=True, text=True)
            if done.returncode:
                raise MioError(f"{line}: {done.stderr.strip()}", "see: ip netns help")

    def _inside(self, machine: str) -> list[str]:
        """A command's beginning that puts it onto a machine."""
        enter = ["ip", "netns", "exec", self._names[machine]]
        if machine == FRONT:
            return enter
        clock = "" if self._one_clock else f"--time --monotonic {CLOCK_OFF_S}"
        other = f"unshare --mount --uts --ipc {clock} --fork --kill-child".split()
        name = "" if self._one_clock else "hostname back;"
        return [*enter, *other, "sh", "-c", f'mount -t tmpfs tmpfs /dev/shm; {name} exec "$@"', "sh"]

    def _to_coordinator(self) -> tuple[str, ...]:
        return ("--coordinator-addr", _ADDRESS[FRONT], "--coordinator-port", str(_PORT))

    def _start(self, machine: str, *words: str) -> None:
        command = [*self._inside(machine), dora_command(), *words]
        with (self.log / f"{machine}-{words[0]}.log").open("wb") as log:
            process = subprocess.Popen(
                command, cwd=self.log, env=self._env, stdout=log, stderr=log, start_new_session=True
            )
        self._running.append(process)

    def _wait_for_daemons(self) -> None:
        deadline = time.monotonic() + _READY_S
        while time.monotonic() < deadline:
            logs = [(self.log / f"{machine}-daemon.log").read_text() for machine in (FRONT, BACK)]
            if all("Connected to dora-coordinator" in log for log in logs):
                return
            time.sleep(0.1)
        raise MioError("the two daemons did not connect to their coordinator", f"see the logs in {self.log}")
