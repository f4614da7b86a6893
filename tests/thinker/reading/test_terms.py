import pytest

from nodes.thinker.reading.terms import TermIndex, stems

TEXTS = ["The wolf's house burned.", "A fox was sleeping in the house.", "Nothing happened."]


def test_forms_of_a_word_have_one_stem():
    assert stems("She walks, walked; walking") == ["she", "walk", "walk", "walk"]
    assert stems("the fox's tails") == ["the", "fox", "tail"]


def test_a_rare_word_counts_more_than_a_frequent_one():
    wolf, house = TermIndex(TEXTS).scores("wolf"), TermIndex(TEXTS).scores("house")
    assert wolf.argmax() == 0
    assert wolf[0] > house[0] > 0
    assert wolf[2] == house[2] == 0


def test_other_forms_of_a_word_are_found():
    assert TermIndex(TEXTS).scores("Who sleeps?").argmax() == 1


@pytest.mark.parametrize("question", ["", "?!", "zebra"])
def test_what_is_nowhere_scores_nothing(question: str):
    assert TermIndex(TEXTS).scores(question).tolist() == [0.0, 0.0, 0.0]


def test_an_empty_index_scores_nothing():
    assert TermIndex([]).scores("wolf").shape == (0,)
