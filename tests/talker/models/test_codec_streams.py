from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mio.errors import ConfigError
from nodes.talker.models.codec.codec import (
    DecodingStream,
    EncodingStream,
    VoiceCodec,
    decoded,
    fingerprint,
    read_codec,
    write_codec,
)
from nodes.talker.models.testing import SMALL_CODEC

SOUND = (0.1 * np.random.default_rng(0).normal(size=7 * 1_920 + 700)).astype(np.float32)


@pytest.fixture(scope="module")
def codec() -> VoiceCodec:
    torch.manual_seed(0)
    torch.set_num_threads(1)
    return VoiceCodec(SMALL_CODEC).eval()


@pytest.fixture(scope="module")
def codes(codec: VoiceCodec) -> np.ndarray:
    stream = EncodingStream(codec)
    return np.concatenate((stream.encode(SOUND), stream.finish()))


@given(cuts=st.lists(st.integers(0, len(SOUND)), max_size=5).map(sorted))
@settings(max_examples=15, deadline=None)
def test_sound_in_any_pieces_gives_the_same_codes_bit_by_bit(
    codec: VoiceCodec, codes: np.ndarray, cuts: list[int]
) -> None:
    stream = EncodingStream(codec)
    pieces = [stream.encode(piece) for piece in np.split(SOUND, cuts)]
    assert np.array_equal(np.concatenate((*pieces, stream.finish())), codes)


@given(cuts=st.lists(st.integers(0, 8), max_size=3).map(sorted))
@settings(max_examples=10, deadline=None)
def test_codes_in_any_pieces_give_the_same_sound_bit_by_bit(
    codec: VoiceCodec, codes: np.ndarray, cuts: list[int]
) -> None:
    whole = decoded(codec, codes)
    stream = DecodingStream(codec)
    pieces = [stream.decode(piece) for piece in np.split(codes, cuts)]
    assert np.array_equal(np.concatenate((*pieces, stream.finish())), whole)
    assert whole.shape == (8 * 1_920,)


def test_sound_comes_a_frame_late_and_only_the_last_frame_waits_for_the_end(
    codec: VoiceCodec, codes: np.ndarray
) -> None:
    stream = DecodingStream(codec)
    assert len(stream.finish()) == 0
    assert [len(stream.decode(codes[k : k + 1])) for k in range(3)] == [0, 1_920, 1_920]
    assert len(stream.finish()) == 1_920


@torch.no_grad()
def test_frame_by_frame_is_what_training_computes_at_once(codec: VoiceCodec, codes: np.ndarray) -> None:
    wave = torch.from_numpy(np.pad(SOUND, (0, -len(SOUND) % 1_920)))[None, None]
    at_once = codec.encode(wave, {})[0].T.numpy()
    assert np.mean(at_once == codes) > 0.95
    frames = codec.tokenizer.frames(torch.from_numpy(codes.astype(np.int64)).T[None])
    np.testing.assert_allclose(decoded(codec, codes), codec.tokenizer.voice.whole(frames).sound[0, 0], atol=1e-4)


def test_a_codec_that_was_written_gives_the_same_codes_again(
    codec: VoiceCodec, codes: np.ndarray, tmp_path: Path
) -> None:
    write_codec(tmp_path / "a", codec)
    once = read_codec(tmp_path / "a")
    write_codec(tmp_path / "b", once)
    assert fingerprint(tmp_path / "a") == fingerprint(tmp_path / "b")
    found = [EncodingStream(read_codec(tmp_path / name)).encode(SOUND) for name in "ab"]
    assert np.array_equal(found[0], found[1])
    assert np.mean(found[0] == codes[: len(found[0])]) > 0.8


def test_a_codec_whose_halves_do_not_belong_together_is_one_clear_error(codec: VoiceCodec, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"expected weights\.safetensors"):
        read_codec(tmp_path)
    with pytest.raises(ConfigError, match="--weights"):
        fingerprint(tmp_path)
    write_codec(tmp_path, codec)
    (tmp_path / "encoder").rename(tmp_path / "other")
    (tmp_path / "decoder").rename(tmp_path / "encoder")
    (tmp_path / "other").rename(tmp_path / "decoder")
    assert fingerprint(tmp_path)
    write_codec(tmp_path / "c", codec)
    (tmp_path / "c" / "decoder" / "weights.safetensors").write_bytes(
        (tmp_path / "c" / "encoder" / "weights.safetensors").read_bytes()
    )
    with pytest.raises(ConfigError, match="missing or unknown -> take both folders from one export"):
        read_codec(tmp_path / "c")
