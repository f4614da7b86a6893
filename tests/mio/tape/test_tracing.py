import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mio.contracts.messages import Clock, FaceMotion, Message, Reply, Speech, Transcript, VideoFrame
from mio.contracts.wire import encode
from mio.runtime.tee import TapeEvent
from mio.tape.contents import Tape
from mio.tape.format import Row, TapeWriter
from mio.tape.perfetto import trace_events, write_perfetto
from mio.tape.tracing import Trace

MS = 1_000_000
WIRES = {
    "listener": {},
    "thinker": {"transcript": "listener/transcript"},
    "talker": {"reply": "thinker/reply"},
    "face": {"speech": "talker/speech"},
    "speaker": {"speech": {"source": "talker/speech", "queue_size": 9}},
    "renderer": {"face": "face/motion"},
}


class Script:
    """Writes a tape of what nodes did at known times, in milliseconds."""

    def __init__(self, **env: dict[str, str]) -> None:
        self.rows: list[Row] = []
        described = {"nodes": [{"id": node} for node in WIRES]}
        for node, inputs in WIRES.items():
            dora = json.dumps({"run_config": {"inputs": inputs}, "dataflow_descriptor": described})
            about = {"node": node, "host": "here", "dora": dora, "env": env.get(node, {})}
            self.add(node, 0, "start", header=json.dumps(about))

    def add(self, node: str, at_ms: float, event: str, *args: Any, **kwargs: Any) -> None:
        run = list(WIRES).index(node)
        self.rows.append(Row(node, run, TapeEvent(round(at_ms * MS), event, *args, **kwargs)))

    def send(self, node: str, port: str, message: Message, at_ms: float, took_ms: float = 1.0) -> None:
        wire = encode(message, seq=0, sent_ns=round(at_ms * MS), host="here")
        self.add(node, at_ms - took_ms, "step", "in", 0, 0)
        self.add(node, at_ms, "send", port, 0, 0, json.dumps(wire.metadata))
        self.add(node, at_ms, "done", "in", 0, round(took_ms * MS))

    def take(self, node: str, port: str, sent_ms: float, at_ms: float) -> None:
        self.add(node, at_ms, "take", port, 0, round(sent_ms * MS))
        self.add(node, at_ms, "step", port, 0, round(sent_ms * MS))
        self.add(node, at_ms + 0.5, "done", port, 0, MS // 2)

    def tape(self, path: Path) -> Tape:
        with path.open("wb", buffering=0) as file:
            writer = TapeWriter(file, {})
            for row in sorted(self.rows, key=lambda row: row.event.at_ns):
                writer.add(row)
            writer.close({})
        return Tape(path)


def conversation(**env: dict[str, str]) -> Script:
    """The user's sound ends at 1000 ms; the answer is heard at 1500 and seen at 1520 ms."""
    script = Script(**env)
    script.send("listener", "transcript", Transcript(text="hi", segment_id=4, origin_ns=1000 * MS), 1300, took_ms=250)
    script.take("thinker", "transcript", 1300, 1302)
    script.send("thinker", "reply", Reply(text="yes", segment_id=4, origin_ns=1000 * MS), 1350, took_ms=40)
    script.take("talker", "reply", 1350, 1351)
    samples = np.zeros(1920, np.float32)
    script.send("talker", "speech", Speech(samples=samples, start_sample=0, segment_id=4), 1400, took_ms=45)
    script.take("speaker", "speech", 1400, 1403)
    script.take("face", "speech", 1400, 1404)
    script.send("face", "motion", FaceMotion(frames=np.zeros((3, 112), np.float32), start_stage_s=50.0), 1420)
    clock = Clock(stage_s=50.1, mono_ns=1600 * MS, segment_id=4, heard_sample=2400)
    script.send("speaker", "clock", clock, 1610)
    for stage_s, at_ms in ((49.98, 1480), (50.01, 1520), (50.04, 1560)):
        frame = VideoFrame(pixels=np.zeros(12, np.uint8), width=2, height=2, stage_s=stage_s)
        script.send("renderer", "frame", frame, at_ms)
    return script


def test_the_critical_path_of_a_turn_is_split_into_its_stages(tmp_path: Path) -> None:
    (turn,) = Trace(conversation().tape(tmp_path / "t")).turns()
    assert [(stage.where, stage.ms) for stage in turn.stages] == [
        ("listener", 300.0),
        ("listener → thinker", 2.0),
        ("thinker", 48.0),
        ("thinker → talker", 1.0),
        ("talker", 49.0),
        ("talker → speaker", 3.0),
        ("speaker", 97.0),
        ("renderer", 20.0),
    ]
    assert turn.segment_id == 4
    assert turn.total_ms == pytest.approx(520.0)
    assert turn.limiting.where == "listener"
    assert turn.face_ahead_ms == 80.0


def test_a_picture_that_was_ready_before_its_time_counts_from_its_time(tmp_path: Path) -> None:
    script = conversation()
    frame = VideoFrame(pixels=np.zeros(12, np.uint8), width=2, height=2, stage_s=50.0)
    script.send("renderer", "frame", frame, 1470)
    (turn,) = Trace(script.tape(tmp_path / "t")).turns()
    assert turn.stages[-1].ms == 0.0
    assert turn.total_ms == pytest.approx(500.0)


def test_a_turn_without_an_answer_has_no_path(tmp_path: Path) -> None:
    script = Script()
    script.send("listener", "transcript", Transcript(text="hm", segment_id=1, origin_ns=MS), 300)
    assert Trace(script.tape(tmp_path / "t")).turns() == []


def test_edges_are_timed_from_sending_to_taking(tmp_path: Path) -> None:
    script = Script()
    for number, waited_ms in enumerate((1, 2, 3, 4, 100)):
        script.take("thinker", "transcript", number * 10, number * 10 + waited_ms)
    (edge,) = Trace(script.tape(tmp_path / "t")).edges()
    assert (edge.source, edge.target) == ("listener/transcript", "thinker.transcript")
    assert (edge.waited.number, edge.waited.p50) == (5, 3.0)
    assert edge.waited.p95 == pytest.approx(80.8)


def test_steps_longer_than_the_node_s_budget_are_counted(tmp_path: Path) -> None:
    trace = Trace(conversation(talker={"MIO_BUDGET_MS": "40"}).tape(tmp_path / "t"))
    times = {(one.node, one.port): one for one in trace.node_times()}
    assert (times["talker", "in"].over_budget, times["talker", "in"].budget_ms) == (1, 40.0)
    assert times["talker", "reply"].over_budget == 0
    assert times["listener", "in"].over_budget == 0
    assert times["listener", "in"].computed.p50 == 250.0


def test_perfetto_gets_a_track_per_node_nested_steps_and_arrows_that_start_in_a_step(tmp_path: Path) -> None:
    script = conversation()
    script.add("thinker", 2000, "begin", "transcript", 1, 0)
    script.add("thinker", 2001, "pull")
    script.add("thinker", 2002, "step", "tick", -1, 2002 * MS)
    script.add("thinker", 2003, "done", "tick", -1, MS)
    script.add("thinker", 2004, "abandon", "transcript", 1, MS)
    tape = script.tape(tmp_path / "t")
    assert write_perfetto(tape, tmp_path / "t.json") > 20
    events = json.loads((tmp_path / "t.json").read_text())["traceEvents"]
    assert events == list(trace_events(tape))
    names = {event["pid"]: event["args"]["name"] for event in events if event["name"] == "process_name"}
    assert list(names.values()) == list(WIRES)
    slices = [event for event in events if event["ph"] == "X"]
    outer, inner = (next(s for s in slices if s["ts"] == at * 1e3) for at in (2000, 2002))
    assert (outer["dur"], outer["args"]["abandoned"], inner["cat"]) == (4e3, True, "tick")
    starts = {event["id"]: event for event in events if event["ph"] == "s"}
    ends = {event["id"]: event for event in events if event["ph"] == "f"}
    assert starts.keys() == ends.keys()
    arrows = {(names[starts[key]["pid"]], names[ends[key]["pid"]]) for key in starts}
    assert arrows == {("listener", "thinker"), ("thinker", "talker"), ("talker", "speaker"), ("talker", "face")}
    for event in (*starts.values(), *ends.values()):
        own = [s for s in slices if s["pid"] == event["pid"]]
        assert any(s["ts"] <= event["ts"] <= s["ts"] + s["dur"] for s in own)
    assert all(event["bp"] == "e" for event in ends.values())
