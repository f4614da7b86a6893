import sqlite3
import stat
from pathlib import Path
from typing import Any

import pytest

from nodes.thinker.memory.graph import Edge, Node, Passage, Present, StoryGraph
from nodes.thinker.memory.retrieval import Retrieval
from nodes.thinker.memory.schema import MemoryFileError
from nodes.thinker.memory.store import Store
from nodes.thinker.memory.testing import WordEncoder


def event(text: str, t_start: float, *known_by: str, node_id: str = "") -> Node:
    return Node(node_id or text, "event", "it", text, t_start, known_by=known_by)


STORM = event("the storm sinks the boat", 5.0, node_id="storm")
LAMP = event("the lamp is lit", 1.0, node_id="lamp")


def names(opened: Any, question: str, t_now: float = 9.0) -> list[str]:
    return [hit.item.id for hit in opened.retrieval.search(question, Present(t_now)).nodes]


def test_only_the_owner_can_read_the_file_and_what_lies_beside_it(write: Any):
    opened = write(StoryGraph((STORM,)))
    for path in opened.path.parent.glob("memory.sqlite*"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(list(opened.path.parent.glob("memory.sqlite*"))) == 3


def test_a_story_is_written_once_and_texts_that_stay_are_not_embedded_again(write: Any):
    opened = write(StoryGraph((STORM, LAMP)))
    assert opened.encoder.embedded == 2
    assert not opened.store.load(StoryGraph((STORM, LAMP)))
    assert opened.store.load(StoryGraph((STORM, event("a cat comes", 2.0))))
    assert opened.encoder.embedded == 3
    assert sorted(names(opened, "boat")) == ["a cat comes", "storm"]


def test_readers_see_what_is_added_and_what_ends(write: Any):
    opened = write(StoryGraph((LAMP,)))
    assert names(opened, "storm") == ["lamp"]
    opened.store.add(StoryGraph((STORM,), (Edge("storm", "lamp", "causes", 5.0),)))
    assert names(opened, "storm") == ["storm", "lamp"]
    opened.store.end_state("lamp", 6.0)
    (hit,) = [hit for hit in opened.retrieval.search("lamp", Present(9.0)).nodes if hit.item.id == "lamp"]
    assert isinstance(hit.item, Node) and hit.item.t_end == 6.0


def test_a_state_ends_once_and_not_before_it_began(write: Any):
    opened = write(StoryGraph((LAMP,)))
    with pytest.raises(MemoryFileError, match="cannot end at 0.5"):
        opened.store.end_state("lamp", 0.5)
    opened.store.end_state("lamp", 2.0)
    with pytest.raises(MemoryFileError, match="1.0 to 2.0"):
        opened.store.end_state("lamp", 3.0)
    with pytest.raises(MemoryFileError, match="no node 'boat'"):
        opened.store.end_state("boat", 3.0)


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        (StoryGraph((STORM, STORM)), "'storm' is there twice"),
        (StoryGraph((STORM,), (Edge("storm", "boat", "causes", 1.0),)), "no node 'boat'"),
        (StoryGraph((STORM,), passages=(Passage("p", "text", 1.0, nodes=("boat",)),)), "no node 'boat'"),
    ],
)
def test_a_graph_that_does_not_hold_together_leaves_the_old_story(write: Any, wrong: StoryGraph, problem: str):
    opened = write(StoryGraph((LAMP,)))
    with pytest.raises(MemoryFileError, match=problem):
        opened.store.load(wrong)
    assert names(opened, "lamp") == ["lamp"]


@pytest.mark.parametrize("content", [b"no database at all" * 100, b"SQLite format 3\0" + b"\7" * 5000])
def test_a_damaged_file_is_one_clear_error(tmp_path: Path, content: bytes):
    path = tmp_path / "memory.sqlite"
    path.write_bytes(content)
    with pytest.raises(MemoryFileError, match=r"memory\.sqlite"):
        Store(path, WordEncoder())
    with pytest.raises(MemoryFileError, match=r"memory\.sqlite"):
        Retrieval(path, WordEncoder())
    assert path.read_bytes() == content


def test_a_missing_file_is_one_clear_error(tmp_path: Path):
    with pytest.raises(MemoryFileError, match=r"memory\.sqlite"):
        Retrieval(tmp_path / "memory.sqlite", WordEncoder())


def test_readers_go_on_when_somebody_else_changes_the_tables(write: Any):
    opened = write(StoryGraph((LAMP,)))
    assert names(opened, "lamp") == ["lamp"]
    connection = sqlite3.connect(opened.path)
    connection.execute("CREATE TABLE other (row INTEGER)")
    connection.close()
    assert names(opened, "lamp lit") == ["lamp"]
