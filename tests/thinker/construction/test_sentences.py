import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nodes.thinker.construction.sentences import sentences_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One came. Two went! Three?", ["One came.", "Two went!", "Three?"]),
        (
            '"Who is there?" asked the king. "I," said the fox.',
            ['"Who is there?" asked the king.', '"I," said the fox.'],
        ),
        ("Mr. Fox met Dr. A. Bear. They sat.", ["Mr. Fox met Dr. A. Bear.", "They sat."]),
        ("No end\n\nNew paragraph", ["No end", "New paragraph"]),
        ("“Come!” “No.” She left...", ["“Come!”", "“No.”", "She left..."]),
        (" * * * ", []),
    ],
)
def test_sentences_are_cut_where_they_end(text: str, expected: list[str]) -> None:
    assert [sentence.text for sentence in sentences_of(text)] == expected


@settings(deadline=None)
@given(st.text(alphabet="aB. !?\"'“”\n,;x1", max_size=200))
def test_every_sentence_stands_where_it_says_and_no_letter_is_lost(text: str) -> None:
    sentences = sentences_of(text)
    for sentence in sentences:
        assert text[sentence.begin : sentence.end] == sentence.text
    kept = sum(character.isalnum() for sentence in sentences for character in sentence.text)
    assert kept == sum(character.isalnum() for character in text)
