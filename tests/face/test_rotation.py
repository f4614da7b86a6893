import numpy as np
import pytest

from mio.measure.face import gaze_off_deg, head_deg, rotation_matrices
from nodes.face.rotation import eye_in_head, eye_rotation, head_angles, head_rotation

ANGLES = np.random.default_rng(0).uniform(-0.3, 0.3, (50, 3))
GAZE = np.random.default_rng(1).uniform(-0.2, 0.2, (50, 2))


def test_head_angles_come_back_from_the_rotation():
    frames = np.zeros((50, 112), np.float32)
    frames[:, 100:103] = head_rotation(ANGLES)
    assert head_deg(frames) == pytest.approx(np.degrees(ANGLES), abs=1e-3)
    assert head_angles(head_rotation(ANGLES)) == pytest.approx(ANGLES, abs=1e-9)


def test_signs_are_those_of_the_contract():
    down, left, right_ear = (rotation_matrices(head_rotation(np.radians([axis])))[0] for axis in np.eye(3) * 10.0)
    assert down[1, 2] < -0.1, "nodding turns the nose down"
    assert left[0, 2] > 0.1, "turning takes the nose to its left, which is +X"
    assert right_ear[0, 1] < -0.1, "tilting takes the crown to its right, which is -X"


def test_the_eyes_hold_their_direction_while_the_head_turns():
    eyes = eye_in_head(GAZE, ANGLES)
    head = rotation_matrices(head_rotation(ANGLES))
    looking = np.einsum("nij,nj->ni", head, rotation_matrices(eye_rotation(eyes[:, 0], eyes[:, 1]))[:, :, 2])
    still = rotation_matrices(eye_rotation(GAZE[:, 0], GAZE[:, 1]))[:, :, 2]
    assert looking == pytest.approx(still, abs=1e-6)


def test_eyes_turn_without_torsion():
    assert eye_rotation(GAZE[:, 0], GAZE[:, 1])[:, 2] == pytest.approx(0.0)


def test_looking_straight_ahead_is_eye_contact():
    assert gaze_off_deg(np.zeros((1, 112), np.float32)) == pytest.approx(0.0, abs=1e-4)
