"""An avatar in front of a background: makes pictures of a pose and an expression at one of the quality tiers."""

import itertools
import logging
import time
from typing import Protocol, TypeVar

import cv2
import moderngl
import numpy as np
import numpy.typing as npt

from mio.contracts.arkit import ARKIT_ACTIONS, ARKIT_INDEX
from nodes.renderer.asset import Asset
from nodes.renderer.background import make_background
from nodes.renderer.camera import Camera, frame
from nodes.renderer.config import BackgroundConfig, CameraConfig, Framing
from nodes.renderer.context import begin_drawing
from nodes.renderer.edges import smooth_edges
from nodes.renderer.face import FaceDeformer
from nodes.renderer.motion import gaze_of
from nodes.renderer.quality import Tier
from nodes.renderer.scene import Drawable, Scene
from nodes.renderer.skeleton import Pose

_WARM_PICTURES = 4

_log = logging.getLogger(__name__)

Picture = npt.NDArray[np.uint8]


class Studio:
    """Draws pictures of one size and framing.

    Drawing and reading back are two steps: while the device fills one picture, the next can be prepared.
    """

    def __init__(
        self, context: moderngl.Context, asset: Asset, size: tuple[int, int], tier: Tier, background: BackgroundConfig
    ) -> None:
        """Prepare to draw.

        Args:
            context: OpenGL context.
            asset: The avatar.
            size: Width and height of the pictures.
            tier: Effort.
            background: What is behind her.
        """
        self._context = context
        self._size = size
        self._background = background
        self.asset = asset
        self.deformer = FaceDeformer(asset.face)
        self._scene = Scene(context, asset, per_pixel=tier.per_pixel)
        self._camera: Camera | None = None
        self._framing: Framing = "bust"
        self._tier = tier
        self._targets: dict[Tier, list[_Target]] = {}
        self._drawn: _Target | None = None

    def look_through(self, framing: Framing, config: CameraConfig) -> None:
        """Place the camera."""
        width, height = self._size
        self._camera = frame(self.asset.skeleton, framing, config, width / height)
        self._framing = framing
        self._drop_targets()

    def use(self, tier: Tier) -> None:
        """Change the effort, but neither the mesh nor where light is worked out.

        The targets of the tier before are kept: where effort goes up and down, memory does not.
        """
        self._tier = tier
        self._drawn = None

    def warm_up(self) -> float:
        """Draw with the mouth open, so that all shaders are ready when the first picture is due.

        Returns:
            CPU time that a picture takes, in seconds, of all threads together.
        """
        weights = np.zeros(len(ARKIT_ACTIONS), np.float32)
        weights[ARKIT_INDEX["jawOpen"]] = 1.0
        costs_s: list[float] = []
        for _ in range(_WARM_PICTURES):
            began_s = time.process_time()
            self.picture(self.drawable(Pose.rest(), weights))
            costs_s.append(time.process_time() - began_s)
        return min(costs_s)

    def drawable(self, pose: Pose, actions: npt.NDArray[np.float32]) -> Drawable:
        """Bend bones and face."""
        mesh = self.deformer.deform(actions, gaze_of(pose))
        return Drawable(self.asset.skeleton.bones(pose), mesh, self.deformer.lids(mesh), self.deformer.opening(mesh))

    def picture(self, drawable: Drawable) -> Picture:
        """Draw and read back; ``[height, width, 3]`` rgb, rows from the top."""
        self.draw(drawable)
        return self.develop()

    def draw(self, drawable: Drawable) -> None:
        """Begin to draw on the graphics device, beside the picture that was drawn last."""
        if self._camera is None:
            raise ValueError("look_through() must place the camera first")
        if self._tier not in self._targets:
            self._targets[self._tier] = self._make_targets()
        targets = self._targets[self._tier]
        targets.reverse()
        self._drawn = targets[0]
        self._drawn.begin()
        self._scene.draw(drawable, self._camera, sparing=self._tier.sparing)
        self._drawn.end()
        begin_drawing()

    def develop(self) -> Picture:
        """Read back what was drawn last, smooth its silhouettes, bring it to the picture's size."""
        if self._drawn is None:
            raise ValueError("draw() must draw first")
        pixels = self._drawn.read()
        if self._tier.smooth:
            smooth_edges(pixels)
        if self._drawn.size == self._size:
            return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGBA2RGB), np.uint8)
        small = cv2.cvtColor(pixels, cv2.COLOR_RGBA2RGB, dst=self._drawn.colours)
        return np.asarray(cv2.resize(small, self._size, interpolation=cv2.INTER_LINEAR), np.uint8)

    def _drop_targets(self) -> None:
        """Give back the memory of all targets; others are made for the next picture."""
        for target in itertools.chain.from_iterable(self._targets.values()):
            target.release()
        self._targets, self._drawn = {}, None

    def _make_targets(self) -> "list[_Target]":
        """Two of the tier's size: one is read while the other is filled."""
        scale = self._tier.scale
        size = (max(round(self._size[0] * scale), 16), max(round(self._size[1] * scale), 16))
        behind, floor = self._background, 0.16 if self._framing == "full" else None
        picture = make_background(size, (behind.upper, behind.lower), behind.picture, floor)
        _log.info("drawing %s at %d x %d, quality %s", self._framing, *size, self._tier.name)
        return [_Target(self._context, size, self._tier.samples, picture) for _ in range(2)]


