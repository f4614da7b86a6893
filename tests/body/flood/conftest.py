from collections.abc import Callable

import pytest
import torch

from mio.sentences.encoder import SentenceEncoder
from nodes.body.config import BodyConfig
from nodes.body.engine import IdleEngine
from nodes.body.flood.engine import FloodEngine
from nodes.body.flood.stream import FloodStream
from nodes.body.models.causal_vae import CausalVae
from nodes.body.models.checkpoint import Networks
from nodes.body.models.denoiser import Denoiser
from nodes.body.models.sampler import Guidance
from nodes.body.models.sizes import DenoiserSize, FloodSize, VaeSize
from nodes.body.motion.features import encode
from nodes.body.motion.kinematics import Motion

SIZE = FloodSize(
    VaeSize(encoder_width=16, decoder_width=16),
    DenoiserSize(
        width=16, feedforward=16, time_frequencies=8, heads=2, layers=1, text_width=384, text_tokens=16, rotary="time"
    ),
)


@pytest.fixture(scope="session")
def networks() -> Networks:
    """Small ones that nobody trained: they move a little about a standing pose, aimlessly."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    vae = CausalVae(SIZE.vae).eval().requires_grad_(False)
    frames = IdleEngine(BodyConfig()).frames(0, 2)
    vae.mean.copy_(torch.from_numpy(encode(Motion(frames[:, :3], frames[:, 3:69].reshape(-1, 22, 3)))[0]))
    vae.std.fill_(0.002)
    return Networks(vae, Denoiser(SIZE.denoiser).eval().requires_grad_(False), SIZE)


@pytest.fixture(scope="session")
def encoder() -> SentenceEncoder:
    return SentenceEncoder()


@pytest.fixture(scope="session")
def flood(networks: Networks, encoder: SentenceEncoder) -> Callable[..., FloodEngine]:
    """A live engine on these networks, which move the body all the time by default."""

    def make(**settings) -> FloodEngine:
        config = BodyConfig(**{"engine": "flood", "network": "always", **settings})
        guidance = Guidance(config.guidance, config.history, config.mixed_history)
        return FloodEngine(config, FloodStream(networks, encoder, guidance))

    return make
