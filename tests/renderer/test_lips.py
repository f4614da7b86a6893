import numpy as np
import pytest
from scipy.spatial import KDTree

from mio.contracts.rates import FACE_DIM
from nodes.face.lips import posture_weights, seal_lips
from nodes.renderer.portrait import face_frame

CONTACT = 1  # place in a lip's column at which the lips touch


def saying(symbol: str, *, sealed: bool = False) -> np.ndarray:
    """The face frame of a phone as the face node shapes it."""
    weights = posture_weights(symbol)
    if sealed:
        seal_lips(weights[None], np.array([True]))
    frame = np.zeros(FACE_DIM, np.float32)
    frame[:52] = weights.clip(0, 1)
    return frame


class Mouth:
    """What is measured on the vertices of a face, in mm."""

    def __init__(self, portraitist, frame: np.ndarray) -> None:
        shape, points = portraitist.asset.face, 1000 * portraitist.face_vertices(frame)
        upper, lower = points[shape.upper_lip[:, CONTACT]], points[shape.lower_lip[:, CONTACT]]
        order = np.argsort(upper[:, 0])
        gaps = np.interp(lower[1:-1, 0], upper[order, 0], upper[order, 1]) - lower[1:-1, 1]
        self.gap = float(gaps.max())
        self.least_gap = float(gaps.min())
        self.width = float(np.ptp(np.concatenate([upper, lower])[:, 0]))
        self.front = float(np.median(np.concatenate([upper, lower])[:, 2]))
        self.jaw = points[shape.lower_teeth].mean(0)
        middle = np.abs(points[shape.lower_lip[:, 0], 0]) < 12
        lip = points[np.unique(shape.lower_lip[middle, :5])]
        teeth = 1000 * portraitist.asset.parts["upper_teeth"].positions
        self.lip_to_upper_teeth = float(KDTree(teeth).query(lip)[0].min())
        self.points, self.shape = points, shape


@pytest.fixture(scope="module")
def rest(portraitist) -> Mouth:
    return Mouth(portraitist, face_frame())


def test_a_resting_mouth_is_closed(rest):
    assert rest.gap < 0.3


def test_a_friendly_resting_mouth_is_closed(portraitist):
    smile = {"mouthSmileLeft": 0.2, "mouthSmileRight": 0.2, "mouthPressLeft": 0.05, "mouthPressRight": 0.05}
    frame = face_frame(smile)
    seal_lips(frame[None, :52], np.array([True]))
    assert Mouth(portraitist, frame).gap < 0.3


@pytest.mark.parametrize("symbol", ["m", "b", "p"])
def test_lips_close_fully_for(portraitist, symbol):
    assert Mouth(portraitist, saying(symbol, sealed=True)).gap < 0.3


@pytest.mark.parametrize("symbol", ["f", "v"])
def test_the_lower_lip_touches_the_upper_teeth_for(portraitist, rest, symbol):
    mouth = Mouth(portraitist, saying(symbol))
    assert mouth.lip_to_upper_teeth < 1.5
    assert mouth.lip_to_upper_teeth < rest.lip_to_upper_teeth - 1.0


@pytest.mark.parametrize("symbol", ["oː", "uː", "w"])
def test_lips_are_round_for(portraitist, symbol):
    mouth, spread = Mouth(portraitist, saying(symbol)), Mouth(portraitist, saying("iː"))
    assert mouth.width < 0.85 * spread.width
    assert mouth.front > spread.front + 2.0
    assert mouth.gap > 1.0


def test_a_opens_the_jaw_with_its_teeth(portraitist, rest):
    mouth = Mouth(portraitist, saying("ɑː"))
    assert mouth.gap > 6.0
    assert rest.jaw[1] - mouth.jaw[1] > 4.0


def test_lips_never_cross_each_other(portraitist):
    random = np.random.default_rng(4)
    for _ in range(60):
        frame = np.zeros(FACE_DIM, np.float32)
        frame[:52] = random.random(52) * (random.random(52) < 0.2)
        assert Mouth(portraitist, frame).least_gap > -0.35


def test_lids_shut_over_the_eyeballs_on_a_blink(portraitist):
    points = portraitist.face_vertices(face_frame({"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0}))
    shape = portraitist.asset.face
    for line, lids, eye in (
        (shape.left_lash_line, shape.left_lids, shape.eyes[0]),
        (shape.right_lash_line, shape.right_lids, shape.eyes[1]),
    ):
        assert points[line[0], 1] - points[line[1], 1] < 0.0012
        assert np.linalg.norm(points[lids] - eye[:3], axis=1).min() > eye[3]
