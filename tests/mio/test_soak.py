import csv
import wave
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from mio.contracts.messages import Clock, Tick, VideoFrame
from mio.paths import share
from mio.soak.accelerated import run_hours
from mio.soak.probe import COLUMNS, ProbeEngine
from mio.soak.questions import write_questions
from mio.soak.samples import read_columns
from mio.soak.verdict import (
    certain_growth,
    drift_ms_per_hour,
    gained,
    growth,
    judge_nodes,
    judge_stream,
    memory_verdict,
)

MINUTE = 60.0


def nodes(minutes: float, **shapes: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    times = np.arange(0.0, minutes * MINUTE, 2.0)
    flat = {name: np.full(len(times), 100.0) for name in ("memory_mb", "handles", "threads", "shared_mb")}
    return times, {**flat, **{name: shape[: len(times)] for name, shape in shapes.items()}}


def failing(verdicts: list) -> list[str]:
    return [verdict.name for verdict in verdicts if not verdict.holds]


def test_a_run_that_holds_steady_passes():
    assert failing(judge_nodes(*nodes(30))) == []


def test_growth_during_warm_up_is_forgiven_and_later_growth_is_not():
    ramp = np.minimum(np.arange(900.0), 140.0)
    assert failing(judge_nodes(*nodes(30, memory_mb=500 + ramp))) == []
    leak = 500 + 0.02 * np.arange(900.0)
    assert failing(judge_nodes(*nodes(30, memory_mb=leak))) == ["memory growth %"]


def test_memory_that_comes_and_goes_is_no_growth_and_what_stays_is():
    rng = np.random.default_rng(1)
    busy = 1_000 + rng.normal(0, 3.0, 900) + np.where(rng.uniform(size=900) < 0.05, 80.0, 0.0)
    assert failing(judge_nodes(*nodes(30, memory_mb=busy))) == []
    stepped = busy + np.where(np.arange(900) > 500, 15.0, 0.0)
    assert failing(judge_nodes(*nodes(30, memory_mb=stepped))) == ["memory growth %"]


def test_growth_is_told_with_its_uncertainty():
    times = np.arange(0.0, 1_500.0, 2.0)
    rng = np.random.default_rng(2)
    inside = 0
    for _ in range(200):
        grown = certain_growth(times, 500 + 0.01 * times + rng.normal(0, 5.0, len(times)))
        inside += abs(grown.rise - 0.01 * times[-1]) <= grown.doubt
    assert 180 <= inside <= 198


def test_a_short_run_with_noise_cannot_promise_that_nothing_grows():
    times = np.arange(0.0, 120.0, 2.0)
    noisy = 1_000 + np.random.default_rng(3).normal(0, 30.0, len(times))
    assert not memory_verdict(times, noisy).holds


def test_leaked_handles_threads_and_shared_memory_are_told():
    steps = np.repeat([10.0, 11.0, 12.0], 300)
    verdicts = judge_nodes(*nodes(30, handles=steps, threads=steps, shared_mb=50 * steps))
    assert failing(verdicts) == ["file handles gained", "threads gained", "shared memory gained MB"]


def test_what_could_not_be_measured_does_not_pass():
    assert len(failing(judge_nodes(np.zeros(0), {name: np.zeros(0) for name in nodes(1)[1]}))) == 4


def test_drift_is_found_in_noise_and_within_one_epoch():
    times = np.arange(0.0, 1_800.0)
    rng = np.random.default_rng(0)
    ahead = times * (20.0 / 3_600) + rng.normal(0, 0.5, len(times))
    assert drift_ms_per_hour(times, ahead, np.ones(len(times))) == pytest.approx(20.0, abs=0.5)
    restarted = np.where(times < 900, 0.0, 5_000.0)
    epochs = np.where(times < 900, 1.0, 2.0)
    assert drift_ms_per_hour(times, restarted, epochs) == pytest.approx(0.0, abs=1e-6)


def test_growth_is_the_rise_of_the_line_and_gain_is_between_the_ends():
    times = np.arange(0.0, 100.0)
    assert growth(times, 3.0 + 0.5 * times) == pytest.approx(49.5)
    assert gained(np.repeat([1.0, 9.0, 4.0], 20)) == 3.0


def test_late_pictures_and_a_drifting_clock_are_told():
    times = np.arange(0.0, 1_800.0)
    good = {
        "late_p50_ms": np.full(1_800, -20.0),
        "interval_p50_ms": np.full(1_800, 33.3),
        "stage_ahead_ms": np.zeros(1_800),
        "epoch": np.ones(1_800),
    }
    assert failing(judge_stream(times, good)) == []
    late = {**good, "late_p50_ms": np.full(1_800, 60.0), "stage_ahead_ms": times * 0.01}
    assert failing(judge_stream(times, late)) == ["stage clock drift ms/h", "picture after its sound p50 ms"]


def test_the_probe_writes_how_early_pictures_are_and_how_the_clock_runs(tmp_path: Path):
    import time

    probe = ProbeEngine(tmp_path / "stream.csv")
    began_ns = time.monotonic_ns()
    for second in range(3):
        mono_ns = began_ns + second * 1_000_000_000
        probe.step("clock", Clock(stage_s=10.0 + second * 1.001, mono_ns=mono_ns, epoch=4))
        for _ in range(2):
            picture = VideoFrame(pixels=np.zeros(12, np.uint8), width=2, height=2, stage_s=10.5 + second)
            probe.step("frame", picture)
        probe.step("tick", Tick(mono_ns=mono_ns))
    probe.close()
    columns = read_columns(tmp_path / "stream.csv")
    assert set(columns) == set(COLUMNS)
    assert columns["frames"].tolist() == [2, 2, 2]
    assert columns["epoch"].tolist() == [4, 4, 4]
    assert columns["stage_ahead_ms"] == pytest.approx([0.0, 1.0, 2.0], abs=0.01)
    assert columns["clock_step_ms"] == pytest.approx([0.0, 1.0, 1.0], abs=0.01)
    assert -501 < columns["late_p50_ms"][0] < -300


def test_a_line_that_is_being_written_is_left_out(tmp_path: Path):
    path = tmp_path / "half.csv"
    path.write_text("a,b\n1,2\n3,4\n5")
    assert read_columns(path)["b"].tolist() == [2.0, 4.0]
    with path.open() as file:
        assert len(list(csv.reader(file))) == 4


def test_questions_lie_where_they_are_said_to_lie(tmp_path: Path):
    asked = write_questions(tmp_path / "track.wav", share("characters", "mara"), 24.0, 12.0, seed=3)
    assert [question.start_s for question in asked] == [0.0, 12.0]
    with wave.open(str(tmp_path / "track.wav")) as track:
        assert track.getframerate() == 16_000
        sound = np.frombuffer(track.readframes(track.getnframes()), "<i2")
    assert len(sound) == 24 * 16_000
    for question in asked:
        spoken = sound[round(question.start_s * 16_000) : round(question.end_s * 16_000)]
        assert np.abs(spoken).max() > 1_000
    assert not sound[round(asked[0].end_s * 16_000) : 12 * 16_000].any()


def test_after_a_day_a_conversation_in_made_up_time_neither_drifts_nor_breaks():
    without_sound = ("listener", "thinker", "talker", "face", "body", "speaker")
    verdicts = run_hours(2 / 60, Console(quiet=True), start_stage_s=86_400.0, nodes=without_sound)
    of = {verdict.name: verdict for verdict in verdicts}
    for name in (
        "questions without an answer",
        "stage clock drift ms/h",
        "breaks in a stream",
        "lead of face changes ms",
    ):
        assert of[name].holds, of[name]
    assert of["face becomes rougher %"].value < 100
    assert of["state of face: growth %"].holds
