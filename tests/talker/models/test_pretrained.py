from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch

from mio.cli.main import main
from mio.errors import ConfigError
from nodes.talker.models.codec.codec import (
    EncodingStream,
    VoiceCodec,
    decoded,
    encoded,
    read_codec,
    read_learning_codec,
    write_codec,
)
from nodes.talker.models.codec.pretrained import read_teacher
from nodes.talker.models.codec.sizes import PAPER, SAMPLE_RATE
from nodes.talker.models.testing import SMALL_CODEC
from nodes.talker.training.codec import CodecTrainee, CodecTraining
from nodes.talker.training.crops import Crops
from nodes.talker.training.speech_set import SpeechSet, Utterance

transformers = pytest.importorskip("transformers")

SIZE = msgspec.structs.replace(SMALL_CODEC, teacher="w2v-bert", teacher_width=32, teacher_layers=2)
SOUND = (0.1 * np.random.default_rng(0).normal(size=9 * 1_920 + 500)).astype(np.float32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model like facebook/w2v-bert-2.0, tiny and untrained."""
    torch.manual_seed(0)
    config = transformers.Wav2Vec2BertConfig(
        hidden_size=32, num_hidden_layers=3, num_attention_heads=2, intermediate_size=48, output_hidden_size=32,
        feature_projection_input_dim=160, add_adapter=False,
    )  # fmt: skip
    path = tmp_path_factory.mktemp("w2v-bert")
    transformers.Wav2Vec2BertModel(config).save_pretrained(path)
    transformers.SeamlessM4TFeatureExtractor().save_pretrained(path)
    return path


@pytest.fixture
def codec(folder: Path) -> VoiceCodec:
    torch.manual_seed(0)
    torch.set_num_threads(1)
    made = VoiceCodec(SIZE).eval()
    made.teacher = read_teacher(folder, SIZE)
    return made


def test_it_gives_the_layer_that_is_listened_to_50_times_a_second(folder: Path) -> None:
    teacher = read_teacher(folder, SIZE)
    wave = torch.from_numpy(SOUND[: 6 * 1_920])[None, None]
    features = teacher(torch.cat((wave, 0.5 * wave.flip(2))), {})
    assert features.shape == (2, 32, 24) and bool(features.isfinite().all())
    assert float(features.mean(1).abs().max()) < 1e-5
    assert not torch.allclose(features[0], features[1], atol=0.1)
    first = read_teacher(folder, msgspec.structs.replace(SIZE, teacher_layers=1))
    assert not torch.allclose(first(wave, {})[0], features[0], atol=0.1)


def test_a_recording_is_coded_as_a_whole_and_the_same_however_it_comes(codec: VoiceCodec) -> None:
    whole = encoded(codec, SOUND)
    assert whole.shape == (10, 8)
    stream = EncodingStream(codec)
    pieces = [stream.encode(piece) for piece in np.split(SOUND, [1_000, 7_000])]
    assert all(len(piece) == 0 for piece in pieces)
    np.testing.assert_array_equal(stream.finish(), whole)
    assert len(stream.finish()) == 0
    assert decoded(codec, whole).shape == (10 * 1_920,)


def test_its_weights_are_not_the_codecs_and_have_to_be_brought(codec: VoiceCodec, folder: Path, tmp_path: Path) -> None:
    write_codec(tmp_path, codec)
    alone = read_codec(tmp_path)
    assert not any(name.startswith("teacher.") for name in alone.state_dict())
    assert decoded(alone, encoded(codec, SOUND)).any()  # speaking needs none
    with pytest.raises(ConfigError, match=r"w2v-BERT 2.0, which is not among its weights -> name a clone .* --teacher"):
        encoded(alone, SOUND)
    with pytest.raises(ConfigError, match="no phone recogniser"):
        alone.recogniser()
    np.testing.assert_array_equal(
        encoded(read_codec(tmp_path, folder), SOUND), encoded(read_learning_codec(tmp_path, folder).eval(), SOUND)
    )


def test_sound_is_coded_from_the_command_line(codec: VoiceCodec, folder: Path, tmp_path: Path) -> None:
    import soundfile

    write_codec(tmp_path / "codec", codec)
    soundfile.write(tmp_path / "said.wav", SOUND, SAMPLE_RATE)
    words = ["codec", "encode", str(tmp_path / "said.wav"), "--weights", str(tmp_path / "codec")]
    assert main(words) == 1
    assert main([*words, "--teacher", str(folder)]) == 0
    assert main(["codec", "decode", str(tmp_path / "said.kdm"), "--weights", str(tmp_path / "codec")]) == 0


def test_a_codec_learns_from_it(codec: VoiceCodec) -> None:
    samples = (np.tile(SOUND, 4) * 32_000).astype(np.int16)
    utterance = Utterance("a", "kathleen", "en", "train", "Nothing.", 0, len(samples))
    crops = Crops(SpeechSet([utterance], samples), "train")
    settings = CodecTraining("codec", SIZE, "", (), 0.0, batch=2, frames=3, warm_up=1, steps=2)
    trainee = CodecTrainee(settings, crops, codec.teacher, codec.tokenizer.train())
    figures = [trainee.step() for _ in range(2)]
    assert all(np.isfinite(value) for found in figures for value in found.values())
    assert figures[0]["meaning"] > 0 and "phones" not in figures[0]


@pytest.mark.parametrize(
    ("change", "says"),
    [({"teacher_width": 64}, "has 32 channels and 3 layers, not 64"), ({"teacher_layers": 16}, "and layer 16")],
)
def test_a_model_of_another_size_is_refused(folder: Path, change: dict[str, int], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        read_teacher(folder, msgspec.structs.replace(SIZE, **change))


def test_what_is_no_w2v_bert_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no w2v-BERT in"):
        read_teacher(tmp_path, PAPER)
    transformers.BertConfig().save_pretrained(tmp_path)
    with pytest.raises(ConfigError, match="is bert, not w2v-BERT"):
        read_teacher(tmp_path, PAPER)
