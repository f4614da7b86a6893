"""What the learned face costs: CPU time per frame, whether it stays the same over minutes, and its longest step.

A conversation is played to the engine in fake time: the avatar speaks, the user speaks, nobody does.
"""

import argparse
import resource
import time

import numpy as np

from mio.bench._face_stage import Stage
from mio.bench.report import Report, percentile
from mio.bench.viseme import TEXTS, spoken_turn, user_voice
from mio.contracts.engine import Engine, Outputs
from mio.contracts.messages import Message, Turn
from mio.contracts.rates import FACE_FPS
from mio.runtime.compute import limit_threads
from nodes.face.config import FaceConfig

DURATION = "about 2 min for each 10 min of conversation"

_PERIOD_S = 30.0
_USER_S = 12.0


class _Timed(Engine):
    """An engine whose steps are timed."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.steps_ms: list[float] = []

    def step(self, port: str, message: Message) -> Outputs:
        """See :class:`Engine`."""
        began_s = time.process_time()
        outputs = list(self._engine.step(port, message))
        self.steps_ms.append(1e3 * (time.process_time() - began_s))
        return outputs


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.add_argument("--minutes", type=float, default=10.0, help="of conversation (10)")
    parser.add_argument("--engine", choices=("unils", "viseme"), default="unils", help="which face (unils)")


def run(args: argparse.Namespace, report: Report) -> None:
    """Measure CPU time, so that other load counts little."""
    limit_threads()
    from nodes.face.engine import build_engine

    timed = _Timed(build_engine(FaceConfig(engine=args.engine)))
    stage = Stage(timed)
    end_s = 60.0 * args.minutes
    _script(stage, end_s)
    stage.run(end_s)
    per_minute = np.array_split(np.array(timed.steps_ms), max(1, round(args.minutes)))
    minutes_ms = [float(part.sum()) / (60.0 * FACE_FPS) for part in per_minute]
    report.figure("cpu_per_frame_ms", float(np.mean(minutes_ms)), target=6.0)
    report.figure("first_minute_ms", minutes_ms[0])
    report.figure("last_minute_ms", minutes_ms[-1])
    report.figure("last_over_first", minutes_ms[-1] / minutes_ms[0], target=1.2)
    report.figure("longest_step_p99_9_ms", percentile(timed.steps_ms, 0.999), target=50.0)
    report.figure("memory_mb", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3)


def _script(stage: Stage, end_s: float) -> None:
    """Every half minute the user speaks, then the avatar."""
    voice = user_voice(_USER_S)
    for number, at_s in enumerate(np.arange(1.0, end_s - _PERIOD_S / 2, _PERIOD_S)):
        stage.at(at_s, "turn", Turn(state="user_speaking"))
        stage.hear(at_s, voice)
        stage.say(at_s + _USER_S + 1.0, spoken_turn(TEXTS[number % len(TEXTS)], number))
