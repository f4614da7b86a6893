"""Triangles of each part for drawing at low effort, of vertices that come first in the part."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from mio.contracts.arkit import ARKIT_INDEX
from nodes.renderer.asset import Floats, Ints, Part
from nodes.renderer.bake.decimate import decimated
from nodes.renderer.bake.face_rig import FaceRig
from nodes.renderer.bake.person import Person
from nodes.renderer.skeleton import BONES

_ERRORS_M: dict[str, float] = {
    **{"head": 0.0013, "neck": 0.0013, "left_eye": 0.0006, "right_eye": 0.0006, "mouth": 0.0010},
    **{"hair": 0.0015, "lining": 0.0020, "collar": 0.0010, "jumper": 0.0030, "bands": 0.0030},
    **{"left_hand": 0.0020, "right_hand": 0.0020, "trousers": 0.0030, "shoes": 0.0030, "soles": 0.0030},
}
"""How far surfaces may move, in the space of :func:`_carried`; a pixel of the bust at low effort is 1.2 mm."""

_NORMAL_M, _SHADE_M, _TEXTURE_M = 0.004, 0.006, 0.05
"""What a change by 1 of normals, of baked light and of texture coordinates counts for."""
_BONE_SHARE = 0.1  # what a change of the place that the bones pull to counts for
_EXPRESSIONS = (
    *("jawOpen", "mouthSmileLeft", "mouthSmileRight", "browInnerUp", "browDownLeft", "browDownRight"),
    *("cheekPuff", "noseSneerLeft", "noseSneerRight"),
)
_MOUTH_REACH_M, _EYE_REACH_M = 0.026, 0.016  # where all vertices are kept, because what moves most is looked at most


def thin_out(parts: dict[str, Part], person: Person, rig: FaceRig) -> dict[str, Part]:
    """Find the triangles for low effort of all parts, and bring the vertices that these use to the front."""
    return {name: _thinned(name, part, person, rig) for name, part in parts.items()}


def _thinned(name: str, part: Part, person: Person, rig: FaceRig) -> Part:
    if name not in _ERRORS_M:
        return part
    kept = _close_up(part, person) if name == "head" else np.zeros(len(part.positions), bool)
    few = decimated(part.positions, _carried(part, person, rig), part.triangles, kept, _ERRORS_M[name])
    return _in_front(replace(part, few=few))


def _carried(part: Part, person: Person, rig: FaceRig) -> Floats:
    """``[n, k]`` what vertices carry, in m."""
    bones = np.zeros((len(part.positions), BONES))
    for joint, weight in zip(part.joints.T, part.weights.T, strict=True):
        bones[np.arange(len(bones)), joint] += weight / 255
    columns = [
        _NORMAL_M * part.normals,
        _SHADE_M * part.shade[:, :3] / 255,
        _TEXTURE_M * part.uv,
        _BONE_SHARE * bones @ person.skeleton.places,
    ]
    if part.follows is not None:
        columns += [part.follows @ rig.actions[ARKIT_INDEX[name]] for name in _EXPRESSIONS]
    return np.concatenate(columns, 1)


def _close_up(part: Part, person: Person) -> npt.NDArray[np.bool_]:
    marks = person.marks
    kept = np.linalg.norm(part.positions - marks.mouth, axis=1) < _MOUTH_REACH_M
    for eye in (marks.left_eye, marks.right_eye):
        kept |= np.linalg.norm(part.positions - eye.centre, axis=1) < _EYE_REACH_M
    return kept


def _in_front(part: Part) -> Part:
    """Bring the vertices that few triangles use to the front."""
    used = np.zeros(len(part.positions), bool)
    used[part.few.ravel()] = True
    order = np.argsort(~used, kind="stable")
    place: Ints = np.empty(len(order), np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    names = ("positions", "normals", "uv", "joints", "weights", "shade", *(("tangents",) if len(part.tangents) else ()))
    moved = {name: getattr(part, name)[order] for name in names}
    follows = None if part.follows is None else part.follows[order]
    return replace(part, **moved, follows=follows, triangles=place[part.triangles], few=place[part.few])
