"""One question and its answer: the dataflow is run in real time, watched, and stopped when the answer is over."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from mio.demo.events import Conversation, Event, EventReader
from mio.demo.progress import ProgressView, stage_lines, state_title
from mio.demo.question import Question
from mio.errors import MioError
from mio.flow.running import RunningFlow
from mio.measure.disturbance import Disturbance
from mio.measure.processes import ProcessSampler
from mio.paths import share

LISTEN_BEFORE_S = 3.0
LISTEN_AFTER_S = 3.0
_READY_WITHIN_S = 180.0
_ANSWER_WITHIN_S = 25.0
_LONGEST_ANSWER_S = 120.0
_LOOK_EVERY_S = 0.25


class Files(NamedTuple):
    """What a session leaves behind.

    Attributes:
        folder: Where everything is.
        video: The recording.
        user: The user's track alone, from the video's time 0.
        avatar: The avatar's track alone, from the video's time 0.
        recording: What the recorder says of the recording.
        events: The journal.
        transcript: What was said.
        run: Figures of each node.
        log: dora's log.
    """

    folder: Path
    video: Path
    user: Path
    avatar: Path
    recording: Path
    events: Path
    transcript: Path
    run: Path
    log: Path


def session_files(folder: Path, name: str = "demo") -> Files:
    """Paths of a session in a folder."""
    return Files(
        folder,
        folder / f"{name}.mp4",
        folder / f"{name}.user.wav",
        folder / f"{name}.avatar.wav",
        folder / f"{name}.json",
        folder / "events.jsonl",
        folder / "transcript.md",
        folder / "run",
        folder / "dora.log",
    )


class Session(NamedTuple):
    """A session that is over.

    Attributes:
        files: What it left behind.
        question: What was asked.
        conversation: What was said.
        events: The journal's events.
        cores_talking: CPU cores in use on average while the avatar spoke, by node.
        processes: CPU seconds and peak memory by node.
        start_up_s: From starting dora until the stage clock ran.
        stolen_pct: Of the CPU time that this machine wanted, how much its host gave to others.
    """

    files: Files
    question: Question
    conversation: Conversation
    events: list[Event]
    cores_talking: dict[str, float]
    processes: dict[str, dict[str, float]]
    start_up_s: float
    stolen_pct: float


def run_session(
    question: Question, folder: Path, view: ProgressView, *, character: Path, env: Mapping[str, str] | None = None
) -> Session:
    """Ask a question and record the answer.

    Args:
        question: What is asked.
        folder: Where everything is written.
        view: Shows what each stage does.
        character: Folder of the character pack.
        env: Further environment, such as engines to use.

    Raises:
        MioError: If the flow cannot start, ends early, does not answer or leaves no recording.
    """
    files = session_files(folder)
    _clear(files)
    environ = {
        "MIO_RUN_DIR": str(files.run),
        "MIO_SHARED__CHARACTER": str(character),
        "MIO_MICROPHONE__DEVICE": str(question.sound),
        "MIO_MICROPHONE__START_S": str(LISTEN_BEFORE_S),
        "MIO_RECORDER__PATH": str(files.video),
        "MIO_JOURNAL__EVENTS": str(files.events),
        "MIO_JOURNAL__TRANSCRIPT": str(files.transcript),
        **(env or {}),
    }
    began_s, disturbance = time.monotonic(), Disturbance()
    with RunningFlow(share("dataflows", "demo.yml"), files.log, environ) as flow:
        sampler = ProcessSampler(flow.pid)
        try:
            watcher = _Watcher(flow, files, question, view)
            ready_s = watcher.until_ready()
            watcher.until_over()
        finally:
            sampler.stop()
    watcher.read_rest()
    if not files.recording.is_file():
        remedy = f"see {files.log}; the disk may be full, or the machine too busy to keep up: close other programs"
        raise MioError("the recorder did not finish its video", remedy)
    talking = watcher.conversation
    return Session(
        files,
        question,
        talking,
        watcher.events,
        sampler.cores_by_name(talking.speaking_since_ns / 1e9, talking.finished_ns / 1e9),
        sampler.totals(),
        ready_s - began_s,
        disturbance.shares().taken_pct,
    )


class _Watcher:
    """Follows the journal and the nodes' figures while the flow runs."""

    def __init__(self, flow: RunningFlow, files: Files, question: Question, view: ProgressView) -> None:
        self.conversation = Conversation()
        self.events: list[Event] = []
        self._flow = flow
        self._files = files
        self._question = question
        self._view = view
        self._reader = EventReader(files.events)
        self._ready_s = 0.0

    def until_ready(self) -> float:
        """Wait until the speaker has started the stage clock; returns the monotonic time."""
        deadline = time.monotonic() + _READY_WITHIN_S
        while not _counts(self._files.run).get("speaker"):
            self._must_run(deadline, f"it was not ready within {_READY_WITHIN_S:.0f} s")
            started = sorted(path.name.partition(".")[0] for path in self._files.run.glob("*.stats.json"))
            self._view.show("Starting the nodes", 0.0, {"ready": ", ".join(started)})
            time.sleep(_LOOK_EVERY_S)
        self._ready_s = time.monotonic()
        return self._ready_s

    def until_over(self) -> None:
        """Wait until the answer has been heard and a little listening has been recorded after it."""
        asked_by_s = self._ready_s + LISTEN_BEFORE_S + self._question.duration_s
        while True:
            self.read_rest()
            now = time.monotonic()
            talk = self.conversation
            if talk.finished_ns and now > talk.finished_ns / 1e9 + LISTEN_AFTER_S:
                return
            patience_s = _LONGEST_ANSWER_S if talk.speaking_since_ns else _ANSWER_WITHIN_S
            heard = f"'{talk.heard}'" if talk.heard else "nothing"
            self._must_run(asked_by_s + patience_s, f"no answer came; what was understood: {heard}")
            self._show(now)
            time.sleep(_LOOK_EVERY_S)

    def read_rest(self) -> None:
        """Take over the events that have been written meanwhile."""
        for event in self._reader.new():
            self.events.append(event)
            self.conversation.take(event)

    def _show(self, now_s: float) -> None:
        asked_s = now_s - self._ready_s - LISTEN_BEFORE_S
        whole_s = LISTEN_BEFORE_S + self._question.duration_s + 1.0 + LISTEN_AFTER_S
        expected_s = whole_s + max(4.0, self.conversation.spoken_s)
        lines = stage_lines(self.conversation, asked_s, self._question.duration_s, _counts(self._files.run))
        self._view.show(state_title(self.conversation, asked_s), min(0.99, (now_s - self._ready_s) / expected_s), lines)

    def _must_run(self, deadline_s: float, otherwise: str) -> None:
        if not self._flow.running:
            raise MioError(f"the dataflow ended: {self._flow.complaint()}", f"see {self._files.log}")
        if time.monotonic() > deadline_s:
            raise MioError(otherwise, f"see {self._files.log}")


def _counts(run: Path) -> dict[str, float]:
    """Messages sent so far by each node; for a recorder, frames taken."""
    counts: dict[str, float] = {}
    for path in run.glob("*.stats.json"):
        try:
            stats = json.loads(path.read_text())
        except (OSError, ValueError):
            continue
        taken = {port: figures["count"] for port, figures in stats["inputs"].items()}
        counts[stats["node"]] = sum(stats["outputs"].values()) or taken.get("frame", 0)
    return counts


def _clear(files: Files) -> None:
    """Remove what an earlier session left, so that nothing old is taken for new."""
    files.run.mkdir(parents=True, exist_ok=True)
    for path in (*files.run.glob("*.stats.json"), files.events, files.transcript, files.recording):
        path.unlink(missing_ok=True)
