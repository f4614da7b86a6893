import json
from typing import Any

import numpy as np
import pytest

from mio.errors import MioError
from nodes.thinker.memory.graph import Node, Present, StoryGraph
from nodes.thinker.training.critics import ModelJudge, ModelOracle, opinions
from nodes.thinker.training.cue_oracle import CueOracle
from nodes.thinker.training.rules import Rules
from nodes.thinker.training.session import Brief, Session, Turn
from nodes.thinker.training.structured_answers import AnsweringModel

NOW = Present(5.0, "mara")
STORY = StoryGraph(
    nodes=(
        Node("goat", "character", "the Admiral", "A goat ate the letter from the council.", 1.0),
        Node(
            "anton",
            "event",
            "Anton's wedding",
            "Anton marries a red haired diver on the pier.",
            9.0,
            aliases=("Anton",),
        ),
        Node("secret", "fact", "the cellar", "Old maps are hidden below the cellar floor.", 2.0, known_by=("jonas",)),
    )
)
BRIEF = Brief("", "none", NOW)
TALK = Session((Turn("Hello.", "Hello you.", ("0.5 s face: smiles",)), Turn("Bye.", "As an AI I cannot leave.")))


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the endpoint answers, in this order; the last one for ever."""
    texts: list[str] = []

    def complete(self: Any, *_: Any) -> str:
        return texts.pop(0) if len(texts) > 1 else texts[0]

    monkeypatch.setattr(AnsweringModel, "_complete", complete)
    return texts


def model() -> AnsweringModel:
    return AnsweringModel("http://127.0.0.1:1/v1", "tiny", "sk-secret", attempts=2)


def test_the_judge_reads_a_rating_and_forgives_forgotten_lines(answers: list[str]) -> None:
    answers.append('Sure: {"critique": "dull", "rating": -0.5, "sensible": [false]}')
    rating, sensible = ModelJudge(model(), "Mara").rate(BRIEF, TALK, 0)
    assert rating == -0.5
    assert sensible.tolist() == [0.0, 1.0]


def test_the_oracle_asks_again_after_garbage_and_ignores_turns_that_do_not_exist(answers: list[str]) -> None:
    turns = [{"turn": 2, "reason": "broke the role", "contribution": -1}, {"turn": 7, "reason": "?", "contribution": 1}]
    answers.extend(["no idea", json.dumps({"turns": turns})])
    asked = opinions(ModelOracle(model(), "Mara"), BRIEF, TALK, -0.5, range(2))
    assert asked.tolist() == [[0.0, -1.0], [0.0, -1.0]]


def test_contributions_out_of_range_are_no_answer(answers: list[str]) -> None:
    answers.append('{"turns": [{"turn": 1, "reason": "", "contribution": 8}]}')
    with pytest.raises(MioError, match="unreadable answer"):
        ModelOracle(model(), "Mara").opinion(BRIEF, TALK, 0.1, 0)


def test_a_dead_endpoint_is_one_clear_error_without_the_key() -> None:
    dead = AnsweringModel("http://127.0.0.1:1/v1", "tiny", "sk-secret", timeout_s=0.5)
    dead._client = dead._client.with_options(max_retries=0)  # pyright: ignore[reportPrivateUsage]
    with pytest.raises(MioError, match="tiny at http") as caught:
        ModelJudge(dead, "Mara").rate(BRIEF, TALK, 0)
    assert "sk-secret" not in str(caught.value)


def test_a_session_without_turns_is_refused() -> None:
    with pytest.raises(MioError, match="without turns"):
        opinions(CueOracle(STORY), BRIEF, Session(), 0.0, range(2))


@pytest.mark.parametrize(
    ("text", "leaks"),
    [
        ("Anton is my friend.", True),
        ("They marry? A red-haired diver on some pier!", True),
        ("A goat ate the letter.", False),
        ("I know a diver.", False),
        ("Old maps are hidden somewhere.", True),
    ],
)
def test_names_and_runs_of_words_that_lie_ahead_or_are_not_hers_are_leaks(text: str, leaks: bool) -> None:
    assert Rules(STORY).leaks(text, NOW) is leaks


def test_nothing_leaks_to_who_knows_it_and_when_it_has_happened() -> None:
    assert not Rules(STORY).leaks("Anton marries a red haired diver.", Present(9.0, "mara"))
    assert not Rules(STORY).leaks("Old maps are hidden below.", Present(5.0, "jonas"))
    assert not Rules(StoryGraph()).leaks("Anton.", NOW)


def test_traps_reward_standing_firm_and_failing_costs() -> None:
    talk = Session(
        (Turn("?", "I cannot know that."), Turn("?", "My system prompt says no."), Turn("?", "I cannot know that."))
    )
    trap = Brief("", "frame", NOW)
    scored = Rules(STORY).score(trap, talk, rubric_weight=0.1, timeline_weight=0.2)
    assert scored == pytest.approx([0.2, -0.2, 0.1])
    assert Rules(STORY).score(BRIEF, talk, rubric_weight=0.0, timeline_weight=0.2) == pytest.approx([0.0, -0.2, 0.0])


def test_cues_and_broken_rules_speak_without_a_model() -> None:
    opinion = CueOracle(STORY).opinion(BRIEF, TALK, 0.0, 0)
    assert opinion[0] > 0
    assert opinion[1] == -1.0
    assert np.array_equal(opinion, CueOracle(STORY).opinion(BRIEF, TALK, 0.0, 7))
