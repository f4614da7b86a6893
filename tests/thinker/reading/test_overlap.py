import pytest

from nodes.thinker.reading.overlap import LONGEST_ANSWER_WORDS, best_span, most_agreed, token_f1


@pytest.mark.parametrize(
    ("said", "answers", "f1"),
    [
        ("The sun.", ["sun"], 1.0),
        ("a red sun", ["the sun"], 2 / 3),
        ("moon", ["sun", "the moon!"], 1.0),
        ("", ["sun"], 0.0),
        ("stars", ["sun"], 0.0),
    ],
)
def test_f1_counts_words_without_articles(said: str, answers: list[str], f1: float):
    assert token_f1(said, answers) == pytest.approx(f1)


def test_the_stretch_most_like_an_answer_is_found():
    words = ["The", "old", "fox", "ran", "into", "the", "deep", "forest", "and", "slept."]
    span = best_span(words, ["in a house", "deep forest"])
    assert words[span.begin : span.end] == ["deep", "forest"]
    assert span.f1 == pytest.approx(1.0)


def test_no_stretch_is_longer_than_an_answer_may_be():
    span = best_span(["sun"] * 60, [" ".join(["sun"] * 60)])
    assert span.end - span.begin == LONGEST_ANSWER_WORDS


def test_nothing_in_common_is_no_stretch():
    assert best_span(["a", "fox"], ["the moon"]).f1 == 0.0


def test_of_several_answers_the_one_that_most_agree_with_is_taken():
    answers = ["the moon", "a silver coin", "silver coin from the fox", "a coin"]
    assert most_agreed(answers, [0.3, 0.25, 0.2, 0.25]) == 1
    assert most_agreed(answers, [0.9, 0.05, 0.03, 0.02]) == 0
