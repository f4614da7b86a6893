import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nodes.thinker.memory.gate import GateError, assert_permitted, open_gated, set_present
from nodes.thinker.memory.graph import Edge, Node, Passage, Present, StoryGraph
from nodes.thinker.memory.retrieval import Recall


def event(text: str, t_start: float, *known_by: str, node_id: str = "") -> Node:
    return Node(node_id or text, "event", "it", text, t_start, known_by=known_by)


WORDS = st.sampled_from(["boat", "storm", "lamp", "oil", "cat", "island", "letter", "ship"])
TEXTS = st.lists(WORDS, min_size=1, max_size=5).map(" ".join)
TIMES = st.integers(0, 6).map(float)
PEOPLE = ("mara", "tom", "ida")
KNOWERS = st.lists(st.sampled_from(PEOPLE), max_size=2, unique=True).map(tuple)
PRESENTS = st.builds(Present, TIMES, st.sampled_from(["", *PEOPLE]))


@st.composite
def graphs(draw: st.DrawFn) -> StoryGraph:
    count = draw(st.integers(1, 8))
    nodes = tuple(
        Node(
            f"n{number}",
            "event",
            draw(WORDS),
            draw(TEXTS),
            draw(TIMES),
            t_end=draw(st.none() | st.just(9.0)),
            known_by=draw(KNOWERS),
        )
        for number in range(count)
    )
    ends = st.sampled_from(nodes).map(lambda node: node.id)
    edges = st.lists(st.builds(Edge, ends, ends, st.just("causes"), TIMES, TEXTS, known_by=KNOWERS), max_size=6)
    passages = tuple(
        Passage(
            f"p{number}", draw(TEXTS), draw(TIMES), draw(KNOWERS), nodes=draw(st.lists(ends, max_size=3).map(tuple))
        )
        for number in range(draw(st.integers(0, 3)))
    )
    return StoryGraph(nodes, tuple(draw(edges)), passages)


def found_in(write: Any, graph: StoryGraph, question: str, present: Present) -> Recall:
    with tempfile.TemporaryDirectory() as folder:
        book = write(graph, Path(folder) / "memory.sqlite")
        recall = book.retrieval.search(question, present)
        book.close()
    return recall


def without_the_beyond(graph: StoryGraph, present: Present) -> StoryGraph:
    """What is left of a story if what is beyond its present had never been written."""
    nodes = tuple(node for node in graph.nodes if present.permits(node))
    ids = {node.id for node in nodes}
    edges = tuple(e for e in graph.edges if present.permits(e) and e.src in ids and e.dst in ids)
    passages = tuple(
        Passage(p.id, p.text, p.t_start, p.known_by, p.source, tuple(node for node in p.nodes if node in ids))
        for p in graph.passages
        if present.permits(p)
    )
    return StoryGraph(nodes, edges, passages)


@given(graphs(), TEXTS, PRESENTS)
@settings(max_examples=20, deadline=None)
def test_what_is_found_is_the_same_whether_or_not_the_file_has_a_future(
    write: Any, graph: StoryGraph, question: str, present: Present
):
    assert found_in(write, graph, question, present) == found_in(
        write, without_the_beyond(graph, present), question, present
    )


@given(graphs(), TEXTS, st.lists(PRESENTS, min_size=2, max_size=4))
@settings(max_examples=20, deadline=None)
def test_nothing_from_beyond_is_found_however_the_present_moves(
    write: Any, graph: StoryGraph, question: str, presents: list[Present]
):
    with tempfile.TemporaryDirectory() as folder:
        book = write(graph, Path(folder) / "memory.sqlite")
        for present in presents:
            recall = book.retrieval.search(question, present)
            hits = [hit.item for hit in (*recall.nodes, *recall.passages)]
            assert all(map(present.permits, [*hits, *recall.edges, *recall.neighbours]))
            permitted = {node.id for node in graph.nodes if present.permits(node)}
            assert {node for item in hits if isinstance(item, Passage) for node in item.nodes} <= permitted
            assert len(hits) >= min(len(permitted), 1), "the past must be found"
        book.close()


@pytest.fixture
def connection(write: Any) -> Iterator[sqlite3.Connection]:
    path = write(StoryGraph((event("the storm", 5.0), event("the lamp", 1.0)))).path
    connection = open_gated(path)
    set_present(connection, Present(2.0))
    yield connection
    connection.close()


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT value FROM content",
        "SELECT t_start FROM main.item",
        "SELECT * FROM (SELECT value FROM content) AS seen",
        "SELECT value FROM vector",
        "SELECT value FROM signs",
        "SELECT * FROM edge",
        "SELECT * FROM link",
        "SELECT term FROM word",
        "SELECT rowid FROM words WHERE words MATCH 'storm'",
        "CREATE TEMP VIEW mine AS SELECT * FROM item",
        "DROP VIEW seen",
        "DELETE FROM item",
        "ATTACH ':memory:' AS other",
        "PRAGMA writable_schema = 1",
    ],
)
def test_no_statement_goes_past_the_gate(connection: sqlite3.Connection, statement: str):
    with pytest.raises(sqlite3.DatabaseError, match="prohibited|not authorized"):
        connection.execute(statement)


def test_what_is_later_or_not_known_to_the_speaker_is_not_seen(write: Any):
    path = write(StoryGraph((event("a", 5.0), event("b", 1.0), event("c", 1.0, "ida"), event("d", 1.0, "mara")))).path
    connection = open_gated(path)
    set_present(connection, Present(2.0, "mara"))
    assert {found for (found,) in connection.execute("SELECT id FROM seen_content")} == {"b", "d"}
    connection.close()


def test_a_connection_without_a_present_sees_nothing(write: Any):
    connection = open_gated(write(StoryGraph((event("the lamp", 1.0),))).path)
    assert connection.execute("SELECT id FROM seen_content").fetchall() == []
    connection.close()


def test_what_is_told_is_checked_once_more():
    present = Present(2.0, "mara")
    assert_permitted([event("the lamp", 2.0, "mara"), Passage("p", "text", 0.0), Edge("a", "b", "at", 1.0)], present)
    for wrong in (event("the storm", 2.5), Passage("p", "text", 1.0, ("ida",)), Edge("a", "b", "at", 3.0)):
        with pytest.raises(GateError, match="beyond"):
            assert_permitted([wrong], present)


def test_an_end_that_is_yet_to_come_is_not_told(write: Any):
    opened = write(StoryGraph((Node("state", "relation_state", "friends", "They are friends.", 1.0, t_end=5.0),)))
    for t_now, t_end in ((2.0, None), (5.0, 5.0)):
        (hit,) = opened.retrieval.search("friends", Present(t_now)).nodes
        assert isinstance(hit.item, Node) and hit.item.t_end == t_end
