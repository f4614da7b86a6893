import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import av
import msgspec
import numpy as np
import pytest
import soundfile

from mio.audio import read_audio
from mio.contracts.messages import AudioChunk, Clock, Message, Tick, VideoFrame
from mio.contracts.rates import MICROPHONE_HZ, SPEECH_HZ, VIDEO_FPS
from mio.errors import MioError
from mio.runtime.testing import run_engine, steps, tick
from nodes.io.recorder.config import RecorderConfig
from nodes.io.recorder.engine import RecorderEngine, build_engine
from nodes.io.recorder.file_time import FileTime
from nodes.io.recorder.movie import RecordingError

MANIFEST = Path("nodes/io/recorder/dora-node.yml")
SIZE = 64
EVENTS_S = (0.5, 1.5, 2.5)


def picture(stage_s: float, level: int = 0, size: tuple[int, int] = (SIZE, SIZE), sent_ns: int = 0) -> VideoFrame:
    count = size[0] * size[1] * 3
    noise = np.random.default_rng(round(stage_s * 1000) if 0 <= stage_s < 1e9 else 0).integers(-8, 9, count)
    pixels = np.clip(level + noise, 0, 255).astype(np.uint8)
    return VideoFrame(pixels=pixels, width=size[0], height=size[1], stage_s=stage_s, sent_ns=sent_ns)


def opened(config: RecorderConfig) -> RecorderEngine:
    engine = build_engine(config)
    engine.open()
    return engine


class Take:
    """A recording in fake time: 30 pictures a second, 20 ms of each voice, events as flash and click.

    Attributes:
        stage_s: Stage time of the recording's first picture.
        drift: How much faster than ``CLOCK_MONOTONIC`` stage time runs.
        jitter_s: Error of the times at which the user's chunks say they were captured.
    """

    def __init__(self, path: Path, **config: object) -> None:
        self.engine = opened(RecorderConfig(path=path, **config))  # type: ignore[arg-type]
        self.stage_s = 7.0
        self.drift = 0.0
        self.now_s = 0.0
        self.jitter_s = 0.0
        self.skip: set[int] = set()
        self.late_s = 0.0
        self.voices_late_s = 0.0
        self.random = np.random.default_rng(1)
        self._next = {"picture": 0, "user": 0, "avatar": 0}

    def mono_s(self, file_s: float) -> float:
        return 1_000.0 + file_s / (1.0 + self.drift)

    def send(self, port: str, message: Message) -> None:
        steps(self.engine, port, msgspec.structs.replace(message, sent_ns=round(self.mono_s(self.now_s) * 1e9)))

    def run(self, until_s: float, step_s: float = 0.01) -> None:
        for step in range(round(until_s / step_s)):
            now_s = self.now_s = step * step_s
            if step % 4 == 0:
                stage_s = self.stage_s + now_s
                mono_ns = round(self.mono_s(now_s) * 1e9)
                self.send("clock", Clock(stage_s=stage_s, mono_ns=mono_ns, rate=1.0 + self.drift))
            self._pictures(now_s + 0.05 - self.late_s)
            self._voices(now_s - min(self.voices_late_s, 0.7 * now_s))
            if step % 5 == 0:
                tick(self.engine, self.mono_s(now_s))

    def _pictures(self, until_s: float) -> None:
        while self._next["picture"] / VIDEO_FPS <= until_s:
            index = self._next["picture"]
            level = 255 if any(round(event * VIDEO_FPS) == index for event in EVENTS_S) else 16
            if index not in self.skip:
                self.send("frame", picture(self.stage_s + index / VIDEO_FPS, level))
            self._next["picture"] += 1

    def _voices(self, until_s: float) -> None:
        while (self._next["user"] + 1) * 0.02 <= until_s:
            at_s = self._next["user"] * 0.02
            origin_s = self.mono_s(at_s) + self.random.uniform(-1, 1) * self.jitter_s
            samples = clicks(at_s, 0.02, MICROPHONE_HZ)
            self.send("user_audio", AudioChunk(samples=samples, origin_ns=round(origin_s * 1e9)))
            self._next["user"] += 1
        while (self._next["avatar"] + 1) * 0.02 <= until_s:
            at_s = self._next["avatar"] * 0.02
            samples = clicks(at_s, 0.02, SPEECH_HZ)
            start = round((self.stage_s + at_s) * SPEECH_HZ)
            self.send("avatar_audio", AudioChunk(samples=samples, sample_rate=SPEECH_HZ, start_sample=start))
            self._next["avatar"] += 1


