from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soxr
import torch
from transformers import MimiModel, Wav2Vec2Model

from mio.audio import write_wav
from mio.cli.main import main
from mio.errors import ConfigError
from mio.nn import testing as patterns
from mio.nn.weights import write_weights
from nodes.face.chunks import ChunkModel
from nodes.face.models.face import FaceModel
from nodes.face.models.pretrained import PretrainedEncoder, read_encoder
from nodes.face.models.recording import Choice, RecordedFace
from nodes.face.models.sizes import CodecSize, FaceSize, GeneratorSize, Hears

WIDTH = 16
SECOND = 16_000


@pytest.fixture(scope="module")
def encoders(encoder_folders: dict[str, Path]) -> dict[str, PretrainedEncoder]:
    return {name: read_encoder(folder) for name, folder in encoder_folders.items()}


def sound(seconds: float, seed: int = 1) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0.0, 0.1, round(seconds * SECOND))
    return (noise * np.sin(np.arange(len(noise)) / 3_000)).astype(np.float32)


def heard(encoder: PretrainedEncoder, samples: np.ndarray, known: int | None = None) -> torch.Tensor:
    there = torch.ones(1, len(samples))
    there[:, len(samples) if known is None else known :] = 0.0
    return encoder(torch.from_numpy(samples)[None], there)


@pytest.mark.parametrize(("name", "features"), [("wav2vec2", 199), ("mimi", 100)])
def test_four_seconds_become_as_many_features_as_in_the_released_model(
    name: str, features: int, encoders: dict[str, PretrainedEncoder]
) -> None:
    encoder = encoders[name]
    assert (encoder.hears, encoder.width) == (name, WIDTH)
    assert heard(encoder, sound(4.0)).shape == (1, features, WIDTH)


