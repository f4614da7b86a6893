import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mio.contracts.messages import Clock, Interrupt, Reply, Transcript
from mio.runtime.testing import steps
from nodes.thinker.acquaintance import Acquaintance
from nodes.thinker.memory.people import People
from nodes.thinker.story import StoryEngine
from nodes.thinker.storyteller import Storyteller

Meet = Callable[..., StoryEngine]


@pytest.fixture
def people(tmp_path: Path) -> Iterator[People]:
    opened = People(tmp_path / "pip.sqlite")
    yield opened
    opened.close()


@pytest.fixture
def meet(storyteller: Storyteller, people: People) -> Meet:
    def meet(person: str = "anna") -> StoryEngine:
        engine = StoryEngine(storyteller, language="en", seed=0)
        engine.meet(Acquaintance(people, person, {"boat": "my boat"}))
        return engine

    return meet


def say(engine: StoryEngine, text: str, segment_id: int, *, session: str = "s", **fields: Any) -> str:
    asked = Transcript(text=text, segment_id=segment_id, session=session, origin_ns=5, **fields)
    outputs = steps(engine, "transcript", asked)
    return " ".join(message.text for _, message in outputs if isinstance(message, Reply) and message.text)


def listen(engine: StoryEngine, segment_id: int, chars: int, *, to_its_end: bool = True) -> None:
    steps(engine, "clock", Clock(stage_s=0.0, mono_ns=0, segment_id=segment_id, heard_char=chars))
    if to_its_end:
        steps(engine, "clock", Clock(stage_s=0.0, mono_ns=0))


def kept(people: People, person: str = "anna") -> list[str]:
    names = {somebody.name for somebody in people.everybody()}
    if person not in names:
        return []
    return [turn["user"] for talk in people.export(person)["conversations"] for turn in talk["turns"]]


def test_what_a_person_tells_is_known_in_the_same_and_in_the_next_conversation(meet: Meet):
    first = meet()
    listen(first, 1, len(say(first, "My name is Anna.", 1)))
    assert say(first, "What's my name?", 2) == "You are Anna."
    first.close()
    second = meet()
    assert say(second, "Hello.", 1, session="t").startswith("Anna! Good to hear you again.")
    assert say(second, "Do you remember me?", 2, session="t").startswith("You are Anna.")
    assert "haven't told me" in say(meet("tom"), "What's my name?", 1)


def test_a_turn_is_kept_when_the_next_one_begins(meet: Meet, people: People):
    engine = meet()
    listen(engine, 1, len(say(engine, "My name is Anna.", 1)))
    assert kept(people) == []
    say(engine, "Tell me about your boat.", 2)
    assert kept(people) == ["My name is Anna."]


def test_the_last_turn_is_kept_at_the_end_as_far_as_it_was_heard(meet: Meet, people: People):
    engine = meet()
    answer = say(engine, "Tell me about your boat.", 1)
    listen(engine, 1, answer.index(" ") + 3, to_its_end=False)
    engine.close()
    (talk,) = people.export("anna")["conversations"]
    assert [turn["answer"] for turn in talk["turns"]] == [answer[: answer.index(" ")]]


def test_preparing_an_answer_writes_nothing(meet: Meet, people: People):
    engine = meet()
    listen(engine, 1, len(say(engine, "My name is Anna.", 1)))
    say(engine, "What's my name", 2, final=False, soft=True)
    assert kept(people) == []
    assert say(engine, "What's my name", 2) == "You are Anna."


def test_a_turn_that_the_user_went_on_with_is_not_kept(meet: Meet, people: People):
    engine = meet()
    say(engine, "I live in", 1)
    steps(engine, "interrupt", Interrupt(action="commit", segment_id=1, session="s"))
    listen(engine, 2, len(say(engine, "I live in Lisbon.", 2)))
    say(engine, "Hello.", 3)
    assert kept(people) == ["I live in Lisbon."]
    assert [told.what for told in people.recall("anna").recollections] == ["Lisbon"]


def test_a_successor_goes_on_with_the_same_conversation(meet: Meet, people: People):
    engine = meet()
    listen(engine, 1, len(say(engine, "My name is Anna.", 1)))
    state = engine.export_state()
    engine.close()
    successor = meet()
    successor.import_state(state)
    assert say(successor, "What's my name?", 2) == "You are Anna."
    (talk,) = people.export("anna")["conversations"]
    assert [turn["user"] for turn in talk["turns"]] == ["My name is Anna."]


def test_a_rehearsal_keeps_nothing(meet: Meet, people: People):
    engine = meet()
    engine.rehearsal = True
    listen(engine, 1, len(say(engine, "My name is Anna.", 1)))
    assert say(engine, "What's my name?", 2) == "You are Anna."
    engine.close()
    assert kept(people) == [] and not people.path.exists()


def test_a_memory_that_cannot_be_used_is_logged_and_the_conversation_goes_on(
    meet: Meet, people: People, caplog: pytest.LogCaptureFixture
):
    people.path.write_bytes(b"no memory at all" * 100)
    engine = meet()
    with caplog.at_level(logging.ERROR):
        listen(engine, 1, len(say(engine, "My name is Anna.", 1)))
        assert say(engine, "What's my name?", 2) == "You are Anna."
    assert "not remembered" in caplog.text and "pip.sqlite" in caplog.text
    assert people.path.read_bytes() == b"no memory at all" * 100
