"""Emotions as facial expressions: ARKit weights of FACS prototypes at everyday strength.

The action units of the basic emotions are the prototypes of the FACS Investigator's Guide (Ekman, Friesen and Hager
2002) and EMFACS: happiness 6+12, sadness 1+4+15, surprise 1+2+5+26, fear 1+2+4+5+7+20+26, anger 4+5+7+23, disgust
9+15+16. The others are mixed here from what the literature describes for them: interest 1+2 with a slight smile and a
tilted head, thinking 4+7 with pressed lips (Rozin and Cohen 2003), tenderness a soft 6+12 with 1 (Kalawski 2010),
amusement a strong 6+12+25 (Keltner 1995). Weights are those of a lively conversation, at which intensity 1 is clear
but not posed.
"""

from types import MappingProxyType

import numpy as np

from mio.contracts.arkit import ARKIT_ACTIONS, ARKIT_INDEX
from mio.contracts.emotions import Emotion
from nodes.face.score import Array

# Weights by action; an action with two sides is written once.
_PROTOTYPES: MappingProxyType[str, dict[str, float]] = MappingProxyType(
    {
        "neutral": {},
        "happy": {"mouthSmile": 0.65, "cheekSquint": 0.6, "eyeSquint": 0.3, "browOuterUp": 0.12, "mouthDimple": 0.1},
        "amused": {
            "mouthSmile": 0.8,
            "cheekSquint": 0.75,
            "eyeSquint": 0.4,
            "browOuterUp": 0.25,
            "browInnerUp": 0.08,
            "mouthUpperUp": 0.3,
            "jawOpen": 0.12,
        },
        "tender": {"mouthSmile": 0.38, "cheekSquint": 0.3, "eyeSquint": 0.2, "browInnerUp": 0.25},
        "curious": {
            "browInnerUp": 0.25,
            "browOuterUpLeft": 0.6,
            "browOuterUpRight": 0.35,
            "eyeWide": 0.2,
            "mouthSmile": 0.18,
            "mouthPucker": 0.08,
        },
        "thoughtful": {
            "browDownLeft": 0.55,
            "browDownRight": 0.4,
            "browInnerUp": 0.2,
            "eyeSquint": 0.4,
            "mouthPress": 0.4,
            "mouthShrugLower": 0.2,
            "mouthRight": 0.12,
        },
        "surprised": {"browInnerUp": 0.75, "browOuterUp": 0.75, "eyeWide": 0.7, "jawOpen": 0.16, "mouthFunnel": 0.1},
        "sad": {
            "browInnerUp": 0.8,
            "browDown": 0.3,
            "mouthFrown": 0.6,
            "mouthShrugLower": 0.3,
            "eyeSquint": 0.15,
            "eyeLookDown": 0.15,
        },
        "afraid": {
            "browInnerUp": 0.8,
            "browOuterUp": 0.35,
            "browDown": 0.3,
            "eyeWide": 0.7,
            "mouthStretch": 0.5,
            "mouthFrown": 0.15,
            "jawOpen": 0.08,
            "mouthLowerDown": 0.15,
        },
        "angry": {
            "browDown": 0.85,
            "eyeWide": 0.15,
            "eyeSquint": 0.45,
            "mouthPress": 0.4,
            "mouthRollLower": 0.2,
            "mouthRollUpper": 0.2,
            "noseSneer": 0.25,
            "mouthFrown": 0.2,
        },
        "disgusted": {
            "noseSneer": 0.75,
            "mouthUpperUp": 0.3,
            "mouthFrown": 0.4,
            "browDown": 0.5,
            "eyeSquint": 0.4,
            "cheekSquint": 0.35,
            "mouthShrugLower": 0.25,
        },
    }
)

# Head posture of each emotion, degrees: pitch (down is positive), yaw (to its left), roll (to its right shoulder).
_HEAD_DEG: MappingProxyType[str, tuple[float, float, float]] = MappingProxyType(
    {
        "amused": (-2.0, 0.0, 2.0),
        "tender": (1.5, 0.0, 4.0),
        "curious": (1.0, 0.0, 5.0),
        "thoughtful": (-1.0, 3.0, 2.5),
        "surprised": (-3.0, 0.0, 0.0),
        "sad": (5.0, 0.0, 2.0),
        "afraid": (-2.0, 0.0, 0.0),
        "angry": (3.0, 0.0, 0.0),
        "disgusted": (-2.0, 4.0, 0.0),
    }
)

# An attentive listener: brows slightly up (the outer ends more, because raised inner ends alone look worried), lids
# slightly wider, a trace of a smile.
ATTENTIVE: dict[str, float] = {"browInnerUp": 0.05, "browOuterUp": 0.16, "eyeWide": 0.08, "mouthSmile": 0.05}
PONDERING: dict[str, float] = {"browDown": 0.14, "browInnerUp": 0.12, "eyeSquint": 0.14, "mouthPress": 0.16}

_ASYMMETRY = 0.07  # spontaneous expressions are a little stronger on one side, more often the left (Borod et al. 1997)


def weights_of(actions: dict[str, float], lean: float = 0.0) -> Array:
    """``[52]`` from weights by action.

    Args:
        actions: Weights; an action with two sides may be written once.
        lean: -1 (right) to 1 (left): which side is stronger.
    """
    weights = np.zeros(len(ARKIT_ACTIONS))
    for name, weight in actions.items():
        if name in ARKIT_INDEX:
            weights[ARKIT_INDEX[name]] = weight
            continue
        weights[ARKIT_INDEX[f"{name}Left"]] = weight * (1.0 + _ASYMMETRY * lean)
        weights[ARKIT_INDEX[f"{name}Right"]] = weight * (1.0 - _ASYMMETRY * lean)
    return weights


def expression(emotion: Emotion | str, strength: float, lean: float = 0.0) -> Array:
    """``[52]`` weights of an emotion; an unknown one is neutral."""
    return strength * weights_of(_PROTOTYPES.get(emotion, {}), lean)


def resting(warmth: float, lean: float = 0.0) -> Array:
    """``[52]`` weights of the face that nothing moves: a faint friendly smile."""
    actions = {"mouthSmile": 1.6 * warmth, "cheekSquint": 0.9 * warmth, "mouthDimple": 0.4 * warmth}
    return weights_of({**actions, "eyeSquint": 0.3 * warmth}, lean)


def head_posture(emotion: Emotion | str, strength: float) -> Array:
    """``[3]`` pitch, yaw and roll of the head in an emotion, rad."""
    return strength * np.radians(_HEAD_DEG.get(emotion, (0.0, 0.0, 0.0)))
