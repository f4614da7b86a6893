import pytest

from nodes.listener.recognition import NOTHING, without_repeats


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("How old are you?", "How old are you?"),
        ("I know. I know. I know. I know.", "I know."),
        ("No, no, no!", "No,"),
        ("very very good", "very very good"),
        ("go on and on and on and on", "go on and"),
        ("", ""),
    ],
)
def test_loops_are_cut_after_the_first_round(text, expected):
    assert without_repeats(text) == expected


def test_nothing_has_no_text():
    assert NOTHING.text == ""
