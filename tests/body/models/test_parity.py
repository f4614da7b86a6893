from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch

from mio.cli.main import main
from mio.errors import ConfigError
from mio.nn import testing as patterns
from nodes.body.models.causal_vae import CausalVae
from nodes.body.models.checkpoint import read_networks
from nodes.body.models.denoiser import Denoiser
from nodes.body.models.released import denoiser_weights, vae_weights
from nodes.body.models.sampler import Guidance, Sampler, StreamState, joined
from nodes.body.models.schedule import active, noise_levels
from nodes.body.models.sizes import SIZES, DenoiserSize, FloodSize, VaeSize
from nodes.body.motion.features import decode_positions

HERE = Path(__file__).parent
GOLDEN = np.load(HERE / "flooddiffusion.npz")
VAE = VaeSize(features=12, encoder_width=6, decoder_width=8)
DENOISER = DenoiserSize(
    width=48, feedforward=32, time_frequencies=16, heads=4, layers=2, text_width=10, text_tokens=8, rotary="wan"
)
TEXTS = ["walk"] * 7 + ["wave"] * 6 + ["walk"] * 6


def their_name(ours: str, rules: dict[str, str]) -> str:
    for name, theirs in rules.items():
        ours = ours.replace(name, theirs)
    return ours


def released_vae(model: CausalVae) -> dict[str, torch.Tensor]:
    """The weights under the released names, written out by hand: the map under test goes the other way."""
    named = {}
    for ours, value in model.state_dict().items():
        parts = ours.split(".")
        if parts[0] in ("mean", "std"):
            theirs = ours
        elif parts[1] == "mix":
            theirs = f"model.{'conv1' if parts[0] == 'encoder' else 'conv2'}.{parts[2]}"
        else:
            theirs = "model." + ".".join(_released_layer(parts))
        named[theirs] = value
    return named


RESIDUAL = {"norm1": "residual.0", "conv1": "residual.2", "norm2": "residual.3", "conv2": "residual.6"}


def _released_layer(parts: list[str]) -> list[str]:
    side, layer, *rest = parts
    leaf = rest[-1]
    if layer == "entry":
        return [side, "conv1", leaf]
    if layer in ("norm", "exit"):
        return [side, "head", "0" if layer == "norm" else "2", leaf]
    if layer == "middle":
        number = {"entry": "0", "norm": "1", "mix": "2", "exit": "3"}[rest[0]]
        inner = [RESIDUAL[rest[1]]] if rest[0] in ("entry", "exit") else []
        return [side, "middle", number, *inner, leaf]
    plural = "downsamples" if side == "encoder" else "upsamples"
    if rest[1] == "resample":
        last = "1" if side == "encoder" else "2"
        return [side, plural, rest[0], plural, last, "time_conv", leaf]
    return [side, plural, rest[0], plural, rest[2], RESIDUAL[rest[3]], leaf]


def vae() -> CausalVae:
    model = CausalVae(VAE).eval()
    released = patterns.weights(released_vae(model))
    model.load_state_dict(vae_weights(released, model.state_dict()))
    return model


DENOISER_NAMES = {
    "latent_in.": "patch_embedding.",
    "text_in.": "text_embedding.",
    "noise_in.": "time_embedding.",
    "noise_out.": "time_projection.",
    ".attention.": ".self_attn.",
    ".text.": ".cross_attn.",
    ".text_norm.": ".norm3.",
    ".feedforward.": ".ffn.",
    "latent_out.": "head.head.",
}


def released_denoiser(model: Denoiser) -> dict[str, torch.Tensor]:
    """The weights under the released names and in the released shapes."""
    released = {}
    for ours, value in model.state_dict().items():
        theirs = "head.modulation" if ours == "modulation" else their_name(ours, DENOISER_NAMES)
        shape = {"patch_embedding.weight": (*value.shape, 1, 1, 1)}.get(theirs, tuple(value.shape))
        shape = (1, *shape) if theirs.endswith("modulation") else shape
        released[f"model.{theirs}"] = value.reshape(shape)
    return released


