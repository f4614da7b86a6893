from pathlib import Path

import numpy as np
import pytest
import soundfile

from mio.audio import read_audio, write_wav
from mio.errors import MioError

RATE = 16_000


def tone(rate: int = RATE, seconds: float = 1.0) -> np.ndarray:
    return (0.3 * np.sin(2 * np.pi * 300 * np.arange(round(rate * seconds)) / rate)).astype(np.float32)


def loudness(samples: np.ndarray) -> float:
    return float(np.sqrt(np.mean(samples[RATE // 10 : -RATE // 10] ** 2)))


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "FLOAT", "ULAW"])
def test_any_sample_format_is_read_as_the_same_sound(tmp_path: Path, subtype: str) -> None:
    soundfile.write(tmp_path / "a.wav", tone(), RATE, subtype=subtype)
    samples = read_audio(tmp_path / "a.wav", RATE)
    assert len(samples) == RATE
    assert loudness(samples) == pytest.approx(0.3 / np.sqrt(2), rel=0.03)


@pytest.mark.parametrize("suffix", ["flac", "ogg", "mp3"])
def test_stereo_at_44_1_khz_becomes_mono_at_16_khz(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    soundfile.write(path, np.stack([tone(44_100), np.zeros(44_100)], axis=1), 44_100)
    samples = read_audio(path, RATE)
    assert len(samples) == pytest.approx(RATE, abs=1_200)
    assert loudness(samples) == pytest.approx(0.15 / np.sqrt(2), rel=0.06)


def test_nan_and_infinite_samples_become_silence_and_the_rest_stays(tmp_path: Path) -> None:
    broken = tone()
    broken[4_000:4_010] = np.nan
    broken[8_000] = np.inf
    soundfile.write(tmp_path / "a.wav", broken, RATE, subtype="FLOAT")
    samples = read_audio(tmp_path / "a.wav", RATE)
    assert np.isfinite(samples).all()
    assert samples[4_000:4_010] == pytest.approx(0.0)
    assert samples[:3_000] == pytest.approx(tone()[:3_000], abs=1e-4)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "no such file"),
        (b"", "no sound can be read"),
        (b"this is no sound at all, but text" * 50, "no sound can be read"),
    ],
)
def test_a_file_that_is_no_sound_gives_one_error_with_its_name(
    tmp_path: Path, content: bytes | None, says: str
) -> None:
    path = tmp_path / "a.wav"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(MioError, match=rf"a\.wav: {says}") as caught:
        read_audio(path, RATE)
    assert caught.value.remedy


def test_a_wav_file_without_samples_is_refused(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(0, np.float32), RATE)
    with pytest.raises(MioError, match="empty"):
        read_audio(tmp_path / "a.wav", RATE)


def test_too_long_a_file_is_refused_where_a_limit_is_given(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(3 * RATE, np.float32), RATE)
    with pytest.raises(MioError, match="longer than 2 s"):
        read_audio(tmp_path / "a.wav", RATE, longest_s=2.0)


def test_a_file_that_breaks_off_is_read_up_to_there(tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole.wav", tmp_path / "cut.wav"
    write_wav(whole, tone(seconds=2.0), RATE)
    cut.write_bytes(whole.read_bytes()[: RATE * 2])
    assert 0.4 * RATE < len(read_audio(cut, RATE)) <= RATE
