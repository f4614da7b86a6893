from io import StringIO
from pathlib import Path

import numpy as np
import pytest
import torch
from rich.console import Console

from mio.cli.train import run as run_train
from mio.errors import ConfigError, MioError
from mio.sentences.encoder import SentenceEncoder
from nodes.body.models.causal_vae import CausalVae
from nodes.body.models.checkpoint import Networks, read_networks, write_networks
from nodes.body.models.denoiser import Denoiser
from nodes.body.models.sizes import DenoiserSize, FloodSize, VaeSize
from nodes.body.training.corpus import Corpus, read_frames, write_frames
from nodes.body.training.flood import moment
from nodes.body.training.latents import build_latents, compose, read_latents, write_latents
from nodes.body.training.motion_set import Clip
from nodes.body.training.sequences import Frames, LatentSequence, Part, excerpt, single
from nodes.body.training.synthesis import REST
from nodes.body.training.vae import VaeTrainee, VaeTraining

SIZE = FloodSize(
    VaeSize(encoder_width=8, decoder_width=8),
    DenoiserSize(width=16, feedforward=16, time_frequencies=8, heads=2, layers=1, text_width=384, text_tokens=12),
)


@pytest.fixture(scope="module")
def encoder() -> SentenceEncoder:
    torch.set_num_threads(1)
    return SentenceEncoder()


def a_clip(frames: int, text: str) -> Clip:
    features = np.random.default_rng(frames).standard_normal((frames, 263)).astype(np.float32)
    return Clip(text, features, (f"a person {text}.",), "test")


def a_corpus() -> Corpus:
    made = Frames(a_clip(120, "idles").features, ((REST.captions, 40), (("someone nods.",), 120)))
    return Corpus([a_clip(33, "walks"), a_clip(61, "bows"), a_clip(47, "runs")], [made])


def test_latents_are_normal_and_the_autoencoder_makes_the_same_of_motion(encoder: SentenceEncoder, tmp_path: Path):
    torch.manual_seed(0)
    model, frames = CausalVae(SIZE.vae).eval(), compose(a_corpus(), seed=1)
    motion = torch.from_numpy(frames[0].features[:33])[None]
    with torch.no_grad():
        before = model.decode(model.encode(motion))
        latents = build_latents(model, frames, encoder, 12)
        after = model.decode(model.encode(motion))
    torch.testing.assert_close(after, before, atol=1e-4, rtol=1e-4)
    every = torch.cat(list({id(s): s.latents for s in latents.sequences}.values()))
    torch.testing.assert_close(every.mean(0), torch.zeros(4), atol=1e-4, rtol=0)
    torch.testing.assert_close(every.std(0), torch.ones(4), atol=1e-3, rtol=0)
    write_latents(tmp_path / "latents.npz", latents)
    again = read_latents(tmp_path / "latents.npz")
    assert [s.parts for s in again.sequences] == [s.parts for s in latents.sequences]
    assert all(torch.equal(a.latents, b.latents) for a, b in zip(again.sequences, latents.sequences, strict=True))
    assert again.tokens.keys() == latents.tokens.keys()
    assert torch.equal(again.tokens["a person bows."], latents.tokens["a person bows."])


def test_latents_that_were_not_made_are_one_clear_error(tmp_path: Path):
    with pytest.raises(ConfigError, match="make the latents first"):
        read_latents(tmp_path / "latents.npz")


def test_rests_and_gestures_of_made_motion_are_clips_of_their_own(tmp_path: Path):
    corpus = a_corpus()
    assert [len(clip.features) for clip in corpus.rests()] == [40]
    assert [clip.captions for clip in corpus.gestures()] == [("someone nods.",)]
    assert len(corpus.clips(2)) == 5
    write_frames(tmp_path / "made.npz", corpus.made)
    (again,) = read_frames(tmp_path / "made.npz")
    assert again.texts == corpus.made[0].texts
    np.testing.assert_array_equal(again.features, corpus.made[0].features)
    assert single(corpus.captured[0]).texts == ((("a person walks.",), 33),)


def a_sequence(length: int) -> LatentSequence:
    return LatentSequence(torch.arange(length)[:, None].repeat(1, 4).float(), (Part(("a",), 6), Part(("b",), length)))


def test_an_excerpt_keeps_the_texts_that_are_active_in_it():
    assert excerpt(a_sequence(12), 4, 9).parts == (Part(("a",), 2), Part(("b",), 5))
    assert excerpt(a_sequence(12), 7, 9).parts == (Part(("b",), 2),)
    assert excerpt(a_sequence(12), 2, 6).parts == (Part(("a",), 4),)


