"""What a viewer sees of a stream of face frames: gaze, blinks, head, pictures between frames."""

import numpy as np
import numpy.typing as npt

from mio.contracts.arkit import ARKIT_INDEX
from mio.contracts.rates import FACE_FPS, FACE_HEAD, FACE_LEFT_EYE, FACE_RIGHT_EYE

Array = npt.NDArray[np.float64]
Frames = npt.NDArray[np.float32]

_SHUT, _OPEN = 0.4, 0.2


def rotation_matrices(axis_angle: npt.ArrayLike) -> Array:
    """``[n, 3, 3]`` of ``[n, 3]`` axis-angle vectors, rad (Rodrigues)."""
    vectors = np.asarray(axis_angle, float)
    angle = np.linalg.norm(vectors, axis=1)
    axis = vectors / np.maximum(angle, 1e-12)[:, None]
    cross = np.zeros((len(vectors), 3, 3))
    cross[:, 0, 1], cross[:, 0, 2], cross[:, 1, 2] = -axis[:, 2], axis[:, 1], -axis[:, 0]
    cross -= cross.transpose(0, 2, 1)
    sine, cosine = np.sin(angle)[:, None, None], np.cos(angle)[:, None, None]
    return np.eye(3) + sine * cross + (1.0 - cosine) * (cross @ cross)


def gaze_off_deg(frames: Frames, below_deg: float = 0.0) -> Array:
    """``[n]`` angle between the gaze of ``[n, 112]`` frames and the viewer, who is straight ahead of the torso.

    Args:
        frames: ``[n, 112]``.
        below_deg: How far below the avatar's eyes the viewer is.
    """
    head = rotation_matrices(frames[:, FACE_HEAD])
    eyes = [rotation_matrices(frames[:, eye])[:, :, 2] for eye in (FACE_LEFT_EYE, FACE_RIGHT_EYE)]
    gaze = np.einsum("nij,nj->ni", head, eyes[0] + eyes[1])
    viewer = np.array((0.0, -np.sin(np.radians(below_deg)), np.cos(np.radians(below_deg))))
    return np.degrees(np.arccos(np.clip(gaze @ viewer / np.linalg.norm(gaze, axis=1), -1.0, 1.0)))


def head_deg(frames: Frames) -> Array:
    """``[n, 3]`` pitch (down), yaw (to its left) and roll (to its right shoulder) of the head, degrees."""
    matrix = rotation_matrices(frames[:, FACE_HEAD])
    pitch = np.arcsin(np.clip(-matrix[:, 1, 2], -1.0, 1.0))
    yaw = np.arctan2(matrix[:, 0, 2], matrix[:, 2, 2])
    roll = np.arctan2(matrix[:, 1, 0], matrix[:, 1, 1])
    return np.degrees(np.stack((pitch, yaw, roll), axis=1))


def blink_frames(frames: Frames) -> npt.NDArray[np.int64]:
    """Indices of the frames in which the eyes shut, partial blinks included."""
    lids = frames[:, ARKIT_INDEX["eyeBlinkLeft"]]
    found: list[int] = []
    shut = False
    for index, lid in enumerate(lids.tolist()):
        if not shut and lid > _SHUT:
            found.append(index)
        shut = lid > _SHUT or (shut and lid > _OPEN)
    return np.array(found, np.int64)


def longest_freeze_s(frames: Frames, smallest: float = 2e-4) -> float:
    """Longest time in which no value of ``[n, 112]`` frames changes by more than a little, seconds."""
    longest = still = 0
    for step in np.abs(np.diff(frames, axis=0)).max(1):
        still = still + 1 if step < smallest else 0
        longest = max(longest, still)
    return longest / FACE_FPS


def pictured(frames: Frames, first_s: float, times_s: npt.ArrayLike) -> Array:
    """``[m, 112]`` frames between frames, as a renderer at another rate shows them.

    Args:
        frames: ``[n, 112]``.
        first_s: Time of the first one.
        times_s: ``[m]`` times of the pictures.
    """
    place = (np.asarray(times_s, float) - first_s) * FACE_FPS
    low = np.clip(np.floor(place).astype(int), 0, len(frames) - 1)
    high = np.minimum(low + 1, len(frames) - 1)
    share = np.clip(place - low, 0.0, 1.0)[:, None]
    return frames[low] * (1.0 - share) + frames[high] * share
