"""The person before anything is drawn: her rest shape, standing on the floor, and where things are on her."""

from dataclasses import dataclass

import numpy as np

from nodes.renderer.bake.base_mesh import Floats, read_base_mesh
from nodes.renderer.bake.face_rig import Island, body_islands
from nodes.renderer.bake.landmarks import Landmarks, find_landmarks
from nodes.renderer.bake.mouth import CONTACT, Lips, closed_at_rest, lip_columns
from nodes.renderer.bake.rig import bone_weights, build_skeleton
from nodes.renderer.bake.shape import rest_shape
from nodes.renderer.config import Look
from nodes.renderer.skeleton import Skeleton

SHOE_SOLE_M = 0.022


@dataclass(frozen=True)
class Person:
    """What all steps of the bake start from.

    Attributes:
        look: What she shall look like.
        shape: ``[V, 3]`` base mesh, m, soles of the shoes at y = 0.
        weights: ``[V, 59]`` skinning weights.
        islands: Parts of the body's skin by name.
        lips: Vertex columns.
        marks: Places on the head.
        skeleton: Bones.
    """

    look: Look
    shape: Floats
    weights: Floats
    islands: dict[str, Island]
    lips: Lips
    marks: Landmarks
    skeleton: Skeleton


def build_person(look: Look) -> Person:
    """Shape a person after a look."""
    islands = body_islands()
    shape = rest_shape(look.body)
    skin = np.unique(read_base_mesh().groups["body"].quads)
    shape[:, 1] += SHOE_SOLE_M - shape[skin, 1].min()
    head = islands["head"].quads
    lips = lip_columns(head, shape)
    mouth = np.unique(np.concatenate([head.ravel(), islands["mouth"].quads.ravel()]))
    shape = closed_at_rest(shape, lips, mouth)
    marks = find_landmarks(shape, head, shape[lips.upper[len(lips.upper) // 2, CONTACT]])
    skeleton = build_skeleton(shape, marks)
    return Person(look, shape, bone_weights(shape), islands, lips, marks, skeleton)
