"""The body's network while it runs: CPU per frame at 20 frames per second, and whether that stays the same."""

import argparse
import time
from pathlib import Path

import numpy as np
import torch

from mio.bench._prompt_change import PROMPTS, Stage
from mio.bench.report import Report, percentile
from mio.contracts.messages import MotionPrompt
from mio.contracts.rates import BODY_FPS
from mio.paths import share
from nodes.body.config import BodyConfig
from nodes.body.engine import IdleEngine
from nodes.body.flood.engine import FloodEngine, Mode

DURATION = "about 2 min"

_EVERY_S = 7.0
_FRAMES_PER_LATENT = 4


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of this benchmark."""
    parser.add_argument("--weights", type=Path, default=share("weights", "body-laptop"), help="folder of the networks")
    parser.add_argument("--minutes", type=float, default=3.0, help="of motion, as fast as possible (3)")


def run(args: argparse.Namespace, report: Report) -> None:
    """Measure CPU time of ticks with a prompt every seven seconds; one thread."""
    torch.set_num_threads(1)
    run_s = 60.0 * args.minutes
    prompts = [(at_s, "prompt", MotionPrompt(text=PROMPTS[k % len(PROMPTS)])) for k, at_s in _asked(run_s)]
    engine = FloodEngine(BodyConfig(engine="flood", weights=args.weights))
    costs = _costs(Stage(engine), run_s, prompts)
    idle = _costs(Stage(IdleEngine(BodyConfig())), run_s, [])
    report.figure("cpu_per_frame_ms", 1e3 * float(np.mean(costs)), target=18.0)
    four = [1e3 * float(np.mean(costs[k : k + _FRAMES_PER_LATENT])) for k in range(0, len(costs), _FRAMES_PER_LATENT)]
    report.figure("cpu_per_frame_p50_ms", percentile(four, 0.5))
    report.figure("cpu_per_frame_p99_ms", percentile(four, 0.99), target=40.0)
    report.figure("cpu_per_tick_p99_ms", 1e3 * percentile(costs, 0.99))
    report.figure("of_this_the_idle_engine_ms", 1e3 * float(np.mean(idle)))
    half = len(costs) // 2
    report.figure("second_half_over_first", float(np.mean(costs[half:]) / np.mean(costs[:half])))
    if engine.mode is not Mode.FLOWING:
        report.note("the network was given up on the way: these figures are not its own")


def _asked(run_s: float) -> list[tuple[int, float]]:
    return [(k, _EVERY_S * (k + 1)) for k in range(int(run_s / _EVERY_S))]


def _costs(stage: Stage, run_s: float, prompts: list[tuple[float, str, MotionPrompt]]) -> list[float]:
    """CPU seconds of each tick after the first second, with what came in before it."""
    times = [time.process_time()]
    stage.play(run_s, prompts, lambda: times.append(time.process_time()))
    return list(np.diff(times)[BODY_FPS:])
