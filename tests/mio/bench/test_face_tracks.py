import numpy as np
import pytest

from mio.bench._face_tracks import unpaired
from mio.contracts.arkit import ARKIT_INDEX


def faces(seed: int, amount: float) -> np.ndarray:
    frames = np.zeros((200, 112), np.float32)
    moved = [ARKIT_INDEX["browInnerUp"], ARKIT_INDEX["jawOpen"], 100, 101, 102]
    frames[:, moved] = amount * np.random.default_rng(seed).uniform(0.0, 1.0, (200, len(moved)))
    return frames


def test_measures_without_a_frame_beside_a_frame_are_nothing_for_the_same_frames_in_another_order() -> None:
    frames = faces(1, 0.3)
    found = unpaired(frames[::-1].copy(), frames, "L")
    assert set(found) == {"L-FDD", "L-PDD", "L-JDD", "F-FID", "P-FID"}
    assert all(value == pytest.approx(0.0, abs=1e-3) for value in found.values())


def test_a_face_that_moves_less_is_further_off_and_a_head_that_was_not_captured_is_left_out() -> None:
    reference = faces(1, 0.3)
    near, far = (unpaired(faces(2, amount), reference, "S", head=False) for amount in (0.25, 0.05))
    assert set(near) == {"S-FDD", "S-JDD"}
    assert all(far[name] > 2 * near[name] > 0 for name in near)
