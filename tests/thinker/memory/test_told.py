import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nodes.thinker.memory.told import promised_by_character, told_by_user


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("My name is Anna and I live in Lisbon.", [("name", "", "Anna"), ("home", "", "Lisbon")]),
        ("hi i'm called tom", [("name", "", "Tom")]),
        ("I\u2019m from near Graz, but I work as a nurse.", [("home", "", "near Graz"), ("work", "", "a nurse")]),
        ("I live in Lisbon and I love the sea.", [("home", "", "Lisbon"), ("likes", "", "the sea")]),
        ("I really love the sea. I don't like rain, though.", [("likes", "", "the sea"), ("dislikes", "", "rain")]),
        ("My sister is called Ida", [("relation", "sister", "Ida")]),
        ("my dog's name is Rex", [("relation", "dog", "Rex")]),
        ("I have two dogs.", [("has", "", "two dogs")]),
        ("I promise to come back tomorrow.", [("promise", "", "come back tomorrow")]),
        ("I'll bring you some tea on Sunday", [("promise", "", "bring you some tea on Sunday")]),
        ("I'm going to sail to Norway next week.", [("plan", "", "sail to Norway next week")]),
        ("My birthday is on the third of May", [("birthday", "", "the third of May")]),
        ("I like fish very much", [("likes", "", "fish")]),
    ],
)  # fmt: skip
def test_what_is_said_plainly_is_understood(text: str, told: list[tuple[str, str, str]]):
    assert sorted((found.kind, found.of, found.what) for found in told_by_user(text)) == sorted(told)


@pytest.mark.parametrize(
    "text",
    [
        "Do you like fish?",
        "What do I like?",
        "Is it true that I like fish?",
        "I like it.",
        "I'm a bit tired.",
        "I have a question.",
        "I want to know more.",
        "Tell me about your cat.",
        "I don't know where I live in winter is over.",
        "",
    ],
)
def test_questions_and_what_says_nothing_of_the_person_pass(text: str):
    assert [found for found in told_by_user(text) if found.kind != "home"] == []


def test_the_sentence_that_it_was_told_in_is_kept():
    (found,) = told_by_user("Hello there! My cat is called Comma. Bye.")
    assert found.words == "My cat is called Comma"


def test_the_character_promises_too():
    (found,) = promised_by_character("The storm was bad. I'll tell you about it tomorrow. I like tea.")
    assert (found.kind, found.what) == ("promised_to_them", "tell you about it tomorrow")


@given(st.text(max_size=80))
@settings(max_examples=50, deadline=None)
def test_any_text_is_taken_and_little_is_kept_of_it(text: str):
    for found in told_by_user(text):
        assert 1 <= len(found.what.split()) <= 10 and found.words in " ".join(text.replace("\u2019", "'").split())
