import numpy as np
import pytest

from mio.contracts.rates import BODY_DIM
from mio.contracts.skeleton import JOINT_INDEX
from mio.rotation import about, product, quaternion, rotvec
from nodes.body.config import BodyConfig
from nodes.body.engine import IdleEngine
from nodes.body.flood.stepping import Stepping
from nodes.body.skeleton import ANKLE_HEIGHT_M, forward

ANKLES = [JOINT_INDEX["left_ankle"], JOINT_INDEX["right_ankle"]]


def steps_from(away_m: float) -> tuple[Stepping, np.ndarray, np.ndarray]:
    """Steps of a body that goes home, frames of it when it is there, and the same on the way."""
    home = IdleEngine(BodyConfig()).frames(0, 1)
    away = home + np.concatenate(([away_m, 0.0, 0.5 * away_m], np.zeros(BODY_DIM - 3)))
    steps = Stepping.between(100, away[0], home[0])
    frames = np.repeat(home, round(20 * steps.takes_s) + 1, 0)
    return steps, frames, np.stack([steps.apply(100 + number, frame) for number, frame in enumerate(frames)])


@pytest.mark.parametrize("away_m", [0.05, 0.3, 1.5])
def test_one_foot_at_least_always_stands_still(away_m):
    moved = np.linalg.norm(np.diff(forward(steps_from(away_m)[2])[0][:, ANKLES], axis=0), axis=-1)
    assert moved.min(1).max() < 1e-6
    assert moved.max() > 0.1 * away_m / 10


@pytest.mark.parametrize("away_m", [0.05, 0.3, 1.5])
def test_feet_are_lifted_on_the_way_and_arrive(away_m):
    steps, frames, walked = steps_from(away_m)
    heights = forward(walked)[0][:, ANKLES, 1]
    assert heights.min() > ANKLE_HEIGHT_M - 1e-6
    assert heights.max() > ANKLE_HEIGHT_M + 0.01
    ends = forward(np.stack((frames[-1], walked[-1], walked[-2])))[0][:, ANKLES]
    np.testing.assert_allclose(ends[1], ends[0], atol=1e-9)
    np.testing.assert_allclose(ends[2], ends[0], atol=0.02)
    went = np.linalg.norm(np.diff(walked[:, :3], axis=0), axis=-1)
    assert went.max() < 0.05 and np.abs(np.diff(went)).max() < 0.01


def test_who_faces_away_turns_with_the_feet():
    home = IdleEngine(BodyConfig()).frames(0, 1)
    turned = home.copy()
    turned[:, 3:6] = rotvec(product(about(1, np.array(2.5)), quaternion(home[:, 3:6])))
    steps = Stepping.between(100, turned[0], home[0])
    assert steps.count == 3
    np.testing.assert_allclose(steps.at_home(turned), home, atol=1e-9)
    walked = np.stack([steps.apply(100 + number, home[0]) for number in range(61)])
    faces = forward(walked)[1][:, [0, *ANKLES]][..., 2]
    yaw = np.unwrap(np.arctan2(faces[..., 0], faces[..., 2]), axis=0)
    twist = (yaw[:, 0:1] - yaw[:, 1:] + np.pi) % (2 * np.pi) - np.pi
    assert np.degrees(np.abs(twist).max()) < 75


def test_who_is_far_away_takes_more_steps():
    assert [steps_from(away_m)[0].count for away_m in (0.05, 0.3, 1.5)] == [1, 2, 8]


def test_feet_that_are_in_their_place_are_not_lifted():
    _, frames, walked = steps_from(0.0)
    np.testing.assert_allclose(walked, frames, atol=1e-6)
