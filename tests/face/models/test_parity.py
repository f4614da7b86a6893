import re
from pathlib import Path

import numpy as np
import pytest
import torch

from mio.cli.main import main
from mio.errors import ConfigError
from mio.nn import testing as patterns
from mio.nn.weights import read_weights
from nodes.face.chunks import ChunkModel
from nodes.face.models import bits as coding
from nodes.face.models.codec import MotionCodec
from nodes.face.models.generator import Conditions, Generator, Voices
from nodes.face.models.guess import Guess, drawn, likeliest, surprise
from nodes.face.models.released import codec_weights, generator_weights
from nodes.face.models.sizes import PAPER, SIZES, CodecSize, FaceSize, GeneratorSize, VoiceSize

HERE = Path(__file__).parent
GOLDEN = np.load(HERE / "unils.npz")
CODEC = CodecSize(features=14, bits=8, scales=(1, 3, 6, 12), width=32, layers=2, heads=4)
DRIVEN = GeneratorSize(width=32, layers=2, heads=4, audio_width=12, previous_chunks=2)
FREE = GeneratorSize(width=32, layers=2, heads=4, audio_width=0, previous_chunks=2)


CODEC_PARTS = {
    ".entry.": ".inp_mapping.0.",
    "encoder.exit.": "encoder.code_mapping.",
    "decoder.exit.": "decoder.out_mapping.",
    ".qkv.": ".to_qkv.",
    ".out.": ".to_out.",
}


def released_codec(model: MotionCodec) -> dict[str, torch.Tensor]:
    """The weights under the released names; the map under test goes the other way."""
    named = {}
    for ours, value in model.state_dict().items():
        theirs = {"mean": "motion_mean", "std": "motion_std"}.get(ours, ours)
        for part, name in CODEC_PARTS.items():
            theirs = theirs.replace(part, name)
        if block := re.fullmatch(r"(\w+)\.blocks\.(\d+)\.(attention|feedforward)\.(.*)", theirs):
            number = 2 * int(block[2]) + (block[3] == "feedforward")
            theirs = f"{block[1]}.{block[1]}_transformer.{number}.{block[4]}"
        named[theirs] = value
    return named


WHOLE = {
    "start": "sos_embed",
    "style_mark": "attn_blocks.style_pos",
    "previous_mark": "attn_blocks.prev_pos",
    "voice_marks.0": "attn_blocks.self_pos",
    "voice_marks.1": "attn_blocks.other_pos",
    "level.weight": "attn_blocks.lvl_embed.weight",
}
PARTS = {
    "embed.": "code_token_embed.",
    "blocks.": "attn_blocks.attn_blocks.",
    ".attention.qkv.": ".self_attn.to_qkv.",
    ".attention.out.": ".self_attn.to_out.",
    ".attention.norm.": ".self_attn.norm.",
    ".feedforward.": ".ffn.",
    ".voices.0.": ".self_audio_attn.",
    ".voices.1.": ".other_audio_attn.",
}
VOICE = {".q.": ".q_proj.", ".k.": ".k_proj.", ".v.": ".v_proj.", ".out.": ".out_proj."}


def released_generator(model: Generator) -> dict[str, torch.Tensor]:
    named = {}
    for ours, value in model.state_dict().items():
        theirs = WHOLE.get(ours, ours)
        if ours not in WHOLE:
            for part, name in PARTS.items():
                theirs = theirs.replace(part, name)
            if "_audio_attn" in theirs:
                for part, name in VOICE.items():
                    theirs = theirs.replace(part, name)
                theirs = theirs.replace(".norm.", ".self_norm.").replace(".audio_norm.", ".context_norm.")
            theirs = re.sub(r"^norm\.", "logits_head.0.", theirs)
            theirs = re.sub(r"^exit\.", "logits_head.1.", theirs)
        named[theirs] = value
    return named


def codec() -> MotionCodec:
    model = MotionCodec(CODEC).eval()
    model.load_state_dict(codec_weights(patterns.weights(released_codec(model)), model.state_dict()))
    return model


def generator(size: GeneratorSize) -> Generator:
    model = Generator(FaceSize(CODEC, size)).eval()
    model.load_state_dict(generator_weights(patterns.weights(released_generator(model)), model.state_dict()))
    return model


def conditions(voices: Voices | None = None) -> Conditions:
    return Conditions(patterns.inputs("style", 2, 12, 8), patterns.inputs("previous", 2, 24, 8), voices)


def close(ours: torch.Tensor, golden: str, atol: float = 1e-4) -> None:
    np.testing.assert_allclose(ours.detach().numpy(), GOLDEN[golden], atol=atol)


@torch.no_grad()
def test_the_codec_equals_the_released_one() -> None:
    model, motion = codec(), patterns.inputs("motion", 2, 12, 14)
    bits = model.encode(motion)
    assert np.array_equal(bits.numpy(), GOLDEN["bits"])
    close(model.decode(bits), "motion")
    close(model.condition(motion), "condition")
    quantised = coding.quantise(model.features(motion), CODEC.scales)
    close(quantised.features, "quantised")
    close(quantised.loss, "loss")


