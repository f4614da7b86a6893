"""The conversation under which nodes are swapped: the demo's dataflow with a probe, and questions one after another."""

import json
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import yaml

from mio.bench._probe import Seen, read_seen
from mio.errors import MioError
from mio.flow.live import LiveFlow, find_flow
from mio.flow.probing import probed_flow
from mio.flow.running import RunningFlow
from mio.paths import share
from mio.soak.questions import write_questions

OUTPUTS = {
    "thinker": ("reply", "motion"),
    "talker": ("speech",),
    "face": ("motion",),
    "body": ("motion",),
    "renderer": ("frame",),
}
"""Outputs that the probe listens to."""

_READY_S = 180.0
_EVERY_S = 14.0  # one question, and the time in which it is answered to the end
_FIRST_S = 2.0


class Swap(NamedTuple):
    """One swap.

    Attributes:
        node: What was swapped.
        settings: What was new about it.
        asked_ns: ``CLOCK_MONOTONIC`` of the request.
        took_over_ns: When the new worker served.
        handover_ms: How long neither did.
    """

    node: str
    settings: dict[str, str]
    asked_ns: int
    took_over_ns: int
    handover_ms: float

    @property
    def load_s(self) -> float:
        """From the request until the new worker served."""
        return (self.took_over_ns - self.asked_ns) / 1e9


Outputs = Mapping[str, tuple[str, ...]]


class TalkedFlow:
    """The demo's flow while somebody asks one question after another.

    Attributes:
        folder: Everything it leaves behind.
        video: The recording.
    """

    def __init__(
        self,
        folder: Path,
        seconds: float,
        *,
        flow: str = "demo.yml",
        outputs: Outputs = OUTPUTS,
        env: Mapping[str, str] | None = None,
    ) -> None:
        """Start the flow.

        Args:
            folder: Where everything is written.
            seconds: How long questions are asked.
            flow: Which of the shipped dataflows.
            outputs: Outputs of each node that the probe listens to.
            env: Further environment.
        """
        self.folder = folder
        self.video = folder / "swap.mp4"
        folder.mkdir(parents=True, exist_ok=True)
        for old in (*folder.glob("swap*.*"), *folder.glob("*.jsonl"), *folder.glob("run/*.stats.json")):
            old.unlink(missing_ok=True)
        write_questions(folder / "questions.wav", share("characters", "mara"), seconds, _EVERY_S)
        self._control = tempfile.TemporaryDirectory(prefix="mio")
        environ = {
            "MIO_CONTROL_DIR": self._control.name,
            "MIO_RUN_DIR": str(folder / "run"),
            "MIO_MICROPHONE__DEVICE": str(folder / "questions.wav"),
            "MIO_MICROPHONE__START_S": str(_FIRST_S),
            "MIO_RECORDER__PATH": str(self.video),
            "MIO_JOURNAL__EVENTS": str(folder / "events.jsonl"),
            "MIO_JOURNAL__TRANSCRIPT": str(folder / "transcript.md"),
            "MIO_SPEAKER__DEVICE": "null",
            **(env or {}),
        }
        self._running = RunningFlow(_write_flow(folder, flow, outputs), folder / "dora.log", environ)

    def __enter__(self) -> "TalkedFlow":
        """Wait until pictures are made."""
        deadline = time.monotonic() + _READY_S
        while self.stats("renderer").get("outputs", {}).get("frame", 0) < 30:
            self._must_run(deadline)
            time.sleep(0.1)
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        """Stop all."""
        self._running.stop()
        self._control.cleanup()

    def stats(self, node: str) -> dict[str, Any]:
        """What a node says of itself."""
        try:
            return json.loads((self.folder / "run" / f"{node}.stats.json").read_text())
        except (OSError, ValueError):
            return {}

    def seen(self) -> dict[str, list[Seen]]:
        """What the probe has seen, by ``node.output``."""
        return read_seen(self.folder / "probe.jsonl")

    def wait_for_reply(self, within_s: float) -> None:
        """Wait until an answer begins, or a while."""
        deadline, before = time.monotonic() + within_s, self._replies()
        while self._replies() == before and time.monotonic() < deadline:
            time.sleep(0.05)

    def _replies(self) -> int:
        return (self.folder / "probe.jsonl").read_text().count('"thinker_reply"')

    def swap(self, node: str, settings: Mapping[str, str]) -> Swap:
        """Put the same engine with other settings in a node's place."""
        self._must_run(float("inf"))
        env = {f"MIO_{node.upper()}__{key.upper()}": value for key, value in settings.items()}
        asked_ns = time.monotonic_ns()
        answer = self._live().ask(node, {"do": "swap", "env": env}, 200.0)
        return Swap(node, dict(settings), asked_ns, answer["took_over_ns"], answer["handover_ms"])

    def _live(self) -> LiveFlow:
        return find_flow(root=Path(self._control.name))

    def _must_run(self, deadline_s: float) -> None:
        if not self._running.running:
            raise MioError(f"the dataflow ended: {self._running.complaint()}", f"see {self._running.log_path}")
        if time.monotonic() > deadline_s:
            raise MioError(f"no pictures came within {_READY_S:.0f} s", f"see {self._running.log_path}")


def _write_flow(folder: Path, name: str, outputs: Outputs) -> Path:
    """A shipped flow with a probe that listens to the nodes that are swapped."""
    inputs = {
        f"{node}_{output}": {"source": f"{node}/{output}", "queue_size": 1_000}
        for node, ports in outputs.items()
        for output in ports
    }
    path = folder / "swap.yml"
    path.write_text(yaml.safe_dump(probed_flow(name, f"-m mio.bench._probe {folder / 'probe.jsonl'}", inputs)))
    return path
