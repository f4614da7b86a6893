import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mio.contracts.arkit import ARKIT_INDEX
from mio.contracts.rates import BODY_DIM, FACE_DIM, FACE_HEAD, FACE_LEFT_EYE, FACE_RIGHT_EYE
from mio.contracts.skeleton import JOINT_INDEX
from mio.rotation import matrix
from nodes.renderer.hair_swing import HairSwing
from nodes.renderer.motion import actions_at, gaze_of, pose_at, resting_body
from nodes.renderer.timeline import Moment

STILL = np.zeros(3)


def face(**columns) -> np.ndarray:
    frame = np.zeros(FACE_DIM, np.float32)
    for name, value in columns.items():
        frame[{"head": FACE_HEAD, "left": FACE_LEFT_EYE, "right": FACE_RIGHT_EYE}[name]] = value
    return frame


def body(joint: str, turn) -> np.ndarray:
    frame = np.zeros(BODY_DIM, np.float32)
    at = 3 + 3 * JOINT_INDEX[joint]
    frame[at : at + 3] = turn
    return frame


def angle_deg(quaternion: np.ndarray) -> float:
    return float(np.degrees(2 * np.arccos(np.clip(abs(quaternion[0]), 0, 1))))


def test_rotations_are_interpolated_on_the_sphere_by_the_shorter_way():
    first, second = body("left_elbow", (0, 3.0, 0)), body("left_elbow", (0, -3.0, 0))
    pose = pose_at(None, Moment(first, second, 0.5), STILL)
    assert angle_deg(pose.joints[JOINT_INDEX["left_elbow"]]) == pytest.approx(180, abs=0.1)
    first, second = body("left_elbow", (1.2, 0, 0)), body("left_elbow", (0, 1.2, 0))
    mean = Rotation.from_rotvec([(1.2, 0, 0), (0, 1.2, 0)]).mean().as_matrix()
    pose = pose_at(None, Moment(first, second, 0.5), STILL)
    assert matrix(pose.joints[JOINT_INDEX["left_elbow"]]) == pytest.approx(mean, abs=1e-6)


def test_the_root_is_interpolated_linearly():
    first, second = np.zeros(BODY_DIM, np.float32), np.zeros(BODY_DIM, np.float32)
    second[:3] = (1, 2, 3)
    assert pose_at(None, Moment(first, second, 0.25), STILL).root == pytest.approx([0.25, 0.5, 0.75])


def test_heads_and_eyes_turn_no_further_than_they_can():
    frame = face(head=(0, 9.0, 0), left=(0.1, 0, 0), right=(0, -5.0, 0))
    pose = pose_at(Moment(frame, frame, 0.0), None, STILL)
    assert np.linalg.norm(pose.head) <= 1.21
    assert np.linalg.norm(pose.eyes[1]) <= 0.71
    assert pose.eyes[0] == pytest.approx([0.1, 0, 0], abs=1e-6)


def test_absurd_motion_gives_a_finite_pose():
    frame = np.full(BODY_DIM, 1e30, np.float32)
    pose = pose_at(None, Moment(frame, frame, 0.5), STILL)
    assert np.isfinite(pose.root).all()
    assert np.isfinite(pose.joints).all()


def test_without_streams_she_stands_at_rest_with_a_resting_face():
    pose = pose_at(None, None, STILL)
    assert pose.root == pytest.approx(resting_body()[:3].astype(float), abs=1e-6)
    assert not pose.head.any()
    assert not actions_at(None, pose).any()


def test_actions_are_interpolated_and_kept_between_0_and_1():
    first, second = face(), face()
    first[ARKIT_INDEX["jawOpen"]], second[ARKIT_INDEX["jawOpen"]] = 0.2, 0.6
    second[ARKIT_INDEX["mouthPucker"]], second[ARKIT_INDEX["jawLeft"]] = 9.0, -3.0
    moment = Moment(first, second, 0.5)
    weights = actions_at(moment, pose_at(moment, None, STILL))
    assert weights[ARKIT_INDEX["jawOpen"]] == pytest.approx(0.4)
    assert weights[ARKIT_INDEX["mouthPucker"]] == 1.0
    assert weights[ARKIT_INDEX["jawLeft"]] == 0.0


def test_lids_follow_eyes_that_look_down_unless_the_engine_moves_them():
    frame = face(left=(0.3, 0, 0), right=(0.3, 0, 0))
    moment = Moment(frame, frame, 0.0)
    weights = actions_at(moment, pose_at(moment, None, STILL))
    assert weights[ARKIT_INDEX["eyeLookDownLeft"]] > 0.4
    assert weights[ARKIT_INDEX["eyeLookDownRight"]] > 0.4
    frame[ARKIT_INDEX["eyeLookDownLeft"]] = 0.1
    weights = actions_at(moment, pose_at(moment, None, STILL))
    assert weights[ARKIT_INDEX["eyeLookDownLeft"]] == pytest.approx(0.1)


def test_eyes_look_where_they_are_turned_to():
    frame = face(left=(0, 0.3, 0), right=(0, 0.3, 0))
    gaze = gaze_of(pose_at(Moment(frame, frame, 0.0), None, STILL))
    assert gaze == pytest.approx(np.tile([np.sin(0.3), 0, np.cos(0.3)], (2, 1)), abs=1e-6)


def nod(swing: HairSwing, turn_rad: float, times: int) -> np.ndarray:
    turned = Rotation.from_euler("y", turn_rad).as_matrix()
    return np.array([swing.follow(turned, 1 / 30) for _ in range(times)])


def test_hair_lags_behind_a_turning_head_and_comes_to_rest():
    swing = HairSwing()
    nod(swing, 0.0, 5)
    lag = nod(swing, 0.2, 90)[:, 1]
    assert lag[0] < -0.05
    assert lag.max() > 0.005
    assert abs(lag[-1]) < 1e-3


def test_hair_never_swings_further_than_it_may():
    swing = HairSwing()
    nod(swing, 0.0, 2)
    assert np.abs(np.concatenate([nod(swing, 1.5, 1), nod(swing, -1.5, 20)])).max() <= 0.23


def test_hair_goes_on_swinging_where_it_was_handed_over():
    first, second = HairSwing(), HairSwing()
    nod(first, 0.0, 3)
    nod(first, 0.2, 4)
    second.restore(first.export())
    assert nod(second, 0.1, 5) == pytest.approx(nod(first, 0.1, 5))
