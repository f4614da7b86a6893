import numpy as np
import pytest

from mio.contracts.emotions import GESTURES
from mio.contracts.skeleton import JOINT_INDEX
from nodes.body.drift import CHANNELS
from nodes.body.gestures.catalogue import build
from nodes.body.gestures.phrase import Manner
from nodes.body.pose import TRACKS, compose
from nodes.body.postures import RESTS
from nodes.body.skeleton import forward
from nodes.body.tracks import Track

NAMES = [name for name in GESTURES if name != "none"]
WITH_HANDS = ("beat", "greet", "explain", "point", "shrug", "think")
FINGER_M = 0.006


def perform(name: str, manner: Manner, rest: str = "hanging") -> tuple[np.ndarray, np.ndarray]:
    """Times from the stroke, and frames."""
    tracks = {track: Track.still(np.zeros(size)) for track, size in TRACKS.items()}
    resting = RESTS[rest]
    for track in resting._fields:
        tracks[track] = Track.still(resting.of(track))
    phrase = build(name, manner)
    for move in phrase.moves:
        target = move.target
        if target is None:
            target = resting.of(move.track) if move.track in resting._fields else np.zeros(TRACKS[move.track])
        tracks[move.track].move(move.at_s, move.duration_s, target)
    times_s = np.arange(phrase.start_s - 0.1, phrase.end_s + 0.1, 0.05)
    values = {track: chain.sample(times_s) for track, chain in tracks.items()}
    return times_s, compose(values, np.zeros((len(times_s), len(CHANNELS))))


def manner(seed: int, **more) -> Manner:
    size, tempo = ((0.6, 0.85), (1.0, 1.0), (1.35, 1.2))[seed % 3]
    return Manner(np.random.default_rng(seed), size=size, tempo=tempo, **more)


@pytest.mark.parametrize("rest", ["hanging", "clasped_left", "joined"])
@pytest.mark.parametrize("name", NAMES)
def test_hands_never_enter_trunk_head_or_thighs(name, rest, clear_of_body):
    for seed in range(6):
        times_s, frames = perform(name, manner(seed), rest)
        clear = clear_of_body(frames[::2])
        assert clear.min() > FINGER_M, f"seed {seed} at {times_s[2 * clear.argmin()]:.2f} s"


@pytest.mark.parametrize("name", NAMES)
def test_a_gesture_starts_from_rest_and_ends_in_it(name):
    for seed in range(6):
        _, frames = perform(name, manner(seed))
        assert np.allclose(frames[0], frames[-1], atol=1e-6)
        assert np.abs(frames - frames[0]).max() > 0.02


@pytest.mark.parametrize("name", NAMES)
def test_movements_are_as_smooth_as_captured_ones(name):
    # Wrists of people who wave calmly peak at 2.2 m/s, 15 m/s2 and 200 m/s3 (median; 345 m/s3 for the 90th percentile)
    # in the Bandai-Namco captures at 20 Hz.
    wrists = [JOINT_INDEX["left_wrist"], JOINT_INDEX["right_wrist"]]
    for seed in range(6):
        _, frames = perform(name, manner(seed))
        path = forward(frames)[0][:, wrists]
        speed, jerk = (np.linalg.norm(np.diff(path, n, axis=0), axis=-1).max() * 20**n for n in (1, 3))
        assert speed < 2.9
        assert jerk < 420


@pytest.mark.parametrize("name", WITH_HANDS)
def test_strokes_are_made_above_the_waist(name):
    for seed in range(9):
        times_s, frames = perform(name, manner(seed))
        places = forward(frames)[0]
        during = places[(times_s > 0.0) & (times_s < 0.3)]
        wrists = during[:, [JOINT_INDEX["left_wrist"], JOINT_INDEX["right_wrist"]], 1]
        assert (wrists.max(1) > during[:, JOINT_INDEX["spine1"], 1] + 0.05).all(), f"seed {seed}"


@pytest.mark.parametrize("name", ["greet", "explain", "point"])
def test_the_hand_that_is_asked_for_is_used(name):
    for seed in range(6):
        for side, other in (("left", "right"), ("right", "left")):
            phrase = build(name, manner(seed, side=side))
            assert phrase.arms == {side}, other


@pytest.mark.parametrize("name", WITH_HANDS)
def test_gestures_have_variants(name):
    poses = {tuple(perform(name, Manner(np.random.default_rng(seed)))[1][20].round(1)) for seed in range(12)}
    assert len(poses) >= 4


@pytest.mark.parametrize("name", NAMES)
def test_a_longer_hold_makes_the_meaning_last_longer(name):
    short = build(name, Manner(np.random.default_rng(1), hold_s=0.3))
    long = build(name, Manner(np.random.default_rng(1), hold_s=4.0))
    assert 2.5 < long.end_s - short.end_s < 5.5


def test_size_makes_gestures_larger():
    def height(size):
        _, frames = perform("greet", Manner(np.random.default_rng(2), size=size, side="right"))
        return forward(frames)[0][:, JOINT_INDEX["right_wrist"], 1].max()

    assert height(1.3) > height(0.7) + 0.01


def test_a_shrug_lifts_the_shoulders():
    _, frames = perform("shrug", Manner(np.random.default_rng(0)))
    shoulders = forward(frames)[0][:, JOINT_INDEX["right_shoulder"], 1]
    assert shoulders.max() - shoulders[0] > 0.02


def test_a_nod_goes_down_first_and_a_shake_goes_both_ways():
    head = JOINT_INDEX["head"]
    _, frames = perform("nod", Manner(np.random.default_rng(0)))
    facing = forward(frames)[1][:, head] @ [0, 0, 1]
    assert np.degrees(np.arcsin(-facing[:, 1])).max() > 5
    assert np.degrees(np.arcsin(facing[:, 1])).max() < 3
    _, frames = perform("no", Manner(np.random.default_rng(0)))
    yaw = np.degrees(np.arcsin((forward(frames)[1][:, head] @ [0, 0, 1])[:, 0]))
    assert yaw.max() > 6 and yaw.min() < -6


def test_a_bow_bends_the_trunk_and_keeps_the_feet():
    _, frames = perform("bow", Manner(np.random.default_rng(0)))
    places, _ = forward(frames)
    trunk = places[:, JOINT_INDEX["neck"]] - places[:, 0]
    bent = np.degrees(np.arccos(trunk[:, 1] / np.linalg.norm(trunk, axis=1)))
    assert 20 < bent.max() < 45
    feet = places[:, [JOINT_INDEX["left_ankle"], JOINT_INDEX["right_ankle"]]]
    assert np.abs(feet - feet[0]).max() < 1e-4


def test_none_is_no_gesture():
    assert build("none", Manner(np.random.default_rng(0))) is None