def test_what_the_generator_is_shown_of_each_level_equals_the_released_code() -> None:
    bits = torch.from_numpy(GOLDEN["bits"])
    close(coding.next_inputs(bits, CODEC.scales), "next_inputs")
    close(coding.next_inputs(bits[:, :4], CODEC.scales), "next_inputs_1")


@pytest.mark.parametrize("size", [FREE, DRIVEN])
@torch.no_grad()
def test_the_generator_equals_the_released_one_with_and_without_voices(size: GeneratorSize) -> None:
    voices = Voices(patterns.inputs("own", 2, 20, 12), patterns.inputs("other", 2, 20, 12)) if size is DRIVEN else None
    guess = generator(size)(patterns.inputs("shown", 2, 21, 8), conditions(voices))
    close(guess.bits.flatten(2), "logits_driven" if size is DRIVEN else "logits_free")


@torch.no_grad()
def test_low_rank_updates_of_a_checkpoint_are_added_to_its_weights() -> None:
    model = Generator(FaceSize(CODEC, DRIVEN)).eval()
    plain = patterns.weights(released_generator(model))
    wrapped = {}
    for name, value in plain.items():
        module = name.rsplit(".", 1)[0]
        if name == "code_token_embed.weight":
            wrapped["base_model.model.code_token_embed.base_layer.weight"] = value
            wrapped["base_model.model.code_token_embed.lora_A.default.weight"] = patterns.inputs("a", 4, 8)
            wrapped["base_model.model.code_token_embed.lora_B.default.weight"] = patterns.inputs("b", 32, 4)
        elif "_audio_attn" in module:
            wrapped[f"base_model.model.{name.replace('audio_attn.', 'audio_attn.modules_to_save.default.')}"] = value
            wrapped[f"base_model.model.{name.replace('audio_attn.', 'audio_attn.original_module.')}"] = 0 * value
        else:
            wrapped[f"base_model.model.{name}"] = value
    wrapped["base_model.model.audio_encoder.weight"] = torch.zeros(3)
    ours = generator_weights(wrapped, model.state_dict())
    straight = generator_weights(plain, model.state_dict())
    update = patterns.inputs("b", 32, 4) @ patterns.inputs("a", 4, 8)
    torch.testing.assert_close(ours["embed.weight"], straight["embed.weight"] + update)
    assert all(torch.equal(ours[name], straight[name]) for name in straight if name != "embed.weight")


def test_a_checkpoint_of_another_size_is_refused_with_one_clear_error() -> None:
    model = MotionCodec(CODEC)
    released = released_codec(model)
    with pytest.raises(ConfigError, match="lacks"):
        codec_weights({name: v for name, v in released.items() if "out_mapping" not in name}, model.state_dict())
    with pytest.raises(ConfigError, match="no place"):
        codec_weights({**released, "extra.weight": torch.zeros(1)}, model.state_dict())
    with pytest.raises(ConfigError, match="instead of"):
        codec_weights({**released, "motion_mean": torch.zeros(3)}, model.state_dict())


@torch.no_grad()
def test_a_chunk_is_generated_level_by_level_as_the_whole_sequence_would_be() -> None:
    model = generator(DRIVEN)
    voices = Voices(patterns.inputs("own", 2, 20, 12), patterns.inputs("other", 2, 20, 12))
    before = conditions(voices)
    bits = model.generate(before, guidance=1.0, temperature=1e-6)
    assert bits.shape == (2, 22, 8)
    whole = likeliest(model(coding.next_inputs(bits, CODEC.scales), before))
    assert torch.equal(whole.int(), bits)
    guided = model.generate(before, guidance=2.0, lots=model.tossed(1, torch.Generator().manual_seed(1)))
    assert guided.shape == (1, 22, 8)


@torch.no_grad()
def test_the_next_chunk_has_its_frames() -> None:
    voices = Voices(patterns.inputs("own", 1, 20, 12), patterns.inputs("other", 1, 20, 12))
    motion = patterns.inputs("motion", 1, 24, 14)
    own = codec()
    conditions = Conditions(own.condition(motion[:, :12]), own.condition(motion), voices)
    assert own.decode(generator(DRIVEN).generate(conditions, guidance=1.0)).shape == (1, 12, 14)


def test_unlikely_bits_are_never_drawn_and_others_as_often_as_they_are_likely() -> None:
    shares = torch.tensor([0.02, 0.3, 0.98])
    logits = torch.stack(((1 - shares).log(), shares.log()), -1).expand(1, 4_000, 1, 3, 2)
    guess = Guess(logits, torch.zeros(1, 4_000, 1))
    bits = drawn(guess, 0.97, torch.rand(1, 4_000, 4, generator=torch.Generator().manual_seed(3)))[0].float().mean(0)
    assert bits[0] == 0
    assert bits[2] == 1
    assert abs(float(bits[1]) - 0.3) < 0.03


