import numpy as np
import pyarrow as pa
import pytest

from mio.contracts.arkit import ARKIT_INDEX
from mio.contracts.messages import AudioChunk, BodyMotion, Clock, FaceMotion
from mio.contracts.rates import BODY_DIM, FACE_DIM
from mio.contracts.skeleton import JOINT_INDEX
from mio.contracts.wire import encode
from mio.errors import ContractError
from mio.runtime.testing import run_engine, steps, tick
from mio.runtime.transport import Received
from nodes.renderer.config import RendererConfig
from nodes.renderer.engine import build_engine
from nodes.renderer.motion import resting_body


def clock(stage_s: float, mono_s: float, epoch: int = 0) -> Clock:
    return Clock(stage_s=stage_s, mono_ns=round(mono_s * 1e9), epoch=epoch)


def talking(start_s: float, jaw: float = 0.6, count: int = 25) -> FaceMotion:
    frames = np.zeros((count, FACE_DIM), np.float32)
    frames[:, ARKIT_INDEX["jawOpen"]] = jaw
    return FaceMotion(frames=frames, start_stage_s=start_s)


def swaying(start_s: float, count: int = 40) -> BodyMotion:
    frames = np.tile(resting_body(), (count, 1))
    frames[:, 3 + 3 * JOINT_INDEX["spine2"] + 2] = 0.2 * np.sin(np.arange(count) / 5)
    return BodyMotion(frames=frames, start_stage_s=start_s)


def draw(engine, at_s: float) -> list:
    """What is begun at a time, and sent when it has been filled."""
    return [message for _, message in [*tick(engine, at_s), *tick(engine, at_s + 0.021)]]


def test_nothing_is_drawn_before_the_clock_runs(new_engine, manifest):
    run = run_engine(new_engine(), manifest, [("face", talking(0.0)), ("body", swaying(0.0))], run_s=0.5)
    assert run.messages("frame") == []
    assert run.logged == []


def test_frames_are_paced_by_stage_time_and_numbered_without_a_gap(new_engine, manifest):
    script = [("clock", clock(0.0, 0.0)), ("face", talking(0.0)), ("body", swaying(0.0))]
    frames = run_engine(new_engine(), manifest, script, run_s=1.0).messages("frame")
    numbers = [round(frame.stage_s * 30) for frame in frames]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert numbers[0] <= 2
    for frame in frames:
        ahead_s = frame.stage_s - frame.sent_ns * 1e-9
        assert 0.0 < ahead_s <= 0.0601


def test_pictures_have_the_size_that_was_asked_for(new_engine):
    engine = new_engine()
    steps(engine, "clock", clock(0.0, 0.0))
    (frame,) = draw(engine, 0.0)
    assert frame.image.shape == (96, 96, 3)
    assert frame.image.std() > 10


def test_late_frames_are_skipped_not_queued(new_engine):
    engine = new_engine(lead_s=0.0)
    steps(engine, "clock", clock(0.0, 0.0))
    assert [round(frame.stage_s * 30) for frame in draw(engine, 0.1)] == [3]
    assert [round(frame.stage_s * 30) for frame in draw(engine, 0.9)] == [27]
    assert draw(engine, 0.91) == []
    assert [round(frame.stage_s * 30) for frame in draw(engine, 0.935)] == [28]


def test_a_pause_is_caught_up_as_long_as_frames_come_in_time(new_engine):
    engine = new_engine(lead_s=0.15)
    steps(engine, "clock", clock(0.0, 0.0))
    sent = [message for at_ms in (0, 12, 24, 90, 102, 114, 126) for _, message in tick(engine, at_ms / 1000)]
    assert [round(frame.stage_s * 30) for frame in sent] == [4, 5, 6, 7]


def test_motion_shows_at_its_stage_time_and_later_messages_override_earlier_ones(new_engine):
    pictures = {}
    for name, messages in {
        "still": [],
        "open": [talking(0.0)],
        "taken back": [talking(0.0), talking(0.0, jaw=0.0)],
        "later": [talking(5.0)],
    }.items():
        engine = new_engine(lead_s=0.0)
        steps(engine, "clock", clock(0.0, 0.0))
        steps(engine, "face", talking(-1.0, jaw=0.0, count=25))
        for message in messages:
            steps(engine, "face", message)
        pictures[name] = draw(engine, 0.2)[0].image
    assert (pictures["open"] != pictures["still"]).any()
    assert (pictures["taken back"] == pictures["still"]).all()
    assert (pictures["later"] == pictures["still"]).all()


