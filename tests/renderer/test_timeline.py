import numpy as np
import pytest

from nodes.renderer.timeline import Timeline


def ramp(first: float, count: int, step: float = 1.0) -> np.ndarray:
    return (first + step * np.arange(count, dtype=np.float32))[:, None]


def value(timeline: Timeline, at_s: float) -> float:
    moment = timeline.at(at_s)
    assert moment is not None
    return float(moment.before[0] * (1 - moment.share) + moment.after[0] * moment.share)


@pytest.fixture
def timeline() -> Timeline:
    timeline = Timeline(1)
    timeline.add(ramp(0, 10), 1.0, 10)
    return timeline


def test_there_is_nothing_to_see_before_the_first_frame_has_arrived():
    assert Timeline(1).at(0.0) is None


def test_frames_are_interpolated(timeline):
    assert value(timeline, 1.0) == pytest.approx(0)
    assert value(timeline, 1.25) == pytest.approx(2.5)
    assert value(timeline, 1.9) == pytest.approx(9)


def test_the_first_and_the_last_frame_are_held(timeline):
    assert value(timeline, -5) == 0
    assert value(timeline, 99) == 9


def test_later_messages_replace_frames_for_the_same_times(timeline):
    timeline.add(ramp(100, 3), 1.3, 10)
    assert value(timeline, 1.2) == pytest.approx(2)
    assert [value(timeline, at_s) for at_s in (1.3, 1.4, 1.5)] == pytest.approx([100, 101, 102])
    assert value(timeline, 1.6) == pytest.approx(6)
    assert len(timeline) == 10


def test_frames_between_two_others_are_sorted_in(timeline):
    timeline.add(ramp(50, 2), 3.0, 10)
    timeline.add(ramp(20, 2), 2.3, 10)
    assert value(timeline, 2.3) == pytest.approx(20)
    assert value(timeline, 3.1) == pytest.approx(51)


def test_a_gap_holds_the_pose_and_then_moves_to_the_next_one_without_a_jump(timeline):
    timeline.add(ramp(20, 1), 4.0, 10)
    assert value(timeline, 3.0) == pytest.approx(9)
    before, after = value(timeline, 3.85), value(timeline, 3.95)
    assert 9 < before < after < 20


def test_an_empty_message_changes_nothing(timeline):
    timeline.add(np.zeros((0, 1), np.float32), 1.0, 10)
    assert len(timeline) == 10
    assert value(timeline, 1.25) == pytest.approx(2.5)


def test_pruning_forgets_the_past_but_not_the_last_frame_before_now(timeline):
    timeline.prune(1.65)
    assert len(timeline) < 10
    assert value(timeline, 1.65) == pytest.approx(6.5)
    timeline.prune(500)
    assert value(timeline, 500) == 9


def test_clearing_forgets_everything(timeline):
    timeline.clear()
    assert timeline.at(1.5) is None


def test_a_restored_timeline_shows_the_same(timeline):
    other = Timeline(1)
    other.restore(timeline.export())
    assert value(other, 1.37) == value(timeline, 1.37)
    empty = Timeline(3)
    empty.restore(Timeline(3).export())
    assert empty.at(0.0) is None
