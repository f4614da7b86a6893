from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from mio.contracts.messages import AudioChunk, Clock, Interrupt, Message, Speech
from mio.contracts.rates import SPEECH_FRAME_SAMPLES, SPEECH_HZ
from mio.contracts.stage import StageClock
from mio.errors import ContractError
from mio.runtime.testing import run_engine, steps, tick
from nodes.io.speaker.config import SpeakerConfig
from nodes.io.speaker.engine import SpeakerEngine, build_engine

MANIFEST = Path("nodes/io/speaker/dora-node.yml")
TICK_S = 0.02
Sent = list[tuple[str, Message]]


def speech(segment_id: int, start: int, count: int, **fields: object) -> Speech:
    """Frames whose samples count up, so that each can be recognised: sample ``i`` is ``(i + 1) * 1e-6``."""
    samples = (np.arange(start, start + count) + 1).astype(np.float32) * 1e-6
    return Speech(samples=samples, start_sample=start, segment_id=segment_id, **fields)  # type: ignore[arg-type]


def words(*names: str, each_s: float = 0.2) -> dict[str, object]:
    starts = [each_s * i for i in range(len(names))]
    chars = [sum(len(name) + 1 for name in names[:i]) for i in range(len(names))]
    return {
        "words": list(names),
        "word_start_s": starts,
        "word_end_s": [start + each_s for start in starts],
        "word_char": chars,
        "last_char": len(" ".join(names)),
    }


class Stage:
    """A speaker with a virtual device, stepped in fake time."""

    def __init__(self, **config: object) -> None:
        settings = {"device": "null", "lead_ms": 120.0, **config}
        self.engine = build_engine(SpeakerConfig(**settings))  # type: ignore[arg-type]
        self.engine.open()
        self.now_s = 100.0
        self.sent: Sent = []

    def send(self, message: Message) -> Sent:
        out = steps(self.engine, "speech" if isinstance(message, Speech) else "interrupt", message)
        self.sent += out
        return out

    def run(self, seconds: float) -> Sent:
        out: Sent = []
        for _ in range(round(seconds / TICK_S)):
            out += tick(self.engine, self.now_s)
            self.now_s += TICK_S
        self.sent += out
        return out

    def clocks(self) -> list[Clock]:
        return [message for _, message in self.sent if isinstance(message, Clock)]

    def played(self) -> np.ndarray:
        chunks = [message for _, message in self.sent if isinstance(message, AudioChunk)]
        assert all(a.start_sample + len(a.samples) == b.start_sample for a, b in pairwise(chunks))
        return np.concatenate([chunk.samples for chunk in chunks])


@pytest.fixture
def stage() -> Stage:
    stage = Stage()
    stage.run(0.5)
    return stage


def test_stage_time_is_the_samples_that_were_played_and_goes_on_in_silence(stage: Stage) -> None:
    stage.run(2.0)
    last = stage.clocks()[-1]
    assert last.stage_s == pytest.approx(last.mono_ns * 1e-9 - 100.0, abs=1e-6)
    assert last.segment_id == 0
    assert not stage.played().any()
    assert len(stage.played()) == pytest.approx(last.stage_s * SPEECH_HZ, abs=SPEECH_HZ * 2 * TICK_S)


def test_the_clock_is_published_25_times_a_second(stage: Stage) -> None:
    assert len([message for _, message in stage.run(4.0) if isinstance(message, Clock)]) == 100


def test_a_turn_is_announced_at_once_and_starts_after_the_lead(stage: Stage) -> None:
    (port, clock), *rest = stage.send(speech(7, 0, SPEECH_FRAME_SAMPLES * 10))
    assert port == "clock"
    assert not rest
    assert isinstance(clock, Clock)
    assert clock.segment_id == 7
    assert clock.heard_sample == -round(0.12 * SPEECH_HZ)


def test_every_sample_is_played_once_and_where_the_clock_says(stage: Stage) -> None:
    total = SPEECH_FRAME_SAMPLES * 12
    announced = stage.send(speech(1, 0, SPEECH_FRAME_SAMPLES * 4))[0][1]
    assert isinstance(announced, Clock)
    view = StageClock()
    view.update(announced)
    start_s = view.stage_of_speech(1, 0.0)
    assert start_s is not None
    stage.send(speech(1, SPEECH_FRAME_SAMPLES * 4, SPEECH_FRAME_SAMPLES * 4))
    stage.run(0.3)
    stage.send(speech(1, SPEECH_FRAME_SAMPLES * 8, SPEECH_FRAME_SAMPLES * 4, fin=True))
    stage.run(1.5)
    played = stage.played()
    start = round(start_s * SPEECH_HZ)
    expected = (np.arange(total) + 1).astype(np.float32) * 1e-6
    np.testing.assert_allclose(played[start : start + total], expected, rtol=1e-6)
    assert not played[:start].any()
    assert not played[start + total :].any()


