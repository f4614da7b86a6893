"""FLAME's head: vertices of what frames of the basis ``flame2020`` say, from the licensed file.

The files are the user's own: ``generic_model.pkl`` of FLAME 2020 (https://flame.is.tue.mpg.de, not for commercial use),
which the package smplx reads too, and ``FLAME_masks.pkl`` for regions of the face. Source: Li et al. 2017, Learning a
model of facial shape and expression from 4D scans; blend skinning as in SMPL (Loper et al. 2015).
"""

import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import scipy.sparse
from scipy.spatial.transform import Rotation

from mio.errors import ConfigError

Floats = npt.NDArray[np.float32]

EXPRESSION = slice(0, 100)
HEAD = slice(100, 103)
JAW = slice(103, 106)
EYES = slice(106, 112)

_SHAPES, _EXPRESSIONS = 300, 100
_JOINTS = 5  # head, neck, jaw, left and right eye
_AT_ONCE = 64  # frames
_REMEDY = "name generic_model.pkl of FLAME 2020, from https://flame.is.tue.mpg.de"
_ARRAYS = {
    "numpy": {"_reconstruct", "ndarray", "dtype", "scalar"},
    "scipy": {"csc_matrix", "csr_matrix", "coo_matrix"},
    "copyreg": {"_reconstructor"},
    "_codecs": {"encode"},
    "builtins": {"object"},
}
"""What arrays are made of in a pickle, by package."""


class Flame:
    """The average head.

    Attributes:
        faces: ``[F, 3]`` vertices of each triangle.
    """

    def __init__(self, parts: dict[str, Any]) -> None:
        """Take a file's arrays.

        Args:
            parts: ``v_template`` ``[V, 3]`` m, ``shapedirs`` ``[V, 3, 400]``, ``posedirs`` ``[V, 3, 36]``,
                ``J_regressor`` ``[5, V]``, ``kintree_table`` ``[2, 5]``, ``weights`` ``[V, 5]``, ``f`` ``[F, 3]``.

        Raises:
            KeyError: If one is missing.
            ValueError: If one has another shape.
        """
        arrays = {name: _dense(parts[name]) for name in _SHAPE_OF}
        self._count = len(arrays["v_template"])
        for name, shape in _SHAPE_OF.items():
            wanted = tuple(self._count if size == "V" else size for size in shape)
            if any(a != b for a, b in zip(arrays[name].shape, wanted, strict=True) if b is not None):
                raise ValueError(f"{name} is {arrays[name].shape}, not {wanted}")
        self.faces = arrays["f"].astype(np.int64)
        self._still = arrays["v_template"].astype(np.float32)
        self._moved = arrays["shapedirs"][:, :, _SHAPES:].astype(np.float32)
        self._bent = arrays["posedirs"].astype(np.float32)
        self._joints = arrays["J_regressor"].astype(np.float32)
        self._parents = [int(parent) for parent in arrays["kintree_table"][0][1:]]
        self._weights = arrays["weights"].astype(np.float32)

    def vertices(self, frames: Floats, *, head: bool = True) -> Floats:
        """``[n, V, 3]`` in metres, of the average head.

        Args:
            frames: ``[n, 112]``.
            head: Whether the head turns.
        """
        frames = frames if head else _without_head(frames)
        pieces = [self._skinned(frames[at : at + _AT_ONCE]) for at in range(0, len(frames), _AT_ONCE)]
        return np.concatenate(pieces) if pieces else np.zeros((0, self._count, 3), np.float32)

    def _skinned(self, frames: Floats) -> Floats:
        turns = _rotations(frames)
        shaped = self._still + np.einsum("vce,ne->nvc", self._moved, frames[:, EXPRESSION])
        bends = (turns[:, 1:] - np.eye(3, dtype=np.float32)).reshape(len(frames), -1)
        posed = shaped + np.einsum("vcp,np->nvc", self._bent, bends)
        joints = np.einsum("jv,nvc->njc", self._joints, shaped)
        rotation, origin = [turns[:, 0]], [joints[:, 0]]
        for joint, parent in enumerate(self._parents, 1):
            rotation.append(rotation[parent] @ turns[:, joint])
            away = (joints[:, joint] - joints[:, parent])[:, :, None]
            origin.append(origin[parent] + (rotation[parent] @ away)[:, :, 0])
        turned = np.stack(rotation, 1)
        moved = np.stack(origin, 1) - np.einsum("njab,njb->nja", turned, joints)
        by_vertex = np.einsum("vj,njab->nvab", self._weights, turned)
        return np.einsum("nvab,nvb->nva", by_vertex, posed) + np.einsum("vj,nja->nva", self._weights, moved)


