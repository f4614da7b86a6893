"""Draws the avatar from face and body motion: one picture per video frame, each for its stage time."""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mio.contracts.engine import Engine, Outputs
from mio.contracts.messages import BodyMotion, Clock, FaceMotion, Message, Tick, VideoFrame
from mio.contracts.rates import BODY_DIM, FACE_DIM, VIDEO_FPS
from mio.contracts.skeleton import JOINT_INDEX
from mio.contracts.stage import StageClock
from mio.errors import ContractError
from mio.rotation import Array
from nodes.renderer.cache import obtain_avatar
from nodes.renderer.config import RendererConfig
from nodes.renderer.context import is_software, open_context
from nodes.renderer.hair_swing import HairSwing
from nodes.renderer.motion import actions_at, pose_at
from nodes.renderer.quality import Governor
from nodes.renderer.studio import Studio
from nodes.renderer.timeline import Timeline

TICK_HZ = 90.0
_STATE_VERSION = 1
_LONGEST_S = 60.0  # of motion in one message
_FASTEST_FPS = 240
_HEAD = JOINT_INDEX["head"]
_BACKWARDS_S = 0.5  # a clock that falls back further than this has been set anew


@dataclass
class _State:
    """What changes while the engine runs.

    Attributes:
        face: Frames of the face.
        body: Frames of the body.
        epoch: Of the clock that the frames belong to.
        next_frame: Number of the video frame that is drawn next; -1 before the first.
        swing: The hair.
        hair: ``[3]`` where the swing has brought it.
        drew_at_ns: Monotonic time of the last tick if it drew a picture; 0 if not.
    """

    face: Timeline = field(default_factory=lambda: Timeline(FACE_DIM))
    body: Timeline = field(default_factory=lambda: Timeline(BODY_DIM))
    epoch: int = 0
    next_frame: int = -1
    swing: HairSwing = field(default_factory=HairSwing)
    hair: Array = field(default_factory=lambda: np.zeros(3))
    drew_at_ns: int = 0


class MeshEngine(Engine):
    """Draws video frame k for stage time k / 30 as soon as that is no further away than the lead.

    Frames that are already late are skipped, never queued. Nothing is drawn before the clock runs.
    """

    tick_hz = TICK_HZ

    def __init__(self, studio: Studio, governor: Governor, lead_s: float) -> None:
        self._studio = studio
        self._governor = governor
        self._lead_s = lead_s
        self._clock = StageClock()
        self._state = _State()

    def step(self, port: str, message: Message) -> Outputs:
        """Take a message, or draw on a tick."""
        match message:
            case Clock():
                self._take_clock(message)
            case FaceMotion():
                self._take_face(message)
            case BodyMotion():
                self._take(self._state.body, message)
            case Tick():
                return self._tick(message)
            case _:
                raise ContractError(f"input '{port}' got {message.KIND}", "see dora-node.yml for the renderer's inputs")
        return ()

    def _take_clock(self, clock: Clock) -> None:
        self._clock.update(clock)
        if clock.epoch > self._state.epoch:
            self._state.face.clear()
            self._state.body.clear()
            self._state.epoch, self._state.next_frame = clock.epoch, -1

    def _take_face(self, message: FaceMotion) -> None:
        if message.basis != "arkit52":
            raise ContractError(
                f"face frames with basis '{message.basis}': this avatar moves by the 52 ARKit actions",
                "use a face engine that sends basis arkit52, or a renderer with the licensed FLAME model",
            )
        self._take(self._state.face, message)

    def _take(self, timeline: Timeline, message: FaceMotion | BodyMotion) -> None:
        """Keep motion whose times make sense; nothing of a message that is refused is kept."""
        count, start_s, fps = len(message.frames), message.start_stage_s, message.fps
        if not (math.isfinite(start_s) and 0 < fps <= _FASTEST_FPS and count <= _LONGEST_S * fps):
            problem = f"{message.KIND} of {count} frames at {fps} fps from stage time {start_s} s"
            raise ContractError(problem, f"send at most {_LONGEST_S:.0f} s of motion at once, with finite times")
        timeline.add(message.frames, start_s, fps)

    def _tick(self, tick: Tick) -> Outputs:
        state = self._state
        if state.drew_at_ns and self._governor.took((tick.mono_ns - state.drew_at_ns) * 1e-9):
            self._studio.use(self._governor.tier)
        state.drew_at_ns = 0
        if not self._clock.running:
            return ()
        now_s = self._clock.stage_s(tick.mono_ns)
        if self._due(now_s) is None:
            return ()
        state.drew_at_ns = tick.mono_ns
        return self._draw(now_s)

    def _due(self, now_s: float) -> int | None:
        """The newest video frame whose time to be drawn has come, if it has not been drawn yet."""
        frame = int(np.floor((now_s + self._lead_s) * VIDEO_FPS + 1e-6))
        last = self._state.next_frame - 1
        if frame < last - _BACKWARDS_S * VIDEO_FPS:
            self._state.next_frame = -1
        return frame if frame >= 0 and frame >= self._state.next_frame else None

    def _draw(self, now_s: float) -> Outputs:
        state, frame = self._state, self._due(now_s)
        if frame is None:
            return
        elapsed_s = (frame - state.next_frame + 1) / VIDEO_FPS
        stage_s = frame / VIDEO_FPS
        state.next_frame = frame + 1
        face, body = state.face.at(stage_s), state.body.at(stage_s)
        state.face.prune(stage_s)
        state.body.prune(stage_s)
        pose = pose_at(face, body, state.hair)
        drawable = self._studio.drawable(pose, actions_at(face, pose))
        state.hair = state.swing.follow(drawable.bones[_HEAD, :, :3], elapsed_s)
        picture = self._studio.picture(drawable)
        height, width = picture.shape[:2]
        yield "frame", VideoFrame(pixels=picture.ravel(), width=width, height=height, stage_s=stage_s)

    def export_state(self) -> dict[str, Any]:
        """Timelines, hair, epoch and the next frame."""
        state = self._state
        return {
            "version": _STATE_VERSION,
            "face": state.face.export(),
            "body": state.body.export(),
            "epoch": state.epoch,
            "next_frame": state.next_frame,
            "swing": state.swing.export(),
            "hair": state.hair.copy(),
        }

    def import_state(self, state: dict[str, Any]) -> None:
        """Go on where a predecessor stood; another version's state is ignored."""
        if state.get("version") != _STATE_VERSION:
            return
        own = self._state
        own.face.restore(state["face"])
        own.body.restore(state["body"])
        own.epoch, own.next_frame = int(state["epoch"]), int(state["next_frame"])
        own.swing.restore(state["swing"])
        own.hair = np.array(state["hair"], np.float64)


def build_engine(config: RendererConfig) -> Engine:
    """Open OpenGL, load or make the avatar, and place the camera.

    Raises:
        MioError: If there is no OpenGL, the character pack is broken, or the body's package is missing.
    """
    match config.engine:
        case "mesh":
            return _build_mesh(config)


def _build_mesh(config: RendererConfig) -> MeshEngine:
    context = open_context()
    governor = Governor(config.quality, software=is_software(context))
    tier = governor.tier
    asset = obtain_avatar(context, config.look(), config.cache_dir, fine=tier.fine, texture_size=config.texture_size)
    studio = Studio(context, asset, (config.width, config.height), tier, config.background)
    studio.look_through(config.framing, config.camera)
    studio.warm_up()
    return MeshEngine(studio, governor, config.lead_ms / 1000)
