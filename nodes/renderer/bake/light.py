"""Baked light of all parts: open sky, key and fill light of every vertex, in bind pose."""

from dataclasses import replace

import moderngl
import numpy as np

from nodes.renderer.asset import Part
from nodes.renderer.bake.person import Person
from nodes.renderer.bake.visibility import Casters, DepthMaps, open_sky, soft_light
from nodes.renderer.lighting import FILL, FILL_SPREAD_DEG, KEY, KEY_SPREAD_DEG

_IN_MOUTH = ("upper_teeth", "lower_teeth", "tongue", "mouth")
_SEE_THROUGH = ("lashes", "locks", "lining", *_IN_MOUTH)
_ON_HEAD = ("head", "left_eye", "right_eye", "hair", "lining", "locks", "lashes")
_HAIR = ("hair", "lining", "locks")


def light_parts(context: moderngl.Context, parts: dict[str, Part], casters: Casters, person: Person) -> dict[str, Part]:
    """Fill in what each vertex sees of the lights. The head is looked at closely, the body from further away."""
    crown, chin = person.marks.crown, person.marks.chin
    near = DepthMaps(
        context, casters, np.array([-0.14, chin[1] - 0.10, -0.12]), np.array([0.14, crown[1] + 0.05, 0.20])
    )
    low, high = casters.points.min(0), casters.points.max(0)
    far = DepthMaps(context, casters, low, high)
    receivers = [name for name in parts if name not in (*_IN_MOUTH, "lashes")]
    lit = dict(parts)
    for maps, names, bias_m in (
        (near, [name for name in receivers if name in _ON_HEAD], 0.0015),
        (far, [name for name in receivers if name not in _ON_HEAD], 0.006),
    ):
        lit.update(_lit({name: parts[name] for name in names}, maps, bias_m))
    return lit


def _lit(parts: dict[str, Part], maps: DepthMaps, bias_m: float) -> dict[str, Part]:
    points = np.concatenate([part.positions for part in parts.values()])
    normals = np.concatenate([part.normals for part in parts.values()])
    counts = [len(part.positions) for part in parts.values()]
    bias = np.repeat([4 * bias_m if name in _HAIR else bias_m for name in parts], counts).astype(np.float32)
    sky = open_sky(maps, points, normals, bias)
    key = soft_light(maps, points, normals, bias, KEY.direction, KEY_SPREAD_DEG)
    fill = soft_light(maps, points, normals, bias, FILL.direction, FILL_SPREAD_DEG)
    light = np.round(255 * np.stack([sky, key, fill], 1)).astype(np.uint8)
    found: dict[str, Part] = {}
    for (name, part), own in zip(parts.items(), np.split(light, np.cumsum(counts)[:-1]), strict=True):
        shade = part.shade.copy()
        shade[:, : 2 if name in _HAIR else 3] = own[:, : 2 if name in _HAIR else 3]
        found[name] = replace(part, shade=shade)
    return found


def casters_of(parts: dict[str, Part]) -> Casters:
    """Everything that blocks light."""
    points, triangles, count = [], [], 0
    for name, part in parts.items():
        if name not in _SEE_THROUGH:
            points.append(part.positions)
            triangles.append(part.triangles + count)
            count += len(part.positions)
    return Casters(np.concatenate(points), np.concatenate(triangles))
