import pytest

from mio.contracts.messages import Clock
from mio.contracts.stage import StageClock

SECOND_NS = 1_000_000_000


def test_before_the_first_message_nothing_is_known() -> None:
    clock = StageClock()
    assert not clock.running
    assert clock.stage_s(5) == float("-inf")
    assert clock.stage_of_speech(1, 0.0) is None


def test_stage_time_is_extrapolated_at_the_device_s_rate() -> None:
    clock = StageClock()
    clock.update(Clock(stage_s=10.0, mono_ns=SECOND_NS, rate=1.5))
    assert clock.stage_s(3 * SECOND_NS) == pytest.approx(13.0)
    assert clock.mono_ns(13.0) == 3 * SECOND_NS


def test_speech_is_placed_on_the_stage_before_and_while_it_is_heard() -> None:
    clock = StageClock()
    clock.update(Clock(stage_s=4.0, mono_ns=0, segment_id=7, heard_sample=-2400))
    assert clock.stage_of_speech(7, 0.0) == pytest.approx(4.1)
    clock.update(Clock(stage_s=6.0, mono_ns=0, segment_id=7, heard_sample=24_000))
    assert clock.stage_of_speech(7, 1.5) == pytest.approx(6.5)
    assert clock.stage_of_speech(8, 1.5) is None


def test_an_older_epoch_is_ignored_and_a_newer_one_restarts_the_stage() -> None:
    clock = StageClock()
    clock.update(Clock(stage_s=100.0, mono_ns=0, epoch=2))
    clock.update(Clock(stage_s=50.0, mono_ns=0, epoch=1))
    assert clock.stage_s(0) == 100.0
    clock.update(Clock(stage_s=0.5, mono_ns=0, epoch=3))
    assert (clock.stage_s(0), clock.epoch) == (0.5, 3)


def test_a_successor_goes_on_with_the_same_stage_time() -> None:
    first, second = StageClock(), StageClock()
    second.import_state(first.export_state())
    assert not second.running
    first.update(Clock(stage_s=4.0, mono_ns=7, rate=1.001, epoch=2, segment_id=3))
    second.import_state(first.export_state())
    assert second.stage_s(SECOND_NS) == first.stage_s(SECOND_NS)
    assert (second.epoch, second.segment_id) == (2, 3)
