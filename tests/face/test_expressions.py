import numpy as np
import pytest

from mio.contracts.arkit import ARKIT_INDEX
from mio.contracts.emotions import EMOTIONS
from nodes.face.expressions import expression, head_posture, resting

# Action units of the prototypes (FACS Investigator's Guide) as ARKit actions that have to take part.
PROTOTYPES = {
    "happy": ("cheekSquintLeft", "mouthSmileLeft"),
    "sad": ("browInnerUp", "browDownLeft", "mouthFrownLeft"),
    "surprised": ("browInnerUp", "browOuterUpLeft", "eyeWideLeft", "jawOpen"),
    "afraid": ("browInnerUp", "browOuterUpLeft", "browDownLeft", "eyeWideLeft", "mouthStretchLeft", "jawOpen"),
    "angry": ("browDownLeft", "eyeWideLeft", "eyeSquintLeft", "mouthPressLeft"),
    "disgusted": ("noseSneerLeft", "mouthFrownLeft"),
}


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_every_emotion_has_an_expression_of_its_own(emotion):
    weights = expression(emotion, 1.0)
    assert weights.min() >= 0.0 and weights.max() <= 1.0
    others = [expression(other, 1.0) for other in EMOTIONS if other != emotion]
    assert min(np.abs(weights - other).sum() for other in others) > 0.5


@pytest.mark.parametrize(("emotion", "actions"), PROTOTYPES.items())
def test_basic_emotions_have_the_action_units_of_their_prototypes(emotion, actions):
    weights = expression(emotion, 1.0)
    assert all(weights[ARKIT_INDEX[action]] > 0.0 for action in actions)


def test_half_the_strength_is_half_the_expression():
    assert expression("happy", 0.5) == pytest.approx(0.5 * expression("happy", 1.0))
    assert head_posture("sad", 0.5) == pytest.approx(0.5 * head_posture("sad", 1.0))
    assert not expression("neutral", 1.0).any() and not head_posture("neutral", 1.0).any()


def test_faces_are_slightly_uneven():
    left, right = ARKIT_INDEX["mouthSmileLeft"], ARKIT_INDEX["mouthSmileRight"]
    weights = expression("happy", 1.0, lean=1.0)
    assert weights[left] > weights[right] > 0.8 * weights[left]


def test_the_resting_face_smiles_faintly_if_it_is_warm():
    assert 0.0 < resting(0.1)[ARKIT_INDEX["mouthSmileLeft"]] < 0.25
    assert not resting(0.0).any()
