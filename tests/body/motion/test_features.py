import numpy as np
import numpy.typing as npt
import pytest

from mio.rotation import about, product, quaternion, rotvec
from nodes.body.motion.features import CONTACTS, DIM, RootTrack, decode, decode_bones, decode_positions, encode, facing
from nodes.body.motion.kinematics import Motion, from_positions, mirrored, positions

Array = npt.NDArray[np.float64]


def walk(frames: int = 60, yaw: float = 0.4, seed: int = 1) -> Motion:
    """Somebody who walks and turns, every joint moving smoothly."""
    rng = np.random.default_rng(seed)
    time = np.arange(frames)[:, None, None] / 20
    rotations = 0.5 * np.sin(time * rng.uniform(1, 4, (1, 22, 3)) + rng.uniform(0, 6, (1, 22, 3)))
    turn = quaternion(np.stack([np.array([0.0, yaw + 0.02 * frame, 0.0]) for frame in range(frames)]))
    tilt = quaternion(0.2 * rotations[:, 0])
    rotations[:, 0] = rotvec(product(turn, tilt))
    root = np.stack([np.array([0.03 * frame, 0.9 + 0.02 * np.sin(frame), 0.05 * frame]) for frame in range(frames)])
    return Motion(root, rotations)


def start(motion: Motion) -> RootTrack:
    return RootTrack(float(facing(positions(motion))[0]), motion.root[0, (0, 2)].copy())


def test_features_hold_the_whole_motion() -> None:
    motion = walk()
    features = encode(motion)
    assert features.shape == (59, DIM)
    places = positions(motion)[:-1]
    np.testing.assert_allclose(positions(decode(features, start(motion))), places, atol=1e-6)
    np.testing.assert_allclose(decode_positions(features, start(motion)), places, atol=1e-9)


@pytest.mark.parametrize("cut", [1, 17, 58])
def test_pieces_of_a_stream_join_without_a_seam(cut: int) -> None:
    motion = walk()
    features, track = encode(motion), start(motion)
    pieces = [decode(features[:cut], track), decode(features[cut:], track)]
    whole = decode(features, start(motion))
    np.testing.assert_allclose(np.concatenate([piece.root for piece in pieces]), whole.root, atol=1e-9)
    np.testing.assert_allclose(np.concatenate([piece.rotations for piece in pieces]), whole.rotations, atol=1e-9)


def test_features_do_not_depend_on_where_and_whither_somebody_goes() -> None:
    motion = walk()
    turn = about(1, np.full(len(motion.root), 2.1))
    rotations = motion.rotations.copy()
    rotations[:, 0] = rotvec(product(turn, quaternion(rotations[:, 0])))
    from mio.rotation import rotate

    elsewhere = Motion(rotate(turn, motion.root) + np.array([3.0, 0.0, -7.0]), rotations)
    np.testing.assert_allclose(encode(elsewhere), encode(motion), atol=1e-6)


def test_standing_feet_touch_the_floor_and_walking_ones_do_not() -> None:
    still = Motion(np.tile([0.0, 0.93, 0.0], (10, 1)), np.zeros((10, 22, 3)))
    assert (encode(still)[:, CONTACTS] == 1).all()
    fast = still._replace(root=still.root + np.arange(10)[:, None] * np.array([0.0, 0.0, 0.06]))
    assert (encode(fast)[:, CONTACTS] == 0).all()


def test_bones_read_from_positions_point_where_they_did() -> None:
    motion = walk()
    places = positions(motion)
    np.testing.assert_allclose(positions(from_positions(places)), places, atol=1e-6)
    features = encode(motion)
    np.testing.assert_allclose(positions(decode_bones(features, start(motion))), places[:-1], atol=1e-6)


def test_a_mirrored_motion_has_left_and_right_exchanged() -> None:
    motion = walk()
    places, other = positions(motion), positions(mirrored(motion))
    np.testing.assert_allclose(other[:, 20] * [-1, 1, 1], places[:, 21], atol=2e-3)
    np.testing.assert_allclose(mirrored(mirrored(motion)).rotations, motion.rotations, atol=1e-12)
