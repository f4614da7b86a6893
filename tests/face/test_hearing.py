import numpy as np
import pytest

from mio.contracts.messages import AudioChunk
from nodes.face.hearing import Cue, UserVoice, pitch_hz

RATE = 16_000


def cues(voice, sound, chunk=320):
    """Cues with the time at which the chunk that caused each has been heard."""
    found = []
    for at in range(0, len(sound), chunk):
        samples = sound[at : at + chunk].astype(np.float32)
        found += [(cue, (at + len(samples)) / RATE) for cue in voice.hear(AudioChunk(samples=samples))]
    return found


def hum(seconds, hz, gain=0.2):
    times = np.arange(round(seconds * RATE)) / RATE
    return gain * sum(np.sin(2 * np.pi * k * hz * times) / k for k in range(1, 6))


def noise(seconds, gain, seed=0):
    return np.random.default_rng(seed).normal(0.0, gain, round(seconds * RATE))


def test_onset_is_heard_within_120_ms_and_pause_and_end_follow():
    sound = np.concatenate([noise(1.0, 0.003), hum(1.5, 120.0) + noise(1.5, 0.003), noise(1.6, 0.003)])
    found = dict(cues(UserVoice(), sound))
    assert 1.0 < found[Cue.ONSET] <= 1.12
    assert found[Cue.PAUSE] == pytest.approx(2.8, abs=0.05)
    assert found[Cue.END] == pytest.approx(3.5, abs=0.06)


def test_silence_noise_and_a_click_are_no_voice():
    assert not cues(UserVoice(), np.zeros(5 * RATE))
    assert not cues(UserVoice(), noise(5.0, 0.01))
    click = np.concatenate([noise(1.0, 0.001), np.full(480, 0.9), noise(1.0, 0.001)])
    assert not cues(UserVoice(), click)


def test_noise_that_grows_slowly_becomes_the_floor():
    sound = np.concatenate([noise(1.0, 0.001 * 1.08**step, step) for step in range(30)])
    assert not cues(UserVoice(), sound)


def test_a_loud_syllable_is_a_peak():
    sound = np.concatenate([noise(0.5, 0.001), hum(2.5, 130.0, 0.05), hum(0.2, 150.0, 0.3), hum(0.5, 130.0, 0.05)])
    found = dict(cues(UserVoice(), sound))
    assert found[Cue.PEAK] == pytest.approx(3.04, abs=0.06)


def test_a_stretch_of_low_pitch_after_speech_is_a_cue():
    melody = [hum(0.25, hz) for hz in (150, 170, 160, 180, 155, 165, 175, 160)]
    found = [cue for cue, _ in cues(UserVoice(), np.concatenate([noise(0.3, 0.001), *melody, hum(0.3, 95.0)]))]
    assert found.count(Cue.LOW_PITCH) == 1
    level = [hum(0.25, hz) for hz in (150, 170, 160, 180, 155, 165, 175, 160, 178)]
    at = dict(cues(UserVoice(), np.concatenate([noise(0.3, 0.001), *level])))
    assert at.get(Cue.LOW_PITCH, 0.0) < 2.3


@pytest.mark.parametrize("chunk", [64, 320, 500, 16_000])
def test_what_is_heard_does_not_depend_on_the_length_of_chunks(chunk):
    sound = np.concatenate([noise(1.0, 0.003), hum(1.5, 120.0), noise(1.6, 0.003)])
    assert [cue for cue, _ in cues(UserVoice(), sound, chunk)] == [cue for cue, _ in cues(UserVoice(), sound)]


@pytest.mark.parametrize("hz", [80.0, 120.0, 210.0, 330.0])
def test_pitch_is_found_within_five_percent(hz):
    window = (hum(0.04, hz) + noise(0.04, 0.003)).astype(np.float32)
    assert pitch_hz(window) == pytest.approx(hz, rel=0.05)


def test_noise_has_no_pitch():
    assert pitch_hz(noise(0.04, 0.1).astype(np.float32)) is None