_SHAPE_OF: dict[str, tuple[int | str | None, ...]] = {
    "v_template": ("V", 3),
    "shapedirs": ("V", 3, _SHAPES + _EXPRESSIONS),
    "posedirs": ("V", 3, 9 * (_JOINTS - 1)),
    "J_regressor": (_JOINTS, "V"),
    "kintree_table": (2, _JOINTS),
    "weights": ("V", _JOINTS),
    "f": (None, 3),
}


def read_flame(path: Path) -> Flame:
    """Read FLAME's file; nothing in it is run.

    Raises:
        ConfigError: If it is none.
    """
    try:
        return Flame(_unpickled(path))
    except (OSError, pickle.UnpicklingError, EOFError, KeyError, ValueError, AttributeError) as error:
        raise ConfigError(f"{path}: {error}", _REMEDY) from error


def read_region(path: Path, names: Sequence[str]) -> npt.NDArray[np.int64]:
    """Vertices of regions, by their names in ``FLAME_masks.pkl``, such as ``lips``.

    Raises:
        ConfigError: If the file is none of that kind or has no such region.
    """
    try:
        masks = _unpickled(path)
        return np.unique(np.concatenate([np.asarray(masks[name]) for name in names])).astype(np.int64)
    except (OSError, pickle.UnpicklingError, EOFError, KeyError, ValueError, AttributeError) as error:
        remedy = "name FLAME_masks.pkl, from https://flame.is.tue.mpg.de"
        raise ConfigError(f"{path}: {error}", remedy) from error


class _StandIn:
    """An array of the package chumpy, which is not needed to read it."""

    x: npt.NDArray[np.float64]

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.x = state["x"]


class _ArraysOnly(pickle.Unpickler):
    """Reads arrays; anything else is refused."""

    def find_class(self, module: str, name: str) -> Any:
        """Arrays of numpy and scipy, and stand-ins for those of chumpy."""
        package = module.partition(".")[0]
        if package == "chumpy":
            return _StandIn
        if name not in _ARRAYS.get(package, ()):
            raise pickle.UnpicklingError(f"holds {module}.{name}, which is no array")
        return getattr(scipy.sparse, name) if package == "scipy" else super().find_class(module, name)


def _unpickled(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return _load(file)


def _load(file: BinaryIO) -> dict[str, Any]:
    found = _ArraysOnly(file, encoding="latin1").load()
    if not isinstance(found, dict):
        raise ValueError("holds no named arrays")
    return found


def _dense(array: Any) -> npt.NDArray[Any]:
    """An array, whether it is sparse, of chumpy, or plain."""
    if isinstance(array, _StandIn):
        return np.asarray(array.x)
    return np.asarray(array.todense() if hasattr(array, "todense") else array)


def _rotations(frames: Floats) -> Floats:
    """``[n, 5, 3, 3]`` of head, neck, jaw and eyes."""
    axes = np.zeros((len(frames), _JOINTS, 3), np.float32)
    axes[:, 0], axes[:, 2] = frames[:, HEAD], frames[:, JAW]
    axes[:, 3:] = frames[:, EYES].reshape(-1, 2, 3)
    turns = Rotation.from_rotvec(axes.reshape(-1, 3)).as_matrix()
    return turns.reshape(len(frames), _JOINTS, 3, 3).astype(np.float32)


def _without_head(frames: Floats) -> Floats:
    still = frames.copy()
    still[:, HEAD] = 0.0
    return still