def test_the_last_pose_is_held_when_a_stream_dries_up(new_engine):
    engine = new_engine(lead_s=0.0)
    steps(engine, "clock", clock(0.0, 0.0))
    steps(engine, "face", talking(0.0, jaw=0.7))
    draw(engine, 0.5)
    (first,), (second,) = draw(engine, 20.0), draw(engine, 25.0)
    still = new_engine(lead_s=0.0)
    steps(still, "clock", clock(0.0, 0.0))
    (resting,) = draw(still, 25.0)
    assert (first.image == second.image).all()
    assert (second.image != resting.image).any()


def test_a_new_epoch_forgets_the_motion_of_the_old_one(new_engine):
    engine, fresh = new_engine(lead_s=0.0), new_engine(lead_s=0.0)
    steps(engine, "clock", clock(50.0, 0.0))
    steps(engine, "face", talking(50.0, count=100))
    draw(engine, 0.1)
    for each in (engine, fresh):
        steps(each, "clock", clock(0.0, 10.0, epoch=1))
    (again,), (first,) = draw(engine, 10.1), draw(fresh, 10.1)
    assert again.stage_s == first.stage_s == pytest.approx(0.1)
    assert (again.image == first.image).all()


def test_a_clock_that_is_set_back_goes_on_from_there(new_engine):
    engine = new_engine(lead_s=0.0)
    steps(engine, "clock", clock(50.0, 0.0))
    draw(engine, 0.0)
    steps(engine, "clock", clock(3.0, 1.0))
    assert [frame.stage_s for frame in draw(engine, 1.0)] == pytest.approx([3.0])


def test_the_same_input_gives_the_same_pictures(new_engine, manifest):
    script = [("clock", clock(0.0, 0.0)), ("face", talking(0.0)), ("body", swaying(0.0))]
    runs = [run_engine(new_engine(), manifest, script, run_s=0.4).messages("frame") for _ in range(2)]
    assert len(runs[0]) > 8
    assert all((a.pixels == b.pixels).all() for a, b in zip(*runs, strict=True))


def test_a_successor_goes_on_where_its_predecessor_stood(new_engine):
    first, second = new_engine(lead_s=0.0), new_engine(lead_s=0.0)
    inputs = (("clock", clock(0.0, 0.0)), ("face", talking(0.0)), ("body", swaying(0.0)))
    for port, message in inputs:
        steps(first, port, message)
    for number in range(10):
        draw(first, number / 30 + 0.001)
    assert first.at_boundary()
    second.import_state(first.export_state())
    steps(second, "clock", clock(0.0, 0.0))
    assert draw(second, 9.1 / 30) == []
    for number in range(10, 14):
        (a,), (b,) = draw(first, number / 30 + 0.001), draw(second, number / 30 + 0.001)
        assert a.stage_s == b.stage_s
        assert (a.pixels == b.pixels).all()


def test_a_picture_that_is_being_drawn_is_drawn_by_the_successor(new_engine):
    first, second = new_engine(lead_s=0.0), new_engine(lead_s=0.0)
    steps(first, "clock", clock(0.0, 0.0))
    draw(first, 0.001)
    assert tick(first, 1.001 / 30) == []
    assert not first.at_boundary()
    second.import_state(first.export_state())
    steps(second, "clock", clock(0.0, 0.0))
    assert [frame.stage_s for frame in draw(second, 1.1 / 30)] == pytest.approx([1 / 30])


def test_a_successor_draws_the_picture_that_is_being_drawn_as_its_predecessor_began_it(new_engine):
    first, second = new_engine(lead_s=0.0), new_engine(lead_s=0.0)
    for port, message in (("clock", clock(0.0, 0.0)), ("face", talking(0.0)), ("body", swaying(0.0))):
        steps(first, port, message)
    for number in range(6):
        tick(first, number / 30 + 0.001)
    steps(first, "face", talking(0.0, jaw=0.1))
    assert not first.at_boundary()
    state = first.export_state()
    ours = [tick(first, number / 30 + 0.001) for number in range(6, 10)]  # both share what is drawn on
    second.import_state(state)
    theirs = [tick(second, number / 30 + 0.001) for number in range(6, 10)]
    for ((_, a),), ((_, b),) in zip(ours, theirs, strict=True):
        assert a.stage_s == b.stage_s
        assert (a.pixels == b.pixels).all()


