"""Legs: both feet stay where they stand, flat on the floor, whatever the pelvis does above them."""

import numpy as np

from mio.contracts.skeleton import JOINT_INDEX
from mio.rotation import Array, about, cross, from_matrix, matrix, rotvec, unit
from nodes.body.skeleton import ANKLE_HEIGHT_M, REST, SHANK_M, THIGH_M

LEG_JOINTS = tuple(JOINT_INDEX[f"{side}_{name}"] for side in ("left", "right") for name in ("hip", "knee", "ankle"))

# Preferred stance: heels 0.17 m apart, 14 degrees between the feet (McIlroy and Maki 1997); nobody stands with feet
# quite level, so the left one is 2 cm in front.
_TOES_OUT = np.array([np.radians(7.0), np.radians(-7.0)])
_ANKLES = np.array([[0.088, ANKLE_HEIGHT_M, -0.032], [-0.088, ANKLE_HEIGHT_M, -0.052]])
_HIPS = REST[[JOINT_INDEX["left_hip"], JOINT_INDEX["right_hip"]]]
_POLES = np.stack((np.sin(_TOES_OUT), np.zeros(2), np.cos(_TOES_OUT)), -1)
_FEET = matrix(about(1, _TOES_OUT))
_LONGEST_M = 0.9995 * (THIGH_M + SHANK_M)  # a standing knee is nearly straight
_SOFTNESS_M = 0.003


def pelvis_height(place: Array, turns: Array) -> Array:
    """Height at which the leg that reaches less far is nearly straight.

    Args:
        place: ``[T, 2]`` x and z of the pelvis, metres.
        turns: ``[T, 3, 3]`` rotation of the pelvis.

    Returns:
        ``[T]`` metres.
    """
    hips = np.einsum("tab,sb->tsa", turns, _HIPS)
    sideways = hips[:, :, (0, 2)] + place[:, None] - _ANKLES[:, (0, 2)]
    drop = np.sqrt(np.maximum(_LONGEST_M**2 - (sideways**2).sum(-1), 0.01))
    heights = _ANKLES[:, 1] + drop - hips[:, :, 1]
    return -_SOFTNESS_M * np.logaddexp(-heights[:, 0] / _SOFTNESS_M, -heights[:, 1] / _SOFTNESS_M)


def rotations(pelvis: Array, turns: Array) -> Array:
    """Rotations that keep both feet in place.

    Args:
        pelvis: ``[T, 3]`` its place, metres.
        turns: ``[T, 3, 3]`` its rotation.

    Returns:
        ``[T, 6, 3]`` axis-angle of the joints in ``LEG_JOINTS``.
    """
    hips = pelvis[:, None] + np.einsum("tab,sb->tsa", turns, _HIPS)
    way = _ANKLES - hips
    length = np.clip(np.sqrt((way**2).sum(-1)), 0.3, THIGH_M + SHANK_M - 1e-6)
    hinge = unit(cross(-way, _POLES))
    down = unit(way)
    ahead = cross(down, hinge)
    angle = np.arccos((length**2 + THIGH_M**2 - SHANK_M**2) / (2.0 * length * THIGH_M))[..., None]
    thigh = np.cos(angle) * down + np.sin(angle) * ahead
    shank = unit(way - THIGH_M * thigh)
    upper, lower = _frame(hinge, thigh), _frame(hinge, shank)
    local = np.stack(
        (
            turns.transpose(0, 2, 1)[:, None] @ upper,
            upper.swapaxes(-1, -2) @ lower,
            lower.swapaxes(-1, -2) @ _FEET,
        ),
        2,
    )
    return rotvec(from_matrix(local)).reshape(len(pelvis), 6, 3)


def _frame(hinge: Array, bone: Array) -> Array:
    """``[..., 3, 3]`` rotation of a leg bone, which in T-pose points down and bends about X."""
    return np.stack((hinge, -bone, cross(hinge, -bone)), -1)
