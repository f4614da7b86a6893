import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mio.contracts.rates import BODY_DIM
from mio.contracts.skeleton import JOINT_INDEX, PARENTS
from nodes.renderer.skeleton import (
    LEFT_FOREARM_TWIST,
    LEFT_SHOULDER_SWING,
    PELVIS_HEIGHT_M,
    RIGHT_FOREARM_TWIST,
    RIGHT_SHOULDER_SWING,
)

DOWN = {"left_shoulder": (0, 0, -1.3), "right_shoulder": (0, 0, 1.3)}
POSES: dict[str, dict[str, tuple[float, float, float]]] = {
    "t-pose": {},
    "arms down": DOWN,
    "arms raised": {
        "left_collar": (0, 0, 0.25), "right_collar": (0, 0, -0.25),
        "left_shoulder": (0, 0, 1.1), "right_shoulder": (0, 0, -1.1),
    },
    "arms forward": {"left_shoulder": (0, -1.4, 0), "right_shoulder": (0, 1.4, 0)},
    "arms crossed": {
        "left_shoulder": (0.3, -0.7, -0.9), "right_shoulder": (0.3, 0.7, 0.9),
        "left_elbow": (0, -1.9, 0.2), "right_elbow": (0, 1.9, -0.2),
    },
    "hands on hips": {
        "left_shoulder": (0, 0.4, -0.9), "right_shoulder": (0, -0.4, 0.9),
        "left_elbow": (0, 0, -1.6), "right_elbow": (0, 0, 1.6),
        "left_wrist": (0.2, 0, 0.5), "right_wrist": (0.2, 0, -0.5),
    },
    "waving": {
        **DOWN,
        "right_shoulder": (0, 0, 0.4), "right_elbow": (0.2, 0, -1.9), "right_wrist": (0.5, 0, -0.3),
    },
    "sitting": {
        **DOWN,
        "left_hip": (-1.5, 0.1, 0.1), "right_hip": (-1.5, -0.1, -0.1),
        "left_knee": (1.5, 0, 0), "right_knee": (1.5, 0, 0),
    },
    "turned": {**DOWN, "pelvis": (0, 2.2, 0), "spine1": (0, 0.2, 0), "spine3": (0, 0.2, 0), "neck": (0, 0.3, 0)},
    "bowing": {**DOWN, "spine1": (0.4, 0, 0), "spine2": (0.3, 0, 0), "spine3": (0.2, 0, 0), "head": (0.3, 0, 0)},
    "striding": {
        **DOWN,
        "left_hip": (-0.7, 0, 0), "left_knee": (0.3, 0, 0), "right_hip": (0.5, 0, 0), "right_knee": (0.6, 0, 0),
        "left_elbow": (0, -0.5, 0), "right_elbow": (0, 0.5, 0), "pelvis": (0.1, 0.3, 0),
    },
    "lunging sideways": {
        "pelvis": (0, 0, 0.2), "left_hip": (-0.4, 0.2, 0.7), "left_knee": (0.9, 0, 0), "right_hip": (0, 0, -0.3),
        "left_shoulder": (0.8, 0, -0.6), "right_shoulder": (-0.6, 0.3, 0.2),
    },
}  # fmt: skip

# Limb: its joint, the joint at its end, the drawn part, and its direction in SMPL's T-pose.
LIMBS = {
    "left upper arm": ("left_shoulder", "left_elbow", "jumper", (1, 0, 0)),
    "right upper arm": ("right_shoulder", "right_elbow", "jumper", (-1, 0, 0)),
    "left forearm": ("left_elbow", "left_wrist", "jumper", (1, 0, 0)),
    "right forearm": ("right_elbow", "right_wrist", "jumper", (-1, 0, 0)),
    "left hand": ("left_wrist", "left_middle1", "left_hand", (1, 0, 0)),
    "right hand": ("right_wrist", "right_middle1", "right_hand", (-1, 0, 0)),
    "left thigh": ("left_hip", "left_knee", "trousers", (0, -1, 0)),
    "right thigh": ("right_hip", "right_knee", "trousers", (0, -1, 0)),
    "left shin": ("left_knee", "left_ankle", "trousers", (0, -1, 0)),
    "right shin": ("right_knee", "right_ankle", "trousers", (0, -1, 0)),
}


TWISTED = {
    "left_elbow": (LEFT_FOREARM_TWIST,), "right_elbow": (RIGHT_FOREARM_TWIST,),
    "left_shoulder": (LEFT_SHOULDER_SWING,), "right_shoulder": (RIGHT_SHOULDER_SWING,),
}  # fmt: skip
"""Bones that turn with a joint but not all the way about the limb."""


