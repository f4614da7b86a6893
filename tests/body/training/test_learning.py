import copy

import numpy as np
import pytest
import torch

from nodes.body.models.sampler import Guidance, Sampler
from nodes.body.models.sizes import DenoiserSize, FloodSize, VaeSize
from nodes.body.training.flood import FloodTrainee, FloodTraining
from nodes.body.training.motion_set import Clip
from nodes.body.training.sequences import LatentSequence, Part, collated
from nodes.body.training.vae import VaeTrainee, VaeTraining, reconstruction

TOKENS = {"walk": torch.randn(3, 8), "wave": torch.randn(2, 8), "": torch.zeros(1, 8)}


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def a_clip(frames: int = 29) -> Clip:
    rng = np.random.default_rng(0)
    time = np.arange(frames)[:, None] / 20
    features = np.sin(time * rng.uniform(1, 5, (1, 263)) + rng.uniform(0, 6, (1, 263))).astype(np.float32)
    return Clip("c", features, ("walk",), "test")


def test_the_autoencoder_overfits_one_clip() -> None:
    clip = a_clip()
    size = VaeSize(encoder_width=16, decoder_width=32)
    settings = VaeTraining(size=size, batch=1, latents=8, rate=5e-3, warm_up=5, steps=40, ema=0.9)
    trainee = VaeTrainee(settings, [clip])
    before = reconstruction(trainee.model, [clip])["joints_mm"]
    losses = [trainee.step()["loss"] for _ in range(settings.steps)]
    assert losses[-1] < 0.3 * losses[0]
    trainee.model.load_state_dict(trainee.averaged())
    assert reconstruction(trainee.model, [clip])["joints_mm"] < 0.5 * before


def flood_settings() -> FloodTraining:
    denoiser = DenoiserSize(
        width=32, feedforward=64, time_frequencies=16, heads=4, layers=2, text_width=8, text_tokens=4, rotary="time"
    )
    return FloodTraining(size=FloodSize(denoiser=denoiser), batch=16, rate=6e-3, warm_up=10, steps=150, ema=0.95)


def a_sequence() -> LatentSequence:
    time = torch.arange(12)[:, None] / 3
    latents = torch.cat((torch.sin(time), torch.cos(time), torch.sin(2 * time), time / 2 - 1), 1)
    return LatentSequence(latents, (Part(("walk",), 6), Part(("wave",), 12)))


def test_the_denoiser_overfits_one_sequence_and_the_stream_gives_it_back() -> None:
    settings, sequence = flood_settings(), a_sequence()
    trainee = FloodTrainee(settings, [sequence], TOKENS)
    losses = [trainee.step()["loss"] for _ in range(settings.steps)]
    assert np.mean(losses[-20:]) < 0.2 * np.mean(losses[:20])
    trainee.model.load_state_dict(trainee.averaged())
    with torch.no_grad():
        contexts = {text: trainee.model.read(tokens[None]) for text, tokens in TOKENS.items()}
    sampler = Sampler(trainee.model.eval(), settings.size, Guidance(1.0, 20))
    state = sampler.begin(seed=1)
    texts = ["walk"] + ["walk"] * 1 + ["wave"] * 8
    made = torch.stack([sampler.next(state, text, contexts) for text in texts])
    error = (made - sequence.latents[:10]).square().mean().sqrt()
    assert error < 0.35 * sequence.latents.std()


def test_an_interrupted_training_goes_on_as_if_it_had_not_been() -> None:
    settings = flood_settings()
    torch.manual_seed(7)
    whole = FloodTrainee(settings, [a_sequence()], TOKENS)
    for _ in range(3):
        whole.step()
    kept = whole.weights(), copy.deepcopy(whole.state())
    random = torch.get_rng_state()
    expected = [whole.step()["loss"] for _ in range(3)]
    resumed = FloodTrainee(settings, [a_sequence()], TOKENS)
    resumed.restore(*kept)
    torch.set_rng_state(random)
    assert [resumed.step()["loss"] for _ in range(3)] == expected


def test_each_latent_sees_only_the_text_that_is_active_there() -> None:
    batch = collated([a_sequence()], TOKENS, np.random.default_rng(0), text_dropout=0.0)
    assert batch.tokens.shape == (1, 5, 8)
    assert batch.text_mask[0, :6].tolist() == [[True] * 3 + [False] * 2] * 6
    assert batch.text_mask[0, 6:, :3].sum() == 0
    without = collated([a_sequence()], TOKENS, np.random.default_rng(0), text_dropout=1.0)
    assert without.tokens.shape == (1, 1, 8)
