"""What she wears: a knitted jumper over a shirt collar, trousers and shoes, made from MakeHuman's tights."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from mio.contracts.skeleton import JOINT_INDEX
from nodes.renderer.bake import cloth as cloths
from nodes.renderer.bake.base_mesh import Floats, Ints, read_base_mesh
from nodes.renderer.bake.cloth import Cloth
from nodes.renderer.bake.head import quad_normals
from nodes.renderer.bake.mesh import vertex_normals
from nodes.renderer.bake.paint import ramp
from nodes.renderer.bake.person import SHOE_SOLE_M, Person

_NECKLINE_DEG = 26.0  # how far the neckline falls towards the front
_HEM_M = 0.035  # below the pelvis
_TROUSER_END_M = 0.112  # where trousers leave the leg and hang free
_TORSO_RADII = (0.165, 0.105)  # m, to the side and to the front
_SLEEVE_M = 0.068  # from the arm's axis to where the torso begins
_TORSO, _LEFT_ARM, _RIGHT_ARM, _LEFT_LEG, _RIGHT_LEG = range(5)
_ARM_BONES = ("shoulder", "elbow", "wrist")


@dataclass(frozen=True)
class Plane:
    """A plane through a point with a unit normal, both ``[3]``."""

    point: npt.NDArray[np.float64]
    normal: npt.NDArray[np.float64]

    def height(self, points: Floats) -> Floats:
        """Signed distance in m of ``[..., 3]`` points."""
        return ((points - self.point) @ self.normal).astype(np.float32)


class Tailor:
    """Makes the clothes of one person."""

    def __init__(self, person: Person) -> None:
        self._person = person
        mesh = read_base_mesh()
        quads = mesh.groups["body"].quads
        used = np.unique(quads)
        self._body = person.shape[used]
        self._body_normals = quad_normals(person.shape, quads)[used]
        self._tights = cloths.cloth_of(person.shape, person.weights, mesh.groups["helper-tights"].quads)
        self._places = person.skeleton.places
        self.neckline = self._neckline()

    def jumper(self) -> Cloth:
        """Body and sleeves, cut at neckline, hem and wrists."""
        arm = self._arm_share(self._tights)
        hips = ramp(self._tights.points[:, 1], self._hem() + 0.12, self._hem())
        loose = 0.006 + 0.003 * (1 - arm) + 0.006 * hips
        points = self._draped(self._tights, loose, rounds=16, stiffness=0.55 * (1 - 0.55 * arm))
        jumper = replace(self._tights, points=points)
        jumper = cloths.cut(jumper, self._below_neckline(jumper.points))
        jumper = cloths.cut(jumper, jumper.points[:, 1] - self._hem())
        for side in ("left", "right"):
            jumper = cloths.cut(jumper, self._above_wrist(jumper, side))
        return jumper

    def bands(self, jumper: Cloth, columns: int) -> Cloth:
        """Ribbed bands on the jumper's four rims."""
        return cloths.join([self._band(jumper, rim, columns) for rim in cloths.rims(jumper)[:4]])

    def trousers(self) -> Cloth:
        """Straight trousers from below the jumper's hem to the shoes."""
        tights = self._tights
        low = ramp(tights.points[:, 1], 0.60, 0.22)
        points = self._draped(tights, 0.006 + 0.014 * low, rounds=24, stiffness=0.5)
        trousers = cloths.cut(replace(tights, points=points), self._hem() - 0.005 - points[:, 1])
        trousers = cloths.cut(trousers, 0.05 - self._arm_share(trousers))
        trousers = cloths.cut(trousers, trousers.points[:, 1] - _TROUSER_END_M)
        legs = [rim for rim in cloths.rims(trousers) if trousers.points[rim, 1].mean() < 0.3]
        return cloths.join([trousers, *(self._trouser_leg(trousers, rim) for rim in legs)])

    def _trouser_leg(self, trousers: Cloth, rim: Ints) -> Cloth:
        """The end of a trouser leg, which falls over the shoe."""
        path, weights = _resampled(trousers.points[rim], trousers.weights[rim], 28)
        outward = path - path.mean(0)
        outward[:, 1] = 0
        outward /= np.linalg.norm(outward, axis=1, keepdims=True)
        forward = np.maximum(outward[:, 2], 0)[:, None]
        profile = np.array([[0.0, 0.004], [0.0015, -0.015], [0.003, -0.034], [0.0042, -0.052], [0.001, -0.052]])
        end = cloths.tube(
            path, weights, profile.astype(np.float32), outward, np.broadcast_to([0.0, 1, 0], outward.shape)
        )
        rows = len(profile)
        drop = np.clip((_TROUSER_END_M - end.points[:, 1]) / 0.05, 0, 1)
        push = np.repeat(np.concatenate([forward, forward[:1]]), rows, axis=0)[:, 0] * drop
        end.points[:, 2] += 0.016 * push
        end.points[:, 1] += 0.014 * push
        return end

    def shoes(self) -> Cloth:
        """Smooth shoes around the feet; their soles are flat on the floor."""
        tights = cloths.cut(self._tights, 0.125 - self._tights.points[:, 1])
        normals = vertex_normals(tights.points, tights.triangles)
        points = cloths.smooth(tights.points + 0.0045 * normals, tights.triangles, 6, 0.5)
        height = points[:, 1]
        pressed = np.where(height < SHOE_SOLE_M + 0.018, SHOE_SOLE_M, height)
        points[:, 1] = pressed
        return replace(tights, points=points, uv=points[:, [0, 2]].astype(np.float32))

    def soles(self, shoes: Cloth) -> Cloth:
        """Slabs below the shoes, along their outline."""
        pieces: list[Cloth] = []
        for side in (1, -1):
            here = shoes.points[:, 0] * side > 0
            outline, weights = _outline(shoes.points[here & (shoes.points[:, 1] < SHOE_SOLE_M + 0.02)], shoes, here)
            pieces.append(_slab(outline, weights, SHOE_SOLE_M + 0.004))
        return cloths.join(pieces)

    def collar(self, below: Cloth, columns: int) -> Cloth:
        """A shirt collar: it stands up around the neck, folds, and falls over what lies below, jumper and neckband."""
        way = np.linspace(-1, 1, columns)
        angle = np.pi + np.radians(170) * (0.72 * way + 0.28 * way**3)
        front = (np.cos(angle) + 1) / 2  # 1 at the front
        rows = self._collar_rows(angle, front, below)
        points = np.stack(rows, 1)
        count = points.shape[1]
        at = (np.arange(len(angle) - 1)[:, None] * count + np.arange(count - 1)).ravel()
        ring = np.stack([at, at + 1, at + count + 1, at + count], 1)
        triangles = np.concatenate([ring[:, [0, 1, 2]], ring[:, [0, 2, 3]]]).astype(np.int32)
        flat = points.reshape(-1, 3).astype(np.float32)
        length = np.linalg.norm(np.diff(points, axis=1), axis=2).cumsum(1)
        down = np.concatenate([np.zeros((len(angle), 1)), length], 1)
        uv = np.stack([np.repeat(angle * 0.075, count), down.ravel()], 1).astype(np.float32)
        return Cloth(flat, self._weights_at(flat), triangles, uv)

    def covered(self, quads: Ints, jumper: Cloth) -> npt.NDArray[np.bool_]:
        """Whether quads of the body's skin lie well under clothes."""
        centres = self._person.shape[quads].mean(1)
        neck = self.neckline.height(centres) > -0.035
        hand = np.zeros(len(quads), bool)
        for side in ("left", "right"):
            wrist = self._wrist_plane(side)
            hand |= (wrist.height(centres) < 0.03) & (centres[:, 0] * (1 if side == "left" else -1) > 0.3)
        return ~(neck & (np.abs(centres[:, 0]) < 0.12) | hand)

    def _draped(self, base: Cloth, loose: Floats, rounds: int, stiffness: Floats | float) -> Floats:
        """Offset, spanned over hollows, and kept outside the body."""
        normals = vertex_normals(base.points, base.triangles)
        points = cloths.smooth(base.points + normals * (0.7 * loose)[:, None], base.triangles, rounds, stiffness)
        for _ in range(3):
            points = cloths.keep_outside(points, self._body, self._body_normals, loose)
            points = cloths.smooth(points, base.triangles, 2, 0.4)
        return cloths.keep_outside(points, self._body, self._body_normals, 0.8 * loose)

    def _arm_share(self, cloth: Cloth) -> Floats:
        arm = [JOINT_INDEX[f"{side}_{name}"] for side in ("left", "right") for name in _ARM_BONES]
        return cloth.weights[:, [*arm, 55, 56, 57, 58]].sum(1)

    def _neckline(self) -> Plane:
        neck = self._places[JOINT_INDEX["neck"]]
        tilt = np.radians(_NECKLINE_DEG)
        return Plane(neck + np.array([0, 0.016, 0.006]), np.array([0, np.cos(tilt), np.sin(tilt)]))

    def _below_neckline(self, points: Floats) -> Floats:
        near = (np.abs(points[:, 0]) < 0.085) & (points[:, 1] > self.neckline.point[1] - 0.09)
        return np.where(near, -self.neckline.height(points), 1.0).astype(np.float32)

    def _hem(self) -> float:
        return float(self._places[JOINT_INDEX["pelvis"], 1]) - _HEM_M

    def _wrist_plane(self, side: str) -> Plane:
        elbow, wrist = (self._places[JOINT_INDEX[f"{side}_{name}"]] for name in ("elbow", "wrist"))
        back = (elbow - wrist) / np.linalg.norm(elbow - wrist)
        return Plane(wrist + 0.012 * back, back)

    def _above_wrist(self, cloth: Cloth, side: str) -> Floats:
        sign = 1 if side == "left" else -1
        outside = cloth.points[:, 0] * sign > 0.25
        return np.where(outside, self._wrist_plane(side).height(cloth.points), 1.0).astype(np.float32)

    def _band(self, jumper: Cloth, rim: Ints, columns: int) -> Cloth:
        centre = jumper.points[rim].mean(0)
        hem = abs(centre[0]) < 0.05 and centre[1] < self.neckline.point[1] - 0.08
        path, weights = _resampled(jumper.points[rim], jumper.weights[rim], columns * 2 if hem else columns)
        if hem:
            axis, height = np.array([0.0, -1.0, 0.0]), 0.045
        elif abs(centre[0]) > 0.2:
            axis, height = -self._wrist_plane("left" if centre[0] > 0 else "right").normal, 0.028
        else:
            axis, height = self.neckline.normal, 0.011
        outward = path - centre
        outward -= (outward @ axis)[:, None] * axis
        outward /= np.linalg.norm(outward, axis=1, keepdims=True)
        lean = 0.35 if height < 0.02 else 0.0 if hem else 0.06
        profile = np.array(
            [[0.0, -0.006], [0.0040, 0.0], [0.0040, 0.9 * height], [0.0, height], [-0.004, 0.7 * height]]
        )
        profile[:, 0] -= lean * np.maximum(profile[:, 1], 0)
        profile[1:3, 0] += 0.003 * hem
        up = np.broadcast_to(axis, outward.shape)
        return cloths.tube(path, weights, profile.astype(np.float32), outward, up)

    def _neck_radius(self, angle: Floats) -> Floats:
        """Radius of the neck just above the neckline, at angles from the front, m."""
        height = self.neckline.height(self._body)
        ring = self._body[(np.abs(height - 0.018) < 0.012) & (np.abs(self._body[:, 0]) < 0.10)]
        right, forward = self._axes()
        offset = ring - self.neckline.point
        at = np.arctan2(offset @ right, offset @ forward) % (2 * np.pi)
        reach = np.hypot(offset @ right, offset @ forward)
        order = np.argsort(at)
        radius = np.interp(angle, at[order], reach[order], period=2 * np.pi)
        return _hann(radius, 15)

    def _axes(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        right = np.array([1.0, 0, 0])
        return right, np.cross(right, self.neckline.normal)

    def _collar_rows(self, angle: Floats, front: Floats, below: Cloth) -> list[Floats]:
        """Rows ``[n, 3]`` from inside the jumper, up, over the fold, and down to the collar's edge."""
        right, forward = self._axes()
        way = np.sin(angle)[:, None] * right + np.cos(angle)[:, None] * forward
        point, up = self.neckline.point, self.neckline.normal
        neck = self._neck_radius(angle)
        top = 0.031 - 0.013 * front**2
        fall = 0.028 + 0.023 * front**8

        def row(radius: Floats, height: Floats) -> Floats:
            return point + way * radius[:, None] + up * height[:, None]

        rows = [row(neck + 0.003, -0.010 + 0 * top), row(neck + 0.004, 0.5 * top), row(neck + 0.0055, top)]
        rows.append(row(neck + 0.0095, top + 0.0015))
        radius = neck + 0.012
        for share in (0.12, 0.30, 0.48, 0.70, 1.0):
            height = top - 0.004 - 0.86 * fall * share
            support = _hann(self._reach(below, angle, height) + 0.0045, 5)
            radius = np.maximum(np.maximum(radius + 0.0006, neck + 0.012 + 0.34 * fall * share), support)
            rows.append(row(_hann(radius, 5), height))
        return rows

    def _reach(self, cloth: Cloth, angle: Floats, height: Floats) -> Floats:
        """Largest distance of a cloth from the neck's axis at angles from the front and heights over the neckline."""
        right, forward = self._axes()
        corners = cloth.points[cloth.triangles]
        mixes = np.array([[a, b, 6 - a - b] for a in range(7) for b in range(7 - a)]) / 6
        offset = np.einsum("mk,tkc->tmc", mixes, corners).reshape(-1, 3) - self.neckline.point
        offset = offset[np.linalg.norm(offset, axis=1) < 0.2]
        at, up = np.arctan2(offset @ right, offset @ forward) % (2 * np.pi), offset @ self.neckline.normal
        radius = np.hypot(offset @ right, offset @ forward)
        found = np.zeros(len(angle))
        for index, (around, level) in enumerate(zip(angle, height, strict=True)):
            apart = np.abs((at - around + np.pi) % (2 * np.pi) - np.pi)
            near = (apart < 0.12) & (np.abs(up - level) < 0.009)
            found[index] = radius[near].max() if near.any() else 0.0
        return found

    def _weights_at(self, points: Floats) -> Floats:
        """Skinning of free points: that of the nearest tights, which follow neck and shoulders."""
        near = np.linalg.norm(self._tights.points[None] - points[:, None], axis=2)
        nearest = np.argsort(near, axis=1)[:, :6]
        share = 1 / (np.take_along_axis(near, nearest, 1) + 0.01) ** 2
        mixed = (self._tights.weights[nearest] * share[..., None]).sum(1)
        return (mixed / mixed.sum(1, keepdims=True)).astype(np.float32)

    def on_fabric(self, cloth: Cloth) -> Cloth:
        """Lay a garment out: torso and legs around their axes, sleeves along the arms."""
        places = self._places

        def chart_of(points: Floats) -> npt.NDArray[np.int64]:
            chart = np.full(len(points), _TORSO)
            for sign, arm, leg, side in ((1, _LEFT_ARM, _LEFT_LEG, "left"), (-1, _RIGHT_ARM, _RIGHT_LEG, "right")):
                shoulder, elbow = (places[JOINT_INDEX[f"{side}_{name}"]] for name in ("shoulder", "elbow"))
                axis = (elbow - shoulder) / np.linalg.norm(elbow - shoulder)
                along = (points - shoulder) @ axis
                away = np.linalg.norm(points - shoulder - along[:, None] * axis, axis=1)
                reach = np.where(points[:, 1] > elbow[1] + 0.10, _SLEEVE_M, 0.3)
                chart[(along > 0.02) & (away < reach) & (points[:, 0] * sign > 0.13)] = arm
                chart[(points[:, 1] < places[JOINT_INDEX["pelvis"], 1] - 0.09) & (points[:, 0] * sign >= 0)] = leg
            return chart

        def place(points: Floats, piece: int) -> Floats:
            if piece == _TORSO:
                return _around(points, np.array([0, 1.2, 0.01]), np.array([0.0, 1, 0]), _TORSO_RADII)
            side = "left" if piece in (_LEFT_ARM, _LEFT_LEG) else "right"
            names = ("shoulder", "wrist") if piece in (_LEFT_ARM, _RIGHT_ARM) else ("hip", "ankle")
            start, end = (places[JOINT_INDEX[f"{side}_{name}"]] for name in names)
            axis = (start - end) / np.linalg.norm(start - end)
            radius = 0.048 if names[0] == "shoulder" else 0.075
            return _around(points, start, axis, (radius, radius))

        return cloths.lay_out(cloth, chart_of, place)


def _hann(values: Floats, width: int) -> Floats:
    """Smoothed along the first axis."""
    kernel = np.hanning(width + 2)
    return np.convolve(np.pad(values, width // 2 + 1, mode="edge"), kernel / kernel.sum(), mode="valid")


def _around(
    points: Floats, origin: npt.NDArray[np.float64], axis: npt.NDArray[np.float64], radii: tuple[float, float]
) -> Floats:
    """Way around an elliptic cylinder and along it, and its circumference, in m, ``[k, 3]``."""
    offset = points - origin
    side = np.cross(axis, [0.0, 0, 1])
    side /= np.linalg.norm(side)
    front = np.cross(side, axis)
    a, b = radii
    turn = np.linspace(-np.pi, np.pi, 721)
    steps = np.hypot(a * np.cos(turn), b * np.sin(turn))
    way = np.concatenate([[0], np.cumsum((steps[1:] + steps[:-1]) / 2)]) * (turn[1] - turn[0])
    angle = np.arctan2(offset @ side / a, offset @ front / b)
    around = np.interp(angle, turn, way)
    return np.stack([around, offset @ axis, np.full(len(points), way[-1])], 1).astype(np.float32)


def _resampled(loop: Floats, weights: Floats, per_metre_turn: int) -> tuple[Floats, Floats]:
    """A smooth closed loop of evenly spaced points."""
    closed, spread = np.concatenate([loop, loop[:1]]), np.concatenate([weights, weights[:1]])
    length = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1))])
    at = np.linspace(0, length[-1], per_metre_turn, endpoint=False)
    path = np.stack([np.interp(at, length, closed[:, k]) for k in range(3)], 1)
    for _ in range(1):
        path = (np.roll(path, 1, 0) + 2 * path + np.roll(path, -1, 0)) / 4
    mixed = np.stack([np.interp(at, length, spread[:, k]) for k in range(spread.shape[1])], 1)
    return path.astype(np.float32), mixed.astype(np.float32)


