from pathlib import Path

import cv2
import numpy as np
import pytest

from mio.bench._spectrogram import draw_spectrograms, levels_db

HZ = 24_000


def test_a_tone_is_loudest_at_its_own_frequency() -> None:
    tone = np.sin(2 * np.pi * 3_000 * np.arange(HZ) / HZ).astype(np.float32)
    levels = levels_db(tone)
    assert np.all(levels.argmax(1) == round(3_000 / (HZ / 1024)))
    assert levels.max() == 0.0 and np.median(levels) < -80.0


@pytest.mark.parametrize("count", [0, 10, 5_000])
def test_sounds_of_any_length_are_drawn(tmp_path: Path, count: int) -> None:
    draw_spectrograms(
        tmp_path / "new" / "x.png", {"one": np.ones(count, np.float32), "two": np.zeros(HZ, np.float32)}, HZ
    )
    picture = cv2.imread(str(tmp_path / "new" / "x.png"))
    assert picture is not None and picture.shape[1] > 1_000 and picture.std() > 10
