import logging
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from mio.contracts.messages import AudioChunk, Clock, Interrupt, Message, Speech
from mio.contracts.rates import SPEECH_FRAME_SAMPLES, SPEECH_HZ
from mio.errors import DeviceError
from mio.runtime.testing import steps, tick
from nodes.io.portaudio import PortAudio
from nodes.io.speaker.config import SpeakerConfig
from nodes.io.speaker.engine import SpeakerEngine
from nodes.io.speaker.outputs import SoundCardOutput
from nodes.io.speaker.play_queue import PlayQueue
from nodes.io.speaker.playout import Playout, PlayoutState


class LivePair:
    """A speaker engine on a fake sound card; the card calls back every 10 ms, the engine ticks every 20."""

    def __init__(self, sound, choice: str = "default", state: dict[str, Any] | None = None) -> None:
        self.sound = sound
        queue = PlayQueue()
        self.card = SoundCardOutput(queue, choice, 0.04, PortAudio(sound))
        self.playout = Playout(queue, self.card)
        self.engine = SpeakerEngine(self.playout, SpeakerConfig())
        if state is not None:
            self.engine.import_state(state)
        self.engine.open()
        self.sent: list[tuple[str, Message]] = []

    def run(self, seconds: float) -> list[tuple[str, Message]]:
        begin = len(self.sent)
        for block in range(round(seconds * 100)):
            self.sound.pass_block()
            if block % 2:
                self.sent += tick(self.engine, self.sound.now_s)
        return self.sent[begin:]

    def send(self, message: Message) -> list[Clock]:
        port = "speech" if isinstance(message, Speech) else "interrupt"
        out = steps(self.engine, port, message)
        self.sent += out
        return [message for _, message in out if isinstance(message, Clock)]

    def clocks(self) -> list[Clock]:
        return [message for _, message in self.sent if isinstance(message, Clock)]

    def heard(self) -> tuple[np.ndarray, np.ndarray]:
        """Times and values of all that came out of the loudspeaker."""
        times = [at + np.arange(len(block)) / rate for at, rate, block in self.sound.heard]
        return np.concatenate(times), np.concatenate([block for _, _, block in self.sound.heard])


