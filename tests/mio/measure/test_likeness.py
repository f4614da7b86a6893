from collections.abc import Callable

import numpy as np
import pytest

from mio.contracts.arkit import ARKIT_INDEX
from mio.measure import likeness
from mio.measure.head import load_head


def faces(seed: int = 0, count: int = 300) -> np.ndarray:
    frames = np.zeros((count, 112), np.float32)
    frames[:, :52] = np.random.default_rng(seed).random((count, 52)) * 0.5
    frames[:, 100:103] = np.random.default_rng(seed + 1).normal(0, 0.05, (count, 3))
    return frames


Measure = Callable[[np.ndarray, np.ndarray], float]
MEASURES: list[Measure] = [
    likeness.lip_error_mm,
    likeness.head_error_mm,
    likeness.upper_face_difference,
    likeness.pose_difference,
    likeness.jaw_difference,
    likeness.face_distance,
    likeness.pose_distance,
]


@pytest.mark.parametrize("measure", MEASURES)
def test_a_face_is_like_itself(measure: Measure) -> None:
    assert measure(faces(), faces()) == pytest.approx(0.0, abs=1e-6)


def test_lips_that_open_by_an_action_are_off_by_what_it_moves() -> None:
    open_jaw = faces()
    open_jaw[:, ARKIT_INDEX["jawOpen"]] += 0.25
    moved = np.linalg.norm(load_head().actions[ARKIT_INDEX["jawOpen"]][load_head().lips], axis=1).max()
    assert likeness.lip_error_mm(open_jaw, faces()) == pytest.approx(0.25 * moved, rel=1e-4)
    assert 0 < likeness.head_error_mm(open_jaw, faces()) < likeness.lip_error_mm(open_jaw, faces())
    assert likeness.upper_face_difference(open_jaw, faces()) == pytest.approx(0.0, abs=1e-3)


def test_a_frozen_face_differs_by_all_that_the_other_moves() -> None:
    frozen = np.repeat(faces().mean(0, keepdims=True), 300, 0)
    assert likeness.pose_difference(frozen, faces()) == pytest.approx(100 * faces()[:, 100:103].std(0).mean(), rel=1e-4)
    assert likeness.jaw_difference(frozen, faces()) == pytest.approx(100 * faces()[:, 24].std(), rel=1e-4)
    assert likeness.upper_face_difference(frozen, faces()) > 50
