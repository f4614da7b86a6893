"""All parts of the avatar from all steps of the bake."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import sparse

from mio.contracts.skeleton import JOINT_INDEX
from nodes.renderer.asset import Floats, Ints, Matrix, Part
from nodes.renderer.bake import fabric
from nodes.renderer.bake.base_mesh import read_base_mesh
from nodes.renderer.bake.cloth import Cloth, join
from nodes.renderer.bake.clothes import Tailor
from nodes.renderer.bake.eyes import eyeball
from nodes.renderer.bake.face_rig import FaceRig
from nodes.renderer.bake.hair import COARSE, FINE, Hairdresser, HairMesh
from nodes.renderer.bake.hands import lay_out_body_skin
from nodes.renderer.bake.head import HeadLayout, head_surface, in_mouth, quad_normals
from nodes.renderer.bake.lashes import lash_surface
from nodes.renderer.bake.mesh import Surface, build_surface, compacted, skinning, vertex_normals
from nodes.renderer.bake.paint import linear
from nodes.renderer.bake.person import Person
from nodes.renderer.bake.teeth import ToothRow, follow, tooth_row
from nodes.renderer.skeleton import BONES, HAIR, LEFT_EYE, RIGHT_EYE

_HEAD = JOINT_INDEX["head"]
_WHITE = np.ones(3, np.float32)


@dataclass(frozen=True)
class Detail:
    """How finely an avatar is made: for software drawing, or for a GPU and stills."""

    fine: bool

    @property
    def name(self) -> str:
        """``coarse`` or ``fine``."""
        return "fine" if self.fine else "coarse"


class Assembler:
    """Builds the parts of one person."""

    def __init__(self, person: Person, rig: FaceRig, layout: HeadLayout, detail: Detail) -> None:
        self._person = person
        self._rig = rig
        self._layout = layout
        self._fine = detail.fine

    def head(self) -> dict[str, Part]:
        """Skin, eyes, lashes and the inside of the mouth."""
        person = self._person
        layout = self._layout
        whole = self._moving(head_surface(layout, person, fine=self._fine), "skin", "head", layout.quads)
        parts = _split(whole, in_mouth(whole.uv[whole.triangles]))
        rings, sectors = (18, 40) if self._fine else (9, 18)
        for name, eye, bone in (
            ("left_eye", person.marks.left_eye, LEFT_EYE),
            ("right_eye", person.marks.right_eye, RIGHT_EYE),
        ):
            points, normals, uv, triangles = eyeball(eye, person.look.eyes.iris_radius_m, rings, sectors)
            parts[name] = self._rigid("eye", "eye", points, normals, uv, triangles, _one_bone(len(points), bone))
        for name, upper in (("upper_teeth", True), ("lower_teeth", False)):
            parts[name] = self._teeth(
                tooth_row(person.shape, upper=upper, columns=6 if self._fine else 3), moving=not upper
            )
        tongue = read_base_mesh().groups["helper-tongue"]
        surface = build_surface(
            tongue.quads,
            len(person.shape),
            tongue.uv_quads,
            read_base_mesh().uv,
            fine=self._fine,
        )
        part = self._moving(surface, "mouth", "tongue", tongue.quads)
        shade = part.shade.copy()
        depth = np.clip((part.positions[:, 2].max() - part.positions[:, 2]) / 0.035, 0, 1)
        shade[:, :3] = np.round(255 * (0.62 - 0.5 * depth))[:, None]
        parts["tongue"] = replace(part, shade=shade)
        eyes = {"l": person.marks.left_eye, "r": person.marks.right_eye}
        lashes = lash_surface(person.shape, eyes, fine=self._fine)
        quads = np.concatenate([read_base_mesh().groups[n].quads for n in read_base_mesh().groups if "eyelashes" in n])
        parts["lashes"] = self._moving(lashes, "lash", "lashes", quads)
        return parts

    def hair(self, dresser: Hairdresser) -> dict[str, Part]:
        """Hair from the inside out."""
        detail = FINE if self._fine else COARSE
        look = self._person.look.hair
        pieces = (
            ("hair", "hair", "strands", dresser.sheets(detail), (3.0, 1.0)),
            ("lining", "under", "strands", dresser.lining(detail), (2.0, 1.0)),
            ("locks", "lock", "lock", dresser.locks(detail), (1.0, 1.0)),
        )
        return {
            name: self._hair(material, texture, mesh, repeat, linear(look.highlight))
            for name, material, texture, mesh, repeat in pieces
        }

    def clothes(self, tailor: Tailor) -> dict[str, Part]:
        """Jumper, collar, trousers and shoes."""
        look = self._person.look.clothes
        jumper = tailor.jumper()
        bands = tailor.bands(jumper, 40 if self._fine else 24)
        shoes = tailor.shoes()
        pieces: tuple[tuple[str, Cloth, str, str, float], ...] = (
            ("jumper", tailor.on_fabric(jumper), "knit", look.jumper, fabric.KNIT_REPEAT_M),
            ("bands", bands, "rib", look.jumper, fabric.RIB_REPEAT_M),
            (
                "collar",
                tailor.collar(join([jumper, bands]), 61 if self._fine else 33),
                "weave",
                look.shirt,
                fabric.WEAVE_REPEAT_M,
            ),
            ("trousers", tailor.on_fabric(tailor.trousers()), "weave", look.trousers, fabric.WEAVE_REPEAT_M),
            ("shoes", shoes, "plain", look.shoes, fabric.PLAIN_REPEAT_M),
            ("soles", tailor.soles(shoes), "plain", look.soles, fabric.PLAIN_REPEAT_M),
        )
        parts = {piece[0]: self._cloth(*piece[1:]) for piece in pieces}
        return parts | self._body_skin(tailor, jumper)

    def _body_skin(self, tailor: Tailor, jumper: Cloth) -> dict[str, Part]:
        """Neck and hands, as far as they come out of the clothes."""
        person = self._person
        group = read_base_mesh().groups["body"]
        head = {tuple(quad) for quad in self._layout.quads.tolist()}
        outside = np.array([tuple(quad) not in head for quad in group.quads.tolist()])
        quads = group.quads[outside]
        quads = quads[~tailor.covered(quads, jumper)]
        normals = quad_normals(person.shape, group.quads)
        x = person.shape[quads].mean(1)[:, 0]
        areas = {"neck": np.abs(x) < 0.25, "left_hand": x > 0.25, "right_hand": x < -0.25}
        return {name: self._bare(quads[here], normals) for name, here in areas.items()}

    def _bare(self, quads: Ints, normals: Floats) -> Part:
        person = self._person
        layout = lay_out_body_skin(quads, person)
        body = read_base_mesh().groups["body"].quads
        surface = build_surface(quads, len(person.shape), layout.uv_quads, layout.uv, fine=self._fine, around=body)
        positions = (surface.matrix @ person.shape).astype(np.float32)
        weights = surface.matrix @ person.weights
        bent = _unit(surface.matrix @ normals)
        return self._rigid("skin", "body", positions, bent, surface.uv, surface.triangles, weights)

    def _moving(self, surface: Surface, material: str, texture: str, quads: Ints) -> Part:
        """A part that facial actions move; its normals are computed from quads of the base mesh."""
        person = self._person
        positions = (surface.matrix @ person.shape).astype(np.float32)
        normals = _unit(surface.matrix @ quad_normals(person.shape, quads))
        weights = surface.matrix @ person.weights
        follows = surface.matrix[:, self._rig.base].astype(np.float32).tocsr()
        part = self._rigid(material, texture, positions, normals, surface.uv, surface.triangles, weights)
        return replace(part, follows=follows)

    def _teeth(self, row: ToothRow, *, moving: bool) -> Part:
        normals = vertex_normals(row.points, row.triangles)
        part = self._rigid(
            "mouth", "teeth", row.points, normals, row.uv, row.triangles, _one_bone(len(row.points), _HEAD)
        )
        shade = part.shade.copy()
        shade[:, :3] = np.round(255 * np.clip(0.95 - 0.85 * row.depth, 0.08, 1))[:, None]
        part = replace(part, shade=shade)
        if not moving:
            return part
        anchors = np.unique(read_base_mesh().groups["helper-lower-teeth"].quads)
        matrix = np.zeros((len(row.points), len(self._rig.base)), np.float32)
        matrix[:, self._rig.index[anchors]] = follow(row.points, self._person.shape[anchors])
        return replace(part, follows=sparse.csr_matrix(matrix))

    def _hair(self, material: str, texture: str, mesh: HairMesh, repeat: tuple[float, float], colour: Floats) -> Part:
        weights = _one_bone(len(mesh.points), _HEAD)
        weights[:, _HEAD] -= mesh.loose
        weights[:, HAIR] = mesh.loose
        part = self._rigid(material, texture, mesh.points, mesh.normals, mesh.uv, mesh.triangles, weights)
        shade = part.shade.copy()
        shade[:, 2] = np.round(255 * mesh.tone * (1 - mesh.depth))
        return replace(part, shade=shade, tangents=mesh.tangents, repeat=np.array(repeat, np.float32), colour=colour)

    def _cloth(self, cloth: Cloth, material: str, colour: str, repeat_m: float) -> Part:
        normals = vertex_normals(cloth.points, cloth.triangles)
        part = self._rigid(material, "", cloth.points, normals, cloth.uv, cloth.triangles, cloth.weights)
        return replace(part, colour=linear(colour), repeat=np.full(2, 1 / repeat_m, np.float32))

    def _rigid(
        self,
        material: str,
        texture: str,
        positions: Floats,
        normals: Floats,
        uv: Floats,
        triangles: Ints,
        weights: Matrix,
    ) -> Part:
        joints, shares = skinning(np.asarray(weights, np.float32))
        return Part(
            material=material,
            texture=texture,
            colour=_WHITE,
            repeat=np.ones(2, np.float32),
            positions=positions,
            normals=normals.astype(np.float32),
            tangents=np.zeros((0, 3), np.float32),
            uv=uv,
            joints=joints,
            weights=shares,
            shade=np.full((len(positions), 4), 255, np.uint8),
            triangles=triangles,
            few=np.zeros((0, 3), np.int32),
        )


def _split(part: Part, inside: npt.NDArray[np.bool_]) -> dict[str, Part]:
    """The head without and with only the triangles inside the mouth."""
    outer = compacted(replace(part, triangles=part.triangles[~inside]))
    inner = compacted(replace(part, triangles=part.triangles[inside]))
    depth = np.clip((inner.positions[:, 2].max() - inner.positions[:, 2]) / 0.035, 0, 1)
    shade = inner.shade.copy()
    shade[:, :3] = np.round(255 * (0.55 - 0.5 * depth))[:, None]
    return {"head": outer, "mouth": replace(inner, material="mouth", shade=shade)}


def _one_bone(count: int, bone: int) -> Floats:
    weights = np.zeros((count, BONES), np.float32)
    weights[:, bone] = 1
    return weights


def _unit(vectors: Floats) -> Floats:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