def test_the_state_of_an_engine_that_has_done_nothing_can_be_handed_over(new_engine):
    second = new_engine()
    second.import_state(new_engine().export_state())
    second.import_state({})
    second.import_state({"version": 999, "face": "?"})
    steps(second, "clock", clock(0.0, 0.0))
    assert len(draw(second, 0.0)) == 1


def test_motion_that_is_not_finite_is_refused_with_one_message_and_drawing_goes_on(new_engine, manifest):
    script = [("clock", clock(0.0, 0.0))]
    for port, message in (("body", swaying(0.0)), ("face", talking(0.0))):
        for seq in range(3):
            wire = encode(message, seq=seq, sent_ns=0, host="test")
            values = wire.value.to_numpy(zero_copy_only=False).copy()
            values[7] = np.nan
            script.append(Received(port, pa.array(values), wire.metadata))
    run = run_engine(new_engine(), manifest, script, run_s=0.3)
    assert len(run.messages("frame")) >= 8
    assert len(run.logged) == 2
    assert all("finite" in text for _, text in run.logged)


@pytest.mark.parametrize(
    "motion",
    [
        lambda: BodyMotion(frames=np.zeros((2000, BODY_DIM), np.float32), start_stage_s=0.0),
        lambda: FaceMotion(frames=np.zeros((3, FACE_DIM), np.float32), start_stage_s=float("nan")),
        lambda: FaceMotion(frames=np.zeros((3, FACE_DIM), np.float32), start_stage_s=0.0, fps=0),
        lambda: BodyMotion(frames=np.zeros((3, BODY_DIM), np.float32), start_stage_s=0.0, fps=100_000),
    ],
)
def test_motion_with_impossible_times_is_refused(new_engine, motion):
    engine = new_engine()
    with pytest.raises(ContractError):
        message = motion()
        steps(engine, "body" if isinstance(message, BodyMotion) else "face", message)
    steps(engine, "clock", clock(0.0, 0.0))
    assert len(draw(engine, 0.0)) == 1


def test_absurd_poses_are_drawn_somehow(new_engine):
    engine = new_engine()
    steps(engine, "body", BodyMotion(frames=np.full((2, BODY_DIM), 1e30, np.float32), start_stage_s=0.0))
    steps(engine, "face", FaceMotion(frames=np.full((2, FACE_DIM), -1e30, np.float32), start_stage_s=0.0))
    steps(engine, "clock", clock(0.0, 0.0))
    assert len(draw(engine, 0.0)) == 1


def test_frames_of_flame_are_refused_with_what_is_needed(new_engine, manifest):
    frames = np.zeros((3, FACE_DIM), np.float32)
    script = [("face", FaceMotion(frames=frames, start_stage_s=0.0, basis="flame2020"))] * 2
    run = run_engine(new_engine(), manifest, script, run_s=0.1)
    assert len(run.logged) == 1
    assert "arkit52" in run.logged[0][1]


def test_a_message_of_another_kind_is_refused(new_engine):
    with pytest.raises(ContractError, match="audio_chunk"):
        steps(new_engine(), "face", AudioChunk(samples=np.zeros(10, np.float32)))


def test_a_flush_loses_no_motion_that_has_been_taken(new_engine, manifest):
    script = [
        ("clock", clock(0.0, 0.0)),
        ("body", swaying(0.0)),
        ("face", FaceMotion(frames=talking(0.0).frames, start_stage_s=0.0, flush=True), 0.1),
    ]
    assert len(run_engine(new_engine(), manifest, script, run_s=0.4).messages("frame")) >= 12


def test_an_engine_built_from_its_configuration_draws(asset, manifest):
    engine = build_engine(RendererConfig(width=128, height=64, framing="face", quality="medium"))
    frames = run_engine(engine, manifest, [("clock", clock(0.0, 0.0))], run_s=0.1).messages("frame")
    assert frames[0].image.shape == (64, 128, 3)
