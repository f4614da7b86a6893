import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from nodes.thinker.memory.graph import Node, Present, StoryGraph
from nodes.thinker.memory.people import People, Said
from nodes.thinker.memory.retrieval import Retrieval
from nodes.thinker.memory.schema import MemoryFileError
from nodes.thinker.memory.store import Store
from nodes.thinker.memory.testing import WordEncoder
from nodes.thinker.memory.told import told_by_user


def said(segment_id: int, user: str, answer: str = "I see.", topic: str = "") -> Said:
    return Said(segment_id, user, answer, topic, told_by_user(user))


@pytest.fixture
def people(tmp_path: Path) -> Iterator[People]:
    times = iter(range(1_000, 2_000))
    opened = People(tmp_path / "memories" / "mara.sqlite", lambda: float(next(times)))
    yield opened
    opened.close()


def test_what_was_told_comes_to_mind_in_the_next_conversation(people: People):
    people.keep("anna", "first", [said(1, "My name is Anna."), said(2, "I love the sea", topic="the sea")])
    remembered = people.recall("anna")
    assert remembered.name == "Anna" and remembered.before == 1 and remembered.last_topics == ["the sea"]
    assert [told.what for told in remembered.of_kind("likes")] == ["the sea"]


def test_people_do_not_know_of_each_other(people: People):
    people.keep("anna", "first", [said(1, "My name is Anna.", topic="the sea")])
    people.keep("tom", "first", [said(1, "I like tea.")])
    assert people.recall("tom").name == "" and people.recall("tom").last_topics == []
    assert people.recall("nobody").recollections == []
    assert [(somebody.name, somebody.turns) for somebody in people.everybody()] == [("tom", 1), ("anna", 1)]


def test_what_changes_is_closed_and_not_overwritten(people: People):
    people.keep("anna", "first", [said(1, "I live in Lisbon")])
    people.keep("anna", "second", [said(1, "I live in Porto")])
    assert [told.what for told in people.recall("anna").recollections] == ["Porto"]
    lisbon, porto = people.export("anna")["recollections"]
    assert (lisbon["what"], lisbon["until_s"]) == ("Lisbon", porto["since_s"]) and porto["until_s"] is None


def test_a_turn_that_is_kept_twice_is_there_once_with_what_was_heard_last(people: People):
    people.keep("anna", "first", [said(1, "I like tea.", "I")])
    people.keep("anna", "first", [said(1, "I like tea.", "I see."), said(2, "Bye.")])
    (conversation,) = people.export("anna")["conversations"]
    assert [(turn["user"], turn["answer"]) for turn in conversation["turns"]] == [
        ("I like tea.", "I see."),
        ("Bye.", "I see."),
    ]
    assert len(people.export("anna")["recollections"]) == 1


def test_nothing_of_a_deleted_person_stays_in_the_files(people: People):
    people.keep("anna", "first", [said(1, "My name is Persephone.")])
    people.keep("tom", "first", [said(1, "I like tea.")])
    assert people.delete("anna") == 1
    content = b"".join(path.read_bytes() for path in people.path.parent.iterdir())
    assert b"Persephone" not in content and b"tea" in content
    with pytest.raises(MemoryFileError, match="known: tom"):
        people.export("anna")


def test_one_conversation_can_be_deleted(people: People):
    people.keep("anna", "first", [said(1, "I like tea.")])
    people.keep("anna", "second", [said(1, "I like milk.")])
    first, second = (conversation["number"] for conversation in people.export("anna")["conversations"])
    assert people.delete("anna", first) == 1
    assert [told.what for told in people.recall("anna").recollections] == ["milk"]
    with pytest.raises(MemoryFileError, match=f"known: {second}"):
        people.delete("anna", first)


def test_no_file_is_made_before_something_is_kept_and_then_for_the_owner_only(people: People):
    people.recall("anna")
    assert people.everybody() == [] and not people.path.exists()
    people.keep("anna", "first", [said(1, "Hello.")])
    assert stat.S_IMODE(people.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(people.path.parent.stat().st_mode) == 0o700


def test_words_are_values_and_never_queries(people: People):
    name = "x'; DROP TABLE turn; --"
    people.keep(name, name, [said(1, f"My name is {name}", name, name)])
    assert people.recall(name).before == 1 and people.delete(name) == 1


def test_people_and_story_share_a_file(people: People):
    people.keep("anna", "first", [said(1, "Hello.")])
    encoder = WordEncoder()
    store = Store(people.path, encoder)
    store.load(StoryGraph((Node("n", "event", "storm", "the storm", 1.0),)))
    retrieval = Retrieval(people.path, encoder)
    assert len(retrieval.search("storm", Present(1.0)).nodes) == 1
    people.keep("anna", "first", [said(2, "Bye.")])
    assert store.load(StoryGraph()) and people.recall("anna").before == 1
    retrieval.close()
    store.close()


def test_a_file_of_another_version_is_left_alone(people: People):
    people.path.parent.mkdir()
    connection = sqlite3.connect(people.path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(MemoryFileError, match="version 99"):
        people.recall("anna")
