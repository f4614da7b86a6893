"""The baked avatar: meshes, textures, skeleton and face rig as plain arrays, in one file."""

import zipfile
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from mio.errors import MioError
from nodes.renderer.skeleton import Skeleton

Floats = npt.NDArray[np.floating[Any]]
Ints = npt.NDArray[np.signedinteger[Any]]
Bytes = npt.NDArray[np.uint8]
Matrix = Any
"""A ``scipy.sparse.csr_matrix`` of float32."""


@dataclass(frozen=True)
class Part:
    """A mesh that is drawn in one call.

    Attributes:
        material: Shader that draws it: ``skin``, ``eye``, ``mouth``, ``lash``, ``hair``, ``lock``, ``under``, ``knit``,
            ``rib``, ``weave`` or ``plain``.
        texture: Name of its texture; empty if its material needs none.
        colour: ``[3]`` linear RGB by which the material is tinted.
        repeat: ``[2]`` by which texture coordinates are multiplied.
        positions: ``[n, 3]`` m, bind pose.
        normals: ``[n, 3]``.
        tangents: ``[n, 3]`` along the strands; ``[0, 3]`` where the material needs none.
        uv: ``[n, 2]``.
        joints: ``[n, 4]`` bones that move each vertex.
        weights: ``[n, 4]`` uint8, summing to 255.
        shade: ``[n, 4]`` uint8: open sky, key light, fill light (hair: tone of the lock), unused.
        triangles: ``[t, 3]``.
        few: ``[s, 3]`` triangles for low effort, of the first vertices; ``[0, 3]`` where all are drawn at any effort.
        follows: ``[n, F]`` sparse matrix that makes positions from the vertices of the face rig; None for rigid parts.
    """

    material: str
    texture: str
    colour: Floats
    repeat: Floats
    positions: Floats
    normals: Floats
    tangents: Floats
    uv: Floats
    joints: Bytes
    weights: Bytes
    shade: Bytes
    triangles: Ints
    few: Ints
    follows: Matrix | None = None

    def drawn(self, *, sparing: bool) -> Ints:
        """The triangles that are drawn."""
        return self.few if sparing and len(self.few) else self.triangles


@dataclass(frozen=True)
class FaceShape:
    """What facial actions move, and what stops it. Indices are into the rig's vertices.

    Attributes:
        rest: ``[F, 3]`` m, bind pose.
        actions: ``[52, F, 3]`` m.
        quads: ``[q, 4]`` that normals are computed from.
        upper_lip: ``[n, 9]`` columns from the inner rim outwards, from her right corner to her left one.
        lower_lip: ``[m, 9]``.
        left_lids: Vertices of the skin around the left eye that must stay off the eyeball.
        right_lids: The same of the right one.
        left_lash_line: Upper and lower margin of the left lids in the middle.
        right_lash_line: The same of the right ones.
        eyes: ``[2, 4]`` centre and radius of the left and the right eyeball, m.
        upper_arch: ``[3]`` front of the upper teeth: z = a + b x^2 + c x^4, m.
        lower_arch: ``[3]`` the same of the lower teeth at rest.
        lower_teeth: Vertices of the lower teeth, which say where the jaw is.
    """

    rest: Floats
    actions: Floats
    quads: Ints
    upper_lip: Ints
    lower_lip: Ints
    left_lids: Ints
    right_lids: Ints
    left_lash_line: Ints
    right_lash_line: Ints
    eyes: Floats
    upper_arch: Floats
    lower_arch: Floats
    lower_teeth: Ints


@dataclass(frozen=True)
class Asset:
    """All of an avatar.

    Attributes:
        parts: Meshes by name, in the order in which they are drawn.
        textures: Images by name, ``[h, w, 4]``, row 0 at v = 0.
        skeleton: Bones.
        face: Face rig.
    """

    parts: dict[str, Part]
    textures: dict[str, Bytes]
    skeleton: Skeleton
    face: FaceShape

    def save(self, path: Path) -> None:
        """Write the asset to one ``.npz`` file.

        Raises:
            OSError: If that fails.
        """
        arrays: dict[str, Any] = {"order": np.array(list(self.parts))}
        arrays.update({f"texture/{name}": image for name, image in self.textures.items()})
        for name, part in self.parts.items():
            arrays.update(_pack(f"part/{name}", part))
        arrays.update(_pack("skeleton", self.skeleton))
        arrays.update(_pack("face", self.face))
        with path.open("wb") as file:
            np.savez(file, **arrays)


def load_asset(path: Path) -> Asset:
    """Read an asset.

    Raises:
        MioError: If the file is missing or broken.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
        names = [str(name) for name in arrays["order"]]
        textures = {key.partition("/")[2]: arrays[key] for key in arrays if key.startswith("texture/")}
        return Asset(
            parts={name: _unpack(Part, arrays, f"part/{name}") for name in names},
            textures=textures,
            skeleton=_unpack(Skeleton, arrays, "skeleton"),
            face=_unpack(FaceShape, arrays, "face"),
        )
    except (OSError, KeyError, TypeError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise MioError(f"{path}: no readable avatar ({error})", "delete the file; it is made again") from error


def _pack(prefix: str, item: Any) -> dict[str, Any]:
    arrays: dict[str, Any] = {}
    for field in fields(item):
        value = getattr(item, field.name)
        key = f"{prefix}/{field.name}"
        if sparse.issparse(value):
            arrays.update({f"{key}/{a}": getattr(value, a) for a in ("data", "indices", "indptr", "shape")})
        elif value is not None:
            arrays[key] = np.asarray(value)
    return arrays


def _unpack(kind: type[Any], arrays: dict[str, Any], prefix: str) -> Any:
    values: dict[str, Any] = {}
    for field in fields(kind):
        key = f"{prefix}/{field.name}"
        if f"{key}/data" in arrays:
            data, indices, indptr, shape = (arrays[f"{key}/{a}"] for a in ("data", "indices", "indptr", "shape"))
            values[field.name] = sparse.csr_matrix((data, indices, indptr), tuple(shape))
        elif key in arrays:
            value = arrays[key]
            values[field.name] = value.item() if value.ndim == 0 else value
    return kind(**values)
