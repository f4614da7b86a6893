import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mio.contracts.skeleton import JOINT_INDEX
from mio.rotation import about, from_matrix, matrix, quaternion, rotvec
from nodes.body.flood.footing import Footing
from nodes.body.flood.leg import LEGS, Leg
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


def ankles(root: np.ndarray, local: np.ndarray) -> np.ndarray:
    joints = positions(Motion(root[None], rotvec(from_matrix(local))[None]))[0]
    return joints[[JOINT_INDEX["left_ankle"], JOINT_INDEX["right_ankle"]]]


@settings(max_examples=20, deadline=None)
@given(st.floats(-0.002, 0.002), st.floats(-0.002, 0.002), st.floats(-0.01, 0.01))
def test_a_planted_foot_stays_exactly_whatever_the_body_does(side: float, ahead: float, turn: float) -> None:
    motion, footing, seen, feet = standing(), Footing(), [], []
    for number in range(40):
        root = motion.root[number] + number * np.array([side, 0.0, ahead])
        local = matrix(quaternion(motion.rotations[number] + turn * np.sin(7.0 * number)))
        root, local = footing.apply(root, local, DOWN)
        seen.append(ankles(root, local))
        feet.append(Leg.of(root, local, LEGS[0]).foot)
    assert np.ptp(seen[25:], axis=0).max() < 1e-6
    assert np.ptp(feet[25:], axis=0).max() < 1e-6


def test_feet_of_a_pose_that_it_goes_on_from_are_held_at_once() -> None:
    motion, footing = standing(), Footing()
    root, local = np.array([0.0, 0.941, 0.0]), matrix(quaternion(motion.rotations[0]))
    footing.hold(root, local)
    moved = footing.apply(root + [0.02, 0.0, 0.01], local, DOWN)
    np.testing.assert_allclose(ankles(*moved), ankles(root, local), atol=1e-4)


def test_the_pelvis_comes_down_when_a_held_foot_is_out_of_reach() -> None:
    motion, footing = standing(), Footing()
    root, local = np.array([0.0, 0.941, 0.0]), matrix(quaternion(motion.rotations[0]))
    footing.hold(root, local)
    lower, legs = footing.apply(root + [0.0, 0.1, 0.0], local, DOWN)
    assert root[1] < lower[1] < root[1] + 0.06
    np.testing.assert_allclose(ankles(lower, legs), ankles(root, local), atol=1e-4)


def test_a_foot_in_the_air_is_left_alone() -> None:
    local = matrix(quaternion(standing().rotations[0]))
    root = np.array([0.3, 0.9, 0.0])
    for given_back, own in zip(Footing().apply(root, local, np.zeros(4)), (root, local), strict=True):
        np.testing.assert_array_equal(given_back, own)


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
