import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mio.contracts.messages import AudioChunk, BodyMotion, Clock, FaceMotion, Message, Reply, Turn, VideoFrame
from mio.contracts.wire import encode
from mio.errors import MioError
from mio.runtime.tee import TapeEvent, payload_bytes
from mio.tape.contents import Tape
from mio.tape.format import Row, TapeWriter
from mio.tape.pictures import from_jpeg, to_jpeg
from mio.tape.posture import bones, joint_positions
from mio.tape.stage_time import StageTime
from mio.tape.viewing import view

SECOND_NS = 1_000_000_000
HAS_RERUN = importlib.util.find_spec("rerun") is not None


def tape(path: Path, messages: list[tuple[str, Message, float]]) -> Tape:
    """A tape of messages ``(port, message, at_s)`` of one node."""
    with path.open("wb", buffering=0) as file:
        writer = TapeWriter(file, {})
        writer.add(Row("node", 0, TapeEvent(0, "start", header=json.dumps({"node": "node"}))))
        for port, message, at_s in messages:
            wire = encode(message, seq=0, sent_ns=0, host="here")
            data, kind = payload_bytes(wire.value), str(wire.value.type)
            event = TapeEvent(round(at_s * SECOND_NS), "send", port, 0, 0, json.dumps(wire.metadata), data, kind)
            writer.add(Row("node", 0, event))
        writer.close({})
    return Tape(path, pictures=True)


def moving() -> list[tuple[str, Message, float]]:
    picture = np.linspace(0, 255, 16 * 16 * 3).astype(np.uint8)
    return [
        ("clock", Clock(stage_s=5.0, mono_ns=SECOND_NS), 1.0),
        ("audio", AudioChunk(samples=np.ones(320, np.float32), origin_ns=SECOND_NS), 1.0),
        ("body", BodyMotion(frames=np.zeros((2, 159), np.float32), start_stage_s=5.0), 1.0),
        ("face", FaceMotion(frames=np.zeros((3, 112), np.float32), start_stage_s=5.0), 1.0),
        ("reply", Reply(text="The storm of the lighthouse", segment_id=2), 1.5),
        ("turn", Turn(state="thinking", segment_id=2), 1.2),
        ("frame", VideoFrame(pixels=picture, width=16, height=16, stage_s=5.1), 1.1),
    ]


@pytest.mark.skipif(not HAS_RERUN, reason="needs rerun-sdk: pip install 'mio[view]'")
def test_a_tape_written_for_rerun_holds_pictures_sound_motion_and_texts(tmp_path: Path) -> None:
    file = tmp_path / "a.rrd"
    assert view(tape(tmp_path / "a.tape", moving()), file) == 6
    command = [sys.executable, "-m", "rerun", "rrd", "print", "-vvv", str(file)]
    printed = subprocess.run(command, capture_output=True, text=True, timeout=120).stdout
    for path in ("audio", "body", "face", "reply", "turn", "frame"):
        assert f"/node/{path}" in printed
    assert "The storm of the lighthouse" in printed
    assert "stage" in printed


@pytest.mark.skipif(HAS_RERUN, reason="rerun-sdk is installed")
def test_without_rerun_there_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(MioError, match=r"needs Rerun -> pip install 'mio\[view\]'"):
        view(tape(tmp_path / "a.tape", moving()), tmp_path / "a.rrd")


def test_a_resting_body_stands_upright_and_symmetric() -> None:
    frame = np.zeros(159, np.float32)
    frame[1] = 0.93
    places = joint_positions(frame)
    head, left_foot, right_foot = places[15], places[10], places[11]
    assert head[1] - places[0][1] == pytest.approx(0.65, abs=0.1)
    assert left_foot * [-1, 1, 1] == pytest.approx(right_foot)
    assert left_foot[1] == pytest.approx(0.0, abs=0.1)
    assert bones(places).shape == (21, 2, 3)


def test_a_bent_knee_lifts_the_foot_behind() -> None:
    frame = np.zeros(159, np.float32)
    frame[3 + 3 * 4] = np.pi / 2
    straight, bent = joint_positions(np.zeros(159, np.float32)), joint_positions(frame)
    assert bent[4] == pytest.approx(straight[4])
    assert bent[7][1] == pytest.approx(straight[4][1], abs=1e-6)
    assert bent[7][2] < straight[7][2] - 0.3


def test_stage_time_follows_the_clock_between_before_and_after_its_messages(tmp_path: Path) -> None:
    clocks = [(1.0, 10.0), (2.0, 11.0), (3.0, 12.5)]
    sent = [("clock", Clock(stage_s=stage_s, mono_ns=round(at * SECOND_NS), epoch=3), at) for at, stage_s in clocks]
    stage = StageTime(tape(tmp_path / "a", [("clock", Clock(stage_s=99.0, mono_ns=0, epoch=2), 0.5), *sent]))
    assert [stage.of(round(at * SECOND_NS)) for at in (0.5, 1.5, 2.5, 4.0)] == pytest.approx([9.5, 10.5, 11.75, 13.5])


def test_a_jpeg_is_near_the_picture() -> None:
    pytest.importorskip("cv2")
    rows, columns = np.mgrid[0:64, 0:80]
    image = np.stack([rows * 3, columns * 3, rows + columns], -1).astype(np.uint8)
    again = from_jpeg(to_jpeg(image.tobytes(), 80, 64))
    assert np.abs(again.astype(int) - image).mean() < 4
