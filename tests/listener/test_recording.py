import numpy as np

from nodes.listener.recording import CAPACITY_SAMPLES, Recording


def ramp(start: int, count: int) -> np.ndarray:
    return np.arange(start, start + count, dtype=np.float32)


def test_sound_is_found_by_its_position():
    recording = Recording()
    recording.restart(1_000)
    recording.append(ramp(1_000, 320), 0)
    recording.append(ramp(1_320, 320), 0)
    assert np.array_equal(recording.between(1_300, 1_340), ramp(1_300, 40))
    assert recording.end_sample == 1_640


def test_what_is_not_there_is_left_out():
    recording = Recording()
    recording.restart(100)
    recording.append(ramp(100, 50), 0)
    assert np.array_equal(recording.between(0, 120), ramp(100, 20))
    assert np.array_equal(recording.between(140, 900), ramp(140, 10))
    assert len(recording.between(500, 600)) == 0


def test_memory_stays_the_same_and_the_newest_half_is_kept():
    recording = Recording()
    step = 16_000
    for start in range(0, 3 * CAPACITY_SAMPLES, step):
        recording.append(ramp(start, step), 0)
    end = 3 * CAPACITY_SAMPLES
    assert len(recording.buffer) == CAPACITY_SAMPLES
    assert recording.end_sample == end
    half = CAPACITY_SAMPLES // 2
    assert np.array_equal(recording.between(end - half, end), ramp(end - half, half))


def test_capture_time_follows_from_the_last_known_one():
    recording = Recording()
    assert recording.mono_ns(0) == 0
    recording.append(ramp(0, 160), 5_000_000_000)
    recording.append(ramp(160, 160), 0)
    assert recording.mono_ns(320) == 5_020_000_000
    assert recording.mono_ns(-160) == 4_990_000_000
