"""Draws the avatar: uploads its parts once, then a pose, a face and a camera per frame."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import moderngl
import numpy as np

from mio.contracts.skeleton import JOINT_INDEX
from nodes.renderer import lighting
from nodes.renderer.asset import Asset, Bytes, Floats
from nodes.renderer.camera import Camera
from nodes.renderer.context import set_uniform
from nodes.renderer.face import FaceMesh, Lids
from nodes.renderer.parts import Bounds, Followers, UploadedPart
from nodes.renderer.skeleton import BONES

_SHADERS = Path(__file__).parent / "shaders"
_MATERIALS: dict[str, tuple[str, tuple[str, ...]]] = {
    "skin": ("skin", ()),
    "eye": ("eye", ()),
    "mouth": ("mouth", ()),
    "lash": ("lash", ()),
    "hair": ("hair", ("STRANDS", "CUT_OUT")),
    "lock": ("hair", ("STRANDS",)),
    "under": ("under", ()),
    "knit": ("cloth", ("KNIT",)),
    "rib": ("cloth", ("RIB",)),
    "weave": ("cloth", ("WEAVE",)),
    "plain": ("cloth", ()),
}
"""Shader and definitions of each material."""

_ALWAYS_PER_PIXEL = ("eye",)
_BLENDED = ("lash", "lock")
_TWO_SIDED = ("lashes", "collar")
_REPEATING = ("strands",)
_SURFACES: dict[str, int] = {
    **dict.fromkeys(("head", "mouth", "neck", "left_hand", "right_hand"), 1),
    **dict.fromkeys(("left_eye", "right_eye"), 2),
    **dict.fromkeys(("upper_teeth", "lower_teeth", "tongue"), 3),
    **dict.fromkeys(("hair", "lining"), 4),
    **dict.fromkeys(("jumper", "bands"), 5),
    **{"collar": 6, "trousers": 7, "shoes": 8, "soles": 9},
}
"""Surfaces whose borders are smoothed; what has none is blended and keeps that of what lies below."""

_BEHIND_LIPS = ("upper_teeth", "lower_teeth", "tongue")
_HEAD = JOINT_INDEX["head"]
_ROOTS = 0.10  # brightness of hair at its roots against its tint


@dataclass(frozen=True)
class Drawable:
    """What changes from frame to frame.

    Attributes:
        bones: ``[59, 3, 4]`` from bind pose to the world.
        face: The deformed face.
        lids: Openings of the left and the right eye.
        mouth_opening: 0..1.
    """

    bones: Floats
    face: FaceMesh
    lids: tuple[Lids, Lids]
    mouth_opening: float


class Scene:
    """An avatar on the graphics device."""

    def __init__(self, context: moderngl.Context, asset: Asset, *, per_pixel: bool) -> None:
        """Upload an avatar.

        Args:
            context: Where to.
            asset: The avatar.
            per_pixel: Work light out per pixel rather than per vertex.
        """
        self._context = context
        self._eyes = asset.face.eyes
        self._frame = context.buffer(reserve=16 * (4 + 1 + 2 + 2 + 2 + 1 + 3 * BONES))
        self._programs = {name: _program(context, name, per_pixel=per_pixel) for name in _MATERIALS}
        self._textures = {name: _texture(context, name, image) for name, image in asset.textures.items()}
        self._parts = [
            UploadedPart(context, name, part, self._programs[part.material]) for name, part in asset.parts.items()
        ]
        self._followers = {sparing: Followers(self._parts, sparing=sparing) for sparing in (False, True)}
        self._bounds = Bounds(self._parts)

    def draw(self, drawable: Drawable, camera: Camera, *, sparing: bool) -> None:
        """Draw into the current framebuffer, which must be clear.

        Args:
            drawable: What to draw.
            camera: From where.
            sparing: Whether few triangles shall do.
        """
        context = self._context
        seen = self._bounds.in_view(drawable.bones, camera)
        parts = [part for part, is_seen in zip(self._parts, seen, strict=True) if is_seen]
        if drawable.mouth_opening <= 0:
            parts = [part for part in parts if part.name not in _BEHIND_LIPS]
        self._followers[sparing].deform(drawable.face, {part.name for part in parts})
        self._frame.write(self._frame_values(drawable, camera))
        self._frame.bind_to_uniform_block(0)
        context.front_face = "cw"  # pictures are drawn upside down, see camera.py
        context.enable(moderngl.DEPTH_TEST)
        blending: Any = moderngl.SRC_ALPHA, moderngl.ONE_MINUS_SRC_ALPHA, moderngl.ZERO, moderngl.ONE
        context.blend_func = blending
        for part in parts:
            self._draw_part(part, part.sparing_array if sparing else part.array)
        context.disable(moderngl.BLEND | moderngl.CULL_FACE)
        context.fbo.depth_mask = True

    def _draw_part(self, part: UploadedPart, array: moderngl.VertexArray) -> None:
        context, source = self._context, part.source
        blended = source.material in _BLENDED
        (context.enable if blended else context.disable)(moderngl.BLEND)
        (context.disable if part.name in _TWO_SIDED else context.enable)(moderngl.CULL_FACE)
        context.fbo.depth_mask = not blended
        if source.texture:
            self._textures[source.texture].use(0)
        set_uniform(part.program, "repeat", source.repeat.tobytes())
        set_uniform(part.program, "tint", source.colour.tobytes())
        set_uniform(part.program, "root_tint", (source.colour * np.float32(_ROOTS)).tobytes())
        set_uniform(part.program, "surface", np.float32(_SURFACES.get(part.name, 0) * 20 / 255).tobytes())
        set_uniform(part.program, "side", np.int32(part.name == "right_eye").tobytes())
        array.render()

    def _frame_values(self, drawable: Drawable, camera: Camera) -> bytes:
        """The uniform block ``Frame`` of ``common.glsl``."""
        head = drawable.bones[_HEAD]
        rows = np.zeros((12 + 3 * BONES, 4), np.float32)
        rows[:4] = camera.matrix.T
        rows[4, :3] = camera.eye
        rows[5, :3], rows[6, :3] = head[:, 0], head[:, 1]
        rows[7:9, :3] = self._eyes[:, :3] @ head[:, :3].T + head[:, 3]
        rows[7:9, 3] = self._eyes[:, 3]
        rows[9, :2], rows[10, :2] = drawable.lids
        rows[11, 0] = drawable.mouth_opening
        rows[12:] = drawable.bones.reshape(-1, 4)
        return rows.tobytes()


def _program(context: moderngl.Context, material: str, *, per_pixel: bool) -> moderngl.Program:
    shader, defines = _MATERIALS[material]
    if not per_pixel and material not in _ALWAYS_PER_PIXEL:
        defines = (*defines, "PER_VERTEX")
    head = "#version 330\n" + "".join(f"#define {name}\n" for name in defines) + f"#define BONES {BONES}\n"
    shared = head + lighting.glsl() + "\n" + _source("common") + _source(f"{shader}.light")
    program = context.program(
        vertex_shader=shared + _source("vertex"), fragment_shader=shared + _source("fragment") + _source(shader)
    )
    frame: Any = program["Frame"]
    frame.binding = 0
    return program


def _source(name: str) -> str:
    return (_SHADERS / f"{name}.glsl").read_text(encoding="utf-8")


def _texture(context: moderngl.Context, name: str, image: Bytes) -> moderngl.Texture:
    texture = context.texture((image.shape[1], image.shape[0]), 4, np.ascontiguousarray(image).tobytes())
    texture.build_mipmaps()
    texture.filter = (moderngl.LINEAR_MIPMAP_NEAREST, moderngl.LINEAR)
    texture.repeat_x = name in _REPEATING
    texture.repeat_y = False
    return texture
