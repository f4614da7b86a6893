from pathlib import Path
from typing import Protocol

import msgspec
import numpy as np
import pytest
import torch
from rich.console import Console

from mio.cli.main import main
from mio.errors import ConfigError
from mio.training.loop import Plan, train
from mio.training.progress import Progress
from mio.training.run_folder import RunFolder
from nodes.talker.models.codec.codec import VoiceCodec, codebooks, read_codec, read_learning_codec, write_codec
from nodes.talker.models.codec.recogniser import PhoneRecogniser
from nodes.talker.models.codec.sizes import CodecSize
from nodes.talker.models.codec.tokenizer import Tokenizer
from nodes.talker.training.adversarial import AdversarialTrainee
from nodes.talker.training.codec import CodecTrainee, CodecTraining, SoundTrainee, kept_books
from nodes.talker.training.command import begun_tokenizer, trained_tokenizer
from nodes.talker.training.crops import Crops
from nodes.talker.training.labels import Aligned
from nodes.talker.training.losses import MelDistance, PitchDistance
from nodes.talker.training.speech_set import SpeechSet
from nodes.talker.training.tokens import SPEEDS, read_tokens


def settings(size: CodecSize, stage: str, steps: int, frames: int = 4) -> CodecTraining:
    return CodecTraining(stage, size, "", (), 0.0, batch=2, frames=frames, rate=4e-3, warm_up=3, steps=steps)  # type: ignore[arg-type]


@pytest.fixture
def crops(speech: SpeechSet) -> Crops:
    return Crops(SpeechSet(speech.utterances[:1], speech.samples), "train")


@pytest.fixture
def teacher(size: CodecSize) -> PhoneRecogniser:
    torch.manual_seed(3)
    return PhoneRecogniser(size)


def tone(pitch_hz: float) -> torch.Tensor:
    times = torch.arange(9_600) / 24_000
    return sum(0.1 * torch.sin(2 * torch.pi * k * pitch_hz * times) for k in range(1, 5))[None, None]  # type: ignore[index]


def test_one_utterance_is_learned_with_all_that_it_is_compared_by(
    size: CodecSize, crops: Crops, teacher: PhoneRecogniser
) -> None:
    sound = SoundTrainee(settings(size, "sound", 30), crops)
    begun = [sound.step()["mel"] for _ in range(30)]
    assert np.mean(begun[-5:]) < 0.6 * begun[0]
    codec = CodecTrainee(settings(size, "codec", 30), crops, teacher, sound.model)
    figures = [codec.step() for _ in range(30)]
    for name, share in (("loss", 0.8), ("meaning", 0.8)):
        assert np.mean([f[name] for f in figures[-5:]]) < share * np.mean([f[name] for f in figures[:5]])
    assert np.mean([f["mel"] for f in figures[-5:]]) < 0.6 * begun[0]
    assert figures[-1]["used"] > 8


@pytest.mark.parametrize("without", [{"semantic": False}, {"bands": 1}], ids=["semantic branch", "band split"])
def test_a_codec_without_a_part_is_learned_exported_and_read(
    without: dict[str, object], size: CodecSize, crops: Crops, teacher: PhoneRecogniser, tmp_path: Path
) -> None:
    lesser = msgspec.structs.replace(size, **without)
    codec = VoiceCodec(lesser)
    heard = teacher if lesser.semantic else None
    trainee = CodecTrainee(settings(lesser, "codec", 30), crops, heard, codec.tokenizer)
    figures = [trainee.step() for _ in range(30)]
    assert np.mean([f["mel"] for f in figures[-5:]]) < 0.8 * np.mean([f["mel"] for f in figures[:3]])
    assert ("meaning" in figures[0]) == lesser.semantic
    write_codec(tmp_path, codec.eval())
    again = read_codec(tmp_path)
    assert again.size == lesser and codebooks(again).shape == (8, 1_024, size.width)
    sound = crops.draw(1, 4, np.random.default_rng(0))
    codes = again.encode(sound, {})
    assert codes.shape == (1, 8, 4) and again.decode(codes, {}).shape == sound.shape
    judged = AdversarialTrainee(settings(lesser, "adversarial", 1, 2), crops, heard, again.tokenizer)
    assert judged.step()["mel"] > 0


