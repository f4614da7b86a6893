"""The part of the base mesh that facial actions move: skin of the head, mouth, lashes; and how far."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from mio.contracts.arkit import ARKIT_ACTIONS
from nodes.renderer.bake.base_mesh import Floats, Group, Ints, data_folder, read_action, read_base_mesh

_MOUTH_PARTS = ("helper-upper-teeth", "helper-lower-teeth", "helper-tongue")
_LASHES = tuple(f"helper-{side}-eyelashes-{row}" for side in "lr" for row in (1, 2))


@dataclass(frozen=True)
class Island:
    """Quads of the body that hang together in MakeHuman's texture layout."""

    quads: Ints
    uv_quads: Ints


@dataclass(frozen=True)
class FaceRig:
    """Vertices that actions move, and how far.

    Attributes:
        base: ``[F]`` their indices in the base mesh.
        rest: ``[F, 3]`` m, lips closed.
        actions: ``[52, F, 3]`` m, displacement by each ARKit action.
        index: ``[V]`` index of each vertex of the base mesh among them, -1 where it is none.
    """

    base: Ints
    rest: Floats
    actions: Floats
    index: Ints


def body_islands() -> dict[str, Island]:
    """Islands of the body's texture: ``head``, ``mouth`` (its inside), ``sockets`` of the eyes, hands, ``trunk``."""
    mesh = read_base_mesh()
    group = mesh.groups["body"]
    label = _island_of_uv(group, len(mesh.uv))[group.uv_quads[:, 0]]
    centre = mesh.vertices[group.quads].mean(1)
    seeds = {
        "head": int(np.argmax(centre[:, 1])),
        "left_hand": int(np.argmax(centre[:, 0])),
        "right_hand": int(np.argmin(centre[:, 0])),
        "trunk": int(np.argmin(np.linalg.norm(centre - np.array([0.0, 0.3, 0.1]), axis=1))),
        "mouth": int(np.argmin(np.linalg.norm(centre - mesh.vertices[_vertices("helper-tongue")].mean(0), axis=1))),
    }
    found = {name: label == label[seed] for name, seed in seeds.items()}
    found["sockets"] = ~np.logical_or.reduce(list(found.values())) & (centre[:, 1] > centre[seeds["mouth"], 1])
    return {name: Island(group.quads[here], group.uv_quads[here]) for name, here in found.items()}


def build_face_rig(shape: Floats) -> FaceRig:
    """Collect what actions move.

    Args:
        shape: ``[V, 3]`` the person's rest shape, lips closed.
    """
    islands = body_islands()
    parts = [islands[name].quads for name in ("head", "mouth", "sockets")]
    parts += [read_base_mesh().groups[name].quads for name in (*_MOUTH_PARTS, *_LASHES)]
    body = read_base_mesh().groups["body"].quads
    beside = np.isin(body, np.unique(islands["head"].quads)).any(1)  # smoothing needs what the head is joined to
    base = np.unique(np.concatenate([*(part.ravel() for part in parts), body[beside].ravel()])).astype(np.int32)
    actions = np.stack([read_action(name)[base] for name in ARKIT_ACTIONS])
    index = np.full(len(shape), -1, np.int32)
    index[base] = np.arange(len(base))
    return FaceRig(base, shape[base], actions, index)


def mask_at_vertices(name: str) -> Floats:
    """Value of one of MakeHuman's region masks, such as ``lips``, at each vertex of the body, ``[V]`` 0..1."""
    mesh = read_base_mesh()
    path = data_folder() / "mpfb2/textures" / f"mpfb_{name}.jpg"
    image = np.asarray(Image.open(path).convert("L"), np.float32) / 255
    group = mesh.groups["body"]
    uv = mesh.uv[group.uv_quads.ravel()]
    size = np.array([image.shape[1], image.shape[0]])
    column, row = np.clip((np.array([0, 1]) + np.array([1, -1]) * uv) * size, 0, size - 1).astype(int).T
    values = np.zeros(len(mesh.vertices), np.float32)
    np.maximum.at(values, group.quads.ravel(), image[row, column])
    return values


def _vertices(group: str) -> Ints:
    return np.unique(read_base_mesh().groups[group].quads)


def _island_of_uv(group: Group, count: int) -> npt.NDArray[np.int32]:
    a, b = group.uv_quads.ravel(), np.roll(group.uv_quads, -1, 1).ravel()
    graph = sparse.coo_matrix((np.ones(len(a)), (a, b)), (count, count))
    return connected_components(graph, directed=False)[1]