def test_the_end_is_told_with_all_of_the_text_and_then_nothing_is_spoken(stage: Stage) -> None:
    stage.send(speech(3, 0, SPEECH_FRAME_SAMPLES * 6, fin=True, **words("good", "day!")))
    stage.run(1.0)
    last = [clock for clock in stage.clocks() if clock.segment_id == 3][-1]
    assert last.fin
    assert last.heard_sample == SPEECH_FRAME_SAMPLES * 6
    assert last.heard_char == len("good day!")
    assert stage.clocks()[-1].segment_id == 0
    assert len([clock for clock in stage.clocks() if clock.fin]) == 1


def test_the_text_counts_as_heard_word_by_word(stage: Stage) -> None:
    stage.send(speech(3, 0, SPEECH_FRAME_SAMPLES * 10, fin=True, **words("one", "two", "three", "four")))
    seen: dict[int, float] = {}
    for _ in range(50):
        for _, message in stage.run(TICK_S):
            if isinstance(message, Clock) and message.segment_id == 3:
                seen.setdefault(message.heard_char, message.heard_sample / SPEECH_HZ)
    assert list(seen) == [0, 3, 7, 13, 18]
    assert seen[3] == pytest.approx(0.2, abs=0.05)
    assert seen[13] == pytest.approx(0.6, abs=0.05)


