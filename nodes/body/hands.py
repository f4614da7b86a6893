"""Hands: seven channels of a hand's shape, named shapes, and the finger joints that follow from them."""

from types import MappingProxyType

import numpy as np

from mio.contracts.skeleton import FINGER_JOINTS
from mio.rotation import Array

HAND_CHANNELS = 7  # curl of index, middle, ring, little finger; spread; thumb curl; thumb towards the palm

# Of a finger's curl (1 is a fist) to its three joints, rad: active ranges 90, 100 and 70 degrees (American Academy of
# Orthopaedic Surgeons 1965), a little less at the end because a fist of a mesh meets its own palm earlier.
_CURL_RAD = (1.45, 1.65, 1.0)
_SPREAD_RAD = MappingProxyType({"index": -0.22, "middle": -0.04, "ring": 0.12, "pinky": 0.28})
_THUMB_CURL_RAD = (0.25, 0.55, 0.8)
_MIRROR = np.array([[1.0, 1.0, 1.0], [1.0, -1.0, -1.0]])[:, None]

# Channels in the order above. A relaxed hand curls more towards the little finger.
_SHAPES: dict[str, tuple[float, ...]] = {
    "relaxed": (0.20, 0.26, 0.30, 0.33, 0.10, 0.25, 0.30),
    "resting": (0.26, 0.33, 0.37, 0.40, 0.0, 0.30, 0.40),
    "open": (0.06, 0.08, 0.11, 0.15, 0.45, 0.05, 0.05),
    "flat": (0.04, 0.04, 0.05, 0.07, 0.05, 0.10, 0.10),
    "wave": (0.05, 0.06, 0.08, 0.10, 0.60, 0.05, 0.05),
    "point": (0.03, 0.72, 0.80, 0.82, 0.0, 0.75, 0.75),
    "fist": (0.70, 0.76, 0.80, 0.82, -0.1, 0.55, 0.75),
    "precision": (0.38, 0.42, 0.42, 0.44, 0.15, 0.45, 0.75),
    "chin": (0.22, 0.60, 0.66, 0.68, 0.0, 0.30, 0.35),
}

SHAPES: dict[str, Array] = {name: np.array(channels) for name, channels in _SHAPES.items()}


def _map() -> Array:
    """``[7, 15, 3]``: axis-angle of the left hand's finger joints per unit of each channel."""
    table = np.zeros((HAND_CHANNELS, len(FINGER_JOINTS) // 2, 3))
    curls = {"index": 0, "middle": 1, "ring": 2, "pinky": 3}
    for joint, name in enumerate(FINGER_JOINTS[: len(FINGER_JOINTS) // 2]):
        finger, number = name.split("_")[1][:-1], int(name[-1]) - 1
        if finger == "thumb":
            # The thumb's nail faces forward-up in T-pose: it curls about the axis across that, and swings to the palm.
            table[5, joint] = np.array([0.35, 0.9, -0.25]) * _THUMB_CURL_RAD[number]
            if number == 0:
                table[6, joint] = (0.75, 0.15, 0.10)
        else:
            table[curls[finger], joint, 2] = -_CURL_RAD[number]
            if number == 0:
                table[4, joint, 1] = _SPREAD_RAD[finger]
    return table


_JOINTS_OF = _map().reshape(HAND_CHANNELS, -1)


def rotations(channels: Array) -> Array:
    """``[T, 30, 3]`` axis-angle of the finger joints from ``[T, 2, 7]`` channels, left hand first."""
    vectors = (channels @ _JOINTS_OF).reshape(len(channels), 2, -1, 3)
    return (vectors * _MIRROR).reshape(len(channels), -1, 3)
