"""Draws the avatar from face and body motion: one picture per video frame, each for its stage time."""

import math
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from mio.contracts.engine import Engine, Output, Outputs
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
from nodes.renderer.skeleton import Pose
from nodes.renderer.studio import Studio
from nodes.renderer.timeline import Timeline

TICK_HZ = 90.0
_STATE_VERSION = 2
_LONGEST_S = 60.0  # of motion in one message
_FASTEST_FPS = 240
_HEAD = JOINT_INDEX["head"]
_FILLED_NS = 20_000_000  # a picture in software is filled by then; reading it sooner would wait for it
_WAY_S = 0.03  # from beginning a picture to its being seen, at the least
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
        begun_s: Stage time of the picture that is being drawn; None if none is.
        begun_at_ns: Monotonic time at which that was begun.
        begun: Its joints and face actions, from which it can be drawn again.
    """

    face: Timeline = field(default_factory=lambda: Timeline(FACE_DIM))
    body: Timeline = field(default_factory=lambda: Timeline(BODY_DIM))
    epoch: int = 0
    next_frame: int = -1
    swing: HairSwing = field(default_factory=HairSwing)
    hair: Array = field(default_factory=lambda: np.zeros(3))
    drew_at_ns: int = 0
    begun_s: float | None = None
    begun_at_ns: int = 0
    begun: tuple[Pose, npt.NDArray[np.float32]] | None = None


class MeshEngine(Engine):
    """Draws video frame k for stage time k / 30 as soon as that is no further away than the lead.

    After a pause it catches up as long as frames still come in time.
    A picture is begun at one tick and sent at a later one, so that it is filled while the node does something else.
    Frames that would be late are skipped, never queued. Nothing is drawn before the clock runs.
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
            self._state.epoch, self._state.next_frame, self._state.begun_s = clock.epoch, -1, None

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
        slow = state.drew_at_ns and self._governor.took((tick.mono_ns - state.drew_at_ns) * 1e-9)
        state.drew_at_ns = 0
        if not self._clock.running:
            return
        now_s = self._clock.stage_s(tick.mono_ns)
        due = self._due(now_s) is not None
        if state.begun_s is not None and (due or slow or tick.mono_ns - state.begun_at_ns >= _FILLED_NS):
            yield self._finish(state.begun_s)
        if slow:
            self._studio.use(self._governor.tier)
        if due:
            state.drew_at_ns = state.begun_at_ns = tick.mono_ns
            self._begin(now_s)

    def _due(self, now_s: float) -> int | None:
        """The video frame that is to be drawn now: the next one, unless it is too early, or too late to be seen."""
        newest = int(np.floor((now_s + self._lead_s) * VIDEO_FPS + 1e-6))
        following = self._state.next_frame
        if newest < following - 1 - _BACKWARDS_S * VIDEO_FPS:
            following = self._state.next_frame = -1
        if newest < max(following, 0):
            return None
        in_time = int(np.ceil((now_s + min(_WAY_S, self._lead_s)) * VIDEO_FPS - 1e-6))
        return newest if following < 0 else min(newest, max(following, in_time))

    def _begin(self, now_s: float) -> None:
        state, frame = self._state, self._due(now_s)
        if frame is None:
            return
        elapsed_s = (frame - state.next_frame + 1) / VIDEO_FPS
        stage_s = frame / VIDEO_FPS
        state.next_frame, state.begun_s = frame + 1, stage_s
        face, body = state.face.at(stage_s), state.body.at(stage_s)
        state.face.prune(stage_s)
        state.body.prune(stage_s)
        pose = pose_at(face, body, state.hair)
        state.begun = pose, actions_at(face, pose)
        drawable = self._studio.drawable(*state.begun)
        state.hair = state.swing.follow(drawable.bones[_HEAD, :, :3], elapsed_s)
        self._studio.draw(drawable)

    def _finish(self, stage_s: float) -> Output:
        self._state.begun_s = None
        picture = self._studio.develop()
        height, width = picture.shape[:2]
        return "frame", VideoFrame(pixels=picture.ravel(), width=width, height=height, stage_s=stage_s)

    def at_boundary(self) -> bool:
        """Whether no picture is being drawn."""
        return self._state.begun_s is None

    def export_state(self) -> dict[str, Any]:
        """Timelines, hair, clock, and the picture that is being drawn, which a successor draws again."""
        state = self._state
        drawing = None
        if state.begun_s is not None and state.begun is not None:
            pose, actions = state.begun
            drawing = {"stage_s": state.begun_s, "pose": asdict(pose), "actions": actions.copy()}
        return {
            "version": _STATE_VERSION,
            "face": state.face.export(),
            "body": state.body.export(),
            "epoch": state.epoch,
            "clock": self._clock.export_state(),
            "next_frame": state.next_frame,
            "swing": state.swing.export(),
            "hair": state.hair.copy(),
            "drawing": drawing,
            "drew_at_ns": state.drew_at_ns,
            "begun_at_ns": state.begun_at_ns,
        }

    def import_state(self, state: dict[str, Any]) -> None:
        """Go on where a predecessor stood; another version's state is ignored."""
        if state.get("version") != _STATE_VERSION:
            return
        own = self._state
        own.face.restore(state["face"])
        own.body.restore(state["body"])
        self._clock.import_state(state["clock"])
        own.epoch, own.next_frame = int(state["epoch"]), int(state["next_frame"])
        own.swing.restore(state["swing"])
        own.hair = np.array(state["hair"], np.float64)
        own.drew_at_ns, own.begun_at_ns = int(state["drew_at_ns"]), int(state["begun_at_ns"])
        drawing = state["drawing"]
        if drawing is not None:
            own.begun_s = float(drawing["stage_s"])
            own.begun = Pose(**drawing["pose"]), np.asarray(drawing["actions"], np.float32)
            self._studio.draw(self._studio.drawable(*own.begun))


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
    if governor.weigh(studio.warm_up()):
        studio.use(governor.tier)
        studio.warm_up()
    return MeshEngine(studio, governor, config.lead_ms / 1000)
