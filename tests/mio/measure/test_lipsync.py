import numpy as np
import numpy.typing as npt
import pytest

from mio.measure.lipsync import NoClosures, burst_times_s, measure_lip_sync
from mio.measure.video import Picture

RATE = 24_000
BURSTS_S = [0.8 + 0.31 * n for n in range(10)]
DURATION_S = 4.5


def papa() -> npt.NDArray[np.float32]:
    """Vowels from each burst to 80 ms before the next, out of silent closures."""
    time = np.arange(round(DURATION_S * RATE)) / RATE
    rng = np.random.default_rng(0)
    sound = 1e-4 * rng.standard_normal(len(time))
    for burst in [BURSTS_S[0] - 0.31, *BURSTS_S]:
        voiced = (time >= burst) & (time < burst + 0.23)
        sound[voiced] += 0.3 * np.sin(2 * np.pi * 180 * (time[voiced] - burst))
    return sound.astype(np.float32)


def opening_at(time_s: float) -> float:
    """Lips that close before each burst, part at it and are open 60 ms later."""
    for burst in BURSTS_S:
        if burst - 0.08 <= time_s < burst:
            return 0.0
        if burst <= time_s < burst + 0.06:
            return (time_s - burst) / 0.06
        if burst - 0.12 <= time_s < burst - 0.08:
            return (burst - 0.08 - time_s) / 0.04
    return 1.0 if BURSTS_S[0] < time_s < BURSTS_S[-1] + 0.3 else 0.0


def pictures(offset_s: float, fps: float = 30.0) -> list[Picture]:
    """A bright face with a dark mouth, delayed against the sound; the head sways a little."""
    rows, columns = np.mgrid[0:120, 0:160]
    rng = np.random.default_rng(1)
    made: list[Picture] = []
    for number in range(round(DURATION_S * fps)):
        time_s = number / fps
        image = 190.0 + 3.0 * np.sin(columns / 9 + 0.4 * np.sin(time_s)) + rng.normal(0, 1.5, rows.shape)
        half = 1.0 + 7.0 * opening_at(time_s - offset_s)
        mouth = ((columns - 80) / 18) ** 2 + ((rows - 80) / half) ** 2 < 1
        image[mouth] = 60.0
        made.append(Picture(time_s, np.repeat(image[..., None], 3, axis=2).clip(0, 255).astype(np.uint8)))
    return made


def test_bursts_are_found_where_they_are() -> None:
    assert burst_times_s(papa(), RATE) == pytest.approx(BURSTS_S, abs=0.002)


@pytest.mark.parametrize("offset_s", [-0.12, -0.045, 0.0, 0.045, 0.12])
def test_the_offset_that_was_put_in_is_found(offset_s: float) -> None:
    found = measure_lip_sync(pictures(offset_s), papa(), RATE)
    assert found.closures >= 8
    assert found.offset_ms == pytest.approx(1e3 * offset_s, abs=12)


def test_two_offsets_differ_by_what_lies_between_them() -> None:
    early = measure_lip_sync(pictures(0.0), papa(), RATE).offset_ms
    late = measure_lip_sync(pictures(0.06), papa(), RATE).offset_ms
    assert late - early == pytest.approx(60, abs=8)


def test_a_picture_that_does_not_move_has_no_offset() -> None:
    still = [Picture(n / 30, np.full((120, 160, 3), 128, np.uint8)) for n in range(100)]
    with pytest.raises(NoClosures):
        measure_lip_sync(still, papa(), RATE)


def test_sound_without_bursts_has_no_offset() -> None:
    hum = (0.1 * np.sin(np.arange(4 * RATE) * 0.05)).astype(np.float32)
    with pytest.raises(NoClosures, match="0 of 0 bursts"):
        measure_lip_sync(pictures(0.0), hum, RATE)