def test_bits_of_a_pattern_are_drawn_together_as_often_as_the_pattern_is_likely() -> None:
    shares = torch.tensor([[0.01, 0.01, 0.5], [0.99, 0.99, 0.5]])
    logits = torch.stack(((1 - shares).log(), shares.log()), -1).expand(1, 4_000, 2, 3, 2)
    guess = Guess(logits, torch.tensor([0.9, 0.1]).log().expand(1, 4_000, 2))
    bits = drawn(guess, 0.97, torch.rand(1, 4_000, 5, generator=torch.Generator().manual_seed(3)))[0]
    assert torch.equal(bits[:, 0], bits[:, 1])
    assert abs(float(bits[:, 0].float().mean()) - 0.1) < 0.02
    assert abs(float(bits[:, 2].float().mean()) - 0.5) < 0.03
    both = 0.9 * 0.01**2 * 0.5 + 0.1 * 0.99**2 * 0.5
    torch.testing.assert_close(surprise(guess, torch.ones(1, 4_000, 3)), torch.tensor(-np.log(both) / 3).float())
    assert likeliest(guess)[0, 0, :2].tolist() == [0, 0]


def test_right_bits_mend_what_flipped_ones_spoilt() -> None:
    features = patterns.inputs("motion", 2, 12, 8)
    right, shown = coding.flipped(features, CODEC.scales, 0.3, torch.Generator().manual_seed(0))
    assert (right != shown).any()
    assert torch.equal(right[:, -12:], shown[:, -12:])
    same, untouched = coding.flipped(features, CODEC.scales, 0.0)
    assert torch.equal(same, untouched)
    assert torch.equal(same, coding.quantise(features, CODEC.scales).bits)


def write_released(folder: Path) -> tuple[str, str]:
    """Both files as they are released; the generator's holds the codec, and what is none of its weights."""
    files = folder / "codec.pt", folder / "generator.pt"
    within = {f"base_codec.{name}": value for name, value in released_codec(codec()).items()}
    whole = {**released_generator(generator(DRIVEN)), **within, "audio_encoder.weight": torch.zeros(3)}
    torch.save({"model": released_codec(codec()), "iter": 7}, files[0])
    torch.save({"model": whole, "iter": 7}, files[1])
    return str(files[0]), str(files[1])


@pytest.mark.parametrize("first", [0, 1])
def test_released_files_become_a_folder_of_ours_by_the_command(
    first: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = FaceSize(CODEC, DRIVEN)
    monkeypatch.setitem(SIZES, "paper", size)
    heard = VoiceSize(DRIVEN.audio_width, hears="wav2vec2")
    files, ours = write_released(tmp_path), tmp_path / "ours"
    command = ["train", "face", "--stage", "import", "--size", "paper", "--weights", str(ours)]
    assert main([*command, "--released", files[first], files[1]]) == 0
    weights, read = read_weights(ours, FaceSize)
    assert read == FaceSize(CODEC, DRIVEN, heard, basis="flame2020")
    wanted = {"codec": codec().state_dict(), "generator": generator(DRIVEN).state_dict()}
    assert weights.keys() == {f"{part}.{name}" for part, state in wanted.items() for name in state}
    for part, state in wanted.items():
        for name, value in state.items():
            torch.testing.assert_close(weights[f"{part}.{name}"].float(), value, rtol=1e-3, atol=1e-3)
    with pytest.raises(ConfigError, match="moves flame2020 and hears wav2vec2"):
        ChunkModel(ours, guidance=1.0, temperature=1.0, seed=1)


def test_files_that_are_none_of_the_released_ones_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(SIZES, "paper", FaceSize(CODEC, DRIVEN))
    first, second = write_released(tmp_path)
    command = ["train", "face", "--stage", "import", "--size", "paper", "--weights", str(tmp_path / "ours")]
    (tmp_path / "text.pt").write_text("no checkpoint")
    torch.save(released_codec(codec()), tmp_path / "bare.pt")
    torch.save({"model": released_codec(codec()), "settings": CODEC}, tmp_path / "objects.pt")
    refused = {
        "missing.pt": "name a checkpoint that the authors released",
        "text.pt": "text.pt",
        "bare.pt": "has no 'model'",
        "objects.pt": "holds more than tensors",
    }
    for name, says in refused.items():
        assert main([*command, "--released", str(tmp_path / name), second]) == 1
        assert says in capsys.readouterr().err
    assert main([*command, "--released", first, first]) == 1
    assert "no place" in capsys.readouterr().err
    assert main(command) == 1
    assert not (tmp_path / "ours").exists()


def test_the_released_size_fits_the_encoder_that_is_trained_here() -> None:
    assert PAPER.voice.width == PAPER.generator.audio_width
