"""The body's network while it runs: CPU per frame at 20 frames per second, and whether that stays the same.

In the same run, networks alone: ours, and one of the size of the smallest that the paper's authors released, with
weights that nobody trained, since the cost does not depend on them.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch

from mio.bench._prompt_change import PROMPTS, Stage
from mio.bench.report import Report, percentile
from mio.contracts.messages import MotionPrompt
from mio.contracts.rates import BODY_FPS
from mio.nn.causal import Past
from mio.paths import share
from nodes.body.config import BodyConfig
from nodes.body.engine import IdleEngine
from nodes.body.flood.engine import FloodEngine, Mode
from nodes.body.models.causal_vae import CausalVae
from nodes.body.models.checkpoint import Networks, read_networks
from nodes.body.models.denoiser import Denoiser
from nodes.body.models.sampler import Guidance, Sampler
from nodes.body.models.sizes import TINY

DURATION = "about 2 min"

_EVERY_S = 7.0
_FRAMES_PER_LATENT = 4
_TEXT_TOKENS = 8  # of a usual prompt
_LATENTS, _FIRST_LATENTS = 100, 40
_RELEASED_HISTORY = 30


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of this benchmark."""
    parser.add_argument("--weights", type=Path, default=share("weights", "body-laptop"), help="folder of the networks")
    parser.add_argument("--minutes", type=float, default=3.0, help="of motion, as fast as possible (3)")


def run(args: argparse.Namespace, report: Report) -> None:
    """Measure CPU time of ticks with a prompt every seven seconds; one thread."""
    torch.set_num_threads(1)
    run_s = 60.0 * args.minutes
    prompts = [(at_s, "prompt", MotionPrompt(text=PROMPTS[k % len(PROMPTS)])) for k, at_s in _asked(run_s)]
    config = BodyConfig(engine="flood", weights=args.weights, network="always")
    engine = FloodEngine(config)
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
    ours = read_networks(args.weights)
    tiny = Networks(CausalVae(TINY.vae).eval(), Denoiser(TINY.denoiser).eval(), TINY)
    for name, networks, history in (
        ("these", ours, config.history),
        ("tiny", tiny, config.history),
        ("tiny, as released", tiny, _RELEASED_HISTORY),
    ):
        cost = _networks_ms(networks, Guidance(config.guidance, history))
        report.row("networks alone, guided", of=name, history=history, cpu_per_frame_ms=round(cost, 2))
    if engine.mode is not Mode.FLOWING:
        report.note("the network was given up on the way: these figures are not its own")


@torch.no_grad()
def _networks_ms(networks: Networks, guidance: Guidance) -> float:
    """Median CPU of denoising and decoding a latent, per frame, once the history is full."""
    sampler, size = Sampler(networks.denoiser, networks.size, guidance), networks.size.denoiser
    tokens = torch.randn(1, _TEXT_TOKENS, size.text_width, generator=torch.Generator().manual_seed(0))
    contexts = {"": networks.denoiser.read(tokens[:, :2]), "text": networks.denoiser.read(tokens)}
    state, past, costs = sampler.begin(0), Past(), list[float]()
    for _ in range(_LATENTS):
        began = time.process_time()
        networks.vae.decode(sampler.next(state, "text", contexts)[None, None], past)
        costs.append(time.process_time() - began)
    return 1e3 * percentile(costs[_FIRST_LATENTS:], 0.5) / _FRAMES_PER_LATENT


def _asked(run_s: float) -> list[tuple[int, float]]:
    return [(k, _EVERY_S * (k + 1)) for k in range(int(run_s / _EVERY_S))]


def _costs(stage: Stage, run_s: float, prompts: list[tuple[float, str, MotionPrompt]]) -> list[float]:
    """CPU seconds of each tick after the first second, with what came in before it."""
    times = [time.process_time()]
    stage.play(run_s, prompts, lambda: times.append(time.process_time()))
    return list(np.diff(times)[BODY_FPS:])
