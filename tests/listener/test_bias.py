import pytest

from nodes.listener.bias import WordBias

PIECES = ["▁how", "▁old", "▁is", "▁the", "▁light", "house", "▁cold", "▁The", "?", ","]


class Pieces:
    pieces = [piece.encode() for piece in PIECES]
    begins_word = [piece.startswith("▁") for piece in PIECES]


def bonus(*written: str, questions: tuple[str, ...] = ("How old is the lighthouse?",), weight: float = 1.0) -> float:
    bias = WordBias(list(questions), Pieces(), weight)
    state, total = bias.start, 0.0
    for piece in written:
        state, added = bias.advance(state, PIECES.index(piece))
        total += added
    return total + bias.finish(state)


def test_a_known_question_gets_a_bonus_for_each_pair_and_triple():
    assert bonus("▁how", "▁old", "▁is", "▁the", "▁light", "house", "?") == 2 * 6


def test_an_unknown_word_breaks_the_chain_but_nothing_is_taken_away():
    assert bonus("▁how", "▁cold", "▁is", "▁the", "▁light", "house", "?") == 2 + 0 + 0 + 1 + 2 + 2


def test_case_and_punctuation_do_not_matter():
    assert bonus("▁how", "▁old", "▁is", "▁The", ",", "▁light", "house") == 2 * 6


def test_the_weight_scales_the_bonus():
    assert bonus("▁how", "▁old", weight=0.25) == pytest.approx(0.25 * 4)


def test_without_questions_nothing_is_preferred():
    assert bonus("▁how", "▁old", questions=()) == 0.0
