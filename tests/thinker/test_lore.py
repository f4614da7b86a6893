from collections.abc import Callable

import numpy as np
import pytest

from mio.character import Character
from mio.sentences.encoder import SentenceEncoder
from nodes.thinker.dialogue import Dialogue
from nodes.thinker.lore import Lore
from nodes.thinker.memory.graph import Node, Present, StoryGraph
from nodes.thinker.storyteller import Heard, Storyteller
from nodes.thinker.understanding import Meaning, Reading, Understanding, Verdict

STORY = StoryGraph(
    nodes=(
        Node("harp", "event", "the harp", "[happy] In March I won a golden harp at the village fair.", 3.0),
        Node("wedding", "event", "the wedding", "In May my cousin Hilda married a chimney sweep in Norway.", 5.0),
    )
)


@pytest.fixture(scope="module")
def lore(pip: Character, encoder: SentenceEncoder, tmp_path_factory: pytest.TempPathFactory) -> Lore:
    return Lore(STORY, Present(4.0), pip.knowledge(), encoder, tmp_path_factory.mktemp("lore"))


@pytest.fixture
def verdict_of(lore: Lore, understanding: Understanding) -> Callable[[str], Meaning]:
    def ask(question: str) -> Meaning:
        readings = [Reading(question)]
        return lore.complete(understanding.understand(readings), readings)

    return ask


def test_what_lies_ahead_cannot_be_known(verdict_of: Callable[[str], Meaning]):
    meaning = verdict_of("Whom did your cousin Hilda marry?")
    assert meaning.verdict is Verdict.AHEAD
    assert "sweep" not in meaning.recalled


def test_what_the_story_tells_is_recalled(verdict_of: Callable[[str], Meaning]):
    meaning = verdict_of("What did you win at the village fair?")
    assert meaning.verdict is Verdict.RECALLED
    assert "golden harp" in meaning.recalled


@pytest.mark.parametrize("question", ["Do you have a dog?", "How old is your dog?", "Tell me about your boat."])
def test_what_an_entry_answers_stays_with_it(verdict_of: Callable[[str], Meaning], question: str):
    assert verdict_of(question).verdict is Verdict.CLEAR


def test_what_neither_knows_is_off_topic(verdict_of: Callable[[str], Meaning]):
    assert verdict_of("What is the capital of Italy?").verdict is Verdict.OFF_TOPIC


def test_the_refusal_is_in_character_and_has_no_word_of_what_lies_ahead(
    pip: Character, understanding: Understanding, lore: Lore
):
    storyteller, dialogue = Storyteller(pip.knowledge(), understanding, lore), Dialogue()
    meaning = storyteller.understand(Heard("Whom did your cousin Hilda marry?"), dialogue)
    turn = dialogue.begin(1, "Whom did your cousin Hilda marry?")
    clauses = storyteller.answer(meaning, turn, dialogue, np.random.default_rng(0))
    assert " ".join(clause.text for clause in clauses) == "I can't know that."
