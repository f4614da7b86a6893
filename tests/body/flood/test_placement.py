import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mio.contracts.skeleton import JOINT_INDEX
from mio.rotation import about, matrix, quaternion, rotvec
from nodes.body.flood.footing import Footing
from nodes.body.flood.placement import Placement
from nodes.body.flood.smoothing import Smoothing
from nodes.body.motion.features import CONTACTS, encode
from nodes.body.motion.kinematics import Motion, positions

DOWN = np.ones(4)


def standing(frames: int = 40) -> Motion:
    root = np.tile([0.0, 0.93, 0.0], (frames, 1))
    rotations = np.zeros((frames, 22, 3))
    rotations[:, [1, 2], 0], rotations[:, [4, 5], 0], rotations[:, [7, 8], 0] = -0.25, 0.5, -0.25
    return Motion(root, rotations)


@settings(max_examples=20, deadline=None)
@given(st.floats(-0.004, 0.004), st.floats(-0.004, 0.004))
def test_a_planted_foot_stays_while_the_body_drifts(side: float, ahead: float) -> None:
    motion, footing = standing(), Footing()
    ankles = []
    for number in range(20):
        root = motion.root[number] + number * np.array([side, 0.0, ahead])
        local = footing.apply(root, matrix(quaternion(motion.rotations[number])), DOWN)
        joints = positions(Motion(root[None], rotvec_of(local)[None]))[0]
        ankles.append(joints[[JOINT_INDEX["left_ankle"], JOINT_INDEX["right_ankle"]]])
    way = np.array(ankles)[-1] - np.array(ankles)[4]
    drift = np.linalg.norm(way[:, (0, 2)], axis=-1).max()
    assert drift < 0.35 * 15 * np.hypot(side, ahead) + 1e-6


def rotvec_of(local: np.ndarray) -> np.ndarray:
    from mio.rotation import from_matrix

    return rotvec(from_matrix(local))


def test_a_foot_in_the_air_is_left_alone() -> None:
    local = matrix(quaternion(standing().rotations[0]))
    np.testing.assert_array_equal(Footing().apply(np.array([0.3, 0.9, 0.0]), local, np.zeros(4)), local)


def test_who_is_not_asked_to_go_stays_within_30_cm_and_turned_to_the_user() -> None:
    features = encode(standing(241))
    features[:, CONTACTS] = 0.0
    features[:, 2] = 0.03  # 0.6 m/s ahead
    features[:, 0] = 0.02
    stays = Placement().place(features, going=False)
    assert np.hypot(stays[:, 0], stays[:, 2]).max() < 0.3
    turns = matrix(quaternion(stays[:, 3:6]))[:, :, 2]
    assert np.degrees(np.arctan2(turns[:, 0], turns[:, 2])).max() < 26
    features[:, 0] = 0.0
    goes = Placement().place(features, going=True)
    assert np.hypot(goes[:, 0], goes[:, 2]).max() > 0.8


def test_it_comes_back_when_it_is_no_longer_asked_to_go() -> None:
    features, placement = encode(standing(101)), Placement()
    features[:, 2], features[:, CONTACTS] = 0.03, 0.0
    placement.place(features, going=True)
    features[:, 2] = 0.0
    back = placement.place(features, going=False)
    assert np.hypot(back[-1, 0], back[-1, 2]) < 0.3
    steps = np.hypot(*np.diff(back[:, (0, 2)], axis=0).T)
    assert steps.max() < 0.1


def test_the_body_stays_above_a_foot_that_stands_whatever_the_network_adds_up() -> None:
    features = encode(standing(121))
    features[:, 1] = 0.01
    placed = Placement().place(features, going=False)
    assert np.hypot(placed[:, 0], placed[:, 2]).max() < 0.01


def test_trembling_is_smoothed_and_fast_motion_is_not() -> None:
    time = np.arange(100) / 20
    rng = np.random.default_rng(0)
    trembling = quaternion(np.stack([rng.normal(0, 0.01, (100, 3)) for _ in range(22)], 1))
    swing = quaternion(np.stack([np.stack((1.2 * np.sin(5 * time), 0 * time, 0 * time), -1)] * 22, 1))
    for turns, least, most in ((trembling, 0.0, 0.5), (swing, 0.7, 1.05)):
        smoothing = Smoothing()
        made = np.stack([smoothing.smooth(frame, 0.9)[0] for frame in turns])
        kept = np.abs(np.diff(made, axis=0)).mean() / np.abs(np.diff(turns, axis=0)).mean()
        assert least < kept < most


def test_motion_that_stays_is_placed_as_it_is() -> None:
    motion = standing()
    placed = Placement().place(encode(motion), going=False)
    np.testing.assert_allclose(placed[:, 1], 0.93, atol=1e-6)
    turns = matrix(about(1, np.zeros(1)))
    np.testing.assert_allclose(matrix(quaternion(placed[:, 3:6])), np.repeat(turns, len(placed), 0), atol=1e-3)