def test_ablations_begin_with_the_same_encoder_and_decoder(size: CodecSize, crops: Crops, tmp_path: Path) -> None:
    wanted = settings(size, "sound", 1)
    train(SoundTrainee(wanted, crops), RunFolder(tmp_path, wanted), Plan(1), Progress(Console(quiet=True), "sound"))
    sound = trained_tokenizer(tmp_path).state_dict()
    for without in ({"semantic": False}, {"bands": 1}):
        begun = begun_tokenizer(tmp_path, msgspec.structs.replace(size, **without)).state_dict()
        shared = [name for name in begun if name.startswith(("acoustic.", "voice."))]
        assert shared and all(torch.equal(begun[name], sound[name]) for name in shared)
    with pytest.raises(ConfigError, match="another size"):
        begun_tokenizer(tmp_path, msgspec.structs.replace(size, encoder_layers=2))


def test_judges_learn_to_tell_and_only_the_decoder_of_sound_changes(
    size: CodecSize, crops: Crops, teacher: PhoneRecogniser
) -> None:
    torch.manual_seed(2)
    model = Tokenizer(size)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    trainee = AdversarialTrainee(settings(size, "adversarial", 20, 2), crops, teacher, model)
    figures = [trainee.step() for _ in range(20)]
    assert figures[-1]["judged"] < figures[0]["judged"] - 0.1
    changed = {name.split(".")[0] for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == {"voice"}


@pytest.mark.parametrize("stage", ["codec", "adversarial"])
def test_a_stage_that_was_stopped_goes_on_as_if_it_had_not_been(
    stage: str, size: CodecSize, crops: Crops, teacher: PhoneRecogniser, tmp_path: Path
) -> None:
    def fresh() -> CodecTrainee | AdversarialTrainee:
        torch.manual_seed(5)
        wanted = settings(size, stage, 4, 2)
        made = CodecTrainee if stage == "codec" else AdversarialTrainee
        return made(wanted, crops, teacher, Tokenizer(size))

    progress = Progress(Console(quiet=True), stage)
    for steps in (2, 4):
        train(fresh(), RunFolder(tmp_path / "cut", settings(size, stage, 4, 2)), Plan(steps), progress)
    whole = fresh()
    train(whole, RunFolder(tmp_path / "whole", settings(size, stage, 4, 2)), Plan(4), progress)
    found = trained_tokenizer(tmp_path / "cut").state_dict()
    for name, value in whole.averaged().items():
        torch.testing.assert_close(found[name], value)


class Stage(Protocol):
    """Runs a stage of training behind a codec that is shipped."""

    def __call__(self, name: str, *words: str) -> None: ...


@pytest.fixture
def stage(size: CodecSize, speech: SpeechSet, aligned: dict[str, Aligned], tmp_path: Path) -> Stage:
    data = tmp_path / "run" / "data"
    data.mkdir(parents=True)
    speech.samples.tofile(data / "speech.i16")
    (data / "speech.json").write_bytes(msgspec.json.encode(speech.utterances))
    (data / "labels.json").write_bytes(msgspec.json.encode(aligned))
    write_codec(tmp_path / "shipped", VoiceCodec(size))
    named = ["train", "voice", "--out", str(tmp_path / "run"), "--codec", str(tmp_path / "shipped")]

    def run(name: str, *words: str) -> None:
        assert main([*named, "--stage", name, *words]) == 0

    return run


def test_a_shipped_codec_goes_on_against_judges_and_becomes_codes(stage: Stage, tmp_path: Path) -> None:
    shipped = tmp_path / "shipped"
    stage("tokens")
    assert len(read_tokens(tmp_path / "run" / "tokens").sentences) == 3 * len(SPEEDS) + 1
    stage("adversarial", "--set", "steps=1", "--set", "batch=1", "--set", "frames=2")
    stage("export", "--to", str(tmp_path / "better"))
    before, after = read_codec(shipped).state_dict(), read_codec(tmp_path / "better").state_dict()
    assert "tokenizer.voice.hiss.weight" in after.keys() - before.keys()
    kept = {name for name in before if name.startswith("teacher.") or name.endswith("entries")}
    assert kept and all(torch.equal(before[name], after[name]) for name in kept)
    assert any(not torch.equal(before[name], after[name]) for name in before if name.startswith("tokenizer.voice."))


def test_what_was_learned_on_from_a_shipped_codec_is_exported(stage: Stage, tmp_path: Path) -> None:
    stage("codec", "--set", "steps=2", "--set", "batch=1", "--set", "frames=2")
    stage("export", "--to", str(tmp_path / "better"))
    learned = trained_tokenizer(tmp_path / "run" / "codec").state_dict()
    shipped, better = (read_learning_codec(tmp_path / name).state_dict() for name in ("shipped", "better"))
    for name in ("acoustic.exit.weight", "voice.exit.weight", "meaning.upsampling.bias"):
        torch.testing.assert_close(better[f"tokenizer.{name}"], learned[name], atol=1e-3, rtol=1e-3)
        assert not torch.equal(better[f"tokenizer.{name}"], shipped[f"tokenizer.{name}"])
    assert torch.equal(better["teacher.entry.conv.weight"], shipped["teacher.entry.conv.weight"])


def test_in_bfloat16_the_same_is_learned_and_quantisers_stay_exact(
    size: CodecSize, crops: Crops, teacher: PhoneRecogniser
) -> None:
    def trainee(mixed: bool) -> CodecTrainee:
        torch.manual_seed(4)
        wanted = msgspec.structs.replace(settings(size, "codec", 12), mixed=mixed)
        return CodecTrainee(wanted, crops, teacher, Tokenizer(size))

    exact, mixed = trainee(False), trainee(True)
    first, other = exact.step(), mixed.step()
    assert 0 < abs(first["loss"] - other["loss"]) < 0.02 * first["loss"]
    assert np.mean([mixed.step()["loss"] for _ in range(11)][-3:]) < 0.9 * other["loss"]
    assert {weight.dtype for weight in mixed.model.parameters()} == {torch.float32}


def test_a_shipped_codec_learns_on_with_the_codebooks_that_it_has(
    size: CodecSize, crops: Crops, teacher: PhoneRecogniser, tmp_path: Path
) -> None:
    codec = VoiceCodec(size)
    first = CodecTrainee(settings(size, "codec", 20), crops, teacher, codec.tokenizer)
    before = [first.step()["mel"] for _ in range(20)]
    write_codec(tmp_path, codec)
    again = read_learning_codec(tmp_path)
    assert again.tokenizer.training and again.tokenizer.meaning_books.begun and again.tokenizer.sound_books.begun
    torch.testing.assert_close(codebooks(again), codebooks(codec), atol=1e-3, rtol=1e-3)
    onward = CodecTrainee(settings(size, "codec", 20), crops, again.teacher, again.tokenizer)
    assert np.mean([onward.step()["mel"] for _ in range(3)]) < 0.8 * np.mean(before[:3])
    (tmp_path / "learning" / "weights.safetensors").unlink()
    assert codebooks(read_codec(tmp_path)).shape == codebooks(codec).shape  # it is used without
    with pytest.raises(ConfigError, match="learning"):
        read_learning_codec(tmp_path)


def test_rows_keep_all_some_or_none_of_their_acoustic_codes() -> None:
    kept = kept_books(4_000, np.random.default_rng(0), CodecSize()).numpy()
    assert np.mean(kept == 0) == pytest.approx(0.2, abs=0.03)
    assert np.mean(kept == 6) == pytest.approx(0.6, abs=0.03)
    assert set(kept) == set(range(7))
    of_all = kept_books(4_000, np.random.default_rng(0), CodecSize(semantic=False)).numpy()
    assert np.array_equal(of_all, kept + 2)


def test_mel_distance_grows_with_what_is_wrong_and_hears_no_phase() -> None:
    distance = MelDistance()
    real = tone(150)
    assert distance(real, real) == 0.0
    assert distance(-real, real) < 1e-6
    assert distance(0.9 * real, real) < distance(0.5 * real, real) < distance(0.1 * real, real)


def test_pitch_distance_hears_pitch_and_not_loudness() -> None:
    distance = PitchDistance()
    assert distance(0.5 * tone(150), tone(150)) < 1e-3
    assert distance(tone(154), tone(150)) < distance(tone(190), tone(150))
    assert distance(tone(150), torch.zeros(1, 1, 9_600)) == 0.0
