"""The avatar's meshes on the graphics device, how they follow the face, and which of them are in the picture."""

from typing import Any

import moderngl
import numpy as np
import numpy.typing as npt

from nodes.renderer.asset import Floats, Ints, Part
from nodes.renderer.camera import Camera
from nodes.renderer.face import FaceMesh

_MARGIN_M = 0.02  # around parts when it is decided whether they are seen
_DENSE = 0.3  # share of entries from which on a full matrix is faster than a sparse one
_PADDING = {"3f": "12x", "2f": "8x", "4u1": "4x", "4f1": "4x"}


class UploadedPart:
    """A part's buffers.

    Attributes:
        name: The part's name.
        source: The part.
        program: What draws it.
        array: Its vertex array.
        sparing_array: The same for low effort.
        sparing_count: Vertices that low effort needs, from the first one on.
        places: Buffer with position and normal of each vertex.
    """

    def __init__(self, context: moderngl.Context, name: str, part: Part, program: moderngl.Program) -> None:
        self.name = name
        self.source = part
        self.program = program
        self.places = context.buffer(np.hstack([part.positions, part.normals]).astype("f4").tobytes(), dynamic=True)
        still = context.buffer(_interleaved(part).tobytes())
        attributes = [("2f", "uv"), ("4u1", "joints"), ("4f1", "weights"), ("4f1", "shade")]
        if len(part.tangents):
            attributes.append(("3f", "tangent"))
        content: list[Any] = [
            (self.places, *_layout(program, [("3f", "position"), ("3f", "normal")])),
            (still, *_layout(program, attributes)),
        ]
        few = part.drawn(sparing=True)
        self.array = context.vertex_array(program, content, context.buffer(part.triangles.astype("i4").tobytes()))
        self.sparing_array = context.vertex_array(program, content, context.buffer(few.astype("i4").tobytes()))
        self.sparing_count = int(few.max()) + 1


class Followers:
    """All parts that facial actions move."""

    def __init__(self, parts: list[UploadedPart], *, sparing: bool) -> None:
        """Take the parts' vertices.

        Args:
            parts: All parts.
            sparing: Take only the vertices that low effort needs.
        """
        self._ways: list[tuple[UploadedPart, _Way]] = []
        for part in parts:
            if part.source.follows is not None:
                count = part.sparing_count if sparing else len(part.source.positions)
                self._ways.append((part, _Way(part.source.follows[:count])))

    def deform(self, face: FaceMesh, drawn: set[str]) -> None:
        """Take over the face's vertices in the parts that are drawn."""
        vertices = np.hstack([face.positions, face.normals])
        for part, way in self._ways:
            if part.name not in drawn:
                continue
            values = way(vertices)
            if part.source.texture == "teeth":  # rigid, and made of anchors that have no normals of their own
                values = np.hstack([values[:, :3], part.source.normals[: len(values)]])
            part.places.write(np.ascontiguousarray(values, np.float32))


class _Way:
    """From the face's vertices to those of a part: a matrix, full where it is not sparse in the columns it uses."""

    def __init__(self, follows: Any) -> None:
        columns = np.unique(follows.indices)
        dense = follows.nnz > _DENSE * follows.shape[0] * len(columns)
        self._columns = columns if dense else None
        self._matrix: Any = follows[:, columns].toarray() if dense else follows.tocsr()

    def __call__(self, vertices: Floats) -> Floats:
        return self._matrix @ (vertices if self._columns is None else vertices[self._columns])


class Bounds:
    """Spheres around what each bone moves of each part."""

    def __init__(self, parts: list[UploadedPart]) -> None:
        bones: list[int] = []
        centres: list[Floats] = []
        radii: list[float] = []
        self._starts: list[int] = []
        for part in parts:
            self._starts.append(len(bones))
            strongest = part.source.joints[:, 0]
            for bone in np.unique(strongest):
                points = part.source.positions[strongest == bone]
                centre = points.mean(0)
                bones.append(int(bone))
                centres.append(centre)
                radii.append(float(np.linalg.norm(points - centre, axis=1).max()) + _MARGIN_M)
        self._bones: Ints = np.array(bones, np.int32)
        self._centres = np.concatenate([np.array(centres), np.ones((len(bones), 1))], 1).astype(np.float32)
        self._radii = np.array(radii, np.float32)[:, None]

    def in_view(self, bones: Floats, camera: Camera) -> npt.NDArray[np.bool_]:
        """Whether each part may be in the picture."""
        places = (bones[self._bones] @ self._centres[:, :, None])[:, :, 0]
        clip = camera.clip(places)
        scale = np.linalg.norm(camera.matrix[:2, :3], axis=1)
        inside = (np.abs(clip[:, :2]) < clip[:, 3:] + self._radii * scale).all(1)
        return np.logical_or.reduceat(inside, self._starts)


def _interleaved(part: Part) -> npt.NDArray[Any]:
    fields: list[Any] = [("uv", "f4", 2), ("joints", "u1", 4), ("weights", "u1", 4), ("shade", "u1", 4)]
    if len(part.tangents):
        fields.append(("tangent", "f4", 3))
    rows = np.zeros(len(part.positions), np.dtype(fields))
    rows["uv"], rows["joints"], rows["weights"], rows["shade"] = part.uv, part.joints, part.weights, part.shade
    if len(part.tangents):
        rows["tangent"] = part.tangents
    return rows


def _layout(program: moderngl.Program, attributes: list[tuple[str, str]]) -> tuple[str, ...]:
    """Buffer layout for moderngl; what a program does not use is padding."""
    formats = " ".join(kind if name in program else _PADDING[kind] for kind, name in attributes)
    return (formats, *(name for _, name in attributes if name in program))