def body_frame(turns: dict[str, tuple[float, float, float]], root=(0.0, PELVIS_HEIGHT_M, 0.0)) -> np.ndarray:
    frame = np.zeros(BODY_DIM, np.float32)
    frame[:3] = root
    for name, turn in turns.items():
        at = 3 + 3 * JOINT_INDEX[name]
        frame[at : at + 3] = turn
    return frame


def smpl_turn(turns: dict[str, tuple[float, float, float]], joint: str) -> Rotation:
    """Global rotation of a joint by SMPL's forward kinematics."""
    index, chain = JOINT_INDEX[joint], Rotation.identity()
    names = list(JOINT_INDEX)
    while index >= 0:
        chain = Rotation.from_rotvec(turns.get(names[index], (0.0, 0.0, 0.0))) * chain
        index = PARENTS[index]
    return chain


def drawn_direction(portraitist, limb: str, frame: np.ndarray) -> np.ndarray:
    """Where the drawn mesh of a limb points: from the middle of it near its joint to the middle of it near its end.

    In bind pose the middles lie beside the line between the joints, by a vector that turns with the limb.
    """
    start, end, part, _ = LIMBS[limb]
    places = portraitist.asset.skeleton.places
    a, b = places[JOINT_INDEX[start]], places[JOINT_INDEX[end]]
    mesh = portraitist.asset.parts[part]
    axis, length = (b - a) / np.linalg.norm(b - a), np.linalg.norm(b - a)
    along = (mesh.positions - a) @ axis / length
    moved = np.isin(mesh.joints[:, 0], [JOINT_INDEX[start], *TWISTED.get(start, ())])
    bands = [(along > low) & (along < high) & moved for low, high in ((0.3, 0.5), (0.6, 0.85))]
    assert all(band.sum() >= 4 for band in bands), limb
    posed = portraitist.body_vertices(part, frame)
    bound = np.diff([mesh.positions[band].mean(0) for band in bands], axis=0)[0]
    drawn = np.diff([posed[band].mean(0) for band in bands], axis=0)[0]
    own = bands[0] | bands[1]
    turn, _ = Rotation.align_vectors(posed[own] - posed[own].mean(0), mesh.positions[own] - mesh.positions[own].mean(0))
    beside = turn.apply(bound - (bound @ axis) * axis)
    return (drawn - beside) / np.linalg.norm(drawn - beside)


@pytest.mark.parametrize("pose", POSES)
def test_every_limb_of_the_drawn_mesh_points_where_smpl_says(portraitist, pose):
    turns = POSES[pose]
    off_deg = {}
    for limb, (joint, _, _, rest) in LIMBS.items():
        wanted = smpl_turn(turns, joint).apply(rest)
        cosine = drawn_direction(portraitist, limb, body_frame(turns)) @ wanted
        off_deg[limb] = float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))
    assert max(off_deg.values()) < 5.0, {limb: round(angle, 1) for limb, angle in off_deg.items() if angle >= 5}


@pytest.mark.parametrize("pose", ["t-pose", "arms down", "turned", "bowing"])
def test_soles_stand_on_the_floor_when_smpl_stands_on_its_floor(portraitist, pose):
    lowest = portraitist.body_vertices("soles", body_frame(POSES[pose]))[:, 1].min()
    assert lowest == pytest.approx(0.0, abs=0.004)


def test_she_walks_as_far_as_smpl_scaled_to_her_legs(portraitist):
    frames = [body_frame(DOWN, root=(x, PELVIS_HEIGHT_M, 0.0)) for x in (0.0, 1.0)]
    soles = [portraitist.body_vertices("soles", frame).mean(0) for frame in frames]
    assert soles[1] - soles[0] == pytest.approx([portraitist.asset.skeleton.scale, 0, 0], abs=1e-4)
    assert 0.8 < portraitist.asset.skeleton.scale < 1.2


def test_fingers_bend_as_smpl_h_says(portraitist):
    fist = dict.fromkeys((f"left_{name}{k}" for name in ("index", "middle", "ring", "pinky") for k in (1, 2, 3)), 0)
    turns = {**DOWN, **{name: (0.0, 0.0, -1.1) for name in fist}}
    open_hand, closed = (portraitist.body_vertices("left_hand", body_frame(pose)) for pose in (DOWN, turns))
    assert np.ptp(closed, axis=0)[1] < 0.75 * np.ptp(open_hand, axis=0)[1]
