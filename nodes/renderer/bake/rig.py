"""The avatar's bones from the base mesh: where they are, how they turn into SMPL's T-pose, what they move."""

import numpy as np

from mio.contracts.skeleton import FINGER_JOINTS, JOINT_INDEX
from mio.rotation import Array, arc
from nodes.renderer.bake.base_mesh import Floats, read_base_mesh
from nodes.renderer.bake.landmarks import Landmarks
from nodes.renderer.skeleton import (
    BODY_BONES,
    BONES,
    HAIR,
    LEFT_EYE,
    LEFT_FOREARM_TWIST,
    LEFT_SHOULDER_SWING,
    RIGHT_EYE,
    RIGHT_FOREARM_TWIST,
    RIGHT_SHOULDER_SWING,
    Skeleton,
)

_LIMBS = (("hip", "knee", (0, -1, 0)), ("knee", "ankle", (0, -1, 0)), ("shoulder", "elbow", (1, 0, 0)))
_MIDDLE = ("pelvis", "spine1", "spine2", "spine3", "neck", "head")
_LONG_FINGERS = ("index", "middle", "ring", "pinky")


def joint_places(shape: Floats) -> Array:
    """``[52, 3]`` m, of a person's rest shape ``[V, 3]``."""
    places = np.stack([shape[vertices].mean(0) for vertices in read_base_mesh().joint_vertices]).astype(np.float64)
    places[[JOINT_INDEX[name] for name in _MIDDLE], 0] = 0.0
    return places


def build_skeleton(shape: Floats, marks: Landmarks) -> Skeleton:
    """Place all bones and find their rotations from bind pose to T-pose.

    Args:
        shape: ``[V, 3]`` m, standing on the floor.
        marks: The face's landmarks.
    """
    body = joint_places(shape)
    places = np.zeros((BONES, 3))
    places[:BODY_BONES] = body
    places[LEFT_EYE], places[RIGHT_EYE] = marks.left_eye.centre, marks.right_eye.centre
    places[HAIR] = (marks.left_eye.centre + marks.right_eye.centre) / 2
    places[HAIR, 2] = marks.crown[2]
    for bone, joint in (
        (LEFT_FOREARM_TWIST, "left_elbow"),
        (RIGHT_FOREARM_TWIST, "right_elbow"),
        (LEFT_SHOULDER_SWING, "left_shoulder"),
        (RIGHT_SHOULDER_SWING, "right_shoulder"),
    ):
        places[bone] = places[JOINT_INDEX[joint]]
    sole = float(body[[JOINT_INDEX["left_ankle"], JOINT_INDEX["right_ankle"]], 1].mean())
    turns = _to_tpose(body)
    roll = [_roll(turns, "left"), _roll(turns, "right")]
    return Skeleton(places, turns, np.array(roll), sole)


def bone_weights(shape: Floats) -> Floats:
    """``[V, 59]`` skinning weights of the base mesh, with arms shared out among the bones that twist."""
    weights = np.zeros((len(shape), BONES), np.float32)
    weights[:, :BODY_BONES] = read_base_mesh().weights
    body = joint_places(shape)
    for side, twisted, swung in (
        ("left", LEFT_FOREARM_TWIST, LEFT_SHOULDER_SWING),
        ("right", RIGHT_FOREARM_TWIST, RIGHT_SHOULDER_SWING),
    ):
        shoulder, elbow, wrist = (JOINT_INDEX[f"{side}_{name}"] for name in ("shoulder", "elbow", "wrist"))
        along = _along(shape, body[elbow], body[wrist])
        weights[:, twisted] = weights[:, elbow] * along
        weights[:, elbow] *= 1 - along
        along = _along(shape, body[shoulder], body[elbow])
        weights[:, swung] = weights[:, shoulder] * (1 - along)
        weights[:, shoulder] *= along
    return weights


def _along(points: Floats, start: Array, end: Array) -> Floats:
    way = end - start
    return np.clip((points - start) @ way / (way @ way), 0, 1).astype(np.float32)


def _to_tpose(body: Array) -> Array:
    turns = np.tile(np.eye(3), (BODY_BONES, 1, 1))
    for sign, side in ((1, "left"), (-1, "right")):
        mirror = np.array([sign, 1, 1])
        for start, end, direction in _LIMBS:
            a, b = JOINT_INDEX[f"{side}_{start}"], JOINT_INDEX[f"{side}_{end}"]
            turns[a] = arc(body[b] - body[a], np.array(direction) * mirror)
        elbow, wrist = JOINT_INDEX[f"{side}_elbow"], JOINT_INDEX[f"{side}_wrist"]
        turns[elbow] = arc(body[wrist] - body[elbow], _outward(side))
        turns[wrist] = _hand(body, side)
        for name in FINGER_JOINTS:
            if name.startswith(side):
                turns[JOINT_INDEX[name]] = _finger(body, name, turns[wrist])
    return turns


def _hand(body: Array, side: str) -> Array:
    """Fingers along the arm, palm down, as in SMPL-H's flat hand."""
    wrist, index, middle, pinky = (JOINT_INDEX[f"{side}_{n}"] for n in ("wrist", "index1", "middle1", "pinky1"))
    along = _unit(body[middle] - body[wrist])
    across = body[index] - body[pinky]
    across = _unit(across - (across @ along) * along)
    ours = np.stack([along, across, np.cross(along, across)], 1)
    target_along, target_across = _outward(side), np.array([0.0, 0, 1])
    target = np.stack([target_along, target_across, np.cross(target_along, target_across)], 1)
    return target @ ours.T


def _finger(body: Array, name: str, hand: Array) -> Array:
    """Long fingers straight and level; the thumb as it rests on the hand."""
    finger, number = name.split("_")[1][:-1], int(name[-1])
    if finger not in _LONG_FINGERS:
        return hand
    joint = JOINT_INDEX[name]
    first = JOINT_INDEX[f"{name[:-1]}1"]
    flat = hand @ (body[first + 1] - body[first])
    flat[1] = 0
    start, end = (joint, joint + 1) if number < 3 else (joint - 1, joint)
    return arc(hand @ (body[end] - body[start]), flat) @ hand


def _roll(turns: Array, side: str) -> float:
    """Turn of the hand about the arm against the forearm, rad."""
    between = turns[JOINT_INDEX[f"{side}_wrist"]] @ turns[JOINT_INDEX[f"{side}_elbow"]].T
    return float(np.arctan2(between[2, 1] - between[1, 2], between[1, 1] + between[2, 2]))


def _outward(side: str) -> Array:
    return np.array([1.0 if side == "left" else -1.0, 0, 0])


def _unit(vector: Array) -> Array:
    return vector / np.linalg.norm(vector)
