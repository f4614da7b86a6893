"""Light that is blocked: how much of the sky and of a light each vertex sees, by depth maps from many directions."""

from dataclasses import dataclass

import moderngl
import numpy as np

from nodes.renderer.bake.base_mesh import Floats, Ints
from nodes.renderer.context import set_uniform

Array = Floats

_SIZE = 640
_VERTEX = """
#version 330
in vec3 position;
uniform mat4 view;
out float depth;
void main() { gl_Position = view * vec4(position, 1.0); depth = gl_Position.z; }
"""
_FRAGMENT = """
#version 330
in float depth;
out float value;
void main() { value = depth; }
"""


@dataclass(frozen=True)
class Casters:
    """What blocks light: ``[n, 3]`` points in m and ``[t, 3]`` triangles."""

    points: Floats
    triangles: Ints


class DepthMaps:
    """Looks at a scene from many directions."""

    def __init__(self, context: moderngl.Context, casters: Casters, low: Array, high: Array) -> None:
        """Prepare to look at the box between two corners; what casts may reach beyond it."""
        self._context = context
        program = context.program(vertex_shader=_VERTEX, fragment_shader=_FRAGMENT)
        points = context.buffer(casters.points.astype("f4").tobytes())
        index = context.buffer(casters.triangles.astype("i4").tobytes())
        self._program = program
        self._array = context.vertex_array(program, [(points, "3f", "position")], index)
        size = (_SIZE, _SIZE)
        self._target = context.framebuffer([context.texture(size, 1, dtype="f4")], context.depth_renderbuffer(size))
        self._centre = (np.asarray(low) + np.asarray(high)) / 2
        self._radius = float(np.linalg.norm(np.asarray(high) - np.asarray(low))) / 2
        self._reach = max(self._radius, float(np.linalg.norm(casters.points - self._centre, axis=1).max())) * 1.01

    def visible(self, points: Floats, towards: Array, bias_m: Floats) -> Floats:
        """How far ``[n, 3]`` points are lit from a direction, 0..1; what is nearer than ``bias_m`` blocks nothing."""
        view = self._matrix(towards)
        set_uniform(self._program, "view", view.T.astype("f4").tobytes())
        self._target.use()
        self._context.enable(moderngl.DEPTH_TEST)
        self._context.disable(moderngl.CULL_FACE | moderngl.BLEND)
        self._target.clear(1.0, 1.0, 1.0, 1.0)
        self._array.render()
        depth = np.frombuffer(self._target.read(components=1, dtype="f4"), "f4").reshape(_SIZE, _SIZE)
        seen = points @ view[:3, :3].T + view[:3, 3]
        at = (seen[:, :2] + 1) / 2 * _SIZE - 0.5
        limit = seen[:, 2] - bias_m / self._reach
        corner = np.clip(at.astype(np.int32), 0, _SIZE - 2)
        first = corner[:, 1] * _SIZE + corner[:, 0]
        flat = depth.ravel()
        lit = [flat[first + step] >= limit for step in (0, 1, _SIZE, _SIZE + 1)]
        return np.stack(lit).astype(np.float32).sum(0) / 4

    def _matrix(self, towards: Array) -> Array:
        """Orthographic view from a direction; near is -1."""
        back = towards / np.linalg.norm(towards)
        helper = np.array([0.0, 1, 0]) if abs(back[1]) < 0.9 else np.array([1.0, 0, 0])
        right = np.cross(helper, back)
        right /= np.linalg.norm(right)
        axes = np.stack([right / self._radius, np.cross(back, right) / self._radius, -back / self._reach])
        matrix = np.eye(4)
        matrix[:3, :3] = axes
        matrix[:3, 3] = -axes @ self._centre
        return matrix


def open_sky(maps: DepthMaps, points: Floats, normals: Floats, bias_m: Floats, *, directions: int = 110) -> Floats:
    """Share of the sky over each point that is not blocked, weighted as diffuse light is, ``[n]`` 0..1."""
    lit, total = np.zeros(len(points)), np.full(len(points), 1e-6)
    start = points + normals * (0.5 * bias_m)[:, None]
    for towards in sphere(directions):
        facing = np.maximum(normals @ towards, 0)
        lit += facing * maps.visible(start, towards, bias_m)
        total += facing
    return (lit / total).astype(np.float32)


def soft_light(
    maps: DepthMaps, points: Floats, normals: Floats, bias_m: Floats, towards: Array, spread_deg: float
) -> Floats:
    """Share of a light of a certain size that each point sees, ``[n]`` 0..1."""
    total = np.zeros(len(points))
    ways = cone(towards, spread_deg)
    start = points + normals * (0.5 * bias_m)[:, None]
    for way in ways:
        total += maps.visible(start, way, bias_m)
    return (total / len(ways)).astype(np.float32)


def sphere(count: int) -> Array:
    """Evenly spread directions (Fibonacci lattice), ``[count, 3]``."""
    index = np.arange(count) + 0.5
    y = 1 - 2 * index / count
    angle = np.pi * (1 + 5**0.5) * index
    radius = np.sqrt(1 - y * y)
    return np.stack([radius * np.cos(angle), y, radius * np.sin(angle)], 1)


def cone(towards: Array, spread_deg: float, count: int = 20) -> Array:
    """Directions within an angle around one (sunflower), ``[count, 3]``."""
    axis = towards / np.linalg.norm(towards)
    side = np.cross(axis, [0.0, 1, 0.3])
    side /= np.linalg.norm(side)
    index = np.arange(count)
    angle = index * np.pi * (3 - 5**0.5)
    tilt = np.radians(spread_deg) * np.sqrt((index + 0.5) / count)
    return np.cos(tilt)[:, None] * axis + np.sin(tilt)[:, None] * (
        np.cos(angle)[:, None] * side + np.sin(angle)[:, None] * np.cross(axis, side)
    )