@pytest.mark.parametrize("schedule", ["triangular", "random", "chunk"])
def test_a_moment_ends_with_its_window_and_forgets_what_is_old(schedule):
    size, rng = FloodSize(schedule=schedule), np.random.default_rng(0)
    lengths = set()
    for _ in range(200):
        sequence, levels = moment(a_sequence(20), size, 8, rng)
        assert len(levels) == len(sequence.latents) <= 8
        assert sequence.parts[-1].end == len(levels)
        assert ((levels >= 0) & (levels <= 1)).all()
        if schedule == "triangular":
            assert (levels[:-5] == 0).all()
            assert levels[-1] >= 0.8 - 1e-6
        lengths.add(len(levels))
    assert max(lengths) == 8


def test_a_decoder_goes_on_alone():
    clips = a_corpus().captured
    settings = VaeTraining(size=SIZE.vae, batch=2, latents=5, rate=1e-2, warm_up=1, steps=3, jitter=0.1)
    torch.manual_seed(0)
    model = CausalVae(SIZE.vae)
    encoder = {name: weight.clone() for name, weight in model.encoder.state_dict().items()}
    decoder = model.decoder.exit.conv.weight.detach().clone()
    trainee = VaeTrainee(settings, clips, going_on=model)
    for _ in range(3):
        assert "divergence" not in trainee.step()
    assert all(torch.equal(weight, encoder[name]) for name, weight in model.encoder.state_dict().items())
    assert not torch.equal(model.decoder.exit.conv.weight, decoder)


def test_networks_come_back_from_their_folder(tmp_path: Path):
    torch.manual_seed(0)
    networks = Networks(CausalVae(SIZE.vae), Denoiser(SIZE.denoiser), SIZE)
    write_networks(tmp_path, networks)
    again = read_networks(tmp_path)
    assert again.size == SIZE
    frames = torch.randn(1, 9, 263)
    with torch.no_grad():
        torch.testing.assert_close(again.vae.encode(frames), networks.vae.encode(frames), atol=1e-2, rtol=1e-2)
    assert not any(weight.requires_grad for weight in again.denoiser.parameters())


def test_networks_that_are_broken_or_of_another_size_are_one_clear_error(tmp_path: Path):
    networks = Networks(CausalVae(SIZE.vae), Denoiser(SIZE.denoiser), SIZE)
    write_networks(tmp_path, networks._replace(size=FloodSize(SIZE.vae, DenoiserSize(width=32, heads=2, layers=1))))
    with pytest.raises(ConfigError, match="do not belong together"):
        read_networks(tmp_path)
    networks.vae.mean[3] = float("nan")
    write_networks(tmp_path, networks)
    with pytest.raises(ConfigError, match="not a number"):
        read_networks(tmp_path)


def train_body(*words: str) -> None:
    import argparse

    run_train(argparse.Namespace(node="body", rest=list(words)))


def test_the_command_trains_stage_by_stage_and_writes_networks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    corpus = a_corpus()
    monkeypatch.setattr("nodes.body.training.command.read_corpus", lambda *_: corpus)
    monkeypatch.setitem(__import__("nodes.body.models.sizes", fromlist=["SIZES"]).SIZES, "laptop", SIZE)
    monkeypatch.setattr("mio.cli.train.Console", lambda **_: Console(file=StringIO()))
    out, data = ("--out", str(tmp_path / "run")), ("--data", str(tmp_path))
    few = ("--set", "steps=2", "--set", "batch=2", "--set", "warm_up=1")
    train_body("--stage", "vae", *out, *data, *few, "--set", "latents=5")
    train_body("--stage", "latents", *out, *data)
    train_body("--stage", "flood", *out, *few, "--plot", str(tmp_path / "flood.png"))
    train_body("--stage", "decoder", *out, *data, *few, "--set", "latents=5")
    train_body("--stage", "export", *out, "--to", str(tmp_path / "body"))
    assert (tmp_path / "flood.png").stat().st_size > 5_000
    networks = read_networks(tmp_path / "body")
    assert networks.size == SIZE
    with pytest.raises(MioError, match="needs a motion set"):
        train_body("--stage", "vae", *out)
    with pytest.raises(ConfigError, match="no settings named sizes"):
        train_body("--stage", "flood", *out, "--set", "sizes.window=4")
