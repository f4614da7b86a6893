from pathlib import Path

import pytest

from mio.errors import MioError
from nodes.listener.config import MoonshineConfig
from nodes.listener.moonshine import model_folder
from nodes.listener.tokens import Vocabulary


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return Vocabulary(model_folder(MoonshineConfig()) / "tokenizer.bin")


def token(vocabulary: Vocabulary, piece: str) -> int:
    return vocabulary.pieces.index(piece.encode())


def test_the_model_has_32768_pieces_with_the_single_bytes_after_the_markers(vocabulary):
    assert len(vocabulary.pieces) == 32_768
    assert vocabulary.pieces[:3] == [b"<unk>", b"<s>", b"</s>"]
    assert vocabulary.pieces[3:259] == [bytes([n]) for n in range(256)]


def test_pieces_join_to_text_with_spaces_where_words_begin(vocabulary):
    pieces = [token(vocabulary, piece) for piece in ("▁the", "▁light", "house")]
    assert vocabulary.text([1, *pieces, 2]) == "the lighthouse"
    assert [vocabulary.begins_word[piece] for piece in pieces] == [True, True, False]


def test_bytes_join_to_letters_and_broken_ones_do_not_fail(vocabulary):
    euro = [3 + byte for byte in "€".encode()]
    assert vocabulary.text(euro) == "€"
    assert vocabulary.text(euro[:2]) == "�"


def test_markers_are_not_text(vocabulary):
    marker = next(n for n, piece in enumerate(vocabulary.pieces) if piece.startswith(b"<<ST"))
    assert vocabulary.text([marker, token(vocabulary, "▁the")]) == "the"


def test_long_pieces_have_a_length_of_two_bytes(tmp_path: Path):
    piece = b"x" * 300
    data = b"\x01a" * 260 + bytes([300 % 128 + 128, 300 // 128]) + piece
    path = tmp_path / "tokenizer.bin"
    path.write_bytes(data)
    assert Vocabulary(path).pieces[260] == piece


@pytest.mark.parametrize("data", [b"\x05ab", b"\x85", b"\x01a" * 10])
def test_a_broken_file_is_one_clear_error(tmp_path: Path, data: bytes):
    path = tmp_path / "tokenizer.bin"
    path.write_bytes(data)
    with pytest.raises(MioError, match="tokenizer.bin"):
        Vocabulary(path)