def clicks(start_s: float, length_s: float, rate: int) -> np.ndarray:
    """A 5 ms tone at each event."""
    at = start_s + np.arange(round(length_s * rate)) / rate
    out = np.zeros(len(at), np.float32)
    for event in EVENTS_S:
        inside = (at > event - 1e-9) & (at < event + 0.005)
        out[inside] = 0.4 * np.cos(2 * np.pi * 1000 * (at[inside] - event))
    return out


def decoded(path: Path) -> tuple[list[float], float, np.ndarray]:
    """Times of bright pictures, number of pictures, and the sound from time 0."""
    with av.open(str(path)) as container:
        frames = [(float(f.pts * f.time_base), f.to_ndarray(format="gray").mean()) for f in container.decode(video=0)]
    with av.open(str(path)) as container:
        blocks = list(container.decode(audio=0))
    sound = np.concatenate([block.to_ndarray()[0] for block in blocks])
    assert blocks[0].pts == 0
    return [at for at, level in frames if level > 200], len(frames), sound


def onsets(sound: np.ndarray, rate: int = 48_000) -> list[float]:
    loud = np.flatnonzero(np.abs(sound) > 0.25)
    first = [i for n, i in enumerate(loud) if n == 0 or i - loud[n - 1] > rate // 10]
    return [i / rate for i in first]


def test_picture_and_both_voices_are_in_sync_in_the_decoded_file(tmp_path: Path) -> None:
    take = Take(tmp_path / "a.mp4", stems=True)
    take.run(3.0)
    take.engine.close()
    flashes, _, sound = decoded(tmp_path / "a.mp4")
    assert flashes == pytest.approx(EVENTS_S, abs=1e-6)
    assert onsets(sound) == pytest.approx(EVENTS_S, abs=0.002)
    for voice in ("user", "avatar"):
        samples, rate = soundfile.read(tmp_path / f"a.{voice}.wav")
        assert onsets(samples, rate) == pytest.approx(EVENTS_S, abs=0.0005)


def test_a_drifting_jittering_microphone_stays_in_sync_without_clicks(tmp_path: Path) -> None:
    take = Take(tmp_path / "a.mp4", stems=True)
    take.drift, take.jitter_s = 200e-6, 0.003
    take.run(3.0)
    take.engine.close()
    samples, rate = soundfile.read(tmp_path / "a.user.wav")
    assert onsets(samples, rate) == pytest.approx(EVENTS_S, abs=0.003)
    assert json.loads((tmp_path / "a.json").read_text())["sound"]["user"]["breaks"] == 0


def test_a_steady_tone_of_a_drifting_device_has_no_click() -> None:
    from nodes.io.recorder.soundtrack import SOUND_HZ, Track

    track, out = Track(0.0), []
    random = np.random.default_rng(2)
    for chunk in range(1_000):
        at = (chunk * 320 + np.arange(320)) / 16_000
        late_s = random.uniform(-0.001, 0.001)
        track.add(np.sin(2 * np.pi * 300 * at).astype(np.float32), 16_000, at[0] * 1.0001 + late_s, at[0])
        if chunk > 5:
            out.append(track.read((chunk - 5) * 960, 960))
    sound = np.concatenate(out)[SOUND_HZ:]
    steepest = 2 * np.pi * 300 / SOUND_HZ
    assert np.abs(np.diff(sound)).max() < steepest * 1.01


def test_the_file_plays_in_browsers(tmp_path: Path) -> None:
    take = Take(tmp_path / "a.mp4")
    take.run(1.0)
    take.engine.close()
    data = (tmp_path / "a.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    assert b"moof" not in data
    with av.open(str(tmp_path / "a.mp4")) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert (video.codec_context.name, video.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert video.average_rate == VIDEO_FPS
        assert (audio.codec_context.name, audio.rate) == ("aac", 48_000)
        assert float(audio.duration * audio.time_base) == pytest.approx(video.frames / VIDEO_FPS, abs=0.03)


def test_missing_pictures_repeat_the_one_before(tmp_path: Path) -> None:
    take = Take(tmp_path / "a.mp4")
    take.skip = {20, 21, 22, 50}
    take.run(2.0)
    take.engine.close()
    flashes, count, _ = decoded(tmp_path / "a.mp4")
    report = json.loads((tmp_path / "a.json").read_text())
    assert report["missing"] == 4
    assert count == report["frames"] + 4
    assert flashes == pytest.approx(EVENTS_S[:2], abs=1e-6)


def test_a_slow_renderer_drops_pictures_and_not_a_sample_of_the_sound(tmp_path: Path) -> None:
    fast, slow = Take(tmp_path / "fast.mp4", stems=True), Take(tmp_path / "slow.mp4", stems=True)
    slow.skip, slow.late_s = {index for index in range(200) if index % 6}, 0.3
    for take in (fast, slow):
        take.run(4.0)
        take.engine.close()
    reports = [json.loads((tmp_path / f"{name}.json").read_text()) for name in ("fast", "slow")]
    assert reports[0]["missing"] < 5
    assert reports[1]["missing"] > 60
    for track in ("avatar.wav", "user.wav", "mp4"):
        sounds = [read_audio(tmp_path / f"{name}.{track}", 48_000) for name in ("fast", "slow")]
        length = min(map(len, sounds))
        assert length > 3.0 * 48_000
        assert np.abs(sounds[0]).max() > 0.2
        np.testing.assert_array_equal(sounds[0][:length], sounds[1][:length])


def test_when_pictures_stop_the_sound_goes_on(tmp_path: Path) -> None:
    take = Take(tmp_path / "a.mp4")
    take.skip = set(range(10, 1_000))
    take.run(3.0)
    take.engine.close()
    _, count, sound = decoded(tmp_path / "a.mp4")
    assert count / VIDEO_FPS == pytest.approx(3.0, abs=0.1)
    assert onsets(sound) == pytest.approx(EVENTS_S, abs=0.003)


class RecordedSteps:
    """Stands in for an engine and keeps what it would have been stepped with, ticks apart."""

    def __init__(self, kept: list[tuple[str, Message]]) -> None:
        self._kept = kept

    def step(self, port: str, message: Message) -> tuple[()]:
        if not isinstance(message, Tick):
            self._kept.append((port, message))
        return ()


def test_a_recorder_that_gets_its_messages_seconds_late_loses_none(tmp_path: Path) -> None:
    take = Take(tmp_path / "a.mp4")
    waiting: list[tuple[str, Message]] = []
    engine, take.engine = take.engine, RecordedSteps(waiting)  # type: ignore[assignment]
    take.run(3.0)
    for number, (port, message) in enumerate(waiting):
        steps(engine, port, message)
        if number % 10 == 0:
            tick(engine, take.mono_s(6.0 + number * 0.001))
    engine.close()
    flashes, _, sound = decoded(tmp_path / "a.mp4")
    assert flashes == pytest.approx([event for event in EVENTS_S if event < 2.9], abs=1e-6)
    assert onsets(sound) == pytest.approx([event for event in EVENTS_S if event < 2.9], abs=0.003)
    assert json.loads((tmp_path / "a.json").read_text())["missing"] == 0


def test_sound_that_waits_for_seconds_behind_pictures_is_not_lost(tmp_path: Path) -> None:
    take = Take(tmp_path / "a.mp4")
    take.voices_late_s = 3.0
    take.run(6.5)
    take.engine.close()
    _, _, sound = decoded(tmp_path / "a.mp4")
    assert onsets(sound) == pytest.approx(EVENTS_S, abs=0.003)
    figures = json.loads((tmp_path / "a.json").read_text())["sound"]
    assert all(voice["late_samples"] == 0 and voice["samples"] > 0 for voice in figures.values())


def test_doubled_past_and_absurd_pictures_are_dropped_and_counted(tmp_path: Path) -> None:
    take = Take(tmp_path / "a.mp4")
    take.run(1.0)
    for stage_s in (take.stage_s + 0.2, take.stage_s + 0.2, float("nan"), 1e12, -50.0):
        take.send("frame", picture(stage_s))
    take.engine.close()
    assert json.loads((tmp_path / "a.json").read_text())["dropped"] == 5


def test_late_pictures_are_counted_by_when_they_were_sent(tmp_path: Path) -> None:
    engine = opened(RecorderConfig(path=tmp_path / "a.mp4"))
    steps(engine, "clock", Clock(stage_s=0.0, mono_ns=0))
    for index in range(10):
        lead_s = -0.05 if index == 4 else 0.02
        sent_ns = round((index / VIDEO_FPS - lead_s + 1.0) * 1e9)
        steps(engine, "frame", picture(1.0 + index / VIDEO_FPS, sent_ns=sent_ns))
    engine.close()
    report = json.loads((tmp_path / "a.json").read_text())
    assert report["late"] == 1
    assert report["lead_ms"]["p50"] == pytest.approx(20.0, abs=0.1)
    assert report["lead_ms"]["min"] == pytest.approx(-50.0, abs=0.1)
    assert report["first_mono_ns"] == pytest.approx(1e9)


def test_odd_sizes_lose_a_line_and_other_sizes_are_scaled(tmp_path: Path) -> None:
    engine = opened(RecorderConfig(path=tmp_path / "a.mp4"))
    steps(engine, "clock", Clock(stage_s=0.0, mono_ns=0))
    for index, size in enumerate([(65, 63), (65, 63), (128, 30), (64, 62)]):
        steps(engine, "frame", picture(index / VIDEO_FPS, 200, size))
    engine.close()
    with av.open(str(tmp_path / "a.mp4")) as container:
        shapes = [frame.to_ndarray(format="rgb24").shape for frame in container.decode(video=0)]
    assert shapes == [(62, 64, 3)] * 4


def test_colours_survive(tmp_path: Path) -> None:
    engine = opened(RecorderConfig(path=tmp_path / "a.mp4", crf=10))
    steps(engine, "clock", Clock(stage_s=0.0, mono_ns=0))
    colour = np.array([200, 90, 40], np.uint8)
    pixels = np.tile(colour, SIZE * SIZE)
    for index in range(5):
        steps(engine, "frame", VideoFrame(pixels=pixels, width=SIZE, height=SIZE, stage_s=index / VIDEO_FPS))
    engine.close()
    with av.open(str(tmp_path / "a.mp4")) as container:
        last = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)][-1]
    np.testing.assert_allclose(last[20, 20], colour, atol=5)


def test_a_restarted_speaker_does_not_move_the_recording(tmp_path: Path) -> None:
    time = FileTime()
    time.update(Clock(stage_s=100.0, mono_ns=0, epoch=1))
    time.start(100.0)
    time.update(Clock(stage_s=0.0, mono_ns=5_000_000_000, epoch=2))
    now_ns = 6_000_000_000
    assert time.at(now_ns) == pytest.approx(6.0)
    assert time.of(1.0, now_ns) == pytest.approx(6.0)
    assert time.of(106.0, now_ns) == pytest.approx(6.0)  # a picture that still has the old epoch's time


def test_an_existing_file_is_kept_unless_told_otherwise(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"precious")
    second = Take(path)
    second.run(0.2)
    second.engine.close()
    assert path.read_bytes() == b"precious"
    assert (tmp_path / "a-2.mp4").stat().st_size > 1_000
    assert (tmp_path / "a-2.json").exists()
    third = Take(path, overwrite=True)
    third.run(0.2)
    third.engine.close()
    assert path.stat().st_size > 1_000


def test_a_folder_is_made_and_an_impossible_one_is_one_clear_error(tmp_path: Path) -> None:
    engine = opened(RecorderConfig(path=tmp_path / "x" / "y" / "a.mp4"))
    engine.close()
    (tmp_path / "file").write_text("")
    with pytest.raises(MioError, match="set 'path:' to a writable folder"):
        opened(RecorderConfig(path=tmp_path / "file" / "a.mp4"))
    with pytest.raises(MioError, match=r"end the path with \.mp4"):
        opened(RecorderConfig(path=tmp_path / "a.avi"))


def test_an_impossible_place_is_found_before_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (problem,) = RecorderConfig(path=tmp_path / "file" / "deep" / "a.mp4").check()
    assert "is no folder" in problem.problem
    assert "set 'path:'" in problem.remedy
    (problem,) = RecorderConfig(path=tmp_path / "a.mkv").check()
    assert problem.remedy == "end the path with .mp4"
    assert not list(RecorderConfig(path=tmp_path / "new" / "folder" / "a.mp4").check())
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_successor_goes_on_in_the_next_file_and_both_play(tmp_path: Path, overwrite: bool) -> None:
    (tmp_path / "a-2.mp4").write_bytes(b"old")
    config = {"overwrite": overwrite, "stems": True}
    old = Take(tmp_path / "a.mp4", **config)
    old.run(1.0)
    old.engine.close()
    state = old.engine.export_state()
    new = Take(tmp_path / "b.mp4", **config)
    new.engine.close()
    new.engine = build_engine(RecorderConfig(path=tmp_path / "a.mp4", **config))  # type: ignore[arg-type]
    new.engine.import_state(state)
    new.engine.open()
    new.run(1.0)
    new.engine.close()
    next_path = tmp_path / ("a-2.mp4" if overwrite else "a-3.mp4")
    for path in (tmp_path / "a.mp4", next_path):
        flashes, count, _ = decoded(path)
        assert count >= VIDEO_FPS
        assert flashes == pytest.approx(EVENTS_S[:1], abs=1e-6)
        assert path.with_suffix(".user.wav").exists()
    assert (tmp_path / "a-2.mp4").read_bytes() != b"old" or not overwrite


def test_a_recorder_that_is_opened_again_begins_another_file(tmp_path: Path) -> None:
    take = Take(tmp_path / "a.mp4")
    take.run(1.0)
    take.engine.close()
    take.engine.open()
    take._next = {"picture": 0, "user": 0, "avatar": 0}
    take.run(1.0)
    take.engine.close()
    assert decoded(tmp_path / "a.mp4")[1] == decoded(tmp_path / "a-2.mp4")[1]


def test_without_a_picture_no_file_is_left(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    engine = opened(RecorderConfig(path=tmp_path / "a.mp4"))
    steps(engine, "user_audio", AudioChunk(samples=np.zeros(320, np.float32)))
    engine.close()
    assert list(tmp_path.iterdir()) == []
    assert "no picture came" in caplog.text


def test_sound_from_just_before_the_first_picture_arrives_is_kept(tmp_path: Path) -> None:
    engine = opened(RecorderConfig(path=tmp_path / "a.mp4", stems=True))
    steps(engine, "clock", Clock(stage_s=0.0, mono_ns=0))
    for chunk in range(50):
        samples = np.full(480, 0.5, np.float32)
        steps(engine, "avatar_audio", AudioChunk(samples=samples, sample_rate=SPEECH_HZ, start_sample=chunk * 480))
    tick(engine, 1.0)
    for index in range(15):
        steps(engine, "frame", picture(0.5 + index / VIDEO_FPS))
    engine.close()
    samples, _ = soundfile.read(tmp_path / "a.avatar.wav")
    assert len(samples) == 24_000
    assert (samples[100:-100] > 0.45).all()


def test_a_missing_voice_does_not_hold_up_the_recording(tmp_path: Path) -> None:
    take = Take(tmp_path / "a.mp4", stems=True)
    take._next["user"] = 10**9
    take.run(3.0)
    assert take.engine._sound.written > 1.5 * 48_000
    take.engine.close()
    assert onsets(decoded(tmp_path / "a.mp4")[2]) == pytest.approx(EVENTS_S, abs=0.002)


def test_loudness_of_the_voices_can_be_set_and_their_sum_does_not_clip(tmp_path: Path) -> None:
    take = Take(tmp_path / "a.mp4", stems=True, user_gain_db=-20.0, avatar_gain_db=6.0)
    take.run(1.0)
    take.engine.close()
    user, _ = soundfile.read(tmp_path / "a.user.wav")
    assert np.abs(user).max() == pytest.approx(0.04, rel=0.2)
    assert np.abs(decoded(tmp_path / "a.mp4")[2]).max() <= 1.1  # AAC overshoots by a little


RECORD = """
    import resource, signal, sys
    from pathlib import Path
    from test_recorder import Take
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    take = Take(Path(sys.argv[1]), crf=1)
    limit = int(sys.argv[2])
    if limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        take.run(2.5)
        print("recorded", flush=True)
        sys.stdin.readline()
    except Exception as error:
        print(type(error).__name__, error, flush=True)
    take.run(0.1)
    take.engine.close()
    print("closed", flush=True)
"""


def record_apart(path: Path, limit: int = 0) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": f"{Path(__file__).parent}{os.pathsep}{Path.cwd()}"}
    command = [sys.executable, "-c", textwrap.dedent(RECORD), str(path), str(limit)]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )


def test_a_killed_recorder_loses_at_most_the_last_second(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    process = record_apart(path)
    assert process.stdout is not None
    assert process.stdout.readline() == "recorded\n"
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=120)
    flashes, count, sound = decoded(path)
    assert count / VIDEO_FPS > 1.5
    assert len(sound) / 48_000 > 1.5
    assert flashes[:2] == pytest.approx(EVENTS_S[:2], abs=1e-6)
    assert onsets(sound)[:2] == pytest.approx(EVENTS_S[:2], abs=0.002)


def test_a_full_disk_is_one_error_and_what_was_recorded_plays(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    output, errors = record_apart(path, limit=100_000).communicate(timeout=180)
    lines = output.splitlines()
    assert lines[0].startswith("RecordingError")
    assert "recording has stopped" in lines[0]
    assert "free some space" in lines[0]
    assert lines[1:] == ["closed"]
    assert "Traceback" not in errors
    _, count, _ = decoded(path)
    assert count >= VIDEO_FPS // 2
    report = json.loads((tmp_path / "a.json").read_text())
    assert not report["finished"]
    assert "recording has stopped" in report["problem"]


def test_the_loop_goes_on_when_the_disk_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine: RecorderEngine = build_engine(RecorderConfig(path=tmp_path / "a.mp4"))

    def full(*_: object) -> None:
        raise RecordingError("a.mp4: recording has stopped: No space left on device", "free some space")

    monkeypatch.setattr("nodes.io.recorder.movie.Movie.add_picture", full)
    clock = Clock(stage_s=0.0, mono_ns=0)
    script = [("clock", clock), *(("frame", picture(i / VIDEO_FPS), i / VIDEO_FPS) for i in range(30))]
    transport = run_engine(engine, MANIFEST, script, run_s=1.5)
    errors = [text for level, text in transport.logged if level == "error"]
    assert len(errors) == 1
    assert "No space left" in errors[0]


def test_the_node_runs_in_the_loop_on_its_ports(tmp_path: Path) -> None:
    engine = build_engine(RecorderConfig(path=tmp_path / "a.mp4"))
    script: list[object] = [("clock", Clock(stage_s=0.0, mono_ns=0))]
    for index in range(30):
        at_s = index / VIDEO_FPS
        script.append(("frame", picture(at_s), at_s))
        script.append(("user_audio", AudioChunk(samples=np.zeros(533, np.float32), origin_ns=round(at_s * 1e9)), at_s))
    transport = run_engine(engine, MANIFEST, script, run_s=1.2)  # type: ignore[arg-type]
    assert not transport.logged
    assert decoded(tmp_path / "a.mp4")[1] >= 30
