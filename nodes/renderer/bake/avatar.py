"""The whole bake: from a look to an asset that can be drawn."""

import logging
import time

import moderngl
import numpy as np

from nodes.renderer.asset import Asset, Bytes, FaceShape, Part
from nodes.renderer.bake import hands, head, light, seen, thinning
from nodes.renderer.bake.assemble import Assembler, Detail
from nodes.renderer.bake.base_mesh import Ints, read_base_mesh
from nodes.renderer.bake.clothes import Tailor
from nodes.renderer.bake.eyes import eye_texture
from nodes.renderer.bake.face_rig import FaceRig, build_face_rig
from nodes.renderer.bake.hair import Hairdresser
from nodes.renderer.bake.hair_texture import lock_texture, sheet_texture
from nodes.renderer.bake.landmarks import Eye
from nodes.renderer.bake.lashes import lash_texture
from nodes.renderer.bake.paint import encode, linear
from nodes.renderer.bake.person import Person, build_person
from nodes.renderer.bake.scalp import Scalp
from nodes.renderer.bake.skin import FacePainter, FaceTexels
from nodes.renderer.bake.teeth import arch, teeth_texture
from nodes.renderer.bake.texels import rasterise
from nodes.renderer.config import Look

_log = logging.getLogger(__name__)

_LID_REACH_M = 0.004  # skin closer than this to an eyeball's surface is kept off it


class _Progress:
    """Says what is being done, and how long it took."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def __call__(self, what: str) -> None:
        _log.info("making the avatar: %s (%.0f s)", what, time.monotonic() - self._began)


def bake_avatar(context: moderngl.Context, look: Look, detail: Detail, texture_size: int) -> Asset:
    """Make an avatar; takes up to a minute.

    Args:
        context: OpenGL context to draw textures and shadows with.
        look: What she looks like.
        detail: How finely.
        texture_size: Width and height of the face's texture; the body's has half of it.
    """
    say = _Progress()
    say("body")
    person = build_person(look)
    rig = build_face_rig(person.shape)
    layout = head.lay_out_head(person)
    assembler = Assembler(person, rig, layout, detail)
    parts = assembler.head()
    scalp = Scalp(parts["head"].positions, person.marks)
    say("hair and clothes")
    tailor = Tailor(person)
    parts |= assembler.clothes(tailor)
    parts |= assembler.hair(Hairdresser(scalp, person.marks, look.hair, look.seed))
    say("light and shadow")
    casters = light.casters_of(parts)
    parts = seen.drop_unseen(context, parts, casters, person)
    parts = light.light_parts(context, parts, casters, person)
    parts = parts if detail.fine else thinning.thin_out(parts, person, rig)
    say("skin")
    textures = _textures(context, person, layout, scalp, parts, texture_size)
    say("done")
    return Asset(parts=_in_order(parts), textures=textures, skeleton=person.skeleton, face=_face_shape(person, rig))


_ORDER = (
    *(
        "head",
        "left_eye",
        "right_eye",
        "hair",
        "collar",
        "bands",
        "jumper",
        "lining",
        "neck",
        "left_hand",
        "right_hand",
    ),
    *("trousers", "shoes", "soles", "mouth", "upper_teeth", "lower_teeth", "tongue", "lashes", "locks"),
)


def _in_order(parts: dict[str, Part]) -> dict[str, Part]:
    """What hides most first, what is transparent last."""
    return {name: parts[name] for name in _ORDER}


def _textures(
    context: moderngl.Context,
    person: Person,
    layout: head.HeadLayout,
    scalp: Scalp,
    parts: dict[str, Part],
    size: int,
) -> dict[str, Bytes]:
    look = person.look
    random = np.random.default_rng(look.seed)
    surface = head.head_surface(layout, person, fine=True)
    values = head.painting_values(layout, person, surface)
    face = rasterise(context, surface.uv, surface.triangles, values, size).values
    texels = FaceTexels(face[..., :3], face[..., 3:6], face[..., 6], face[..., 7])
    below = hands.texels(context, [parts[name] for name in ("neck", "left_hand")], person, size // 2)
    return {
        "head": FacePainter(texels, person.marks, scalp, random).paint(look.skin, look.hair),
        "body": hands.paint_body_skin(below, person, look.skin, random),
        "eye": eye_texture(person.marks.left_eye, look.eyes, random),
        "teeth": teeth_texture(random),
        "tongue": _plain("#a8504e", 200),
        "lashes": lash_texture(random),
        "strands": sheet_texture(random),
        "lock": lock_texture(random),
    }


def _plain(colour: str, gloss: int) -> Bytes:
    pixel = np.concatenate([encode(linear(colour)), [gloss]]).astype(np.uint8)
    return np.broadcast_to(pixel, (4, 4, 4)).copy()


def _face_shape(person: Person, rig: FaceRig) -> FaceShape:
    mesh = read_base_mesh()
    islands = person.islands
    quads = [islands[name].quads for name in ("head", "mouth", "sockets")]
    quads += [mesh.groups[name].quads for name in mesh.groups if "eyelashes" in name or name == "helper-tongue"]
    eyes = (person.marks.left_eye, person.marks.right_eye)
    lower = np.unique(mesh.groups["helper-lower-teeth"].quads)
    return FaceShape(
        rest=rig.rest,
        actions=rig.actions,
        quads=rig.index[np.concatenate(quads)],
        upper_lip=rig.index[person.lips.upper],
        lower_lip=rig.index[person.lips.lower],
        left_lids=_lids(person, rig, eyes[0]),
        right_lids=_lids(person, rig, eyes[1]),
        left_lash_line=_margins(person, rig, eyes[0]),
        right_lash_line=_margins(person, rig, eyes[1]),
        eyes=np.array([[*eye.centre, eye.radius] for eye in eyes], np.float32),
        upper_arch=arch(person.shape, upper=True).astype(np.float32),
        lower_arch=arch(person.shape, upper=False).astype(np.float32),
        lower_teeth=rig.index[lower],
    )


def _lids(person: Person, rig: FaceRig, eye: Eye) -> Ints:
    """Vertices of the skin near an eyeball's front, at rest or with the eye shut."""
    skin = np.unique(np.concatenate([person.islands["head"].quads.ravel(), person.islands["sockets"].quads.ravel()]))
    rows = rig.index[skin]
    blink = rig.actions[8] + rig.actions[9]
    near = np.zeros(len(rows), bool)
    for moved in (rig.rest[rows], rig.rest[rows] + blink[rows]):
        height = np.linalg.norm(moved - eye.centre, axis=1) - eye.radius
        near |= (np.abs(height) < _LID_REACH_M) & (moved[:, 2] > eye.centre[2] + 0.003)
    return rows[near].astype(np.int32)


def _margins(person: Person, rig: FaceRig, eye: Eye) -> Ints:
    """Vertices of the upper and the lower lid's margin above and below the pupil."""
    skin = np.unique(person.islands["head"].quads)
    rows = rig.index[skin]
    points = rig.rest[rows] - eye.centre
    close = (np.abs(points[:, 0]) < 0.004) & (np.linalg.norm(points, axis=1) < eye.radius + 0.0025) & (points[:, 2] > 0)
    above, below = close & (points[:, 1] > 0), close & (points[:, 1] < 0)
    upper = rows[above][np.argmin(points[above, 1])]
    lower = rows[below][np.argmax(points[below, 1])]
    return np.array([upper, lower], np.int32)
