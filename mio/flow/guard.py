"""Sees to it that a dataflow does not outlive the process that started it, however that ends."""

import contextlib
import subprocess

_WATCH = """
    read -r word
    kill -INT "$0" || exit 0
    for second in $(seq "$1"); do
        sleep 1
        kill -0 "$0" || exit 0
    done
    kill -KILL -- "-$0"
"""


class Guard:
    """A shell that waits for this process to end, and then stops a process group as Ctrl-C does.

    It waits at a pipe that only this process holds open. A signal at the parent's death (``PR_SET_PDEATHSIG``) would
    not do: it is sent once for each thread that the parent has, and dora takes a second Ctrl-C for "at once".

    Args:
        pid: Leader of the process group.
        grace_s: What it may take to stop before it is killed, whole seconds.
    """

    def __init__(self, pid: int, grace_s: int) -> None:
        self._shell = subprocess.Popen(
            ["/bin/sh", "-c", _WATCH, str(pid), str(grace_s)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def dismiss(self) -> None:
        """Watch no longer; the process group may go on."""
        self._shell.kill()
        self._shell.wait()
        if self._shell.stdin is not None:
            with contextlib.suppress(OSError):
                self._shell.stdin.close()