def denoiser(causal: bool = False) -> Denoiser:
    model = Denoiser(msgspec.structs.replace(DENOISER, causal=causal)).eval()
    released = {name.removeprefix("model."): value for name, value in released_denoiser(model).items()}
    released = {f"model.{name}": value for name, value in patterns.weights(released, 0.5).items()}
    model.load_state_dict(denoiser_weights(released, model.state_dict()))
    return model


def close(ours: torch.Tensor, golden: str, atol: float = 1e-4) -> None:
    np.testing.assert_allclose(ours.detach().numpy(), GOLDEN[golden], atol=atol)


@torch.no_grad()
def test_the_autoencoder_equals_the_released_one_at_once_and_in_a_stream() -> None:
    model, latents = vae(), patterns.inputs("latents", 2, 6, 4)
    close(model.encode(patterns.inputs("frames", 2, 21, 12)), "latents")
    close(model.decode(latents), "frames")
    past: dict[str, torch.Tensor] = {}
    close(torch.cat([model.decode(latents[:, k : k + 1], past) for k in range(6)], 1), "streamed")


@pytest.mark.parametrize("cuts", [(1, 2, 6), (3, 6), (1, 5, 6)])
@torch.no_grad()
def test_any_cutting_into_pieces_gives_the_same_latents_and_frames(cuts: tuple[int, ...]) -> None:
    model, frames, past = vae(), patterns.inputs("frames", 2, 21, 12), {}
    starts = (0, *cuts)
    pieces = [frames[:, max(0, 4 * a - 3) : 4 * b - 3] for a, b in zip(starts, cuts, strict=False)]
    close(torch.cat([model.encode(piece, past) for piece in pieces], 1), "latents")
    latents, past = patterns.inputs("latents", 2, 6, 4), {}
    close(torch.cat([model.decode(latents[:, a:b], past) for a, b in zip(starts, cuts, strict=False)], 1), "frames")


@torch.no_grad()
def test_later_frames_change_no_earlier_latent() -> None:
    model, frames = vae(), patterns.inputs("frames", 2, 21, 12)
    changed = frames.clone()
    changed[:, 13:] += 1.0
    before, after = model.encode(frames), model.encode(changed)
    torch.testing.assert_close(before[:, :4], after[:, :4])
    assert (before[:, 4:] - after[:, 4:]).abs().max() > 1e-3


@pytest.mark.parametrize(("causal", "golden"), [(False, "velocity"), (True, "velocity_causal")])
@torch.no_grad()
def test_the_denoiser_equals_the_released_one(causal: bool, golden: str) -> None:
    model = denoiser(causal)
    context = joined(
        [model.read(patterns.inputs("walk", 3, 10)[None]), model.read(patterns.inputs("wave", 5, 10)[None])]
    )
    owner = torch.tensor([0] * 3 + [1] * 5)
    mask = torch.tensor([0] * 4 + [1] * 7)[:, None] == owner
    levels = patterns.inputs("levels", 1, 11).abs().clamp(0, 1)
    close(model(patterns.inputs("noisy", 11, 4)[None], levels, context, mask[None])[0], golden)


def test_noise_levels_and_windows_equal_the_released_ones() -> None:
    close(noise_levels(torch.tensor([0.0, 0.35, 1.0, 1.9]), 9, 5), "levels", 1e-6)
    ours = [active(step, 10, 5, rounding="released") for step in range(40)]
    assert ours == [tuple(window) for window in GOLDEN["windows"].tolist()]


class GivenNoise(Sampler):
    """Takes its noise from the golden run."""

    def _extend(self, state: StreamState, end: int, text: str) -> None:
        noise = patterns.inputs("noise", 25, 4)
        held = state.begin + len(state.latents)
        state.latents = torch.cat((state.latents, noise[held:end]))
        state.texts += [text] * (end - state.begin - len(state.texts))


