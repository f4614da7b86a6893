"""Leaves out triangles that nothing but other parts of the avatar ever faces: scalp under hair, neck under collar."""

from dataclasses import replace

import moderngl
import numpy as np
import numpy.typing as npt

from nodes.renderer.asset import Floats, Ints, Part
from nodes.renderer.bake import fabric
from nodes.renderer.bake.mesh import compacted
from nodes.renderer.bake.person import Person
from nodes.renderer.bake.scalp import Scalp
from nodes.renderer.bake.visibility import Casters, DepthMaps, sphere

_DIRECTIONS = 80
_LOWEST = -0.42  # sine of the elevation below which nobody looks
_BIAS_M = 0.003
_RINGS = 2  # neighbours of what is seen that are kept, because poses move parts over each other
_CUT = ("head", "neck", "collar", "jumper", "trousers", "shoes", "lining")
_MOUTH_REACH_M = 0.034
_EYE_REACH_M = 0.024


def drop_unseen(context: moderngl.Context, parts: dict[str, Part], casters: Casters, person: Person) -> dict[str, Part]:
    """Remove triangles that are hidden from all sides in bind pose.

    Around mouth and eyes all is kept, because expressions uncover it.
    """
    maps = DepthMaps(context, casters, casters.points.min(0), casters.points.max(0))
    crown, chin = person.marks.crown, person.marks.chin
    near = DepthMaps(
        context, casters, np.array([-0.14, chin[1] - 0.12, -0.12]), np.array([0.14, crown[1] + 0.05, 0.20])
    )
    found = dict(parts)
    for name in _CUT:
        part = parts[name]
        kept = _seen(near if name in ("head", "collar", "lining") else maps, part)
        if name == "head":
            kept = (kept & ~_scalp(part, person)) | _moves(part, person)
        kept = _grown(part, kept) if name != "head" else kept
        found[name] = compacted(replace(part, triangles=part.triangles[kept]))
    return found


def _seen(maps: DepthMaps, part: Part) -> npt.NDArray[np.bool_]:
    corners = part.positions[part.triangles]
    centre = corners.mean(1)
    samples = np.concatenate([centre[:, None], corners + 0.25 * (centre[:, None] - corners)], 1)
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)
    two_sided = part.material in fabric.MATERIALS
    kept = np.zeros(len(corners), bool)
    for towards in sphere(_DIRECTIONS):
        if towards[1] < _LOWEST:
            continue
        facing = normal @ towards
        rows = np.flatnonzero(~kept & ((np.abs(facing) if two_sided else facing) > 0.05))
        side = np.sign(facing[rows])[:, None, None]
        points = (samples[rows] + side * normal[rows, None] * 0.0015).reshape(-1, 3).astype(np.float32)
        lit = maps.visible(points, towards, np.full(len(points), _BIAS_M, np.float32)).reshape(-1, 4)
        kept[rows] |= (lit > 0.4).any(1)
    return kept


def _moves(part: Part, person: Person) -> npt.NDArray[np.bool_]:
    centre = part.positions[part.triangles].mean(1)
    marks = person.marks
    mouth = np.linalg.norm(centre - marks.mouth, axis=1) < _MOUTH_REACH_M
    eyes = [np.linalg.norm(centre - eye.centre, axis=1) < _EYE_REACH_M for eye in (marks.left_eye, marks.right_eye)]
    return mouth | eyes[0] | eyes[1]


def _scalp(part: Part, person: Person) -> npt.NDArray[np.bool_]:
    """Skin well inside the hairline, where nothing but hair may show."""
    scalp = Scalp(part.positions, person.marks)
    inside = scalp.hairy(part.positions, inwards_deg=14.0) > 0.9
    return np.logical_and.reduce(inside[part.triangles], axis=1)


def _grown(part: Part, kept: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Kept triangles and rings of neighbours around them."""
    grown = kept.copy()
    same = _merged(part.positions)
    corners: Ints = same[part.triangles]
    for _ in range(_RINGS):
        used = np.zeros(int(same.max()) + 1, bool)
        used[corners[grown].ravel()] = True
        grown |= used[corners].any(1)
    return grown


def _merged(points: Floats) -> Ints:
    return np.unique(np.round(points * 1e6).astype(np.int64), axis=0, return_inverse=True)[1].ravel().astype(np.int32)
