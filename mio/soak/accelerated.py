"""Hours of conversation in made-up time: does anything grow, drift or lose precision?"""

import os
import pickle
import time
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table

from mio.contracts.messages import AudioChunk, BodyMotion, Clock, FaceMotion, Message, Transcript
from mio.contracts.rates import MICROPHONE_HZ, SPEECH_HZ
from mio.contracts.stage import StageClock
from mio.measure.nodes import own_bytes
from mio.paths import share
from mio.runtime.heap import bound_heap
from mio.soak.hall import Hall
from mio.soak.verdict import Verdict, drift_ms_per_hour, gained, memory_verdict

NODES = ("microphone", "listener", "thinker", "talker", "face", "body", "speaker", "journal")
"""All of the live flow but those that draw."""

DEVICE_SPEED = 1.0 + 50e-6
"""A loudspeaker whose clock is 50 ppm fast, as sound cards are."""

_ENV = {
    "MIO_MICROPHONE__DEVICE": "null",
    "MIO_SPEAKER__DEVICE": "null",
    "MIO_JOURNAL__EVENTS": "/dev/null",
    "MIO_JOURNAL__TRANSCRIPT": "/dev/null",
}
_QUESTIONS = ("Who are you?", "What do you like to eat?", "Where do you live?", "Do you have a friend?")
_ASK_EVERY_S = 60.0
_SAMPLES = 60  # in the whole time, at least one a question
_STATE_SLACK_BYTES = 4_096


class _Stretch(NamedTuple):
    """Motion of one stream between two samples.

    Attributes:
        lead_s: How far ahead of now its newest frame was, median.
        jerk: Mean size of the second difference of its frames where it is calmest: lost precision shows there first.
    """

    lead_s: float
    jerk: float


class Witness:
    """Listens to all that is sent and notes gaps, leads, roughness and clock."""

    def __init__(self, hall: Hall) -> None:
        self.gaps: dict[str, int] = defaultdict(int)
        self.answers = 0
        self.clock: list[tuple[float, float, float]] = []
        self._hall = hall
        self._next: dict[str, float] = {}
        self._leads: dict[str, list[float]] = defaultdict(list)
        self._jerks: dict[str, list[float]] = defaultdict(list)
        self._stage = StageClock()
        hall.listen(self._hear)

    def stretch(self, node: str) -> _Stretch:
        """Motion since the last call."""
        leads, jerks = self._leads.pop(node, []), self._jerks.pop(node, [])
        return _Stretch(float(np.median(leads or [np.nan])), float(np.quantile(jerks or [np.nan], 0.1)))

    def _hear(self, node: str, output: str, message: Message) -> None:
        match message:
            case Clock(fin=True):
                self.answers += 1
            case Clock():
                self._stage.update(message)
                now_s = self._hall.now_ns / 1e9
                self.clock.append((now_s, 1e3 * (message.stage_s - now_s), message.epoch))
            case AudioChunk():
                rate_hz = MICROPHONE_HZ if node == "microphone" else SPEECH_HZ
                self._follow(f"{node}.{output}", message.start_sample / rate_hz, len(message.samples) / rate_hz)
            case FaceMotion() | BodyMotion():
                self._move(node, message)
            case _:
                pass

    def _move(self, node: str, motion: FaceMotion | BodyMotion) -> None:
        self._follow(node, motion.start_stage_s, len(motion.frames) / motion.fps, corrects=True)
        end_s = motion.start_stage_s + len(motion.frames) / motion.fps
        self._leads[node].append(end_s - self._stage.stage_s(self._hall.now_ns) * DEVICE_SPEED)
        if len(motion.frames) >= 3:
            self._jerks[node].append(float(np.abs(np.diff(motion.frames, 2, axis=0)).mean()))

    def _follow(self, stream: str, start_s: float, lasts_s: float, *, corrects: bool = False) -> None:
        """Count it if a stream does not go on where it ended; motion may take back what it has said."""
        off_s = start_s - self._next.get(stream, start_s)
        if off_s > 1e-3 or (off_s < -1e-3 and not corrects):
            self.gaps[stream] += 1
        self._next[stream] = start_s + lasts_s


