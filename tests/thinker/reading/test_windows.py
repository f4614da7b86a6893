from hypothesis import given
from hypothesis import strategies as st

from nodes.thinker.reading.windows import sentences, windows

WORDS = st.lists(st.sampled_from(["He", "ran.", "Mr.", "Fox", "slept!", '"Why?"', "and", "then", "Dr."]), max_size=80)


@given(WORDS, st.integers(3, 30))
def test_windows_have_all_words_in_order_and_none_is_too_long(words: list[str], longest: int):
    cut = windows(" ".join(words), longest)
    assert " ".join(cut).split() == words
    assert all(0 < len(window.split()) <= longest for window in cut)


@given(WORDS)
def test_sentences_have_all_words_in_order(words: list[str]):
    assert " ".join(sentences(" ".join(words))).split() == words


def test_a_title_does_not_end_a_sentence():
    assert sentences('Mr. Fox slept. "Why?" asked Dr. Owl.') == ["Mr. Fox slept.", '"Why?" asked Dr. Owl.']


def test_windows_are_about_equally_long():
    lengths = [len(window.split()) for window in windows("One two three four. " * 31, 100)]
    assert len(lengths) == 2
    assert max(lengths) - min(lengths) <= 4