def click(segment_id: int = 1, frames: int = 10) -> Speech:
    samples = np.zeros(SPEECH_FRAME_SAMPLES * frames, np.float32)
    samples[SPEECH_HZ // 2 : SPEECH_HZ // 2 + 24] = 0.5
    return Speech(samples=samples, start_sample=0, segment_id=segment_id, fin=True)


@pytest.mark.parametrize("rate", [48_000.0, 44_100.0, 24_000.0])
def test_a_sound_is_heard_when_the_clock_says(sound, rate: float) -> None:
    sound.rate = rate
    pair = LivePair(sound)
    pair.run(3.0)
    assert pair.playout.state is PlayoutState.CARD
    clock = pair.send(click())[-1]
    pair.run(1.5)
    expected_s = clock.mono_ns * 1e-9 + (0.5 - clock.heard_sample / SPEECH_HZ) / clock.rate
    times, values = pair.heard()
    assert times[np.argmax(values > 0.25)] == pytest.approx(expected_s, abs=0.0005)


def test_the_lead_holds_with_a_device_that_is_quick(sound) -> None:
    pair = LivePair(sound)
    pair.run(3.0)
    assert pair.send(click())[-1].heard_sample == pytest.approx(-SpeakerConfig().lead_ms / 1000 * SPEECH_HZ, abs=24)


def test_a_slow_device_starts_as_soon_as_it_can(sound) -> None:
    sound.latency_s = 0.3
    pair = LivePair(sound)
    pair.run(3.0)
    clock = pair.send(click())[-1]
    assert 0.3 < -clock.heard_sample / SPEECH_HZ < 0.35
    pair.run(1.5)
    expected_s = clock.mono_ns * 1e-9 + 0.5 - clock.heard_sample / SPEECH_HZ
    times, values = pair.heard()
    assert times[np.argmax(values > 0.25)] == pytest.approx(expected_s, abs=0.0005)


def test_stage_time_never_jumps_when_the_device_comes_or_goes(sound, caplog) -> None:
    caplog.set_level(logging.INFO)
    pair = LivePair(sound)
    pair.run(3.0)
    sound.unplug()
    pair.run(4.0)
    assert pair.playout.state is PlayoutState.VIRTUAL
    sound.plugged = True
    pair.run(5.0)
    assert pair.playout.state is PlayoutState.CARD
    for before, after in pairwise(pair.clocks()):
        passed_s = (after.mono_ns - before.mono_ns) * 1e-9
        assert after.stage_s - before.stage_s == pytest.approx(passed_s, abs=0.002)
    assert {clock.epoch for clock in pair.clocks()} == {pair.clocks()[0].epoch}
    lines = [record.getMessage() for record in caplog.records if "loudspeaker 'USB" in record.getMessage()]
    assert lines == [
        "loudspeaker 'USB Loudspeaker' is gone; trying again every second",
        "loudspeaker 'USB Loudspeaker' is back",
    ]


def test_what_was_played_has_every_stage_sample_once(sound) -> None:
    pair = LivePair(sound)
    pair.run(3.0)
    sound.unplug()
    pair.run(2.0)
    sound.plugged = True
    pair.run(4.0)
    chunks = [message for _, message in pair.sent if isinstance(message, AudioChunk)]
    assert all(a.start_sample + len(a.samples) == b.start_sample for a, b in pairwise(chunks))


def counting(segment_id: int, seconds: float) -> Speech:
    """Samples that rise from 0.1 to 0.5, so that each moment can be recognised."""
    count = round(seconds * SPEECH_HZ) // SPEECH_FRAME_SAMPLES * SPEECH_FRAME_SAMPLES
    return Speech(
        samples=np.linspace(0.1, 0.5, count, dtype=np.float32), start_sample=0, segment_id=segment_id, fin=True
    )


@pytest.mark.parametrize("same_engine", [False, True])
def test_a_device_is_handed_over_within_300_ms_while_stage_time_goes_on(sound, caplog, same_engine: bool) -> None:
    old = LivePair(sound)
    old.run(3.0)
    old.send(counting(1, 4.0))
    old.run(1.5)
    handed_over_s = sound.now_s
    old.engine.close()
    assert sound.streams[-1].closed
    sound.now_s += 0.05
    if same_engine:
        old.engine.open()
        new = old
    else:
        new = LivePair(sound, state=old.engine.export_state())
    new.run(4.0)
    clocks = old.clocks() if same_engine else old.clocks() + new.clocks()
    steady = [clock for clock in clocks if not clock.fin]
    for before, after in pairwise(steady):
        passed_s = (after.mono_ns - before.mono_ns) * 1e-9
        assert after.stage_s - before.stage_s == pytest.approx(passed_s, abs=0.002)
    assert len({clock.epoch for clock in clocks}) == 1
    times, values = new.heard()
    spoken = values > 0.05
    gap_s = np.diff(times[spoken]).max()
    assert 0.05 < gap_s < 0.3
    around = np.flatnonzero(spoken & (times > handed_over_s + sound.latency_s))
    heard_before = values[spoken & (times <= handed_over_s)].max()
    assert values[around[0] : around[0] + 2_000].min() < heard_before + 0.01  # nothing of the sentence is skipped
    assert values.max() > 0.49
    assert [clock.heard_sample for clock in clocks if clock.fin] == [len(counting(1, 4.0).samples)]
    assert "too late" not in caplog.text


def test_what_was_played_has_no_gap_across_a_hand_over(sound) -> None:
    old = LivePair(sound)
    old.run(3.0)
    old.engine.close()
    sound.now_s += 0.05
    new = LivePair(sound, state=old.engine.export_state())
    new.run(2.0)
    chunks = [message for _, message in old.sent + new.sent if isinstance(message, AudioChunk)]
    assert all(a.start_sample + len(a.samples) == b.start_sample for a, b in pairwise(chunks))


def test_a_successor_whose_device_is_gone_keeps_stage_time_and_speech_goes_on_unheard(sound) -> None:
    old = LivePair(sound)
    old.run(3.0)
    old.send(click(frames=20))
    old.engine.close()
    sound.unplug()
    new = LivePair(sound, state=old.engine.export_state())
    new.run(5.0)
    assert new.playout.state is PlayoutState.VIRTUAL
    assert [clock.segment_id for clock in new.clocks() if clock.fin] == [1]


def test_a_missing_loudspeaker_is_one_clear_error_before_and_at_the_start(sound, monkeypatch) -> None:
    sound.unplug()
    sound._initialize()
    with pytest.raises(DeviceError, match="no loudspeaker found.*--speaker null"):
        LivePair(sound)
    monkeypatch.setattr(PortAudio, "module", property(lambda _: sound))
    (problem,) = SpeakerConfig().check()
    assert "--speaker null" in problem.remedy
    assert not list(SpeakerConfig(device="null").check())


def test_a_drifting_device_keeps_its_sounds_on_the_clock(sound) -> None:
    sound.rate = 48_000.0
    pair = LivePair(sound)
    real_pass = sound.pass_block

    def fast_block() -> None:  # the card is 100 ppm fast
        real_pass()
        sound.now_s -= 0.01 * 1e-4

    sound.pass_block = fast_block
    pair.run(30.0)
    clock = pair.send(click())[-1]
    assert clock.rate == pytest.approx(1.0001, abs=2e-5)
    pair.run(1.5)
    expected_s = clock.mono_ns * 1e-9 + (0.5 - clock.heard_sample / SPEECH_HZ) / clock.rate
    times, values = pair.heard()
    assert times[np.argmax(values > 0.25)] == pytest.approx(expected_s, abs=0.0005)


def test_ducking_is_heard_within_the_devices_latency_and_100_ms(sound) -> None:
    pair = LivePair(sound)
    pair.run(3.0)
    loud = np.full(SPEECH_FRAME_SAMPLES * 20, 0.5, np.float32)
    pair.send(Speech(samples=loud, start_sample=0, segment_id=1))
    pair.run(0.6)
    at_s = sound.now_s
    pair.send(Interrupt(action="duck", segment_id=1))
    pair.run(0.5)
    times, values = pair.heard()
    quiet = times[(times > at_s) & (values < 0.5 * 10 ** (-20 / 20))]
    assert quiet[0] - at_s - sound.latency_s < 0.1


def test_an_underflow_of_the_driver_is_counted_and_the_clock_follows(sound) -> None:
    pair = LivePair(sound)
    pair.run(3.0)
    sound.now_s += 0.1
    sound.streams[-1].xrun = True
    pair.run(1.0)
    assert pair.card.underflows == 1
    clock = pair.send(click())[-1]
    pair.run(1.5)
    expected_s = clock.mono_ns * 1e-9 + 0.5 - clock.heard_sample / SPEECH_HZ
    times, values = pair.heard()
    assert times[np.argmax(values > 0.25)] == pytest.approx(expected_s, abs=0.001)


def test_devices_are_chosen_by_number_name_or_default(sound) -> None:
    system = PortAudio(sound)
    assert system.find("default", "output").name == "USB Loudspeaker"
    assert system.find("2", "output").name == "Other Loudspeaker"
    assert system.find("other", "output").number == 2
    with pytest.raises(DeviceError, match="several loudspeakers"):
        system.find("loudspeaker", "output")
    with pytest.raises(DeviceError, match="no loudspeaker 'hdmi'"):
        system.find("hdmi", "output")


def test_a_missing_portaudio_says_what_to_install(monkeypatch) -> None:
    import builtins

    real_import = builtins.__import__

    def without(name: str, *args, **kwargs):
        if name == "sounddevice":
            raise OSError("PortAudio library not found")
        return real_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(DeviceError, match="sudo apt install libportaudio2"):
        PortAudio().cards("output")