def test_late_speech_leaves_a_gap_and_the_clock_moves_with_it(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    first = SPEECH_FRAME_SAMPLES * 2
    stage.send(speech(1, 0, first))
    stage.run(0.5)
    assert "too late" in caplog.text
    before = stage.clocks()[-1]
    stage.send(speech(1, first, first, fin=True))
    stage.run(0.4)
    played = stage.played()
    at = np.flatnonzero(played > first * 1e-6)
    assert len(at) >= first - 120  # all but the faded-in edge
    view = StageClock()
    view.update(before)
    start_s = view.stage_of_speech(1, first / SPEECH_HZ)
    assert start_s is not None
    assert at[0] == pytest.approx(start_s * SPEECH_HZ, abs=SPEECH_HZ * 0.021)
    assert stage.engine.underruns == 1


def test_after_a_gap_no_sample_is_lost_or_repeated(stage: Stage) -> None:
    half = SPEECH_FRAME_SAMPLES * 3
    stage.send(speech(1, 0, half))
    stage.run(0.7)
    stage.send(speech(1, half, half, fin=True))
    stage.run(0.7)
    played = stage.played()
    spoken = np.round(played[played > 0] * 1e6).astype(int)
    edges = 2 * SPEECH_HZ // 200 + 1  # 5 ms are faded on either side of the gap
    assert len(np.unique(spoken[spoken > half])) >= half - edges
    assert (np.diff(spoken[spoken > half + edges]) == 1).all()


def test_sound_that_breaks_off_and_begins_again_does_not_click() -> None:
    stage = Stage()
    stage.run(0.1)
    loud = np.full(SPEECH_FRAME_SAMPLES * 2, 0.5, np.float32)
    stage.send(Speech(samples=loud, start_sample=0, segment_id=1))
    stage.run(0.6)
    stage.send(Speech(samples=loud, start_sample=len(loud), segment_id=1, fin=True))
    stage.run(0.6)
    played = stage.played()
    spoken = np.flatnonzero(played)
    inside = played[spoken[0] + 10 : spoken[-1]]
    assert inside.min() == 0.0
    assert np.abs(np.diff(inside)).max() < 0.01


def test_a_stalled_process_breaks_speech_but_skips_none_of_it() -> None:
    stage = Stage()
    stage.run(0.1)
    stage.send(speech(1, 0, SPEECH_FRAME_SAMPLES * 20, fin=True))
    stage.run(0.3)
    stage.now_s += 0.5
    stage.run(2.0)
    played = stage.played()
    spoken = np.round(played[played > 0] * 1e6).astype(int)
    assert spoken.max() == SPEECH_FRAME_SAMPLES * 20
    assert len(np.unique(spoken)) >= SPEECH_FRAME_SAMPLES * 20 - 121
    assert stage.engine.underruns == 1
    last = stage.clocks()[-1]
    assert last.stage_s == pytest.approx(last.mono_ns * 1e-9 - 100.0, abs=1e-6)


def test_what_was_played_in_a_stall_is_told_whole_and_in_small_messages(stage: Stage) -> None:
    stage.run(0.5)
    stage.now_s += 3.0
    told = [message for port, message in stage.run(TICK_S) if port == "played" and isinstance(message, AudioChunk)]
    assert sum(len(message.samples) for message in told) == pytest.approx(3.0 * SPEECH_HZ, abs=0.05 * SPEECH_HZ)
    assert all(a.start_sample + len(a.samples) == b.start_sample for a, b in pairwise(told))
    assert max(message.samples.nbytes for message in told) < 32_768


def test_ducking_lowers_the_voice_by_24_db_within_60_ms_without_a_step() -> None:
    stage = Stage()
    stage.run(0.1)
    stage.send(Speech(samples=np.full(SPEECH_FRAME_SAMPLES * 30, 0.5, np.float32), start_sample=0, segment_id=1))
    stage.run(0.5)
    at = len(stage.played())
    stage.send(Interrupt(action="duck", segment_id=1))
    stage.run(0.3)
    played = stage.played()
    assert played[at] == pytest.approx(0.5, abs=0.01)
    assert 20 * np.log10(played[at + round(0.06 * SPEECH_HZ)] / 0.5) == pytest.approx(-24.0, abs=0.1)
    assert np.abs(np.diff(played[at - 100 :])).max() < 0.002
    stage.send(Interrupt(action="resume", segment_id=1))
    stage.run(0.3)
    assert stage.played()[-1] == pytest.approx(0.5)


def test_a_given_up_turn_fades_out_is_told_and_never_comes_back(stage: Stage) -> None:
    stage.send(speech(4, 0, SPEECH_FRAME_SAMPLES * 20, **words("one", "two", "three", "four", "five")))
    stage.run(0.62)  # 0.12 s lead, 0.5 s of speech: two words
    at = len(stage.played())
    final, after = (message for _, message in stage.send(Interrupt(action="commit", segment_id=4)))
    assert isinstance(final, Clock)
    assert isinstance(after, Clock)
    assert (final.segment_id, final.fin, final.heard_char) == (4, True, len("one two"))
    assert final.heard_sample == pytest.approx(0.53 * SPEECH_HZ, abs=SPEECH_HZ * 0.025)
    assert after.segment_id == 0
    assert stage.send(speech(4, SPEECH_FRAME_SAMPLES * 20, SPEECH_FRAME_SAMPLES)) == []
    assert stage.send(speech(2, 0, SPEECH_FRAME_SAMPLES)) == []
    stage.run(0.5)
    assert not stage.played()[at + round(0.035 * SPEECH_HZ) :].any()


def test_what_was_said_while_ducked_does_not_count_as_heard_when_the_turn_is_given_up(stage: Stage) -> None:
    stage.send(speech(4, 0, SPEECH_FRAME_SAMPLES * 20, **words("one", "two", "three", "four", "five")))
    stage.run(0.56)
    stage.send(Interrupt(action="duck", segment_id=4))
    stage.run(0.4)
    final = stage.send(Interrupt(action="commit", segment_id=4))[0][1]
    assert isinstance(final, Clock)
    assert final.heard_char == len("one two")


def test_a_turn_that_was_given_up_by_mistake_goes_on_from_the_word_that_was_cut(stage: Stage) -> None:
    stage.send(speech(4, 0, SPEECH_FRAME_SAMPLES * 20, **words("one", "two", "three", "four", "five")))
    stage.run(0.62)
    stage.send(Interrupt(action="commit", segment_id=4))
    stage.run(1.0)
    at = len(stage.played())
    stage.send(Interrupt(action="resume", segment_id=4))
    stage.run(3.0)
    again = stage.played()[at:]
    sounding = again[again > 0]
    assert round(sounding[-1] * 1e6) == SPEECH_FRAME_SAMPLES * 20
    first = round(0.4 * SPEECH_HZ)  # "three" begins where "two" ends
    faded = round(0.08 * SPEECH_HZ)
    assert sounding[faded] == pytest.approx((first + faded + 1) * 1e-6, abs=3e-6)
    assert np.abs(np.diff(sounding)).max() < 2e-5
    assert (stage.clocks()[-2].segment_id, [clock.heard_char for clock in stage.clocks() if clock.fin][-1]) == (0, 23)


def test_only_the_turn_that_was_given_up_last_can_go_on(stage: Stage) -> None:
    stage.send(speech(4, 0, SPEECH_FRAME_SAMPLES * 20))
    stage.run(0.5)
    stage.send(Interrupt(action="commit", segment_id=4))
    assert stage.send(Interrupt(action="resume", segment_id=3)) == []
    stage.run(0.2)
    stage.send(speech(5, 0, SPEECH_FRAME_SAMPLES * 20))
    stage.run(0.3)
    stage.send(Interrupt(action="resume", segment_id=4))
    stage.run(0.1)
    assert stage.clocks()[-1].segment_id == 5


def test_a_newer_turn_replaces_an_older_one(stage: Stage) -> None:
    stage.send(speech(1, 0, SPEECH_FRAME_SAMPLES * 20))
    stage.run(0.5)
    steady = np.full(SPEECH_FRAME_SAMPLES, 0.25, np.float32)
    out = stage.send(Speech(samples=steady, start_sample=0, segment_id=2, fin=True))
    assert [(m.segment_id, m.fin) for _, m in out] == [(1, True), (2, False)]
    at = len(stage.played())
    stage.run(0.4)
    later = stage.played()[at + round(0.03 * SPEECH_HZ) :]
    assert (later == 0.25).sum() == SPEECH_FRAME_SAMPLES
    assert not ((later > 0) & (later < 0.001)).any()


def test_a_turn_without_sound_ends(stage: Stage) -> None:
    stage.send(Speech(samples=np.zeros(0, np.float32), start_sample=0, segment_id=5, fin=True))
    stage.run(0.3)
    assert [clock.segment_id for clock in stage.clocks() if clock.fin] == [5]
    assert stage.clocks()[-1].segment_id == 0


def test_speech_that_never_came_becomes_silence_and_is_logged(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    stage.send(speech(1, 0, SPEECH_FRAME_SAMPLES))
    stage.send(speech(1, 2 * SPEECH_FRAME_SAMPLES, SPEECH_FRAME_SAMPLES, fin=True))
    assert "never came" in caplog.text
    stage.run(0.6)
    spoken = np.round(stage.played()[stage.played() > 0] * 1e6).astype(int)
    assert spoken.max() == 3 * SPEECH_FRAME_SAMPLES


def test_speech_an_hour_into_a_turn_is_refused(stage: Stage) -> None:
    stage.send(speech(1, 0, SPEECH_FRAME_SAMPLES))
    with pytest.raises(ContractError, match="beyond an hour"):
        stage.send(speech(1, 90_000_000 // SPEECH_FRAME_SAMPLES * SPEECH_FRAME_SAMPLES, SPEECH_FRAME_SAMPLES))


def test_speech_before_the_first_tick_is_kept() -> None:
    stage = Stage()
    assert stage.send(speech(1, 0, SPEECH_FRAME_SAMPLES, fin=True)) == []
    stage.run(0.5)
    assert stage.played().max() == pytest.approx(SPEECH_FRAME_SAMPLES * 1e-6, rel=1e-5)


def test_volume_applies() -> None:
    stage = Stage(volume_db=-20.0)
    stage.run(0.1)
    stage.send(Speech(samples=np.full(SPEECH_FRAME_SAMPLES, 0.5, np.float32), start_sample=0, segment_id=1, fin=True))
    stage.run(0.4)
    assert stage.played().max() == pytest.approx(0.05)


def test_a_restart_begins_a_newer_epoch() -> None:
    first, second = Stage(), Stage()
    second.now_s += 1.0
    first.run(0.1)
    second.run(0.1)
    assert second.clocks()[0].epoch > first.clocks()[0].epoch


def test_a_successor_goes_on_in_the_same_epoch_where_the_sentence_stands() -> None:
    old = Stage()
    old.run(0.1)
    old.send(speech(1, 0, SPEECH_FRAME_SAMPLES * 10, fin=True))
    old.run(0.4)
    old.engine.close()
    state = old.engine.export_state()
    new = Stage()
    new.engine.import_state(state)
    new.now_s = old.now_s + 0.2
    new.run(1.0)
    assert new.clocks()[0].epoch == old.clocks()[0].epoch
    for clock in new.clocks():
        assert clock.stage_s == pytest.approx(clock.mono_ns * 1e-9 - 100.0, abs=1e-6)
    both = np.concatenate([old.played(), new.played()])
    spoken = np.round(both[both > 0] * 1e6).astype(int)
    missing = set(range(1, SPEECH_FRAME_SAMPLES * 10 + 1)) - set(spoken.tolist())
    assert len(missing) < 150  # the 5 ms that fade in after the gap are no whole numbers


def test_the_node_runs_in_the_loop_on_its_ports() -> None:
    engine: SpeakerEngine = build_engine(SpeakerConfig(device="null"))
    script = [("speech", speech(1, 0, SPEECH_FRAME_SAMPLES * 5, fin=True), 0.2)]
    transport = run_engine(engine, MANIFEST, script, run_s=1.5)
    clocks = [message for message in transport.messages("clock") if isinstance(message, Clock)]
    assert {clock.segment_id for clock in clocks} == {0, 1}
    played = sum(len(message.samples) for message in transport.messages("played") if isinstance(message, AudioChunk))
    assert played == pytest.approx(1.5 * SPEECH_HZ, abs=SPEECH_HZ * 0.05)
    assert not [line for level, line in transport.logged if level == "error"]
