"""SMPL's 22 joints of ``BodyMotion`` in space, on a skeleton of ordinary proportions."""

import numpy as np
import numpy.typing as npt

from mio.contracts.messages import FloatArray
from mio.contracts.skeleton import PARENTS, REST_OFFSETS_M, SMPL_JOINTS
from mio.rotation import matrix, quaternion

Points = npt.NDArray[np.float64]
_BODY = len(SMPL_JOINTS)


def _rest_offset_m(name: str) -> tuple[float, float, float]:
    if name.startswith("right_"):
        x, y, z = REST_OFFSETS_M[name.replace("right_", "left_")]
        return -x, y, z
    return REST_OFFSETS_M.get(name, (0.0, 0.0, 0.0))


_OFFSETS = np.array([_rest_offset_m(name) for name in SMPL_JOINTS])


def joint_positions(frame: FloatArray) -> Points:
    """``[22, 3]`` metres, Y up, of one frame ``[159]``; fingers are left out."""
    turns = frame[3 : 3 + 3 * _BODY].reshape(_BODY, 3).astype(np.float64)
    local = matrix(quaternion(turns))
    places, world = np.zeros((_BODY, 3)), np.zeros((_BODY, 3, 3))
    for joint, parent in enumerate(PARENTS[:_BODY]):
        if parent < 0:
            places[joint], world[joint] = frame[:3], local[joint]
            continue
        places[joint] = places[parent] + world[parent] @ _OFFSETS[joint]
        world[joint] = world[parent] @ local[joint]
    return places


def bones(places: Points) -> Points:
    """``[21, 2, 3]`` from each joint's parent to the joint."""
    return np.stack([places[[parent, joint]] for joint, parent in enumerate(PARENTS[:_BODY]) if parent >= 0])
