import numpy as np
import pytest

from mio.contracts.messages import Speech
from nodes.body.accents import TurnSpeech


def test_accents_are_the_stressed_vowels_of_words_that_carry_one(say):
    turn = TurnSpeech(1)
    turn.add(say("the harbour was full of silver boats"))
    assert [round(accent.at_s, 2) for accent in turn.accents] == [0.5, 1.3, 2.1, 2.5]
    assert turn.first_accent_s(0) == pytest.approx(0.5)
    assert turn.end_s == pytest.approx(2.8)


def test_unaccented_words_with_a_stress_mark_carry_no_accent():
    turn = TurnSpeech(1)
    turn.add(
        Speech(
            samples=np.zeros(19_200, np.float32),
            start_sample=0,
            phones=["ð", "ʌ", "k", "æ"],
            phone_start_s=[0.0, 0.1, 0.3, 0.4],
            phone_stress=[0, 1, 0, 1],
            words=["The", "cat,"],
            word_start_s=[0.0, 0.3],
            word_end_s=[0.3, 0.8],
            word_char=[0, 4],
        )
    )
    assert [accent.at_s for accent in turn.accents] == [0.4]


def test_words_alone_give_accents_and_a_clause_without_any_has_its_start():
    words = {"words": ["harbour"], "word_start_s": [0.2], "word_end_s": [0.8], "word_char": [0]}
    turn = TurnSpeech(1)
    turn.add(Speech(samples=np.zeros(19_200, np.float32), start_sample=0, **words))
    assert turn.first_accent_s(0) == pytest.approx(0.28)
    turn.add(Speech(samples=np.zeros(19_200, np.float32), start_sample=19_200, index=1))
    assert turn.first_accent_s(1) == pytest.approx(0.95)
    assert turn.first_accent_s(2) is None


def test_chunks_of_one_clause_add_up(say):
    turn = TurnSpeech(1)
    turn.add(say("silver boats", index=0))
    turn.add(say("in the harbour", index=0, start_s=0.8, fin=True))
    assert turn.clauses[0].start_s == 0.0
    assert turn.clauses[0].end_s == pytest.approx(2.0)
    assert turn.fin
    assert len(turn.words) == 5


def test_times_that_are_no_times_are_left_out():
    turn = TurnSpeech(1)
    bad = [float("nan"), float("inf"), -5.0, 1e12]
    turn.add(
        Speech(
            samples=np.zeros(0, np.float32),
            start_sample=0,
            phones=["ɑː"] * 4,
            phone_start_s=bad,
            phone_stress=[1] * 4,
            words=["boat"] * 4,
            word_start_s=bad,
            word_end_s=bad,
            word_char=[0] * 4,
        )
    )
    assert turn.accents == [] and turn.words == [] and turn.clauses == {}


def test_an_absurdly_long_list_is_cut():
    turn, many = TurnSpeech(1), 50_000
    turn.add(
        Speech(
            samples=np.zeros(1920, np.float32),
            start_sample=0,
            phones=["ɑː"] * many,
            phone_start_s=[0.01] * many,
            phone_stress=[1] * many,
        )
    )
    assert 0 < len(turn.accents) < 5_000