def _outline(points: Floats, shoes: Cloth, here: npt.NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Outline of a shoe on the floor, seen from above, with the skinning of the nearest points of the shoe."""
    centre = points[:, [0, 2]].mean(0)
    offset = points[:, [0, 2]] - centre
    angle = np.linspace(-np.pi, np.pi, 37)[:-1]
    ways = np.stack([np.cos(angle), np.sin(angle)], 1)
    reach = (offset @ ways.T).max(0)  # support function: the outline's convex hull
    corners = np.array([_corner(ways[i - 1], reach[i - 1], ways[i], reach[i]) for i in range(len(ways))]) + centre
    outline = np.stack([corners[:, 0], np.zeros(len(corners)), corners[:, 1]], 1).astype(np.float32)
    own = shoes.points[here]
    nearest = np.argmin(np.linalg.norm(own[None, :, [0, 2]] - outline[:, None, [0, 2]], axis=2), axis=1)
    return outline, shoes.weights[here][nearest]


def _corner(a: Floats, reach_a: float, b: Floats, reach_b: float) -> Floats:
    return np.linalg.solve(np.stack([a, b]), np.array([reach_a, reach_b]))


def _slab(outline: Floats, weights: Floats, height: float) -> Cloth:
    """Upright side and flat top and bottom of a sole."""
    centre = outline.mean(0)
    outward = outline - centre
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    inside = -np.linalg.norm(outline - centre, axis=1).min()
    profile = np.array(
        [[inside, 0.0], [-0.002, 0.0], [0.0015, 0.002], [0.002, height - 0.002], [0.0, height], [inside, height]]
    )
    up = np.broadcast_to(np.array([0.0, 1, 0]), outward.shape)
    return cloths.tube(outline, weights, profile.astype(np.float32), outward, up)
