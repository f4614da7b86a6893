import pytest

from nodes.thinker.clauses import cut_clauses
from nodes.thinker.memory.recollection import Remembered
from nodes.thinker.memory.reminding import acknowledge, answer_about_person, describe, welcome
from nodes.thinker.memory.told import told_by_user


def knowing(*texts: str, before: int = 0, topics: tuple[str, ...] = ()) -> Remembered:
    remembered = Remembered(before=before, last_topics=list(topics))
    for text in texts:
        remembered.learn(told_by_user(text))
    return remembered


def answer(question: str, remembered: Remembered) -> str:
    text = answer_about_person(question, remembered)
    return " ".join(clause.text for clause in cut_clauses(text)) if text else ""


def test_questions_about_oneself_are_answered_from_what_was_told():
    anna = knowing(
        "My name is Anna.", "I live in Lisbon", "I love the sea", "I like my garden.", "my dog is called Rex"
    )
    assert answer("what's my name", anna) == "You are Anna."
    assert answer("do you know where i live then remember where i live", anna) == "You told me: I live in Lisbon."
    assert answer("what do i like", anna) == "You like the sea and your garden."
    assert answer("what is my dog called", anna) == "Your dog? You told me: my dog is called Rex."
    assert answer("do you remember me", anna).startswith("You are Anna.")


def test_what_was_promised_is_turned_round():
    assert answer("what did i promise", knowing("I'll bring you my boat.")) == "You promised to bring me your boat."


@pytest.mark.parametrize("question", ["what's my name", "what do i like", "where do i live", "what did i promise you"])
def test_what_was_not_told_is_not_invented(question: str):
    assert "haven't told me" in answer(question, Remembered())


@pytest.mark.parametrize("question", ["what's your name", "what do you like", "who is your sister"])
def test_questions_about_the_character_are_left_to_its_pack(question: str):
    assert answer_about_person(question, knowing("My name is Anna.", "I love the sea.")) is None


def test_what_is_told_anew_replaces_what_it_contradicts():
    anna = knowing(
        "My name is Anna.", "I love rain.", "I hate rain.", "My name is Jo.", "my dog is Rex", "my cat is Tom"
    )
    known = [(told.kind, told.what) for told in anna.recollections]
    assert known == [("dislikes", "rain"), ("name", "Jo"), ("relation", "Rex"), ("relation", "Tom")]


def test_the_last_conversation_is_remembered_by_its_topics():
    assert "my boat and my cat" in answer("what did we talk about", knowing(before=1, topics=("my boat", "my cat")))
    assert "first time" in answer("what did we talk about", Remembered())


def test_only_who_comes_back_is_welcomed_and_only_for_a_greeting():
    assert welcome("hello there", knowing("My name is Anna.")) is None
    assert welcome("hello there", knowing(before=2)) is None
    assert welcome("where is my boat", knowing("My name is Anna.", before=1)) is None
    assert "Anna" in (welcome("hello there", knowing("My name is Anna.", before=1)) or "")


def test_telling_is_acknowledged():
    assert acknowledge([], 0) is None
    assert all("Anna" in (acknowledge(told_by_user("I'm called Anna"), choose) or "") for choose in range(4))
    assert "Anna" not in (acknowledge(told_by_user("I love the sea"), 0) or "")


def test_a_language_model_reads_it_line_by_line():
    lines = describe(knowing("I love tea.", "My name is Anna.", "my dog is Rex", topics=("my boat",)))
    assert lines == ["name: Anna", "relation: dog: Rex", "likes: tea", "last time you talked about: my boat"]