def test_wav2vec2_gets_sound_of_mean_zero_and_spread_one_and_its_last_layer_is_taken(
    encoder_folders: dict[str, Path], encoders: dict[str, PretrainedEncoder]
) -> None:
    samples, encoder = sound(1.0), encoders["wav2vec2"]
    even = torch.from_numpy((samples - samples.mean()) / samples.std(ddof=1))[None]
    with torch.no_grad():
        wanted = Wav2Vec2Model.from_pretrained(encoder_folders["wav2vec2"]).eval()(even).last_hidden_state
    torch.testing.assert_close(heard(encoder, samples), wanted, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(heard(encoder, 0.3 * samples + 0.1), wanted, rtol=1e-3, atol=1e-3)


def test_mimi_gives_what_its_codebooks_stand_for_before_it_is_rounded_to_them(
    encoder_folders: dict[str, Path], encoders: dict[str, PretrainedEncoder]
) -> None:
    model = MimiModel.from_pretrained(encoder_folders["mimi"]).eval()
    features = heard(encoders["mimi"], sound(4.0))
    assert torch.equal(features[:, ::2], features[:, 1::2])
    with torch.no_grad():
        latents = model.encoder(torch.from_numpy(soxr.resample(sound(4.0), SECOND, 24_000))[None, None]).latents
        semantic = model.quantizer.semantic_residual_vector_quantizer
        acoustic = model.quantizer.acoustic_residual_vector_quantizer
        wanted = sum(part.output_proj(part.input_proj(latents)) for part in (semantic, acoustic))
    torch.testing.assert_close(features[:, ::2], wanted.transpose(1, 2), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", ["wav2vec2", "mimi"])
def test_what_lies_in_the_future_is_not_heard(name: str, encoders: dict[str, PretrainedEncoder]) -> None:
    encoder, one, other = encoders[name], sound(2.0, seed=1), sound(2.0, seed=2)
    other[:SECOND] = one[:SECOND]
    features = heard(encoder, one, known=SECOND)
    assert torch.equal(features, heard(encoder, other, known=SECOND))
    assert not torch.equal(features, heard(encoder, one))
    half = features.shape[1] // 2
    assert features[0, half + 1 :].abs().max() == 0
    assert features[0, : half - 1].abs().amax(1).min() > 0


def test_an_encoder_never_learns(encoders: dict[str, PretrainedEncoder]) -> None:
    encoder = encoders["wav2vec2"].train()
    assert not any(module.training for module in encoder.modules())
    assert not any(parameter.requires_grad for parameter in encoder.parameters())


def test_folders_without_such_an_encoder_are_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no encoder of voices"):
        read_encoder(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(ConfigError, match="is bert, not an encoder of voices"):
        read_encoder(tmp_path)


@pytest.fixture
def imported(tmp_path: Path) -> Callable[[Hears], Path]:
    """Folders as the stage import writes them, that hear one of the two."""
    tiny = FaceSize(
        codec=CodecSize(scales=(1, 4, 12), bits=8, width=16, layers=1, heads=2),
        generator=GeneratorSize(width=16, layers=1, heads=2),
        basis="flame2020",
    )

    def write(hears: Hears) -> Path:
        model = FaceModel(tiny.hearing(hears, WIDTH))
        model.load_state_dict(patterns.weights(model.state_dict(), 2.0))
        model.codec.std.copy_(torch.full((108,), 0.1))
        write_weights(tmp_path / hears, model.state_dict(), model.size, half=True)
        return tmp_path / hears

    return write


@pytest.mark.parametrize("name", ["wav2vec2", "mimi"])
def test_a_face_is_made_from_two_sounds(
    name: Hears, imported: Callable[[Hears], Path], encoders: dict[str, PretrainedEncoder]
) -> None:
    face = RecordedFace(imported(name), encoders[name])
    own, other = sound(1.3, seed=1), sound(1.0, seed=2)
    made = face.perform(own, other)
    assert face.basis == "flame2020"
    assert made.shape == (33, 112)
    assert np.isfinite(made).all()
    assert not made[:, [104, 105, 108, 111]].any(), "what UniLS does not model stays zero"
    assert np.array_equal(made, face.perform(own, other))
    style = np.full((12, 112), 0.3, np.float32)
    otherwise = [
        face.perform(own, other, choice=Choice(seed=2)),
        face.perform(own, other, choice=Choice(guidance=1.0)),
        face.perform(own, other, style),
        face.perform(own, 0.0 * other),
        face.perform(0.0 * own, other),
    ]
    assert not any(np.array_equal(made, frames) for frames in otherwise)


def test_a_chunk_hears_nothing_of_later_ones(
    imported: Callable[[Hears], Path], encoders: dict[str, PretrainedEncoder]
) -> None:
    face = RecordedFace(imported("wav2vec2"), encoders["wav2vec2"])
    own, other = sound(1.0, seed=1), sound(1.0, seed=2)
    changed = own.copy()
    changed[12 * 640 :] = sound(1.0, seed=3)[12 * 640 :]
    before, after = face.perform(own, other), face.perform(changed, other)
    assert np.array_equal(before[:12], after[:12])
    assert not np.array_equal(before[12:], after[12:])


def test_another_encoder_and_the_live_engine_are_refused(
    imported: Callable[[Hears], Path], encoders: dict[str, PretrainedEncoder]
) -> None:
    folder = imported("mimi")
    with pytest.raises(ConfigError, match="hears mimi with 16 features, not wav2vec2 with 16"):
        RecordedFace(folder, encoders["wav2vec2"])
    with pytest.raises(ConfigError, match="moves flame2020 and hears mimi"):
        ChunkModel(folder, guidance=1.0, temperature=1.0, seed=1)


def test_the_command_makes_a_face_for_two_files(
    tmp_path: Path,
    imported: Callable[[Hears], Path],
    encoder_folders: dict[str, Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    files = [tmp_path / "own.wav", tmp_path / "other.wav"]
    for number, path in enumerate(files):
        write_wav(path, sound(1.0, seed=number), SECOND)
    command = ["train", "face", "--stage", "perform", "--weights", str(imported("wav2vec2")), "--out", str(tmp_path)]
    assert main([*command, "--encoder", str(encoder_folders["wav2vec2"]), "--voices", *map(str, files)]) == 0
    with np.load(tmp_path / "motion.npz") as motion:
        assert motion["frames"].shape == (25, 112)
        assert (float(motion["fps"]), str(motion["basis"])) == (25.0, "flame2020")
    assert main(command) == 1
    assert "name --weights DIR, --encoder DIR and --voices OWN OTHER" in " ".join(capsys.readouterr().err.split())
