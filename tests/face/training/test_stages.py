from pathlib import Path

import numpy as np
import pytest
import torch
from rich.console import Console

from mio.errors import ConfigError
from mio.nn.lora import merge_updates
from mio.training.loop import Plan, train
from mio.training.progress import Progress
from mio.training.run_folder import RunFolder
from nodes.face.models.codec import MotionCodec
from nodes.face.models.generator import Generator
from nodes.face.models.pretrained import read_encoder
from nodes.face.models.sizes import FaceSize
from nodes.face.training.command import trained_codec
from nodes.face.training.conversations import SAMPLES_PER_FRAME
from nodes.face.training.data_set import Tracks
from nodes.face.training.stages import (
    AudioTrainee,
    CodecTrainee,
    PriorTrainee,
    Stage,
    StageTrainee,
    StageTraining,
    VoiceTrainee,
    without_voices,
)
from nodes.face.training.surface import surface_of
from nodes.face.training.windows import Windows


def settings(size: FaceSize, stage: Stage, steps: int) -> StageTraining:
    return StageTraining(stage, size=size, batch=8, rate=5e-3, warm_up=5, steps=steps, rank=4)


def learned(trainee: StageTrainee, steps: int, figure: str = "loss") -> tuple[float, float]:
    """A figure at the beginning and at the end, each over some steps."""
    figures = [trainee.step()[figure] for _ in range(steps)]
    return float(np.mean(figures[:5])), float(np.mean(figures[-5:]))


def test_the_codec_learns_to_say_motion_in_bits(tracks: Tracks, size: FaceSize) -> None:
    trainee = CodecTrainee(settings(size, "codec", 40), Windows(tracks, size), surface_of("arkit52"))
    before, after = learned(trainee, 40)
    assert after < 0.6 * before


def test_the_prior_learns_what_comes_next(tracks: Tracks, size: FaceSize) -> None:
    torch.manual_seed(0)
    codec = MotionCodec(size.codec)
    trainee = PriorTrainee(settings(size, "prior", 60), Windows(tracks, size), codec)
    before, after = learned(trainee, 60)
    assert after < 0.8 * before


def test_the_encoder_of_voices_learns_to_read_the_jaw(tracks: Tracks, size: FaceSize) -> None:
    trainee = VoiceTrainee(settings(size, "voice", 60), Windows(tracks, size))
    before, after = learned(trainee, 60, "explained")
    assert before < 0.5
    assert after > 0.7


def test_the_audio_stage_learns_by_voices_and_low_rank_updates_and_leaves_the_rest(
    tracks: Tracks, size: FaceSize
) -> None:
    torch.manual_seed(0)
    codec, prior = MotionCodec(size.codec), Generator(without_voices(size))
    windows = Windows(tracks, size)
    reader = VoiceTrainee(settings(size, "voice", 1), windows).model
    trainee = AudioTrainee(settings(size, "audio", 60), windows, codec, prior, reader.get_submodule("encoder"))
    before, after = learned(trainee, 60)
    assert after < 0.9 * before
    state = trainee.model.state_dict()
    frozen = "generator.blocks.0.attention.qkv.parametrizations.weight.original"
    assert torch.equal(state[frozen], prior.state_dict()["blocks.0.attention.qkv.weight"])
    assert all(torch.equal(state[f"codec.{name}"], value) for name, value in codec.state_dict().items())
    merge_updates(trainee.model)
    merged = trainee.model.state_dict()["generator.blocks.0.attention.qkv.weight"]
    assert not torch.equal(merged, prior.state_dict()["blocks.0.attention.qkv.weight"])


@pytest.mark.parametrize("name", ["wav2vec2", "mimi"])
def test_the_audio_stage_learns_by_a_pretrained_encoder(
    name: str, tracks: Tracks, size: FaceSize, encoder_folders: dict[str, Path]
) -> None:
    torch.manual_seed(0)
    encoder = read_encoder(encoder_folders[name])
    size = size.hearing(encoder.hears, encoder.width)
    codec, prior = MotionCodec(size.codec), Generator(without_voices(size))
    with pytest.raises(ConfigError, match="the data have no sounds"):
        Windows(tracks, size)
    loud = np.repeat(tracks.speaking, SAMPLES_PER_FRAME)
    sound = (3_000 * loud * np.sin(np.arange(len(loud)) / 5)).astype(np.int16)
    trainee = AudioTrainee(
        settings(size, "audio", 40), Windows(tracks._replace(sound=sound), size), codec, prior, encoder
    )
    before, after = learned(trainee, 40)
    assert after < 0.95 * before
    assert not any(name.startswith("voice.") or "feature_extractor" in name for name in trainee.model.state_dict())


def test_a_stage_that_was_stopped_goes_on_and_hands_over_its_averaged_weights(
    tracks: Tracks, size: FaceSize, tmp_path: Path
) -> None:
    wanted, windows = settings(size, "codec", 6), Windows(tracks, size)
    progress = Progress(Console(quiet=True), "codec")
    for steps in (3, 6):
        trainee = CodecTrainee(wanted, windows, surface_of("arkit52"))
        assert train(trainee, RunFolder(tmp_path / "codec", wanted), Plan(steps), progress) == steps
    whole = CodecTrainee(wanted, windows, surface_of("arkit52"))
    train(whole, RunFolder(tmp_path / "whole", wanted), Plan(6), progress)
    handed = trained_codec(tmp_path, size).state_dict()
    for name, value in whole.averaged().items():
        torch.testing.assert_close(handed[name], value)
