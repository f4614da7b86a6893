"""How long a new prompt takes to be seen: two engines with the same seed, one of which is asked for something."""

from collections.abc import Callable, Iterable

import numpy as np

from mio.contracts.engine import Engine
from mio.contracts.messages import BodyMotion, Clock, Message, MotionPrompt, Tick
from mio.contracts.rates import BODY_FPS
from mio.rotation import Array
from nodes.body.skeleton import forward

PROMPTS = (
    "a person walks forward.",
    "a person raises the left hand.",
    "a person bows politely.",
    "a person waves with the right hand.",
    "a person jumps.",
    "a person kicks with the right leg.",
)
_ASKED_S = (4.0, 4.05, 4.1, 4.15)
_SEEN_M = 0.06

Event = tuple[float, str, Message]


class Stage:
    """An engine on a stage clock that runs as fast as it can."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.shown: dict[int, Array] = {}
        self._frame = 0

    def play(self, run_s: float, script: Iterable[Event] = (), on_tick: Callable[[], None] | None = None) -> Array:
        """Go on for a while.

        Args:
            run_s: How long.
            script: What it is sent, by stage time.
            on_tick: Called after every tick.

        Returns:
            ``[n, 159]`` all frames as shown so far, from stage time 0 on.
        """
        waiting = sorted(script, key=lambda event: event[0])
        for frame in range(self._frame, self._frame + round(run_s * BODY_FPS)):
            stage_s, mono_ns = frame / BODY_FPS, 1_000_000 + round(frame / BODY_FPS * 1e9)
            if frame % 4 == 0:
                self._step("clock", Clock(stage_s=stage_s, mono_ns=mono_ns))
            while waiting and waiting[0][0] <= stage_s + 1e-6:
                self._step(*waiting.pop(0)[1:])
            self._step("tick", Tick(mono_ns=mono_ns))
            if on_tick is not None:
                on_tick()
        self._frame += round(run_s * BODY_FPS)
        return np.stack([self.shown[frame] for frame in range(self._frame)]).astype(np.float64)

    def _step(self, port: str, message: Message) -> None:
        for output in self.engine.step(port, message) or ():
            if output is not None and isinstance(output[1], BodyMotion):
                first = round(output[1].start_stage_s * BODY_FPS)
                self.shown.update(enumerate(output[1].frames, first))


def latency_s(build: Callable[[int], Engine]) -> list[float]:
    """Seconds from each prompt until a joint is 6 cm off where it would be without it.

    Args:
        build: Makes an engine from a seed.
    """
    without = forward(Stage(build(1)).play(7.0))[0][:, :22]
    waits: list[float] = []
    for number, text in enumerate(PROMPTS):
        asked_s = _ASKED_S[number % len(_ASKED_S)]
        frames = Stage(build(1)).play(7.0, [(asked_s, "prompt", MotionPrompt(text=text))])
        apart = np.linalg.norm(forward(frames)[0][:, :22] - without, axis=-1).max(1)
        late = np.flatnonzero(apart[round(asked_s * BODY_FPS) :] > _SEEN_M)
        waits.append(late[0] / BODY_FPS if len(late) else float("inf"))
    return waits
