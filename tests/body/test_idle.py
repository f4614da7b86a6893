import numpy as np
import pytest

from mio.contracts.messages import MotionPrompt, Turn
from mio.contracts.skeleton import JOINT_INDEX
from nodes.body.breath import Breath, BreathState
from nodes.body.skeleton import forward
from nodes.body.tracks import Track

FEET = [JOINT_INDEX[name] for name in ("left_ankle", "right_ankle", "left_foot", "right_foot")]


ASKED = [
    (1.0, "prompt", MotionPrompt(text="a person walks forward.")),
    (9.0, "prompt", MotionPrompt(text="a person waves with the right hand.", until_stage_s=13.0)),
    (14.0, "prompt", MotionPrompt(text="", gesture="greet")),
]
SETTLED_S = 30.0


@pytest.fixture(scope="module", params=["idle", "flood", "flood that was asked to go and to wave before"])
def idle(request, long_stage, live_stage):
    engine = request.param.split()[0]
    if engine == request.param:
        return long_stage(engine=engine, seed=3).run(121.0).frames
    run = live_stage(engine=engine, seed=3).run(SETTLED_S + 120.0, ASKED)
    assert np.hypot(run.frames[:, 0], run.frames[:, 2]).max() > 0.3, "it has gone somewhere"
    return run.frames[run.at(SETTLED_S) : run.at(SETTLED_S) + 2400]


def test_feet_never_slide(idle):
    places = forward(idle)[0][:, FEET]
    assert np.ptp(places, axis=0).max() < 1e-3


def test_it_sways_as_people_who_stand_quietly(idle):
    # Between two shifts of the weight: a standard deviation of some millimetres (Winter 1995).
    still = idle[:2400, (0, 2)].reshape(-1, 200, 2)
    ranges = np.ptp(still, axis=1)
    quiet = still[ranges[:, 0] < 0.02]
    assert len(quiet) >= 3
    assert 0.0005 < quiet[..., 0].std(1).mean() < 0.008
    assert 0.0015 < quiet[..., 1].std(1).mean() < 0.008


def test_the_weight_moves_from_leg_to_leg(idle):
    side = idle[:, 0]
    assert np.ptp(side) > 0.03
    bears = np.where(side > 0.014, 1, np.where(side < -0.014, -1, 0))[::40]
    assert 3 <= (np.diff(bears) != 0).sum() <= 40
    knees = np.degrees(np.linalg.norm(idle[:, 3:].reshape(-1, 52, 3)[:, [4, 5]], axis=-1))
    assert knees.min() > 3 and 10 < knees.max() < 25


def test_it_never_leaves_its_place_nor_turns_away(idle):
    assert np.abs(idle[:, (0, 2)]).max() < 0.08
    yaw = forward(idle)[1][:, JOINT_INDEX["spine3"]] @ [0, 0, 1]
    assert np.abs(np.degrees(np.arctan2(yaw[:, 0], yaw[:, 2]))).max() < 12


def test_the_head_stays_nearly_level(idle):
    up = forward(idle)[1][:, JOINT_INDEX["head"]] @ [0, 1, 0]
    assert np.degrees(np.arccos(up[:, 1])).max() < 6


def test_hands_rest_near_the_body_and_do_not_enter_it(idle, clear_of_body):
    assert clear_of_body(idle[::4]).min() > 0.006
    places = forward(idle)[0]
    for side in ("left", "right"):
        wrist = places[:, JOINT_INDEX[f"{side}_wrist"]] - places[:, 0]
        assert wrist[:, 1].max() < 0.25 and np.abs(wrist[:, 0]).max() < 0.36


def test_nothing_moves_abruptly_when_idle(idle):
    places = forward(idle)[0]
    speed, jerk = (np.linalg.norm(np.diff(places, n, axis=0), axis=-1).max() * 20**n for n in (1, 3))
    assert speed < 1.2
    assert jerk < 60


def test_it_is_never_quite_still(idle):
    moved = np.abs(np.diff(idle[::10], axis=0)).max(1)
    assert moved.min() > 1e-4


def test_quiet_breaths_come_at_the_rate_that_is_set_and_vary():
    track, state = Track.still((0.0,)), BreathState(next_s=0.0)
    breath = Breath(state, track, np.random.default_rng(0), per_min=14.0)
    starts = []
    for step in range(6000):
        before = state.next_s
        breath.plan(step * 0.1, step * 0.1 + 0.4, ())
        if state.next_s != before:
            starts.append(before)
    cycles = np.diff(starts)
    assert 12.5 < 60 / cycles.mean() < 15.5
    assert 0.1 < cycles.std() / cycles.mean() < 0.3


def test_a_quick_deep_breath_comes_before_speech_and_lasts_through_it():
    track = Track.still((0.0,))
    breath = Breath(BreathState(next_s=0.0), track, np.random.default_rng(0), per_min=14.0)
    for step in range(80):
        breath.plan(step * 0.1, step * 0.1 + 0.4, ((5.0, 8.0),))
    depth = track.sample(np.arange(0.0, 8.5, 0.05))[:, 0]
    assert depth[100] > 1.2 and depth[90] < depth[100] - 0.3
    during = depth[100:160]
    assert (np.diff(during) < 1e-9).all()
    assert depth[160] < 0.2


@pytest.mark.parametrize("engine", ["idle", "flood"])
def test_the_turn_shows_in_the_posture(long_stage, engine):
    show, pitch = long_stage(engine=engine, seed=2, liveliness=0.0), {}
    for state in ("idle", "user_speaking", "thinking", "avatar_speaking"):
        run = show.run(2.5, [(0.0, "turn", Turn(state=state))])
        facing = forward(run.frames[-10:])[1][:, JOINT_INDEX["spine3"]] @ [0, 0, 1]
        pitch[state] = np.degrees(np.arcsin(-facing[:, 1])).mean()
    assert pitch["user_speaking"] > pitch["idle"] + 1.5
    assert pitch["user_speaking"] > pitch["avatar_speaking"] + 0.5
    assert pitch["user_speaking"] > pitch["thinking"] + 1.5
