import numpy as np
import pytest

from nodes.thinker.dialogue import Dialogue
from nodes.thinker.storyteller import Heard, Storyteller


class Conversation:
    """Says things to a storyteller, and keeps what it answers."""

    def __init__(self, storyteller: Storyteller, seed: int = 0) -> None:
        self.storyteller = storyteller
        self.dialogue = Dialogue()
        self.random = np.random.default_rng(seed)
        self.number = 0

    def say(self, text: str) -> str:
        self.number += 1
        meaning = self.storyteller.understand(Heard(text), self.dialogue)
        turn = self.dialogue.begin(self.number, text)
        for clause in self.storyteller.answer(meaning, turn, self.dialogue, self.random):
            self.dialogue.say(self.number, clause)
        return turn.answer


@pytest.fixture
def talk(storyteller: Storyteller) -> Conversation:
    return Conversation(storyteller)


def test_the_same_question_gets_another_answer(talk: Conversation):
    first, second, third = (talk.say("Do you have a dog?") for _ in range(3))
    assert first != second != third
    assert all("Rex" in answer for answer in (first, second))


def test_more_is_told_until_there_is_no_more(talk: Conversation):
    talk.say("Tell me about your boat.")
    assert talk.say("Tell me more.") == "I built her with my father."
    assert talk.say("Go on.") == "Daisy is ten years old."
    assert talk.say("What else?").startswith("That is all. Ask me about my")


def test_more_of_a_joke_is_another_joke(talk: Conversation):
    jokes = {talk.say("Tell me a joke."), talk.say("Go on.")}
    assert jokes == {"First joke.", "Second joke."}


def test_why_is_answered_for_the_last_entry(talk: Conversation):
    talk.say("Tell me about your boat.")
    assert talk.say("And why is that?") == "Because the bus was late."
    talk.say("How old is your dog?")
    assert talk.say("Why?") == "I don't know why."


def test_the_last_answer_is_repeated_word_for_word(talk: Conversation):
    answer = talk.say("How old is your dog?")
    assert talk.say("What did you say?") == f"I said, {answer}"
    assert talk.say("Pardon?") == f"I said, {answer}"


def test_there_is_nothing_to_repeat_at_first(talk: Conversation):
    assert talk.say("What did you say?") == "I said nothing."


def test_pronouns_mean_what_was_talked_about(talk: Conversation):
    talk.say("Tell me about your dog.")
    assert talk.say("How old is he?") == "Rex is three."
    talk.say("Tell me about your boat.")
    assert talk.say("How old is it?") == "Daisy is ten years old."


def test_left_out_words_mean_what_was_asked_before(talk: Conversation):
    talk.say("How old is your dog?")
    assert talk.say("And your boat?") == "Daisy is ten years old."
    assert talk.say("And you?") in ("I am forty.", "Forty years.")


def test_yes_takes_up_an_offer(talk: Conversation):
    offer = talk.say("What is the capital of Italy?")
    answer = talk.say("Yes, please.")
    topic = "boat" if "boat" in offer else "dog" if "dog" in offer else "self"
    assert talk.storyteller._entries[talk.dialogue.turns[-1].entry].topic == topic
    assert answer not in ("Good.", offer)


def test_yes_takes_up_an_invitation_of_an_answer(talk: Conversation):
    talk.say("I feel sad.")
    assert "Rex" in talk.say("Yes.")


def test_yes_and_no_to_nothing(talk: Conversation):
    assert talk.say("Yes.") == "Good."
    assert talk.say("No, thank you.") == "All right."


def test_no_declines_an_offer(talk: Conversation):
    talk.say("I feel sad.")
    talk.say("No.")
    assert talk.say("Yes.") == "Good."


def test_what_made_no_sense_is_asked_again(talk: Conversation):
    assert {talk.say("uh"), talk.say("mhm")} == {"Say that again?", "What was that?"}


def test_an_answer_that_nobody_heard_leads_to_no_follow_up(talk: Conversation):
    talk.say("Tell me about your boat.")
    talk.dialogue.give_up(1)
    assert talk.say("Tell me more.").startswith("That is all.")


def test_the_same_seed_gives_the_same_conversation(storyteller: Storyteller):
    questions = ["Hello.", "Do you have a dog?", "What is the capital of Italy?", "uh", "Tell me a joke.", "Hi there."]
    first, second = Conversation(storyteller, seed=3), Conversation(storyteller, seed=3)
    assert [first.say(text) for text in questions] == [second.say(text) for text in questions]


def test_something_is_said_to_fill_the_time(talk: Conversation):
    turn = talk.dialogue.begin(1, "anything")
    (clause,) = talk.storyteller.filler(turn, talk.dialogue, talk.random)
    assert clause.text == "Let me think."
