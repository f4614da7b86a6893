import builtins
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mio.audio import write_wav
from mio.contracts.messages import AudioChunk, Clock
from mio.contracts.rates import MICROPHONE_HZ, SPEECH_HZ
from mio.errors import MioError
from mio.measure.room import RoomSettings
from mio.runtime.testing import steps, tick
from nodes.io.microphone.config import EchoConfig, Line, MicrophoneConfig, SimulatedRoom
from nodes.io.microphone.echo import FRAME_SAMPLES, EchoCanceller, ReferenceReader, WebRtc
from nodes.io.microphone.engine import build_engine
from nodes.io.microphone.stage_sound import StageSound

START_S = 100.0
REPORT = SPEECH_HZ // 25


def speech_like(seconds: float, seed: int = 0) -> np.ndarray:
    """Noise bursts of syllable length, at the speaker's rate."""
    count = round(seconds * SPEECH_HZ)
    spectrum = np.fft.rfft(np.random.default_rng(seed).normal(size=count))
    spectrum *= np.exp(-((np.fft.rfftfreq(count, 1 / SPEECH_HZ) / 2_500) ** 2))
    envelope = np.clip(np.sin(2 * np.pi * 4.0 * np.arange(count) / SPEECH_HZ), 0.0, 1.0)
    sound = np.fft.irfft(spectrum, count) * envelope
    return (0.3 * sound / np.abs(sound).max()).astype(np.float32)


class Stage:
    """A speaker and a microphone engine in one fake time: the speaker reports every 40 ms."""

    def __init__(self, config: MicrophoneConfig, played: np.ndarray, *, rate: float = 1.0, late_s: float = 0.0) -> None:
        self.engine = build_engine(config)
        self.engine.open()
        self.played, self.rate, self.late_s = played, rate, late_s
        self.now_s = START_S
        self.told = 0
        self.speaking_to_s = len(played) / SPEECH_HZ
        self.epoch = 0
        self.sent: list[AudioChunk] = []
        self.latest_s: list[float] = []

    def run(self, seconds: float) -> np.ndarray:
        begin = len(self.sent)
        for _ in range(round(seconds * 100)):
            self.now_s += 0.01
            self._tell()
            for _, message in tick(self.engine, self.now_s):
                assert isinstance(message, AudioChunk)
                self.sent.append(message)
                self.latest_s.append(self.now_s - message.origin_ns * 1e-9 - len(message.samples) / MICROPHONE_HZ)
        assert all(a.start_sample + 640 == b.start_sample for a, b in zip(self.sent, self.sent[1:], strict=False))
        return np.concatenate([chunk.samples for chunk in self.sent[begin:]])

    def _tell(self) -> None:
        stage_s = (self.now_s - START_S) * self.rate
        while (self.told + REPORT) / SPEECH_HZ <= stage_s - self.late_s:
            chunk = self.played[self.told : self.told + REPORT]
            chunk = np.pad(chunk, (0, REPORT - len(chunk)))
            steps(self.engine, "reference", AudioChunk(samples=chunk, sample_rate=SPEECH_HZ, start_sample=self.told))
            self.told += REPORT
            speaking = stage_s < self.speaking_to_s
            clock = Clock(
                stage_s=stage_s,
                mono_ns=round(self.now_s * 1e9),
                rate=self.rate,
                epoch=self.epoch,
                segment_id=1 if speaking else 0,
                heard_sample=round(stage_s * SPEECH_HZ),
            )
            steps(self.engine, "clock", clock)


def in_room(engine: str = "auto", lines: list[Line] | None = None, **acoustics: Any) -> MicrophoneConfig:
    settings = {"noise_db": -80.0, **acoustics}
    room = SimulatedRoom(acoustics=RoomSettings(**settings), lines=lines or [])
    return MicrophoneConfig(device="null", echo=EchoConfig(engine=engine), room=room)


def level_db(samples: np.ndarray) -> float:
    return float(10 * np.log10(np.square(samples, dtype=np.float64).mean() + 1e-12))


