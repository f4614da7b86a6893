from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from mio.contracts.engine import Engine
from mio.contracts.messages import BodyMotion, Clock, Message, Speech
from mio.contracts.rates import BODY_FPS, SPEECH_FRAME_SAMPLES, SPEECH_HZ
from mio.contracts.skeleton import JOINT_INDEX
from mio.runtime.testing import steps, tick
from nodes.body.config import BodyConfig
from nodes.body.engine import build_engine
from nodes.body.skeleton import finger_tips, forward

Script = Iterable[tuple[float, str, Message]]


@dataclass
class Run:
    """What a scripted run has shown: frames by stage time on the grid, and what was sent when."""

    engine: Engine
    frames: np.ndarray
    first: int
    sent: list[tuple[float, BodyMotion]]

    def at(self, stage_s: float) -> int:
        return round(stage_s * BODY_FPS) - self.first

    @property
    def places(self) -> np.ndarray:
        return forward(self.frames)[0]


class Stage:
    """Steps an engine through fake time: a clock message every 200 ms, ticks, a script between them."""

    def __init__(self, engine: Engine, mono_s: float = 100.0, frames_per_tick: int = 1) -> None:
        self.engine = engine
        self._step = frames_per_tick
        self.shown: dict[int, np.ndarray] = {}
        self.sent: list[tuple[float, BodyMotion]] = []
        self._mono_s = mono_s
        self._epoch = 0
        self._stage_s = 0.0

    def run(self, run_s: float, script: Script = (), talk: tuple[int, float, float] | None = None) -> Run:
        """Go on for a while. Times of the script and of the talk (turn, start, end) are stage seconds."""
        waiting = sorted(script, key=lambda item: item[0])
        end = round((self._stage_s + run_s) * BODY_FPS)
        while round(self._stage_s * BODY_FPS) < end:
            if round(self._stage_s * BODY_FPS) % 4 == 0 or self._step > 4:
                self._say_time(talk)
            while waiting and waiting[0][0] <= self._stage_s + 1e-6:
                _, port, message = waiting.pop(0)
                steps(self.engine, port, message)
            for _, message in tick(self.engine, self._mono_s + 1e-4):
                assert isinstance(message, BodyMotion)
                self.sent.append((self._stage_s, message))
                first = round(message.start_stage_s * BODY_FPS)
                self.shown.update({first + index: frame for index, frame in enumerate(message.frames)})
            self._stage_s = round(self._stage_s + self._step / BODY_FPS, 6)
            self._mono_s += self._step / BODY_FPS
        keys = sorted(self.shown)
        assert keys == list(range(keys[0], keys[-1] + 1)), "frames are missing"
        frames = np.stack([self.shown[key] for key in keys]).astype(np.float64)
        return Run(self.engine, frames, keys[0], self.sent)

    def leap(self, to_s: float, epochs: int = 1) -> None:
        """The clock starts again somewhere else; what was shown is kept in order, as seen."""
        ahead = round(self._stage_s * BODY_FPS)
        shift = round(to_s * BODY_FPS) - ahead
        self.shown = {key + shift: frame for key, frame in self.shown.items() if key < ahead}
        self._stage_s = to_s
        self._epoch += epochs

    def pause(self, for_s: float) -> None:
        """Time passes, the engine does not get a tick, and the screen keeps the last frame that it has."""
        last = max(self.shown)
        self._stage_s = round(self._stage_s + for_s, 6)
        self._mono_s += for_s
        for key in range(last + 1, round(self._stage_s * BODY_FPS)):
            self.shown[key] = self.shown[last]

    def _say_time(self, talk: tuple[int, float, float] | None) -> None:
        segment, heard = 0, 0
        if talk is not None and talk[1] - 0.4 <= self._stage_s < talk[2]:
            segment, heard = talk[0], round((self._stage_s - talk[1]) * SPEECH_HZ)
        mono_ns = round(self._mono_s * 1e9)
        clock = Clock(stage_s=self._stage_s, mono_ns=mono_ns, epoch=self._epoch, segment_id=segment, heard_sample=heard)
        steps(self.engine, "clock", clock)


@pytest.fixture(scope="session")
def long_stage() -> Callable[..., Stage]:
    """A stage for minutes of motion of an engine by name: half a second per tick."""
    return lambda **settings: Stage(build_engine(BodyConfig(lead_s=1.0, **settings)), frames_per_tick=10)


@pytest.fixture(scope="session")
def live_stage() -> Callable[..., Stage]:
    """A stage for an engine by name, a frame per tick, as it runs live."""
    return lambda **settings: Stage(build_engine(BodyConfig(**settings)))


