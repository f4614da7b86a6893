import numpy as np
import pytest

from mio.bench._barge_in_tape import Moments, Streams, Timed, moments
from mio.bench._interjections import noises, spoken
from mio.bench.barge_in import lowered_for_ms
from mio.contracts.arkit import ARKIT_INDEX
from mio.contracts.messages import AudioChunk, Clock, FaceMotion, Interrupt, Message, Speech
from mio.contracts.rates import FACE_FPS, SPEECH_HZ

NS = 1_000_000_000
TURN_S, TURN = 10.0, 3  # the turn starts at stage time 10 s


def voice(seconds: float = 4.8) -> np.ndarray:
    return np.random.default_rng(0).normal(0.0, 0.1, round(seconds * SPEECH_HZ / 1_920) * 1_920).astype(np.float32)


def recorded(
    gains: dict[float, float],
    jaw_closes_s: float = 99.0,
    *,
    finished: bool = True,
    pause_s: tuple[float, float] = (0.0, 0.0),
) -> Streams:
    """A recording in which stage time is monotonic time; the voice has each gain from a time in the turn on."""
    speech = voice()
    speech[round(pause_s[0] * SPEECH_HZ) : round(pause_s[1] * SPEECH_HZ)] = 0.0
    played = np.zeros(30 * SPEECH_HZ, np.float32)
    heard = speech.copy()
    for at_s, gain in gains.items():
        heard[round(at_s * SPEECH_HZ) :] = speech[round(at_s * SPEECH_HZ) :] * np.float32(gain)
    start = round(TURN_S * SPEECH_HZ)
    played[start : start + len(heard)] = heard
    jaw = np.zeros((20 * FACE_FPS, 112), np.float32)
    jaw[: round(jaw_closes_s * FACE_FPS), ARKIT_INDEX["jawOpen"]] = 0.4
    clocks: list[Message] = [Clock(stage_s=0.0, mono_ns=0)]
    for tenth in range(48):
        at_s = TURN_S + tenth / 10
        clock = Clock(stage_s=at_s, mono_ns=round(at_s * NS), segment_id=TURN, heard_sample=tenth * SPEECH_HZ // 10)
        clocks.append(clock)
    end = len(speech) if finished else len(speech) // 2
    clocks.append(Clock(stage_s=15.0, mono_ns=15 * NS, segment_id=TURN, heard_sample=end, fin=True))
    lowered_ns = round((TURN_S + min(gains, default=0.0)) * NS)
    sent: dict[tuple[str, str], list[Message]] = {
        ("speaker", "clock"): clocks,
        ("speaker", "played"): [AudioChunk(samples=played, sample_rate=SPEECH_HZ)],
        ("talker", "speech"): [Speech(samples=speech, start_sample=0, segment_id=TURN)],
        ("face", "motion"): [FaceMotion(frames=jaw, start_stage_s=0.0)],
    }
    streams = {key: [Timed(-NS, message) for message in messages] for key, messages in sent.items()}
    streams["listener", "interrupt"] = [Timed(lowered_ns, Interrupt(action="duck", segment_id=TURN))]
    return Streams(streams)


def seen(streams: Streams, onset_s: float = 2.0) -> Moments:
    return moments(streams, round((TURN_S + onset_s) * NS), TURN)


def test_a_lowered_voice_is_timed_from_the_onset() -> None:
    found = seen(recorded({2.2: 0.05}))
    assert found.ducked == pytest.approx(200.0, abs=10.0)


def test_a_voice_that_is_a_little_lower_is_not_ducked() -> None:
    found = seen(recorded({2.2: 0.2, 3.0: 0.0}))
    assert found.ducked == pytest.approx(1_000.0, abs=10.0)


def test_a_voice_that_comes_back_before_it_stops_was_not_ducked_until_then() -> None:
    found = seen(recorded({2.2: 0.05, 2.4: 1.0, 2.9: 0.0}))
    assert found.ducked == pytest.approx(900.0, abs=10.0)


def test_a_pause_neither_hastens_nor_delays_a_lowered_voice() -> None:
    assert seen(recorded({2.2: 0.05}, pause_s=(1.9, 2.6))).ducked == pytest.approx(200.0, abs=10.0)


def test_a_voice_that_nobody_lowered_is_not_ducked() -> None:
    streams = recorded({2.2: 0.05})
    streams.of("listener", "interrupt").clear()
    assert seen(streams).ducked is None


def test_a_voice_is_lowered_from_each_duck_to_the_resume_after_it() -> None:
    said = [(1 * NS, "duck"), (2 * NS, "duck"), (4 * NS, "resume"), (6 * NS, "duck"), (7 * NS, "resume")]
    assert lowered_for_ms(said) == pytest.approx(4_000.0)
    assert lowered_for_ms(said[:2]) is None
    assert lowered_for_ms(said[2:3]) is None


def test_a_stop_is_timed_to_the_last_sound() -> None:
    found = seen(recorded({2.2: 0.05, 2.6: 0.0}, finished=False))
    assert found.stopped == pytest.approx(600.0, abs=10.0)
    assert not found.finished


def test_a_turn_that_goes_on_is_finished() -> None:
    found = seen(recorded({2.2: 0.05, 2.8: 1.0}))
    assert found.finished
    assert found.stopped == pytest.approx(2_800.0, abs=10.0)


def test_a_mouth_is_closed_when_it_stays_so() -> None:
    assert seen(recorded({}, jaw_closes_s=TURN_S + 2.4)).mouth == pytest.approx(400.0, abs=41.0)
    assert seen(recorded({}, jaw_closes_s=99.0)).mouth is None


def test_frames_that_came_too_late_were_not_seen() -> None:
    streams = recorded({}, jaw_closes_s=99.0)
    closed = FaceMotion(frames=np.zeros((250, 112), np.float32), start_stage_s=TURN_S)
    streams._streams["face", "motion"].append(Timed(round((TURN_S + 3.0) * NS), closed))
    assert seen(streams).mouth == pytest.approx(1_000.0, abs=41.0)


def test_noises_are_short_loud_and_different() -> None:
    made = {one.kind: one.sound for one in noises(0)}
    assert not made.pop("echo only").any()
    for kind, sound in made.items():
        assert 1_600 < len(sound) < 16_000, kind
        assert np.isfinite(sound).all() and np.abs(sound).max() == pytest.approx(0.9, abs=0.01)
    assert len({len(sound) for sound in made.values()}) > 4


def test_words_are_spoken_at_the_microphones_rate() -> None:
    one = spoken("Wait a moment.", "en-us+m2")
    assert 0.5 < len(one.sound) / 16_000 < 2.0
