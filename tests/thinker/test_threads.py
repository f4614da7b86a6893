from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mio.character import Character
from mio.sentences.encoder import SentenceEncoder
from nodes.thinker.dialogue import Dialogue
from nodes.thinker.lore import Lore
from nodes.thinker.memory.graph import Edge, Node, Passage, Present, StoryGraph
from nodes.thinker.storyteller import Heard, Storyteller
from nodes.thinker.threads import Threads
from nodes.thinker.understanding import Understanding

PEOPLE = (
    Node("pip", "character", "Pip", "", 0.0),
    Node("jonas", "character", "Jonas", "Jonas is a friend.", 0.0),
    Node("hilda", "character", "Hilda", "Hilda is a friend.", 0.0),
    Node("rex", "character", "Rex", "Rex can count.", 0.0),
    Node("prince", "character", "the Prince of Ys", "The prince is a fish.", 5.0),
)
EVENTS = (
    Node("storm", "event", "the storm", "In February a hurricane took the tin roof off my shed.", 2.0),
    Node("roof", "event", "the roof", "So Jonas nailed seventeen planks over it.", 3.0),
    Node("thumb", "event", "the thumb", "In April Jonas painted his sore thumb blue.", 3.5),
    Node("party", "event", "the party", "Everybody danced on the planks.", 3.7),
    Node("prize", "event", "the prize", "The planks win a prize.", 5.0),
    Node("secret", "event", "the secret", "Hilda had loosened the tin on purpose.", 1.0, known_by=("hilda",)),
)
EDGES = (
    Edge("storm", "roof", "causes", 3.0),
    Edge("roof", "prize", "causes", 5.0),
    Edge("secret", "storm", "causes", 2.0),
    Edge("jonas", "roof", "takes_part", 3.0),
    Edge("jonas", "thumb", "takes_part", 3.5),
    Edge("pip", "thumb", "takes_part", 3.5),
    Edge("pip", "party", "takes_part", 3.7),
)
STORY = StoryGraph((*PEOPLE, *EVENTS), EDGES)
PRESENT = Present(4.0, "pip")


def ids(nodes: list[Node]) -> list[str]:
    return [node.id for node in nodes]


def test_a_story_goes_on_with_what_came_of_it_and_then_with_the_same_people():
    threads = Threads(STORY, PRESENT)
    assert ids(threads.onward("storm")) == ["roof"]
    assert ids(threads.onward("roof")) == ["thumb"], "the prize lies ahead"
    assert ids(threads.onward("thumb")) == [], "that the teller was there, too, leads nowhere"
    assert ids(threads.onward("jonas")) == ["roof", "thumb"]
    assert threads.onward("nothing") == threads.causes("nothing") == []


def test_what_the_teller_does_not_know_is_no_reason():
    assert ids(Threads(STORY, PRESENT).causes("roof")) == ["storm"]
    assert Threads(STORY, PRESENT).causes("storm") == []
    assert ids(Threads(STORY, Present(4.0, "hilda")).causes("storm")) == ["secret"]


@given(st.floats(0.0, 6.0), st.sampled_from(["", "pip", "hilda"]), st.sampled_from([node.id for node in STORY.nodes]))
def test_no_thread_leads_beyond_the_present(t_now: float, knower: str, node_id: str):
    present = Present(t_now, knower)
    threads = Threads(STORY, present)
    assert all(map(present.permits, [*threads.causes(node_id), *threads.onward(node_id)]))


def test_who_somebody_is_is_known_from_when_the_story_has_told_of_them():
    threads = Threads(STORY, PRESENT)
    assert threads.named("Jonas") == PEOPLE[1]
    assert threads.named("pip") is None, "nothing is said of him"
    assert threads.named("the storm") is None, "what happened is no person"
    assert threads.named("the prince of Ys") is None, "he comes later"
    assert Threads(STORY, Present(5.0, "pip")).named("Prince of Ys") == PEOPLE[4]


def test_a_sentence_of_a_passage_is_the_node_that_says_it():
    threads = Threads(STORY, PRESENT)
    passage = Passage("p", " ".join(node.text for node in EVENTS[:2]), 3.0, nodes=("storm", "roof", "prize"))
    assert threads.node_of(passage, EVENTS[1].text) == "roof"
    assert threads.node_of(passage, EVENTS[4].text) == "", "what lies ahead is not there"


@pytest.fixture
def say(
    pip: Character, understanding: Understanding, encoder: SentenceEncoder, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], str]:
    lore = Lore(STORY, PRESENT, pip.knowledge(), encoder, tmp_path_factory.mktemp("threads"))
    storyteller, dialogue = Storyteller(pip.knowledge(), understanding, lore), Dialogue()

    def say(text: str) -> str:
        number = len(dialogue.turns) + 1
        meaning = storyteller.understand(Heard(text), dialogue)
        turn = dialogue.begin(number, text)
        for clause in storyteller.answer(meaning, turn, dialogue, np.random.default_rng(0)):
            dialogue.say(number, clause)
        return turn.answer

    return say


def test_whom_the_story_knows_is_introduced(say: Callable[[str], str]):
    assert say("Who is Jonas?") == "Jonas is a friend."
    assert say("Tell me more.") == EVENTS[1].text
    assert say("And who's Hilda?") == "Hilda is a friend."
    assert "count" not in say("Who is Rex?"), "an entry tells of him"
    assert "fish" not in say("Who is the Prince of Ys?")


def test_more_and_why_follow_the_story(say: Callable[[str], str]):
    assert say("What did the hurricane take off your shed?") == EVENTS[0].text
    assert say("Tell me more.") == EVENTS[1].text
    assert say("Why?") == EVENTS[0].text
    assert say("What did the hurricane take off your shed?") == EVENTS[0].text
    assert say("Go on.").startswith("That is all."), "it was told already"
    assert say("What did Jonas paint blue?") == EVENTS[2].text
    assert say("And why is that?") == "I don't know why."
