import numpy as np
import pytest

from mio.contracts.skeleton import FINGER_JOINTS, JOINT_INDEX
from nodes.body import hands
from nodes.body.arms import ArmGoal, solve
from nodes.body.drift import CHANNELS
from nodes.body.pose import TRACKS, compose
from nodes.body.postures import RESTS
from nodes.body.skeleton import ANKLE_HEIGHT_M, REST, finger_tips, forward

GOALS = (
    ArmGoal((0.13, -0.16, 0.22)),
    ArmGoal((0.30, 0.20, 0.17), 20.0, palm=(0, 0, 1)),
    ArmGoal((0.02, -0.20, 0.20), 25.0, palm=(0, 0, -1)),
    ArmGoal((0.285, -0.38, 0.04), 12.0),
    ArmGoal((0.40, 0.03, 0.23), 18.0, palm=(0, -1, 0.3)),
)


def frame(**tracks: np.ndarray) -> np.ndarray:
    values = {name: np.zeros((1, size)) for name, size in TRACKS.items()}
    rest = RESTS["hanging"]
    for name in rest._fields:
        values[name][0] = rest.of(name)
    for name, value in tracks.items():
        values[name][0] = value
    return compose(values, np.zeros((1, len(CHANNELS))))


def place(places: np.ndarray, name: str) -> np.ndarray:
    return places[0, JOINT_INDEX[name]]


@pytest.mark.parametrize("goal", GOALS)
@pytest.mark.parametrize("side", ["left", "right"])
def test_the_hand_arrives_where_the_goal_wants_it(goal, side):
    places, _ = forward(frame(**{f"{side}_arm": solve(goal)}))
    reach = place(places, f"{side}_wrist") - place(places, "spine3")
    assert np.allclose(reach * ([1, 1, 1] if side == "left" else [-1, 1, 1]), goal.reach, atol=2e-3)


def test_a_hand_out_of_reach_goes_as_far_as_the_arm_does():
    places, _ = forward(frame(left_arm=solve(ArmGoal((2.0, 0.5, 0.5)))))
    arm = place(places, "left_wrist") - place(places, "left_shoulder")
    assert np.linalg.norm(arm) == pytest.approx(0.525, abs=5e-3)


@pytest.mark.parametrize("palm", [(0, 0, 1), (-1, 0, 0), (0, 1, 0), (0, -1, 0)])
def test_the_palm_faces_where_it_is_wanted_if_the_forearm_can_turn_so_far(palm):
    reach = (0.30, 0.20, 0.17) if palm == (0, 0, 1) else (0.16, -0.15, 0.30)
    _, turns = forward(frame(left_arm=solve(ArmGoal(reach, 18.0, palm=palm))))
    normal = turns[0, JOINT_INDEX["left_wrist"]] @ [0, -1, 0]
    assert normal @ np.array(palm) > 0.85


def test_hanging_arms_stay_vertical_when_the_trunk_leans():
    def hand(posture):
        places, _ = forward(frame(posture=np.radians(posture)))
        return place(places, "left_wrist") - place(places, "left_shoulder")

    assert np.linalg.norm(hand((8, 0, 0)) - hand((0, 0, 0))) < 0.01
    assert np.linalg.norm(hand((0, 0, 5)) - hand((0, 0, 0))) < 0.01


def test_both_arms_mirror_each_other():
    goal = solve(GOALS[1])
    places, _ = forward(frame(left_arm=goal, right_arm=goal))
    assert np.allclose(place(places, "left_wrist"), place(places, "right_wrist") * [-1, 1, 1], atol=1e-9)


def test_feet_stay_flat_in_their_place_whatever_the_pelvis_does():
    rng = np.random.default_rng(0)
    still, flat = forward(frame())
    feet = [JOINT_INDEX[name] for name in ("left_ankle", "right_ankle", "left_foot", "right_foot")]
    for _ in range(50):
        stance = rng.normal(0, 1, 5) * [0.03, 0.02, 0.05, 0.06, 0.05]
        places, turns = forward(frame(stance=stance, bend=(rng.uniform(-0.06, 0), rng.uniform(0, 0.3))))
        assert np.abs(places[0, feet] - still[0, feet]).max() < 1e-4
        assert np.allclose(turns[0, feet], flat[0, feet], atol=1e-6)
        for knee, hip, ankle in ((4, 1, 7), (5, 2, 8)):  # knees never bend backward
            thigh, shank = places[0, knee] - places[0, hip], places[0, ankle] - places[0, knee]
            assert np.cross(thigh, shank)[0] > 0


def test_it_stands_on_the_floor_in_the_middle_of_the_stage_facing_the_camera():
    places, turns = forward(frame())
    assert place(places, "left_foot")[1] == pytest.approx(0.0, abs=1e-6)
    assert place(places, "left_ankle")[1] == pytest.approx(ANKLE_HEIGHT_M)
    assert 0.95 < place(places, "pelvis")[1] < 0.967
    assert np.abs(place(places, "pelvis")[[0, 2]]).max() < 1e-9
    assert turns[0, 0] @ [0, 0, 1] @ [0, 0, 1] > 0.999


def test_the_trunk_stays_upright_when_the_weight_is_on_one_leg():
    places, turns = forward(frame(stance=(0.04, 0, 0, np.radians(4), np.radians(3.5))))
    assert place(places, "left_hip")[1] > place(places, "right_hip")[1] + 0.005  # the free side drops
    shoulders = place(places, "left_shoulder") - place(places, "right_shoulder")
    assert abs(np.degrees(np.arctan2(shoulders[1], shoulders[0]))) < 1.0
    assert (turns[0, JOINT_INDEX["head"]] @ [0, 1, 0])[1] > np.cos(np.radians(1.5))


@pytest.mark.parametrize("shape", sorted(hands.SHAPES))
def test_fingers_bend_only_as_fingers_can(shape):
    joints = hands.rotations(np.tile(hands.SHAPES[shape], (1, 2, 1)))[0]
    for name, turn in zip(FINGER_JOINTS, joints, strict=True):
        sign = -1 if name.startswith("left") else 1
        if "thumb" not in name:
            assert -0.2 <= sign * turn[2] <= np.radians(100), name
        assert np.linalg.norm(turn) < np.radians(105), name


def test_a_fist_closes_and_a_pointing_hand_keeps_the_index_straight():
    def tips(shape):
        places, turns = forward(frame(left_hand=hands.SHAPES[shape]))
        return np.linalg.norm(finger_tips(places, turns)[0, :4] - place(places, "left_wrist"), axis=1)

    fist, point, flat = tips("fist"), tips("point"), tips("flat")
    assert (fist < 0.75 * flat).all()
    assert point[0] > 0.97 * flat[0]
    assert (point[1:] < 0.8 * flat[1:]).all()


def test_rest_offsets_are_symmetrical():
    for name, index in JOINT_INDEX.items():
        if name.startswith("left"):
            other = REST[JOINT_INDEX[name.replace("left", "right")]]
            assert np.array_equal(REST[index] * [-1, 1, 1], other)
