"""The live flow without microphone, loudspeakers and window, with a track of questions for ears."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil
import yaml

from mio.demo.events import Event, EventReader
from mio.errors import MioError
from mio.flow.live import LiveFlow
from mio.flow.probing import probed_flow
from mio.flow.running import RunningFlow
from mio.runtime.control import running_flows
from mio.soak.questions import Asked, write_questions

_READY_WITHIN_S = 240.0
_LEAD_S = 3.0
_LOOK_EVERY_S = 0.1


class Rehearsal:
    """A conversation that is held without anybody: it asks, answers and writes its journal into a folder.

    Use it as a context manager. The flow's own working folder and its control sockets are those of the environment.

    Attributes:
        folder: Log, journal, questions, and ``stream.csv`` of :mod:`mio.soak.probe`.
        asked: The questions on the track, in track time.
        events: What the journal has said so far; see :meth:`look`.
        flow: Its supervisors; valid after :meth:`until_ready`.

    Args:
        folder: Where everything is written.
        character: Folder of the character pack.
        lasts_s: For how long questions are asked.
        every_s: From one question to the next.
        env: Further environment, such as engines to use.
        seed: Of the questions.
    """

    flow: LiveFlow

    def __init__(
        self,
        folder: Path,
        *,
        character: Path,
        lasts_s: float,
        every_s: float = 30.0,
        env: Mapping[str, str] | None = None,
        seed: int = 0,
    ) -> None:
        folder = folder.resolve()
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.events: list[Event] = []
        track = folder / "questions.wav"
        self.asked: list[Asked] = write_questions(track, character, lasts_s, every_s, seed)
        journal = folder / "events.jsonl"
        journal.unlink(missing_ok=True)
        self._reader = EventReader(journal)
        self._before = set(running_flows())
        environ = {
            "MIO_RUN_DIR": str(folder / "run"),
            "MIO_SHARED__CHARACTER": str(character),
            "MIO_MICROPHONE__DEVICE": str(track),
            "MIO_MICROPHONE__START_S": str(_LEAD_S),
            "MIO_SPEAKER__DEVICE": "null",
            "MIO_SCREEN__DEVICE": "null",
            "MIO_JOURNAL__EVENTS": str(journal),
            "MIO_JOURNAL__TRANSCRIPT": str(folder / "transcript.md"),
            **(env or {}),
        }
        flow = _with_probe(folder)
        self._nodes = len(yaml.safe_load(flow.read_text())["nodes"]) - 1  # the probe has no supervisor
        self._dora = RunningFlow(flow, folder / "dora.log", environ)

    @property
    def log(self) -> Path:
        """What the nodes and dora said."""
        return self._dora.log_path

    def until_ready(self) -> LiveFlow:
        """Wait until every node is steady.

        Raises:
            MioError: If it ends or takes too long.
        """
        self.wait(self._is_ready, _READY_WITHIN_S, "the flow was not ready")
        return self.flow

    def wait(self, condition: Callable[[], bool], within_s: float, otherwise: str) -> float:
        """Wait until something is so; returns after how many seconds it was.

        Raises:
            MioError: If the flow ends or the time is over before.
        """
        began_s = time.monotonic()
        while not condition():
            if not self._dora.running:
                raise MioError(f"the dataflow ended: {self._dora.complaint()}", f"see {self.log}")
            if time.monotonic() - began_s > within_s:
                raise MioError(f"{otherwise} within {within_s:g} s", f"see {self.log}")
            time.sleep(_LOOK_EVERY_S)
        return time.monotonic() - began_s

    def look(self) -> list[Event]:
        """All events so far."""
        self.events += self._reader.new()
        return self.events

    def processes(self) -> list[psutil.Process]:
        """Dora and all that it has started."""
        try:
            dora = psutil.Process(self._dora.pid)
            return [dora, *dora.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def stop(self) -> int:
        """End the conversation; returns dora's exit status."""
        self._reader.close()
        return self._dora.stop()

    def __enter__(self) -> "Rehearsal":
        """Stopped at the end."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        self.stop()

    def _is_ready(self) -> bool:
        begun = {name: sockets for name, sockets in running_flows().items() if name not in self._before}
        if len(begun) != 1:
            return False
        ((name, sockets),) = begun.items()
        self.flow = LiveFlow(name, sockets)
        states = [standing["state"] for standing in self.flow.status()]
        return len(states) == len(sockets) == self._nodes and set(states) == {"steady"}


def _with_probe(folder: Path) -> Path:
    """The live flow and, beside it, a node that listens to pictures and clock."""
    inputs = {
        "frame": {"source": "renderer/frame", "queue_size": 8},
        "clock": {"source": "speaker/clock", "queue_size": 100},
    }
    arguments = f"-m mio.soak.probe {folder / 'stream.csv'}"
    made = folder / "soak.yml"
    made.write_text(yaml.safe_dump(probed_flow("mio.yml", arguments, inputs, {"MIO_NICE": "3"})))
    return made
