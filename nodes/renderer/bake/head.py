"""The skin of head and mouth: which quads, laid out where in the texture, in coarse or in fine."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from nodes.renderer.bake.base_mesh import Floats, Ints, read_base_mesh
from nodes.renderer.bake.face_rig import Island, mask_at_vertices
from nodes.renderer.bake.mesh import Surface, build_surface
from nodes.renderer.bake.paint import bump, ramp
from nodes.renderer.bake.person import Person
from nodes.renderer.bake.unwrap import boundary_loops, unwrap

_CORNER = 0.125  # of the texture's width: what the disc of the head leaves free in each corner
_MARGIN = 0.005


@dataclass(frozen=True)
class HeadLayout:
    """Quads of the head with their places in its texture.

    Attributes:
        quads: ``[F, 4]`` vertices of the base mesh.
        uv_quads: ``[F, 4]``.
        uv: ``[T, 2]``.
        skin: ``[F]`` whether a quad is outside: neither in the mouth nor behind the lids.
    """

    quads: Ints
    uv_quads: Ints
    uv: Floats
    skin: npt.NDArray[np.bool_]


def lay_out_head(person: Person) -> HeadLayout:
    """Unwrap the head; the inside of the mouth and the rims behind the lids go to the texture's corners."""
    head = person.islands["head"]
    ids, uv_quads = _renumber(head.uv_quads)
    corner = np.zeros(len(ids), np.int32)
    corner[uv_quads.ravel()] = head.quads.ravel()
    points = person.shape[corner]
    parts = [(head.quads, uv_quads, unwrap(points, uv_quads, _importance(points, person)))]
    parts.append(_in_corner(person.islands["mouth"], _MARGIN))
    parts.append(_in_corner(_rims(person), 1 - _MARGIN - _CORNER))
    offsets = np.cumsum([0] + [len(part[2]) for part in parts[:-1]])
    return HeadLayout(
        quads=np.concatenate([part[0] for part in parts]),
        uv_quads=np.concatenate([part[1] + offset for part, offset in zip(parts, offsets, strict=True)]),
        uv=np.concatenate([part[2] for part in parts]).astype(np.float32),
        skin=np.repeat([True, False, False], [len(part[0]) for part in parts]),
    )


def head_surface(layout: HeadLayout, person: Person, *, fine: bool) -> Surface:
    """Mesh of the head over the vertices of the base mesh; as coarse as that, or with four times the quads."""
    body = read_base_mesh().groups["body"].quads
    return build_surface(layout.quads, len(person.shape), layout.uv_quads, layout.uv, fine=fine, around=body)


def painting_values(layout: HeadLayout, person: Person, surface: Surface) -> Floats:
    """Values per vertex that painting needs: place, normal, lips, inside, ``[n, 8]``."""
    lips = mask_at_vertices("lips")
    inside = (surface.uv[:, 1] < _CORNER + _MARGIN) & (np.abs(surface.uv[:, 0] - 0.5) > 0.5 - _CORNER - _MARGIN)
    normals = surface.matrix @ quad_normals(person.shape, layout.quads)
    return np.column_stack([surface.matrix @ person.shape, normals, surface.matrix @ lips, inside]).astype(np.float32)


def in_mouth(uv: Floats) -> npt.NDArray[np.bool_]:
    """Whether triangles with texture coordinates ``[t, 3, 2]`` lie inside the mouth."""
    return (uv.max(1) < _CORNER + 2 * _MARGIN).all(1)


def quad_normals(points: Floats, quads: Ints) -> Floats:
    """Area weighted unit normals ``[V, 3]`` of a quad mesh."""
    corners = points[quads]
    face = np.cross(corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1])
    columns = np.repeat(np.arange(len(quads)), 4)
    incidence = sparse.csr_matrix((np.ones(quads.size), (quads.ravel(), columns)), (len(points), len(quads)))
    normals = incidence @ face
    return (normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)).astype(np.float32)


def _importance(points: Floats, person: Person) -> Floats:
    """Texture area per surface area: the face four times the scalp, eyes and lips several times the face."""
    x, y, z = points.T
    marks = person.marks
    mouth, eye = marks.mouth, marks.left_eye.centre
    middle = eye[2]
    face = ramp(z, middle - 0.085, middle - 0.035) * ramp(y, marks.crown[1] - 0.01, marks.crown[1] - 0.04)
    face = face * ramp(y, mouth[1] - 0.055, mouth[1] - 0.03)
    eyes = bump(np.hypot((np.abs(x) - eye[0]) / 0.022, (y - eye[1]) / 0.018), 1.0) * face
    lips = bump(np.hypot(x / 0.030, (y - mouth[1]) / 0.018), 1.0) * face
    return (0.25 + 0.75 * face) * (1 + 2.5 * eyes + 1.5 * lips)


def _rims(person: Person) -> Island:
    """Quads behind the lids that may be seen at their rims."""
    sockets = person.islands["sockets"]
    rim = np.unique(np.concatenate(boundary_loops(sockets.quads)))
    near = np.isin(sockets.quads, rim).any(1)
    return Island(sockets.quads[near], sockets.uv_quads[near])


def _in_corner(island: Island, left: float) -> tuple[Ints, Ints, Floats]:
    ids, uv_quads = _renumber(island.uv_quads)
    uv = read_base_mesh().uv[ids]
    low, high = uv.min(0), uv.max(0)
    placed = (uv - low) / (high - low).max() * _CORNER + np.array([left, _MARGIN])
    return island.quads, uv_quads, placed.astype(np.float32)


def _renumber(indices: Ints) -> tuple[Ints, Ints]:
    ids, inverse = np.unique(indices, return_inverse=True)
    return ids.astype(np.int32), inverse.reshape(indices.shape).astype(np.int32)
