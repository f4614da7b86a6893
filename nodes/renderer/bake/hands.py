"""Skin below the head: neck and hands in one texture, with knuckles and nails."""

from dataclasses import dataclass

import moderngl
import numpy as np
import numpy.typing as npt
from scipy.spatial import KDTree

from nodes.renderer.asset import Part
from nodes.renderer.bake.base_mesh import Floats, Ints, read_base_mesh
from nodes.renderer.bake.face_rig import mask_at_vertices
from nodes.renderer.bake.paint import encode, grain, linear, mix, ramp
from nodes.renderer.bake.person import Person
from nodes.renderer.bake.skin import complexion
from nodes.renderer.bake.texels import rasterise
from nodes.renderer.config import SkinLook

_HAND_HALF = 0.5  # the left half of the texture shows a hand, the right one the neck
_PLAIN_AT = (0.52, 0.02)  # a place with plain skin, for the stumps of the arms inside the sleeves


@dataclass(frozen=True)
class BodySkinLayout:
    """Places of the quads in the texture: ``[F, 4]`` indices into ``[T, 2]`` coordinates."""

    uv_quads: Ints
    uv: Floats


def lay_out_body_skin(quads: Ints, person: Person) -> BodySkinLayout:
    """Both hands share one half of the texture; the neck is unrolled over the other."""
    mesh = read_base_mesh()
    body = mesh.groups["body"]
    row_of = {tuple(quad): row for row, quad in enumerate(body.quads.tolist())}
    original = body.uv_quads[[row_of[tuple(quad)] for quad in quads.tolist()]]
    centre = person.shape[quads].mean(1)
    corners = np.zeros((*quads.shape, 2), np.float32)
    arm = np.abs(centre[:, 0]) > 0.25
    corners[arm] = _PLAIN_AT
    for name, mirrored in (("left_hand", False), ("right_hand", True)):
        island = person.islands[name].uv_quads
        here = np.isin(original, island).all(1)
        box = mesh.uv[island].reshape(-1, 2)
        corners[here] = _hand_uv(mesh.uv[original[here]], box.min(0), box.max(0), mirrored=mirrored)
    corners[~arm] = _neck_uv(person.shape[quads[~arm]], person)
    flat, inverse = np.unique(np.round(corners.reshape(-1, 2), 6), axis=0, return_inverse=True)
    return BodySkinLayout(inverse.reshape(quads.shape).astype(np.int32), flat.astype(np.float32))


def nail_shares(points: Floats, person: Person) -> Floats:
    """Share of nail at points ``[n, 3]`` of the skin, from the nearest vertex of the base mesh, ``[n]`` 0..1."""
    body = np.unique(read_base_mesh().groups["body"].quads)
    nearest = KDTree(person.shape[body]).query(points)[1]
    return mask_at_vertices("fingernails")[body][nearest]


def texels(context: moderngl.Context, parts: list[Part], person: Person, size: int) -> Floats:
    """Place in m and share of nail at each texel, ``[size, size, 4]``."""
    offsets = np.cumsum([0] + [len(part.positions) for part in parts[:-1]])
    points = np.concatenate([part.positions for part in parts])
    uv = np.concatenate([part.uv for part in parts])
    triangles = np.concatenate([part.triangles + offset for part, offset in zip(parts, offsets, strict=True)])
    return rasterise(context, uv, triangles, np.column_stack([points, nail_shares(points, person)]), size).values


def paint_body_skin(
    values: Floats, person: Person, look: SkinLook, random: np.random.Generator
) -> npt.NDArray[np.uint8]:
    """Texture ``[s, s, 4]``: colour in gamma 2, gloss.

    Args:
        values: ``[s, s, 4]`` place in m and share of nail at each texel.
        person: Her knuckles' places are her finger joints'.
        look: Colours.
        random: Source of pores.
    """
    points, nails = values[..., :3], ramp(values[..., 3], 0.35, 0.65)
    tone = linear(look.tone)
    colour = complexion(points, tone, random)
    places = person.skeleton.places
    rosy = tone * np.array([1.02, 0.68, 0.64], np.float32)
    for joint in range(22, 37):  # joints of the left hand's fingers
        near = np.abs(points) * [1, 1, 1] - np.abs(places[joint]) * [1, 1, 1]
        colour = mix(colour, rosy, (0.34 * np.exp(-((near / 0.008) ** 2).sum(-1))).astype(np.float32))
    nail = linear("#dd9c93")
    colour = mix(colour, nail, nails)
    gloss = 0.30 * (1 + 0.16 * grain(random, len(points), 1.0)) + 0.45 * nails
    return np.concatenate([encode(colour), encode(np.clip(gloss, 0, 1) ** 2)[..., None]], 2)


def _hand_uv(uv: Floats, low: Floats, high: Floats, *, mirrored: bool) -> Floats:
    """Fit a hand's island into its half."""
    placed = (uv - low) / (high - low)
    if mirrored:
        placed[..., 0] = 1 - placed[..., 0]
    return (0.005 + placed * [_HAND_HALF - 0.01, 0.99]).astype(np.float32)


def _neck_uv(points: Floats, person: Person) -> Floats:
    """Unroll around the neck; the seam is behind."""
    neck = person.skeleton.places[12]
    offset = points - neck
    angle = np.arctan2(offset[..., 0], offset[..., 2] + 0.02) / (2 * np.pi)
    angle = np.where(angle - angle[:, :1] > 0.5, angle - 1, np.where(angle[:, :1] - angle > 0.5, angle + 1, angle))
    u = _HAND_HALF + 0.02 + (angle + 0.56) / 1.12 * (0.96 - _HAND_HALF)
    v = np.clip((points[..., 1] - neck[1] + 0.16) / 0.32, 0.01, 0.99)
    return np.stack([np.clip(u, _HAND_HALF + 0.01, 0.995), v], -1).astype(np.float32)