def run_hours(
    hours: float, console: Console, *, start_stage_s: float = 0.0, nodes: Sequence[str] = NODES
) -> list[Verdict]:
    """Hold a conversation for hours of made-up time, with a question a minute.

    Args:
        hours: How long.
        console: For progress and a table of states. Memory is kept as in the nodes.
        start_stage_s: Stage time at the beginning, such as a day.
        nodes: Who takes part; listener, thinker, talker, face, body and speaker have to.
    """
    bound_heap()
    hall = Hall(share("dataflows", "mio.yml"), nodes, _ENV, DEVICE_SPEED)
    hall.engines["speaker"].import_state(_standing_at(start_stage_s))
    hall.open()
    try:
        return _judged(_Run(hall, hours, console), console)
    finally:
        hall.close()


class _Run:
    """Samples of a hall while its time passes."""

    def __init__(self, hall: Hall, hours: float, console: Console) -> None:
        self.witness = Witness(hall)
        self.times_s: list[float] = []
        self.memory_mb: list[float] = []
        self.states: dict[str, list[int]] = defaultdict(list)
        self.stretches: dict[str, list[_Stretch]] = defaultdict(list)
        began_s, asked = time.monotonic(), 0
        seconds = hours * 3_600
        every_s = max(_ASK_EVERY_S, seconds / _SAMPLES)
        with console.status("") as status:
            while hall.now_ns / 1e9 < seconds - 1e-6:
                for _ in range(round(every_s / _ASK_EVERY_S)):
                    text = _QUESTIONS[asked % len(_QUESTIONS)]
                    hall.tell("listener", "typed", Transcript(text=text, final=True, source="text"))
                    hall.run(_ASK_EVERY_S)
                    asked += 1
                self._sample(hall)
                passed = hall.now_ns / 1e9
                speed = passed / (time.monotonic() - began_s)
                status.update(f"{passed / 3600:.2f} of {hours:g} h, {speed:.0f} times as fast as real time")
        self.asked = asked

    def _sample(self, hall: Hall) -> None:
        self.times_s.append(hall.now_ns / 1e9)
        self.memory_mb.append(own_bytes(os.getpid()) / 1e6)
        for node, engine in hall.engines.items():
            self.states[node].append(len(pickle.dumps(engine.export_state())))
        for node in ("face", "body"):
            self.stretches[node].append(self.witness.stretch(node))


def _judged(run: _Run, console: Console) -> list[Verdict]:
    table = Table("node", "state at the beginning, kB", "at the end, kB")
    verdicts = [Verdict("questions without an answer", run.asked - run.witness.answers, 0.0, f"of {run.asked}")]
    for node, sizes in run.states.items():
        half = len(sizes) // 2
        before, after = max(sizes[: half + 1]), max(sizes[half:])
        table.add_row(node, f"{before / 1e3:.1f}", f"{after / 1e3:.1f}")
        grown = max(0.0, after - before - _STATE_SLACK_BYTES) / before * 100
        verdicts.append(Verdict(f"state of {node}: growth %", grown, 1.0, "second half over first half"))
    console.print(table)
    times, memory = np.array(run.times_s), np.array(run.memory_mb)
    warm = times >= times[0] + 0.4 * (times[-1] - times[0])
    clock = np.array(run.witness.clock).T
    verdicts += [
        memory_verdict(times[warm], memory[warm]),
        Verdict("stage clock drift ms/h", drift_ms_per_hour(*clock), 5.0),
        Verdict("breaks in a stream", sum(run.witness.gaps.values()), 0.0, str(dict(run.witness.gaps) or "")),
    ]
    for node, stretches in run.stretches.items():
        lead = np.array([stretch.lead_s for stretch in stretches])
        jerk = np.array([stretch.jerk for stretch in stretches])
        verdicts.append(Verdict(f"lead of {node} changes ms", 1e3 * abs(gained(lead)), 45.0, "against the stage clock"))
        rougher = 100 * gained(jerk) / float(np.median(jerk))
        verdicts.append(Verdict(f"{node} becomes rougher %", rougher, 50.0, "second difference of its calmest frames"))
    return verdicts


def _standing_at(stage_s: float) -> dict[str, object]:
    """State of a speaker whose stage clock has run for a while."""
    if not stage_s:
        return {}
    playout = {"stage_s": stage_s, "mono_ns": 0, "played": round(stage_s * SPEECH_HZ), "card": {}}
    return {"version": 1, "epoch": 1, "playout": playout}
