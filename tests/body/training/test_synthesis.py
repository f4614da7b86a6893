import numpy as np
import pytest

from nodes.body.motion.features import CONTACTS, decode_positions
from nodes.body.training.sequences import Frames
from nodes.body.training.synthesis import GESTURES, REST, synthesised


@pytest.fixture(scope="module")
def sequences() -> list[Frames]:
    return list(synthesised(1.5, 200, seed=3))


def test_made_motion_stands_in_its_place_gestures_and_says_so(sequences: list[Frames]) -> None:
    assert sum(len(frames.features) for frames in sequences) > 60 * 20
    said = {captions for frames in sequences for captions, _ in frames.texts}
    assert REST.captions in said
    assert len(said & {shown.captions for shown in GESTURES.values()}) >= 4
    for frames in sequences:
        assert 100 <= len(frames.features) <= 200
        ends = [end for _, end in frames.texts]
        assert ends == sorted(ends)
        assert ends[-1] == len(frames.features)
        places = decode_positions(frames.features.astype(np.float64))
        assert np.ptp(places[:, 0, (0, 2)], axis=0).max() < 0.2
        assert frames.features[:, CONTACTS].mean() > 0.99


def test_hands_move_more_while_a_gesture_is_named(sequences: list[Frames]) -> None:
    moving: dict[bool, list[float]] = {True: [], False: []}
    for frames in sequences:
        speed = np.abs(frames.features[:, 193 + 60 : 193 + 66]).mean(1)
        begin = 0
        for captions, end in frames.texts:
            named = captions in {GESTURES[name].captions for name in ("explain", "greet", "point", "shrug")}
            if named or captions == REST.captions:
                moving[named].append(float(speed[begin:end].mean()))
            begin = end
    assert np.median(moving[True]) > 3 * np.median(moving[False])
