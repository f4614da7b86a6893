import numpy as np
import pytest

from mio.contracts.arkit import ARKIT_INDEX
from mio.measure.face import blink_frames, gaze_off_deg, head_deg, longest_freeze_s, pictured, rotation_matrices

LIDS = ARKIT_INDEX["eyeBlinkLeft"]


def frames(count=50):
    return np.zeros((count, 112), np.float32)


def test_rotations_are_right_handed():
    turned = rotation_matrices([[0.0, np.pi / 2, 0.0]])[0]
    assert turned @ (0.0, 0.0, 1.0) == pytest.approx((1.0, 0.0, 0.0), abs=1e-9)


def test_blinks_are_counted_once_each():
    seen = frames()
    seen[10:14, LIDS] = 0.5, 1.0, 0.6, 0.3
    seen[20:25, LIDS] = 1.0, 0.3, 0.9, 0.1, 0.0
    seen[30, LIDS] = 0.3
    assert blink_frames(seen).tolist() == [10, 20]


def test_gaze_is_that_of_head_and_eyes_together():
    seen = frames(2)
    seen[0, [101, 107, 110]] = np.radians(20.0), np.radians(-20.0), np.radians(-20.0)
    seen[1, [107, 110]] = np.radians(12.0), np.radians(8.0)
    assert gaze_off_deg(seen) == pytest.approx([0.0, 10.0], abs=0.01)
    assert gaze_off_deg(frames(1), below_deg=3.0) == pytest.approx([3.0], abs=0.01)
    assert head_deg(seen)[0] == pytest.approx([0.0, 20.0, 0.0], abs=1e-3)


def test_the_longest_freeze_is_found():
    seen = frames()
    seen[:, 0] = np.arange(50) / 50
    seen[20:30, 0] = seen[20, 0]
    assert longest_freeze_s(seen) == pytest.approx(9 / 25)


def test_pictures_lie_between_frames():
    seen = frames(3)
    seen[:, 0] = 0.0, 1.0, 0.0
    assert pictured(seen, 2.0, [1.9, 2.0, 2.02, 2.06, 9.0])[:, 0] == pytest.approx([0.0, 0.0, 0.5, 0.5, 0.0])
