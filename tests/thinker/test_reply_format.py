import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodes.thinker.clauses import Clause, ClauseCutter
from nodes.thinker.reply_format import ReplyReader


def read(pieces: list[str], *, expecting: bool = True) -> list[Clause]:
    reader, cutter = ReplyReader(expecting=expecting), ClauseCutter(eager=True)
    clauses = [clause for piece in pieces for clause in cutter.feed(reader.feed(piece))]
    return clauses + cutter.feed(reader.finish()) + cutter.finish()


def said(text: str) -> str:
    return " ".join(clause.text for clause in read([text]))


OBEDIENT = json.dumps(
    {
        "say": [
            {"emotion": "happy", "gesture": "greet", "text": "Hello there."},
            {"emotion": "curious", "gesture": "none", "text": "What would you like to know?"},
        ]
    }
)


def test_json_becomes_clauses_with_emotion_and_gesture():
    first, second = read([OBEDIENT])
    assert (first.text, first.emotion, first.gesture) == ("Hello there.", "happy", "greet")
    assert (second.text, second.emotion, second.gesture) == ("What would you like to know?", "curious", "none")


@given(st.lists(st.integers(1, len(OBEDIENT) - 1), max_size=12))
def test_it_does_not_matter_in_which_pieces_json_arrives(cuts: list[int]):
    places = [0, *sorted(set(cuts)), len(OBEDIENT)]
    pieces = [OBEDIENT[a:b] for a, b in zip(places, places[1:], strict=False)]
    assert read(pieces) == read([OBEDIENT])


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=60))
def test_any_text_survives_the_way_through_json(text: str):
    reader = ReplyReader(expecting=True)
    out = reader.feed(json.dumps({"say": [{"text": text}]})) + reader.finish()
    assert out.split() == "".join(" " if c in "\r\n\t\b\f" else c for c in text).split() or "\b" in text or "\f" in text


@given(st.text(max_size=80), st.text(max_size=80))
def test_nothing_that_a_model_writes_breaks_the_reader(one: str, other: str):
    read([one, other])
    read(['{"say": [{"text": "', one, '"', other])


def test_the_first_words_come_before_the_json_is_complete():
    reader, cutter = ReplyReader(expecting=True), ClauseCutter(eager=True)
    text = '{"say": [{"emotion": "sad", "gesture": "none", "text": "Well, it'
    assert [clause.text for clause in cutter.feed(reader.feed(text))] == ["Well,"]


def test_json_that_breaks_off_is_said_as_far_as_it_came():
    assert said('{"say": [{"emotion": "happy", "text": "Hello there. And') == "Hello there. And"


@pytest.mark.parametrize(
    ("written", "heard"),
    [
        ("[happy] Hello there.", "Hello there."),
        ("Well, hello there.", "Well, hello there."),
        ('```json\n{"say": [{"text": "Hello."}]}\n```', "Hello."),
        ('Sure! Here is the JSON:\n{"say": [{"text": "Hello."}]}', "Hello."),
        ('{"say": [{"text": "Hello."}]}\nI hope that helps!', "Hello."),
        ('{"text": "Hello.", "emotion": "happy"}', "Hello."),
        ('{"reply": "Hello."}', "Hello."),
        ('{"say": ["Hello.", "And you?"]}', "Hello. And you?"),
        ('{"emotion": "sad", "text": "One."}\n{"emotion": "happy", "text": "Two."}', "One. Two."),
        ('{"thought": "They greet me.", "text": "Hello."}', "Hello."),
        ('<think>They say {"text": "no"}</think>{"text": "Hello."}', "Hello."),
        ('{"text": "She said "hello" to me."}', "She said hello to me."),
        ('{"text": "Line one.\nLine two."}', "Line one. Line two."),
        ('{"text": "\\u00c9t\\u00e9 \\ud83c\\udf1e \\"now\\"."}', 'Été 🌞 "now".'),
        ('{"say": [{"emotion": "delighted", "gesture": "dance", "text": "Hello."}]}', "Hello."),
        ("{}", ""),
        ('{"mood": 3}', ""),
    ],
)
def test_a_model_that_disobeys_is_still_understood(written: str, heard: str):
    assert said(written) == heard


def test_marks_in_plain_text_still_count_when_json_was_expected():
    assert [(c.text, c.emotion) for c in read(["[sad] It rains."])] == [("It rains.", "sad")]


def test_an_emotion_of_the_whole_answer_holds_for_its_text():
    assert read(['{"emotion": "tender", "intensity": 0.9, "say": [{"text": "Hello."}]}'])[0][:3] == (
        "Hello.",
        "tender",
        0.9,
    )


def test_only_json_with_something_to_say_counts_as_obedience():
    for written, obeyed in ((OBEDIENT, True), ("Hello there.", False), ("{}", False)):
        reader = ReplyReader(expecting=True)
        reader.feed(written)
        assert reader.obeyed == obeyed


def test_without_json_expected_text_goes_through_as_it_is():
    assert read(["Well, {", "hello."], expecting=False)[0].text == "Well,"
