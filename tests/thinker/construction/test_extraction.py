from hypothesis import given, settings
from hypothesis import strategies as st

from nodes.thinker.construction.extraction import extract_graph
from nodes.thinker.construction.manuscript import Chapter
from nodes.thinker.memory.graph import StoryGraph

TALE = [
    Chapter(
        1,
        "",
        "Once there was a fox who lived in a dark forest. One day the fox met Captain Nemo at the river. "
        '"Where is my ring?" asked Captain Nemo. He looked into the water. So the fox laughed.',
    ),
    Chapter(
        2,
        "",
        "The fox hid the ring in the castle. The king found the ring. The king gave the ring to Nemo, for it was his. "
        "And I saw that Nemo was glad.",
    ),
]
SENTENCE = st.sampled_from(
    [sentence + "." for chapter in TALE for sentence in chapter.text.split(". ")] + ["He went home.", "So she cried."]
)


def graph() -> StoryGraph:
    return extract_graph(TALE)


def ids(type_: str) -> set[str]:
    return {node.id for node in graph().nodes if node.type == type_}


def test_people_places_and_objects_are_found() -> None:
    assert ids("character") == {"fox", "captain_nemo", "king", "nemo"}
    assert ids("place") == {"forest", "river", "castle"}
    assert ids("object") == {"ring"}


def test_times_count_what_has_been_read() -> None:
    nodes = {node.id: node for node in graph().nodes}
    assert [nodes[f"s1_{number}"].t_start for number in (1, 5)] == [0.2, 1.0]
    assert nodes["s2_4"].t_start == 2.0
    assert nodes["king"].t_start == 1.5


def test_sources_point_at_the_words() -> None:
    for node in graph().nodes:
        text = TALE[node.source.chapter - 1].text
        assert text[node.source.begin : node.source.end] == node.text


def test_edges_say_who_takes_part_where_and_what_comes_of_it() -> None:
    edges = {(edge.src, edge.rel, edge.dst) for edge in graph().edges}
    assert {("fox", "takes_part", "s1_1"), ("s1_1", "at", "forest"), ("s1_4", "causes", "s1_5")} <= edges
    assert ("captain_nemo", "takes_part", "s1_4") in edges, "he is the captain"
    assert ("captain_nemo", "knows", "fox") in edges
    assert ("captain_nemo", "also_called", "nemo") in edges


def test_who_goes_elsewhere_is_no_longer_where_it_was() -> None:
    whereabouts = [edge for edge in graph().edges if edge.src == "fox" and edge.rel == "at"]
    assert [(edge.dst, edge.t_start, edge.t_end) for edge in whereabouts] == [
        ("forest", 0.2, 0.4),
        ("river", 0.4, 1.25),
        ("castle", 1.25, None),
    ]


@settings(deadline=None, max_examples=40)
@given(st.lists(st.lists(SENTENCE, min_size=1, max_size=8), min_size=1, max_size=5))
def test_nothing_tells_what_comes_later_than_its_own_time(sentences: list[list[str]]) -> None:
    chapters = [Chapter(number, "", " ".join(part)) for number, part in enumerate(sentences, 1)]
    built = extract_graph(chapters)
    nodes = {node.id: node for node in built.nodes}
    assert len(nodes) == len(built.nodes)
    for edge in built.edges:
        assert edge.t_start >= max(nodes[edge.src].t_start, nodes[edge.dst].t_start)
    for passage in built.passages:
        assert all(nodes[name].t_start <= passage.t_start for name in passage.nodes)
    for number in range(1, len(chapters)):
        early = extract_graph(chapters[:number])
        texts = {node.text for node in built.nodes if node.t_start <= number}
        assert texts <= {node.text for node in early.nodes}