class _Releasable(Protocol):
    def release(self) -> None: ...


_Made = TypeVar("_Made", bound=_Releasable)


class _Target:
    """Framebuffers of one size, with the background ready to be copied in.

    Attributes:
        size: Width and height.
        colours: ``[h, w, 3]`` a place to put pixels without alpha.
    """

    def __init__(self, context: moderngl.Context, size: tuple[int, int], samples: int, background: Picture) -> None:
        self.size = size
        self._context = context
        self._made: list[_Releasable] = []
        samples = min(samples, context.max_samples)
        texture = self._keep(context.texture(size, 4, np.ascontiguousarray(background).tobytes()))
        depth = self._keep(context.depth_renderbuffer(size))
        first = self._framebuffer(self._keep(context.renderbuffer(size, 4)), depth)
        first.clear()
        self._behind = self._framebuffer(texture, depth)
        self._single = self._framebuffer(
            self._keep(context.renderbuffer(size, 4)), self._keep(context.depth_renderbuffer(size))
        )
        self._drawn = self._single
        self._backdrop: moderngl.VertexArray | None = None
        if samples:
            self._drawn = self._framebuffer(
                self._keep(context.renderbuffer(size, 4, samples=samples)),
                self._keep(context.depth_renderbuffer(size, samples=samples)),
            )
            self._texture = texture
            program = self._keep(context.program(vertex_shader=_BACKDROP_VERTEX, fragment_shader=_BACKDROP_FRAGMENT))
            self._backdrop = self._keep(context.vertex_array(program, []))
        self._pixels = np.empty((size[1], size[0], 4), np.uint8)
        self.colours = np.empty((size[1], size[0], 3), np.uint8)

    def release(self) -> None:
        """Give back what it holds on the graphics device, which Python's collector does not; it is of no use then."""
        for made in reversed(self._made):
            made.release()
        self._made.clear()

    def _framebuffer(
        self, colour: moderngl.Texture | moderngl.Renderbuffer, depth: moderngl.Renderbuffer
    ) -> moderngl.Framebuffer:
        return self._keep(self._context.framebuffer([colour], depth))

    def _keep(self, made: _Made) -> _Made:
        self._made.append(made)
        return made

    def begin(self) -> None:
        """Make it the current framebuffer, showing the background."""
        if self._backdrop is None:
            self._context.copy_framebuffer(self._single, self._behind)
            self._single.use()
            return
        self._drawn.use()
        self._drawn.clear()
        self._context.disable(moderngl.DEPTH_TEST | moderngl.CULL_FACE | moderngl.BLEND)
        self._texture.use(0)
        self._backdrop.render(moderngl.TRIANGLES, vertices=3)

    def end(self) -> None:
        """Bring several samples per pixel together."""
        if self._drawn is not self._single:
            self._context.copy_framebuffer(self._single, self._drawn)

    def read(self) -> Picture:
        """Pixels ``[h, w, 4]``; valid until the next call."""
        self._single.read_into(self._pixels, components=4)
        return self._pixels


_BACKDROP_VERTEX = """
#version 330
out vec2 place;
void main() {
    place = vec2((gl_VertexID << 1) & 2, gl_VertexID & 2);
    gl_Position = vec4(place * 2.0 - 1.0, 0.0, 1.0);
}
"""
_BACKDROP_FRAGMENT = """
#version 330
uniform sampler2D image;
in vec2 place;
out vec4 colour;
void main() { colour = texture(image, place); }
"""