@pytest.fixture
def stage(request: pytest.FixtureRequest) -> Callable[..., Stage]:
    """A stage for the procedural engine, or for those that a test is parametrised with."""
    engine = getattr(request, "param", "idle")
    return lambda *, frames_per_tick=2, **settings: Stage(
        build_engine(BodyConfig(engine=engine, **settings)), frames_per_tick=frames_per_tick
    )


@pytest.fixture(scope="session")
def stage_of() -> Callable[..., Stage]:
    """A stage for any engine of the body."""
    return lambda engine, frames_per_tick=1: Stage(engine, frames_per_tick=frames_per_tick)


@pytest.fixture
def manifest() -> Path:
    return Path(__file__).resolve().parents[2] / "nodes" / "body" / "dora-node.yml"


@pytest.fixture
def say() -> Callable[..., Speech]:
    """Speech of some words, 0.4 s each, stressed on words of more than three letters."""

    def make(text: str, *, turn: int = 1, index: int = 0, start_s: float = 0.0, word_s: float = 0.4, **more) -> Speech:
        words = text.split()
        starts = [start_s + word_s * number for number in range(len(words))]
        samples = -(-round(len(words) * word_s * SPEECH_HZ) // SPEECH_FRAME_SAMPLES) * SPEECH_FRAME_SAMPLES
        phones, phone_start_s, stress = [], [], []
        for word, at_s in zip(words, starts, strict=True):
            phones += ["t", "ɑː"]
            phone_start_s += [at_s, at_s + 0.1]
            stress += [0, int(len(word) > 3)]
        return Speech(
            segment_id=turn,
            index=index,
            samples=np.zeros(samples, np.float32),
            start_sample=round(start_s * SPEECH_HZ),
            phones=phones,
            phone_start_s=phone_start_s,
            phone_stress=stress,
            words=words,
            word_start_s=starts,
            word_end_s=[at_s + word_s for at_s in starts],
            word_char=[0] * len(words),
            **more,
        )

    return make


# Capsules around the body: joint, two ends in its frame (m), radius. Measured on an average MakeHuman body, scaled to
# the skeleton's height.
_CAPSULES = (
    ("pelvis", (0.065, -0.06, 0.0), (0.065, 0.06, 0.01), 0.105),
    ("pelvis", (-0.065, -0.06, 0.0), (-0.065, 0.06, 0.01), 0.105),
    ("spine1", (0.055, -0.02, 0.03), (0.055, 0.14, 0.03), 0.095),
    ("spine1", (-0.055, -0.02, 0.03), (-0.055, 0.14, 0.03), 0.095),
    ("spine3", (0.08, -0.05, 0.03), (0.08, 0.08, 0.02), 0.105),
    ("spine3", (-0.08, -0.05, 0.03), (-0.08, 0.08, 0.02), 0.105),
    ("neck", (0.0, -0.03, 0.01), (0.0, 0.09, 0.02), 0.055),
    ("head", (0.0, 0.10, 0.0), (0.0, 0.12, 0.04), 0.095),
    ("head", (0.0, 0.01, 0.05), (0.0, 0.05, 0.06), 0.06),
    ("left_hip", (0.025, -0.02, 0.01), (0.0, -0.35, 0.01), 0.085),
    ("right_hip", (-0.025, -0.02, 0.01), (0.0, -0.35, 0.01), 0.085),
)
_HAND = [JOINT_INDEX[name] for name in JOINT_INDEX if name.endswith("wrist") or JOINT_INDEX[name] >= 22]


def clearance(frames: np.ndarray) -> np.ndarray:
    """``[T]`` least distance of the bones of hands and forearms from the surface of trunk, head and thighs, m."""
    places, turns = forward(frames)
    hands = np.concatenate((places[:, _HAND], finger_tips(places, turns)), 1)
    elbows = places[:, [JOINT_INDEX["left_elbow"], JOINT_INDEX["right_elbow"]]]
    wrists = places[:, [JOINT_INDEX["left_wrist"], JOINT_INDEX["right_wrist"]]]
    points = np.concatenate((hands, 0.5 * (elbows + wrists), 0.25 * elbows + 0.75 * wrists), 1)
    least = np.full(len(frames), np.inf)
    for joint, low, high, radius in _CAPSULES:
        index = JOINT_INDEX[joint]
        ends = places[:, None, index] + np.einsum("tab,kb->tka", turns[:, index], np.array((low, high)))
        bone = ends[:, 1] - ends[:, 0]
        share = np.einsum("tpa,ta->tp", points - ends[:, :1], bone) / (bone**2).sum(1)[:, None]
        nearest = ends[:, :1] + np.clip(share, 0.0, 1.0)[..., None] * bone[:, None]
        least = np.minimum(least, np.linalg.norm(points - nearest, axis=-1).min(1) - radius)
    return least


@pytest.fixture
def clear_of_body() -> Callable[[np.ndarray], np.ndarray]:
    return clearance
