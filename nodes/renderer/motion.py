"""From face and body frames at a moment to the pose and the expression that are drawn."""

import numpy as np
import numpy.typing as npt

from mio.contracts.rates import (
    BODY_DIM,
    BODY_JOINTS,
    FACE_DIM,
    FACE_HEAD,
    FACE_LEFT_EYE,
    FACE_RIGHT_EYE,
)
from mio.contracts.skeleton import FINGER_JOINTS, JOINT_INDEX
from mio.rotation import Array, matrix, quaternion, rotvec, slerp
from nodes.renderer.face import with_lids_following
from nodes.renderer.skeleton import PELVIS_HEIGHT_M, Pose
from nodes.renderer.timeline import Moment

ACTIONS = 52
_FACE_ROTATIONS = (FACE_HEAD, FACE_LEFT_EYE, FACE_RIGHT_EYE)
_LARGEST_HEAD_RAD = 1.2
_LARGEST_EYE_RAD = 0.7
_FARTHEST_M = 100.0  # from the stage; what is further away is no motion


def resting_body() -> npt.NDArray[np.float32]:
    """A body frame ``[159]`` of somebody who stands with her arms at her sides, shown until a body stream arrives."""
    frame = np.zeros(BODY_DIM, np.float32)
    frame[1] = PELVIS_HEIGHT_M
    joints = frame[3:].reshape(BODY_JOINTS, 3)
    for side, sign in (("left", 1.0), ("right", -1.0)):
        joints[JOINT_INDEX[f"{side}_collar"]] = (0, 0, -0.06 * sign)
        joints[JOINT_INDEX[f"{side}_shoulder"]] = (0, 0.15 * sign, -1.24 * sign)
        joints[JOINT_INDEX[f"{side}_elbow"]] = (0, -0.25 * sign, 0)
        for name in FINGER_JOINTS:
            if name.startswith(side) and "thumb" not in name:
                joints[JOINT_INDEX[name]] = (0, 0, -0.28 * sign)
    return frame


_RESTING = resting_body()
_STILL = np.zeros(FACE_DIM, np.float32)
_OF_BODY = np.arange(BODY_JOINTS + len(_FACE_ROTATIONS))[:, None] < BODY_JOINTS


def pose_at(face: Moment | None, body: Moment | None, hair: Array) -> Pose:
    """Interpolate rotations on the sphere, the rest linearly.

    Args:
        face: Moment of the face stream; None for a resting face.
        body: Moment of the body stream; None for a resting body.
        hair: ``[3]`` lag of the hair's tips behind the head, axis-angle.
    """
    face = face or Moment(_STILL, _STILL, 0.0)
    body = body or Moment(_RESTING, _RESTING, 0.0)
    turns = np.concatenate([_rotations(body.before, face.before), _rotations(body.after, face.after)])
    both = quaternion(turns.astype(np.float64)).reshape(2, -1, 4)
    shares = np.where(_OF_BODY, body.share, face.share)
    mixed = slerp(both[0], both[1], shares)
    head, left, right = rotvec(mixed[BODY_JOINTS:])
    root = body.before[:3] * (1 - body.share) + body.after[:3] * body.share
    return Pose(
        root=np.clip(root, -_FARTHEST_M, _FARTHEST_M).astype(np.float64),
        joints=mixed[:BODY_JOINTS],
        head=_limited(head, _LARGEST_HEAD_RAD),
        eyes=np.stack([_limited(left, _LARGEST_EYE_RAD), _limited(right, _LARGEST_EYE_RAD)]),
        hair=hair,
    )


def actions_at(face: Moment | None, pose: Pose) -> npt.NDArray[np.float32]:
    """Weights ``[52]`` of the facial actions, with lids that follow the eyes."""
    face = face or Moment(_STILL, _STILL, 0.0)
    weights = face.before[:ACTIONS] * (1 - face.share) + face.after[:ACTIONS] * face.share
    return with_lids_following(np.clip(weights, 0, 1).astype(np.float32), pose.eyes)


def gaze_of(pose: Pose) -> Array:
    """Where both eyes look, ``[2, 3]`` unit vectors in the head's frame."""
    return matrix(quaternion(pose.eyes))[:, :, 2]


def _rotations(body: npt.NDArray[np.float32], face: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return np.concatenate([body[3:].reshape(-1, 3), *(face[None, part] for part in _FACE_ROTATIONS)])


def _limited(rotation: Array, largest: float) -> Array:
    angle = float(np.sqrt(rotation @ rotation))
    return rotation if angle <= largest else rotation * (largest / angle)