def test_the_stream_equals_the_released_one() -> None:
    model = denoiser()
    names = {"walk": ("walk", 3), "wave": ("wave", 5), "": ("empty", 1)}
    with torch.no_grad():
        contexts = {text: model.read(patterns.inputs(name, n, 10)[None]) for text, (name, n) in names.items()}
    sampler = GivenNoise(model, FloodSize(vae=VAE, denoiser=DENOISER, rounding="released"), Guidance(5.0, 10))
    state = sampler.begin(seed=0)
    close(torch.stack([sampler.next(state, text, contexts) for text in TEXTS]), "stream", 1e-3)


def test_joints_of_features_equal_the_released_ones() -> None:
    features = 0.3 * patterns.inputs("features", 6, 263).numpy()
    np.testing.assert_allclose(decode_positions(features), GOLDEN["joints"], atol=1e-4)


def test_a_checkpoint_of_another_size_is_refused_with_one_clear_error() -> None:
    model = CausalVae(VAE)
    released = released_vae(model)
    with pytest.raises(ConfigError, match="lacks"):
        vae_weights({name: value for name, value in released.items() if "middle" not in name}, model.state_dict())
    with pytest.raises(ConfigError, match="no place"):
        vae_weights({**released, "model.extra.weight": torch.zeros(1)}, model.state_dict())
    wider = released_vae(CausalVae(VaeSize(features=12, encoder_width=8, decoder_width=8)))
    with pytest.raises(ConfigError, match="instead of"):
        vae_weights(wider, model.state_dict())


def write_released(folder: Path, *, averaged: bool) -> list[str]:
    """Both files as they are released, whose averaged parameters are twice the others."""
    files = []
    for name, state in (("vae.ckpt", released_vae(vae())), ("step.ckpt", released_denoiser(denoiser()))):
        shadow = [2 * value for key, value in state.items() if key not in ("mean", "std")]
        checkpoint = {"state_dict": state, "global_step": 7}
        if averaged:
            checkpoint["ema_state"] = {"decay": 0.99, "num_updates": 7, "shadow_params": shadow}
        torch.save(checkpoint, folder / name)
        files.append(str(folder / name))
    return files


@pytest.mark.parametrize("averaged", [True, False])
def test_released_files_become_a_checkpoint_of_ours_with_the_averaged_weights(
    averaged: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = FloodSize(vae=VAE, denoiser=DENOISER, rounding="released")
    monkeypatch.setitem(SIZES, "tiny", size)
    files = write_released(tmp_path, averaged=averaged)
    command = ["train", "body", "--stage", "import", "--size", "tiny", "--to", str(tmp_path / "ours")]
    assert main([*command, "--released", *files]) == 0
    networks = read_networks(tmp_path / "ours")
    assert networks.size == size
    for network, first in ((networks.vae, vae()), (networks.denoiser, denoiser())):
        wanted = dict(first.named_parameters())
        for name, value in network.named_parameters():
            torch.testing.assert_close(value, (2 if averaged else 1) * wanted[name].detach(), rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(networks.vae.std, vae().std, rtol=1e-3, atol=1e-3)


def test_files_that_are_none_of_the_released_ones_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(SIZES, "tiny", FloodSize(vae=VAE, denoiser=DENOISER, rounding="released"))
    first, second = write_released(tmp_path, averaged=True)
    command = ["train", "body", "--stage", "import", "--size", "tiny", "--to", str(tmp_path / "ours")]
    (tmp_path / "text.ckpt").write_text("no checkpoint")
    torch.save({"weights": {}}, tmp_path / "empty.ckpt")
    torch.save({"state_dict": released_vae(vae()), "ema_state": {"shadow_params": []}}, tmp_path / "short.ckpt")
    torch.save({"state_dict": {}, "settings": FloodSize()}, tmp_path / "objects.ckpt")
    refused = {
        "missing.ckpt": "name a checkpoint that the authors released",
        "text.ckpt": "text.ckpt",
        "empty.ckpt": "has no state_dict",
        "short.ckpt": "averaged weights of another network",
        "objects.ckpt": "holds more than tensors",
    }
    for name, says in refused.items():
        assert main([*command, "--released", str(tmp_path / name), second]) == 1
        assert says in capsys.readouterr().err
    assert main([*command, "--released", second, first]) == 1
    assert main(command) == 1
    assert not (tmp_path / "ours").exists()
