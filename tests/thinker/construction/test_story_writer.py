from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nodes.thinker.construction.extraction import extract_graph
from nodes.thinker.construction.manuscript import Chapter
from nodes.thinker.construction.pack_story import read_story
from nodes.thinker.construction.story_writer import write_story
from nodes.thinker.memory.graph import Edge, Node, Passage, Source, StoryGraph

Folders = pytest.TempPathFactory
TEXT = st.sampled_from(
    [
        'Once there was a fox in a dark forest: "Who is there?" asked the fox.',
        "The king gave the ring to Nemo -- # no comment; 'quoted', yes?",
        "So the fox laughed.\n\nThe prince saw the castle.",
        "- 12: true\n\n# nothing",
    ]
)


def written(folder: Path, graph: StoryGraph) -> StoryGraph:
    write_story(folder, graph, {1: "a\ntitle"}, 9, "a story")
    story = read_story(folder)
    assert story is not None
    assert story.present == (9.0, "")
    return story.graph


def rounded(graph: StoryGraph) -> list[list[Node] | list[Edge] | list[Passage]]:
    nodes = [msgspec.structs.replace(node, salience=round(node.salience, 3)) for node in graph.nodes]
    return [
        sorted(nodes, key=lambda node: node.id),
        sorted(graph.edges, key=lambda edge: (edge.src, edge.dst, edge.rel, edge.t_start)),
        sorted(graph.passages, key=lambda passage: passage.id),
    ]


@settings(deadline=None, max_examples=25)
@given(st.lists(TEXT, min_size=1, max_size=4))
def test_a_text_is_the_same_after_writing_and_reading(tmp_path_factory: Folders, texts: list[str]) -> None:
    folder = tmp_path_factory.mktemp("pack")
    graph = extract_graph([Chapter(number, "", text) for number, text in enumerate(texts, 1)])
    again = written(folder, graph)
    plain = [msgspec.structs.replace(edge, source=Source()) for edge in graph.edges if edge.text or edge.t_end]
    kept = [msgspec.structs.replace(edge, source=Source()) for edge in again.edges if edge.text or edge.t_end]
    assert rounded(graph)[0] == rounded(again)[0]
    assert rounded(graph)[2] == rounded(again)[2]
    assert sorted(plain, key=repr) == sorted(kept, key=repr)
    assert len(graph.edges) == len(again.edges)


def test_everything_that_a_graph_can_say_is_kept(tmp_path: Path) -> None:
    graph = StoryGraph(
        nodes=(
            Node("a", "character", "A", "He.", 0.0, 3.5, aliases=("Al",), salience=0.9),
            Node("b", "character", "B", "", 0.5, known_by=("a",)),
            Node("place", "place", "There", "It is there.", 1.0),
            Node("e", "event", "It happens", "It happens.", 2.5, 3.0, ("a",), t_fabula=1.5, source=Source(3, 1, 4)),
            Node("f", "event", "Then", "And then.", 2.75),
            Node("state", "relation_state", "friends", "They are friends.", 1.0, 2.0, ("a", "b")),
            Node("trait", "trait", "bold", "He is bold.", 0.0),
        ),
        edges=(
            Edge("a", "e", "takes_part", 2.5, known_by=("a",)),
            Edge("a", "f", "takes_part", 2.75),
            Edge("e", "f", "causes", 2.75, known_by=("a",)),
            Edge("f", "place", "at", 2.75),
            Edge("a", "b", "knows", 1.0, "They know each other.", 3.0, ("a",), salience=0.25),
            Edge("a", "state", "about", 1.0, known_by=("a", "b")),
            Edge("a", "trait", "about", 0.0),
        ),
        passages=(Passage("p", "It happens. And then.", 2.75, ("a",), Source(3, 1, 20), ("e", "f")),),
    )
    assert rounded(written(tmp_path, graph)) == rounded(graph)


def test_chapters_of_an_earlier_build_do_not_stay(tmp_path: Path) -> None:
    long = [Chapter(number, "", "A fox came.") for number in (1, 2, 3)]
    written(tmp_path, extract_graph(long))
    assert len(written(tmp_path, extract_graph(long[:1])).passages) == 1
