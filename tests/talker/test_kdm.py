from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mio.audio import read_audio, write_wav
from mio.cli.main import main
from mio.errors import MioError
from nodes.talker.kdm import Recording, pack, read_kdm, unpack, write_kdm
from nodes.talker.models.codec.codec import VoiceCodec, write_codec
from nodes.talker.models.testing import SMALL_CODEC


@given(st.lists(st.lists(st.integers(0, 1_023), min_size=8, max_size=8), max_size=20))
def test_codes_come_back_bit_by_bit_at_ten_bytes_a_frame(frames: list[list[int]]) -> None:
    codes = np.array(frames, np.int16).reshape(-1, 8)
    content = pack(codes)
    assert len(content) == 10 * len(frames)
    assert np.array_equal(unpack(content), codes)


def test_a_file_keeps_codes_length_and_codec(tmp_path: Path) -> None:
    codes = np.random.default_rng(0).integers(0, 1_024, (5, 8)).astype(np.int16)
    write_kdm(tmp_path / "a.kdm", Recording(codes, 9_000, b"12345678"))
    found = read_kdm(tmp_path / "a.kdm")
    assert np.array_equal(found.codes, codes) and found[1:] == (9_000, b"12345678")
    assert (tmp_path / "a.kdm").stat().st_size == 24 + 50


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"RIFF and so on, more than a header", "not a .kdm file"), (b"KDM1" + bytes(20), "breaks off or is damaged")],
)
def test_a_file_that_is_none_is_one_clear_error(content: bytes, says: str, tmp_path: Path) -> None:
    (tmp_path / "a.kdm").write_bytes(content)
    with pytest.raises(MioError, match=says):
        read_kdm(tmp_path / "a.kdm")


def test_the_commands_turn_sound_into_a_kilobit_per_second_and_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.manual_seed(0)
    write_codec(tmp_path / "codec", VoiceCodec(SMALL_CODEC))
    write_codec(tmp_path / "other", VoiceCodec(SMALL_CODEC))
    wav = tmp_path / "said.wav"
    write_wav(wav, (0.1 * np.sin(np.arange(30_000) / 30)).astype(np.float32), 24_000)
    assert main(["codec", "encode", str(wav), "--weights", str(tmp_path / "codec")]) == 0
    kdm = tmp_path / "said.kdm"
    assert kdm.stat().st_size == 24 + 10 * 16
    assert main(["codec", "decode", str(kdm), "-o", str(tmp_path / "b.wav"), "--weights", str(tmp_path / "codec")]) == 0
    assert len(read_audio(tmp_path / "b.wav", 24_000)) == 30_000
    assert "1.25 s, 160 bytes" in capsys.readouterr().out
    assert main(["codec", "decode", str(kdm), "--weights", str(tmp_path / "other")]) == 1
    assert "was written by another codec -> name its folder with --weights" in capsys.readouterr().err
