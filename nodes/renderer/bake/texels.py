"""Surface values per texel: what lies where on a mesh that is laid out in texture space."""

from dataclasses import dataclass
from typing import Any

import moderngl
import numpy as np
import numpy.typing as npt
from scipy import ndimage

from nodes.renderer.bake.base_mesh import Floats, Ints

Mask = npt.NDArray[np.bool_]

_VERTEX = """
#version 330
in vec2 uv;
in vec4 value;
out vec4 v;
void main() { v = value; gl_Position = vec4(uv * 2.0 - 1.0, 0.0, 1.0); }
"""
_FRAGMENT = """
#version 330
in vec4 v;
out vec4 colour;
void main() { colour = v; }
"""


@dataclass(frozen=True)
class Texels:
    """Vertex values spread over a square texture, row 0 at v = 0.

    Attributes:
        values: ``[size, size, k]``; texels off the mesh have the values of the nearest one on it.
        covered: ``[size, size]`` whether the mesh covers a texel.
    """

    values: Floats
    covered: Mask


def rasterise(context: moderngl.Context, uv: Floats, triangles: Ints, values: Floats, size: int) -> Texels:
    """Interpolate vertex values over the texture.

    Args:
        context: Any OpenGL context.
        uv: ``[n, 2]`` in 0..1.
        triangles: ``[t, 3]``.
        values: ``[n, k]``.
        size: Width and height in texels.
    """
    width = values.shape[1]
    padded = np.zeros((len(values), -(-width // 4) * 4), np.float32)
    padded[:, :width] = values
    program = context.program(vertex_shader=_VERTEX, fragment_shader=_FRAGMENT)
    target = context.framebuffer([context.texture((size, size), 4, dtype="f4")])
    index = context.buffer(triangles.astype("i4").tobytes())
    layers: list[npt.NDArray[Any]] = []
    for first in range(0, padded.shape[1], 4):
        rows = np.hstack([uv, padded[:, first : first + 4]]).astype("f4")
        buffer = context.buffer(rows.tobytes())
        array = context.vertex_array(program, [(buffer, "2f 4f", "uv", "value")], index)
        target.use()
        context.disable(moderngl.DEPTH_TEST | moderngl.CULL_FACE | moderngl.BLEND)
        target.clear(np.nan, np.nan, np.nan, np.nan)
        array.render()
        layers.append(np.frombuffer(target.read(components=4, dtype="f4"), "f4").reshape(size, size, 4))
    stacked = np.concatenate(layers, 2)[:, :, :width]
    covered = np.isfinite(stacked[:, :, 0])
    return Texels(_fill(stacked, covered), covered)


def _fill(values: Floats, covered: Mask) -> Floats:
    """Give uncovered texels the value of the nearest covered one, so that filtering finds no seam."""
    transform: Any = ndimage.distance_transform_edt(~covered, return_distances=False, return_indices=True)
    rows, columns = transform
    return values[rows, columns]
