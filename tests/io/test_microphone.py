import logging
import tracemalloc
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from mio.audio import write_wav
from mio.contracts.messages import AudioChunk, Command, Message
from mio.contracts.rates import MICROPHONE_CHUNK_SAMPLES, MICROPHONE_HZ
from mio.errors import DeviceError, MioError
from mio.runtime.testing import run_engine, steps, tick
from nodes.io.microphone.capture import Capture
from nodes.io.microphone.config import MicrophoneConfig
from nodes.io.microphone.engine import MicrophoneEngine, build_engine
from nodes.io.microphone.sources import Captured, FileSource, PacedSource, SoundCardSource
from nodes.io.portaudio import PortAudio

MANIFEST = Path("nodes/io/microphone/dora-node.yml")


def chunks(sent: list[tuple[str, Message]]) -> list[AudioChunk]:
    found = [message for _, message in sent if isinstance(message, AudioChunk)]
    assert all(a.start_sample + len(a.samples) == b.start_sample for a, b in pairwise(found))
    assert all(len(chunk.samples) == MICROPHONE_CHUNK_SAMPLES for chunk in found)
    return found


def tone(at: np.ndarray, hz: float = 440.0) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * hz * at)


class SteadySource(PacedSource):
    """A constant value for ever."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = value

    def _between(self, first: int, last: int) -> np.ndarray:
        return np.full(last - first, self.value, np.float32)


def opened(config: MicrophoneConfig) -> MicrophoneEngine:
    engine = build_engine(config)
    engine.open()
    return engine


def run(engine: MicrophoneEngine, start_s: float, seconds: float) -> list[AudioChunk]:
    sent: list[tuple[str, Message]] = []
    for step in range(round(seconds * 100)):
        sent += tick(engine, start_s + step / 100)
    return chunks(sent)


class LivePair:
    """A microphone engine on a fake sound card."""

    def __init__(self, sound) -> None:
        self.sound = sound
        self.engine = MicrophoneEngine(SoundCardSource("default", 0.04, PortAudio(sound)))
        self.engine.open()
        self.sent: list[tuple[str, Message]] = []

    def run(self, seconds: float) -> list[AudioChunk]:
        begin = len(self.sent)
        for _ in range(round(seconds * 100)):
            self.sound.pass_block()
            self.sent += tick(self.engine, self.sound.now_s)
        chunks(self.sent)
        return chunks(self.sent[begin:])


def test_a_file_plays_once_in_real_time_between_silences(tmp_path: Path) -> None:
    path = tmp_path / "question.wav"
    write_wav(path, tone(np.arange(16_000) / 16_000).astype(np.float32), 16_000)
    engine = opened(MicrophoneConfig(device=str(path), start_s=0.5))
    found = run(engine, 10.0, 3.0)
    samples = np.concatenate([chunk.samples for chunk in found])
    assert len(samples) == pytest.approx(3.0 * MICROPHONE_HZ, abs=MICROPHONE_HZ * 0.04)
    assert not samples[:8_000].any()
    np.testing.assert_allclose(samples[8_000:24_000], tone(np.arange(16_000) / 16_000), atol=1e-4)
    assert not samples[24_000:].any()


def test_each_chunk_says_when_it_was_captured(tmp_path: Path) -> None:
    engine = MicrophoneEngine(PacedSource())
    for chunk in run(engine, 10.0, 2.0):
        assert chunk.origin_ns * 1e-9 == pytest.approx(10.0 + chunk.start_sample / MICROPHONE_HZ, abs=1e-6)


def test_the_file_prefix_and_other_formats_are_understood(tmp_path: Path) -> None:
    path = tmp_path / "loud.flac"
    import soundfile

    soundfile.write(path, np.stack([tone(np.arange(44_100) / 44_100)] * 2, axis=1), 44_100)
    found = run(opened(MicrophoneConfig(device=f"file:{path}")), 0.0, 1.0)
    samples = np.concatenate([chunk.samples for chunk in found])
    np.testing.assert_allclose(samples[100:15_000], tone(np.arange(100, 15_000) / 16_000), atol=1e-3)


@pytest.mark.parametrize("device", ["missing.wav", "file:missing", "./missing"])
def test_a_missing_file_is_one_clear_error(device: str) -> None:
    config = MicrophoneConfig(device=device)
    (problem,) = config.check()
    assert "no such file" in problem.problem
    with pytest.raises(MioError, match="no such file"):
        opened(config)


def test_mute_sends_silence_without_a_gap_and_unmute_goes_on() -> None:
    engine = MicrophoneEngine(SteadySource(0.5))
    sent = [tick(engine, i / 100) for i in range(100)]
    sent.append(steps(engine, "command", Command(action="mute")))
    sent += [tick(engine, i / 100) for i in range(100, 200)]
    sent.append(steps(engine, "command", Command(action="unmute")))
    sent += [tick(engine, i / 100) for i in range(200, 300)]
    samples = np.concatenate([chunk.samples for chunk in chunks([item for step in sent for item in step])])
    assert (samples[320 : 16_000 - MICROPHONE_CHUNK_SAMPLES] == 0.5).all()
    assert not samples[16_400 : 32_000 - MICROPHONE_CHUNK_SAMPLES].any()
    assert (samples[32_000 + MICROPHONE_CHUNK_SAMPLES :] == 0.5).all()


def test_gain_applies_and_never_exceeds_full_scale() -> None:
    engine = MicrophoneEngine(SteadySource(0.25), gain_db=6.0206)
    assert run(engine, 0.0, 0.5)[-1].samples[0] == pytest.approx(0.5, abs=1e-4)
    engine = MicrophoneEngine(SteadySource(0.25), gain_db=40.0)
    assert run(engine, 0.0, 0.5)[-1].samples.max() == 1.0


def test_a_sound_card_is_resampled_and_its_capture_times_are_right(sound) -> None:
    sound.signal = tone
    found = LivePair(sound).run(4.0)[10:]
    for chunk in found:
        at = chunk.origin_ns * 1e-9 + np.arange(len(chunk.samples)) / MICROPHONE_HZ
        np.testing.assert_allclose(chunk.samples, tone(at), atol=0.005)


def test_a_card_that_refuses_mono_is_opened_in_stereo(sound) -> None:
    sound.refused_channels = {1}
    sound.signal = tone
    found = LivePair(sound).run(1.0)
    assert sound.streams[-1].options["channels"] == 2
    assert np.abs(found[-1].samples).max() > 0.4


def test_unplugging_is_silence_and_replugging_goes_on_with_one_line_each(sound, caplog) -> None:
    caplog.set_level(logging.INFO)
    sound.signal = lambda at: np.full(len(at), 0.5)
    pair = LivePair(sound)
    pair.run(1.0)
    sound.unplug()
    away = pair.run(3.0)
    assert not np.concatenate([chunk.samples for chunk in away[10:]]).any()
    sound.plugged = True
    back = pair.run(3.0)
    assert (back[-1].samples > 0.45).all()
    lines = [record.getMessage() for record in caplog.records]
    assert lines == [
        "microphone 'USB Microphone' is gone; trying again every second",
        "microphone 'USB Microphone' is back",
    ]
    last = back[-1]
    age_s = sound.now_s - last.origin_ns * 1e-9
    assert 0.0 < age_s < 0.06
    position_s = (last.start_sample - back[0].start_sample) / MICROPHONE_HZ
    assert position_s == pytest.approx((last.origin_ns - back[0].origin_ns) * 1e-9, abs=0.02)


def test_a_card_that_stops_calling_back_is_reopened(sound, caplog) -> None:
    pair = LivePair(sound)
    pair.run(1.0)
    sound.streams[-1].silent = True
    pair.run(4.0)
    assert "does not answer" in caplog.text
    assert len(sound.streams) == 2
    assert sound.streams[0].closed


def test_sound_that_the_driver_lost_becomes_silence_so_that_positions_keep_pace(sound, caplog) -> None:
    sound.signal = lambda at: np.full(len(at), 0.5)
    pair = LivePair(sound)
    pair.run(1.0)
    sound.now_s += 0.4
    sound.streams[-1].xrun = True
    found = pair.run(1.0)
    samples = np.concatenate([chunk.samples for chunk in found])
    assert (samples == 0.0).sum() == pytest.approx(0.4 * MICROPHONE_HZ, abs=MICROPHONE_HZ * 0.01)
    assert "400 ms of the microphone were lost" in caplog.text
    assert sound.now_s - found[-1].origin_ns * 1e-9 < 0.05


def test_a_single_late_callback_is_not_taken_for_lost_sound() -> None:
    capture = Capture()
    for block in range(300):
        late_s = 0.2 if block == 150 else 0.0
        capture.add(Captured(np.full(160, 0.5, np.float32), 16_000, 5.0 + block * 0.01 + late_s))
    assert capture.gaps == 0
    taken = capture.take(47_900)
    assert taken is not None
    assert (taken[2] == 0.5).all()


def test_a_driver_that_puts_its_times_back_and_forth_does_not_stretch_the_stream() -> None:
    capture = Capture()
    for block in range(1_000):
        shift_s = 0.25 if 200 <= block < 500 or block >= 700 else 0.0
        capture.add(Captured(np.full(160, 0.5, np.float32), 16_000, 5.0 + block * 0.01 - shift_s))
    taken = capture.take(159_000)
    assert taken is not None
    assert (taken[2] == 0.5).all()
    assert capture.gaps == 0


def test_values_that_are_not_finite_become_silence_with_one_line(caplog) -> None:
    capture = Capture()
    for block in range(10):
        capture.add(Captured(np.full(160, np.nan, np.float32), 16_000, block * 0.01))
    taken = capture.take(1_600)
    assert taken is not None
    assert not taken[2].any()
    assert len(caplog.records) == 1


def test_a_successor_goes_on_at_the_predecessors_position(sound) -> None:
    sound.signal = tone
    old = LivePair(sound)
    before = old.run(1.0)
    old.engine.close()
    assert sound.streams[-1].closed
    new = LivePair(sound)
    new.engine.close()
    new.engine.import_state(old.engine.export_state())
    new.engine.open()
    sound.now_s += 0.1  # starting takes a while
    after = new.run(2.0)
    assert after[0].start_sample == before[-1].start_sample + MICROPHONE_CHUNK_SAMPLES
    samples = np.concatenate([chunk.samples for chunk in after])
    quiet = np.convolve(np.abs(samples) < 1e-6, np.ones(20), "same") >= 20
    assert quiet.sum() < 0.3 * MICROPHONE_HZ
    for chunk in after[-20:]:
        at = chunk.origin_ns * 1e-9 + np.arange(len(chunk.samples)) / MICROPHONE_HZ
        np.testing.assert_allclose(chunk.samples, tone(at), atol=0.02)


@pytest.mark.parametrize("suffix", ["wav", "flac", "mp3"])
def test_a_file_goes_on_at_the_same_sample_in_a_successor(tmp_path: Path, suffix: str) -> None:
    import soundfile

    path = tmp_path / f"long.{suffix}"
    samples = np.random.default_rng(0).standard_normal(8 * 24_000).cumsum()
    soundfile.write(path, 0.5 * samples / np.abs(samples).max(), 24_000)
    config = MicrophoneConfig(device=str(path), start_s=0.5)
    whole = np.concatenate([chunk.samples for chunk in run(opened(config), 0.0, 8.0)])
    old = opened(config)
    first = run(old, 0.0, 5.0)
    old.close()
    new = build_engine(config)
    new.import_state(old.export_state())
    new.open()
    parts = np.concatenate([chunk.samples for chunk in first + run(new, 5.2, 2.8)])
    same = slice(0, min(len(parts), len(whole)))
    np.testing.assert_allclose(parts[same], whole[same], atol=0.02)


def test_preparing_touches_nothing_that_the_predecessor_holds(tmp_path: Path, sound) -> None:
    pair = LivePair(sound)
    pair.run(0.2)
    streams = list(sound.streams)
    new = LivePair(sound)
    new.engine.close()
    del sound.streams[len(streams) :]
    new.engine.prepare(pair.engine.export_state())
    assert sound.streams == streams and not streams[0].closed
    missing = build_engine(MicrophoneConfig(device=str(tmp_path / "none.wav")))
    with pytest.raises(MioError, match=r"none\.wav"):
        missing.prepare({})


def test_a_card_that_was_not_listed_while_the_predecessor_held_it_is_looked_for_again(sound) -> None:
    sound.signal = tone
    old = LivePair(sound)
    old.run(1.0)
    new = LivePair(sound)
    new.engine.close()
    sound._snapshot = False  # as PortAudio leaves out a card that another process holds
    new.engine.prepare(old.engine.export_state())
    old.engine.close()
    new.engine.import_state(old.engine.export_state())
    new.engine.open()
    assert sound.refreshed == 1
    assert np.abs(new.run(1.0)[-1].samples).max() > 0.4


def test_a_source_can_be_opened_again_after_it_was_closed(tmp_path: Path, sound) -> None:
    path = tmp_path / "a.wav"
    write_wav(path, np.linspace(0, 1, 48_000, dtype=np.float32), 16_000)
    engine = opened(MicrophoneConfig(device=str(path)))
    first = run(engine, 0.0, 1.0)
    engine.close()
    engine.open()
    samples = np.concatenate([chunk.samples for chunk in first + run(engine, 1.3, 1.0)])
    assert np.abs(np.diff(samples)).max() < 1e-3
    pair = LivePair(sound)
    sound.signal = tone
    pair.run(1.0)
    pair.engine.close()
    pair.engine.open()
    assert np.abs(pair.run(1.0)[-1].samples).max() > 0.4


def test_a_swap_to_another_file_begins_that_file(tmp_path: Path) -> None:
    for name, value in (("a", 0.25), ("b", 0.5)):
        write_wav(tmp_path / f"{name}.wav", np.full(80_000, value, np.float32), 16_000)
    old = opened(MicrophoneConfig(device=str(tmp_path / "a.wav")))
    run(old, 0.0, 1.0)
    old.close()
    new = build_engine(MicrophoneConfig(device=str(tmp_path / "b.wav")))
    new.import_state(old.export_state())
    new.open()
    after = run(new, 1.0, 5.5)
    assert (np.concatenate([chunk.samples for chunk in after]) > 0.49).sum() == pytest.approx(80_000, abs=700)


def test_ten_minutes_of_sound_are_never_in_memory_at_once(tmp_path: Path) -> None:
    import soundfile

    path = tmp_path / "long.wav"
    with soundfile.SoundFile(path, "w", 44_100, 2, subtype="PCM_16") as file:
        for second in range(600):
            file.write(np.full((44_100, 2), second / 1_000))
    tracemalloc.start()
    source = FileSource(path)
    source.open()
    source.read(0)
    played = [source.read(second * 500_000_000) for second in range(1, 11)]
    source.close()
    source.import_state({**source.export_state(), "read": 590 * MICROPHONE_HZ})
    source.open()
    end = source.read(595_000_000_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    source.close()
    assert played[5]
    assert played[5][0].samples[100] == pytest.approx(0.002, abs=1e-3)
    assert end
    np.testing.assert_allclose(end[0].samples[8_000:72_000:16_000], [0.59, 0.591, 0.592, 0.593], atol=1e-3)
    assert peak < 8e6  # whole, it would be 38 MB at 16 kHz and 212 MB as it is decoded


@pytest.mark.parametrize("kind", ["nan", "eight_bit", "empty", "no_sound", "loud"])
def test_bad_sound_is_cleaned_or_refused_with_one_line(tmp_path: Path, caplog, kind: str) -> None:
    import soundfile

    path = tmp_path / f"{kind}.wav"
    wave = tone(np.arange(88_200) / 44_100)
    match kind:
        case "nan":
            wave[1_000:2_000] = np.nan
            soundfile.write(path, np.stack([wave, wave], axis=1), 44_100, subtype="FLOAT")
        case "eight_bit":
            soundfile.write(path, wave, 44_100, subtype="PCM_U8")
        case "empty":
            soundfile.write(path, wave[:0], 44_100)
        case "no_sound":
            path.write_bytes(b"this is no sound file")
        case _:
            soundfile.write(path, wave * 30_000, 44_100, subtype="FLOAT")
    config = MicrophoneConfig(device=str(path))
    problems = [str(problem) for problem in config.check()]
    caplog.clear()
    if kind in ("empty", "no_sound"):
        assert len(problems) == 1
        assert str(path) in problems[0]
        with pytest.raises(MioError, match="sound"):
            opened(config)
        return
    assert problems == []
    samples = np.concatenate([chunk.samples for chunk in run(opened(config), 0.0, 1.5)])
    assert np.isfinite(samples).all()
    assert len(caplog.records) == (0 if kind == "eight_bit" else 1)
    np.testing.assert_allclose(
        samples[8_000:16_000] / np.abs(samples[8_000:16_000]).max(),
        tone(np.arange(8_000, 16_000) / 16_000) / 0.5,
        atol=0.03,
    )


def test_a_missing_device_is_one_clear_error(sound) -> None:
    with pytest.raises(DeviceError, match="no microphone 'Studio'.*0 USB Microphone"):
        SoundCardSource("Studio", 0.04, PortAudio(sound)).open()
    sound.unplug()
    sound._initialize()
    with pytest.raises(DeviceError, match="no microphone found.*--microphone FILE"):
        SoundCardSource("default", 0.04, PortAudio(sound)).open()


def test_a_busy_card_leaves_silence_and_is_tried_again(sound, caplog) -> None:
    sound.busy = True
    sound.signal = lambda at: np.full(len(at), 0.5)
    pair = LivePair(sound)
    assert not np.concatenate([chunk.samples for chunk in pair.run(2.0)]).any()
    assert "cannot be opened: Device unavailable" in caplog.text
    sound.busy = False
    assert (pair.run(2.0)[-1].samples > 0.45).all()


def test_the_node_runs_in_the_loop_on_its_ports() -> None:
    engine = build_engine(MicrophoneConfig(device="null"))
    reference = AudioChunk(samples=np.zeros(480, np.float32), sample_rate=24_000)
    script = [("reference", reference), ("command", Command(action="stop"))]
    transport = run_engine(engine, MANIFEST, script, run_s=1.0)
    assert len(transport.messages("audio")) == pytest.approx(25, abs=1)
    assert not transport.logged