@pytest.mark.parametrize(
    "acoustics",
    [
        {"delay_ms": 20.0},
        {"delay_ms": 200.0, "drift_ppm": 50.0},
        {"delay_ms": 60.0, "drive_db": 6.0, "echo_db": 0.0},
    ],
)
def test_the_avatar_is_not_heard_by_its_own_microphone(acoustics: dict[str, float]) -> None:
    played = speech_like(5.0)
    with_echo = Stage(in_room("off", **acoustics), played).run(5.0)
    without = Stage(in_room("auto", **acoustics), played).run(5.0)
    after = slice(2 * MICROPHONE_HZ, None)
    assert level_db(with_echo[after]) - level_db(without[after]) > 25.0


def test_clocks_of_different_speed_keep_the_reference_in_step() -> None:
    played = speech_like(8.0)
    rate = 1.0003
    with_echo = Stage(in_room("off"), played, rate=rate).run(8.0)
    without = Stage(in_room("auto"), played, rate=rate).run(8.0)
    after = slice(5 * MICROPHONE_HZ, None)
    assert level_db(with_echo[after]) - level_db(without[after]) > 25.0


def test_the_user_is_heard_unchanged_while_the_avatar_is_silent(tmp_path: Path) -> None:
    path = tmp_path / "user.wav"
    voice = speech_like(4.0, seed=1)[:: SPEECH_HZ // 8_000].repeat(2)
    write_wav(path, voice, MICROPHONE_HZ)
    room = SimulatedRoom(acoustics=RoomSettings(noise_db=-80.0))
    heard = {
        engine: Stage(
            MicrophoneConfig(device=str(path), room=room, echo=EchoConfig(engine=engine)), np.zeros(0, np.float32)
        ).run(4.0)
        for engine in ("off", "webrtc")
    }
    assert level_db(heard["off"][16_000:]) == pytest.approx(level_db(heard["webrtc"][16_000:]), abs=1.0)


def test_the_user_is_heard_over_the_avatar(tmp_path: Path) -> None:
    path = tmp_path / "user.wav"
    at = np.arange(MICROPHONE_HZ) / MICROPHONE_HZ
    write_wav(path, (0.1 * np.sin(2 * np.pi * 700 * at)).astype(np.float32), MICROPHONE_HZ)
    config = in_room(lines=[Line(sound=path, when="answer", after_s=4.0)], echo_db=-12.0)
    heard = Stage(config, speech_like(8.0)).run(6.0)
    before = heard[3 * MICROPHONE_HZ : round(3.9 * MICROPHONE_HZ)]
    during = heard[round(4.2 * MICROPHONE_HZ) : round(4.9 * MICROPHONE_HZ)]
    assert level_db(during) - level_db(before) > 20.0


def test_with_headphones_the_user_is_heard_in_the_first_seconds_that_the_avatar_speaks(tmp_path: Path) -> None:
    path = tmp_path / "user.wav"
    at = np.arange(MICROPHONE_HZ) / MICROPHONE_HZ
    write_wav(path, (0.1 * np.sin(2 * np.pi * 700 * at)).astype(np.float32), MICROPHONE_HZ)
    config = in_room(lines=[Line(sound=path, when="answer", after_s=1.5)], echo_db=-60.0)
    heard = Stage(config, speech_like(4.0)).run(3.0)
    during = heard[round(1.7 * MICROPHONE_HZ) : round(2.4 * MICROPHONE_HZ)]
    assert level_db(during) == pytest.approx(level_db(0.1 * np.sin(2 * np.pi * 700 * at)), abs=3.0)


def test_chunks_wait_for_the_reference_only_while_the_avatar_speaks() -> None:
    stage = Stage(in_room(), speech_like(2.0))
    stage.run(2.0)
    speaking = max(stage.latest_s)
    stage.latest_s.clear()
    stage.run(1.0)
    stage.latest_s.clear()
    stage.run(1.0)
    assert speaking <= 0.09
    assert max(stage.latest_s) <= 0.06


def test_a_speaker_that_tells_late_delays_the_microphone_no_more_than_its_patience() -> None:
    stage = Stage(MicrophoneConfig(device="null", echo=EchoConfig(engine="webrtc")), speech_like(3.0), late_s=0.5)
    stage.run(3.0)
    assert max(stage.latest_s) <= 0.12


def test_a_new_speaker_whose_positions_jump_is_followed() -> None:
    stage = Stage(in_room(), speech_like(20.0))
    stage.run(4.0)
    stage.told += 5 * SPEECH_HZ // REPORT * REPORT
    stage.played = np.concatenate([stage.played[: 5 * SPEECH_HZ], stage.played])
    heard = stage.run(6.0)
    assert np.isfinite(heard).all()
    assert len(heard) == pytest.approx(6.0 * MICROPHONE_HZ, abs=MICROPHONE_HZ)


def test_without_a_speaker_sound_passes(tmp_path: Path) -> None:
    engine = build_engine(in_room())
    engine.open()
    sent = [message for i in range(200) for _, message in tick(engine, START_S + i / 100)]
    assert sum(len(chunk.samples) for chunk in sent if isinstance(chunk, AudioChunk)) > 1.8 * MICROPHONE_HZ


def test_a_gap_in_what_was_played_is_silence_and_a_jump_forgets() -> None:
    stage = StageSound()
    stage.tell(Clock(stage_s=0.0, mono_ns=round(START_S * 1e9)))
    ones = np.ones(SPEECH_HZ // 10, np.float32)
    stage.add(AudioChunk(samples=ones, sample_rate=SPEECH_HZ, start_sample=0))
    stage.add(AudioChunk(samples=ones, sample_rate=SPEECH_HZ, start_sample=SPEECH_HZ // 5))
    assert stage.read(stage.position(START_S + 0.05), 100) == pytest.approx(1.0, abs=0.05)
    assert stage.read(stage.position(START_S + 0.14), 100) == pytest.approx(0.0, abs=0.05)
    assert stage.read(stage.position(START_S + 0.25), 100) == pytest.approx(1.0, abs=0.05)
    stage.add(AudioChunk(samples=ones, sample_rate=SPEECH_HZ, start_sample=0))
    assert not stage.read(stage.position(START_S + 0.25), 100).any()


def test_jitter_of_clocks_does_not_shake_the_reference() -> None:
    stage = StageSound()
    samples = np.sin(2 * np.pi * 1_000 * np.arange(2 * SPEECH_HZ) / SPEECH_HZ).astype(np.float32)
    stage.add(AudioChunk(samples=samples, sample_rate=SPEECH_HZ))
    reader = ReferenceReader(stage)
    draw = np.random.default_rng(0)
    read: list[np.ndarray] = []
    for block in range(40):
        at_s = START_S + block / 25
        stage.tell(Clock(stage_s=block / 25 + draw.normal(0.0, 1e-4), mono_ns=round(at_s * 1e9)))
        read.append(reader.next(at_s))
    edges = np.array(
        [b[0] - (2 * np.cos(2 * np.pi / 16) * a[-1] - a[-2]) for a, b in zip(read, read[1:], strict=False)]
    )
    assert np.abs(edges[5:]).max() < 0.1  # read without smoothing, it would be 0.6


class Identity:
    """Leaves sound as it is, and keeps the reference that it was given."""

    def __init__(self) -> None:
        self.references: list[np.ndarray] = []

    def process(self, captured: np.ndarray, reference: np.ndarray) -> np.ndarray:
        self.references.append(reference)
        return captured


def test_the_reference_of_a_frame_is_what_was_heard_meanwhile() -> None:
    stage, processor = StageSound(), Identity()
    played = speech_like(1.0)
    stage.add(AudioChunk(samples=played, sample_rate=SPEECH_HZ, start_sample=30_000))
    stage.tell(Clock(stage_s=30_000 / SPEECH_HZ, mono_ns=round(START_S * 1e9)))
    captured = np.zeros(4 * FRAME_SAMPLES, np.float32)
    EchoCanceller(processor, stage).process(captured, START_S + 0.3)
    expected = played[round(0.3 * SPEECH_HZ) :: 3][: 2 * FRAME_SAMPLES // 3]
    reference = np.concatenate(processor.references)
    np.testing.assert_allclose(reference[: len(expected) * 2 : 2], expected, atol=0.02)


def test_loud_sound_is_clipped_not_wrapped() -> None:
    processor = WebRtc(EchoConfig())
    loud = np.full(FRAME_SAMPLES, 3.0, np.float32)
    for _ in range(5):
        out = processor.process(loud, np.zeros(FRAME_SAMPLES, np.float32))
    assert np.isfinite(out).all() and np.abs(out).max() <= 1.0


def test_echo_is_cancelled_where_there_may_be_one(tmp_path: Path) -> None:
    assert MicrophoneConfig().cancels_echo
    assert not MicrophoneConfig(device="null").cancels_echo
    assert not MicrophoneConfig(device="question.wav").cancels_echo
    assert MicrophoneConfig(device="question.wav", room=SimulatedRoom()).cancels_echo
    assert not MicrophoneConfig(echo=EchoConfig(engine="off")).cancels_echo


def test_a_missing_package_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **options: Any) -> Any:
        if name.startswith("livekit"):
            raise ImportError(name)
        return real(name, *rest, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MioError, match="needs the package livekit.*echo.engine"):
        WebRtc(EchoConfig())
    (problem,) = MicrophoneConfig(device="null", echo=EchoConfig(engine="webrtc")).check()
    assert "livekit" in problem.problem


def test_users_say_their_lines_in_turn_and_the_log_says_when(tmp_path: Path) -> None:
    path, log = tmp_path / "line.wav", tmp_path / "room.jsonl"
    write_wav(path, np.full(MICROPHONE_HZ // 2, 0.2, np.float32), MICROPHONE_HZ)
    lines = [
        Line(sound=path, when="answer", after_s=1.0),
        Line(sound=path, when="answer", after_s=0.5),
        Line(sound=path, when="quiet", after_s=0.5),
    ]
    room = SimulatedRoom(acoustics=RoomSettings(noise_db=-90.0), lines=lines, log=log)
    stage = Stage(MicrophoneConfig(device="null", room=room, echo=EchoConfig(engine="off")), np.zeros(0, np.float32))
    stage.speaking_to_s = 3.0
    heard = stage.run(26.0)
    rows = [json.loads(row) for row in log.read_text().splitlines()]
    assert [row["said"] for row in rows] == [True, False, True]
    assert rows[0]["heard_s"] == pytest.approx(1.0, abs=0.03)
    begun = round((rows[2]["mono_ns"] * 1e-9 - stage.sent[0].origin_ns * 1e-9) * MICROPHONE_HZ)
    assert heard[begun + 10 : begun + 7_900].min() > 0.15
    assert np.abs(heard[begun - 8_000 : begun - 10]).max() < 0.01


def test_a_missing_line_is_one_clear_error() -> None:
    room = SimulatedRoom(lines=[Line(sound=Path("missing.wav"))])
    (problem,) = MicrophoneConfig(device="null", room=room).check()
    assert "missing.wav: no such file" in problem.problem


def test_a_successor_goes_on_with_the_next_line_and_the_position(tmp_path: Path) -> None:
    path = tmp_path / "line.wav"
    write_wav(path, np.full(1_600, 0.2, np.float32), MICROPHONE_HZ)
    config = MicrophoneConfig(device="null", room=SimulatedRoom(lines=[Line(sound=path, after_s=0.3)] * 2))
    first = build_engine(config)
    first.open()
    sent = [m for i in range(100) for _, m in tick(first, START_S + i / 100)]
    first.close()
    second = build_engine(config)
    second.import_state(first.export_state())
    second.open()
    sent += [m for i in range(110, 200) for _, m in tick(second, START_S + i / 100)]
    chunks = [m for m in sent if isinstance(m, AudioChunk)]
    assert all(a.start_sample + 640 == b.start_sample for a, b in zip(chunks, chunks[1:], strict=False))
    assert sum(len(chunk.samples) for chunk in chunks) == pytest.approx(2.0 * MICROPHONE_HZ, abs=3_000)
