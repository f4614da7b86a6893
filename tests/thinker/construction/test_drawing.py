import xml.etree.ElementTree as ElementTree
from pathlib import Path

from mio.paths import share
from nodes.thinker.construction.drawing import graph_svg, page_html, timeline_of, timeline_svg
from nodes.thinker.construction.pack_story import Story, permitted, read_story
from nodes.thinker.construction.story_time import Calendar
from nodes.thinker.memory.graph import Node, Present, StoryGraph

SVG = "{http://www.w3.org/2000/svg}"


def mara() -> Story:
    story = read_story(Path(share("characters", "mara")))
    assert story is not None
    return story


def test_the_timeline_has_a_row_for_each_event_and_fades_what_lies_ahead() -> None:
    story = mara()
    rows = [group for group in ElementTree.fromstring(timeline_svg(story)).iter(f"{SVG}g") if "data-t" in group.attrib]
    ahead = [row for row in rows if float(row.attrib["data-t"]) > story.present.t_now]
    assert len(rows) == len([node for node in story.graph.nodes if node.type == "event"])
    assert ahead
    assert {row.attrib["opacity"] for row in ahead} == {"0.4"}


def test_the_graph_shows_who_knows_whom() -> None:
    drawing = ElementTree.fromstring(graph_svg(mara()))
    names = {text.text for text in drawing.iter(f"{SVG}text")}
    assert {"Mara Lind", "Ida Lind", "the Admiral", "Kettle Bay"} <= names


def test_the_page_holds_both_drawings_and_starts_at_the_present() -> None:
    story = mara()
    page = page_html(story, "Mara & <co>")
    assert "Mara &amp; &lt;co&gt;" in page
    assert page.count("<svg") == 2
    labels = page.split("labels = [")[1].split("]")[0].split(",")
    position = int(page.split('value="')[1].split('"')[0])
    assert labels[position] == "'2022-11-25'"


def test_an_empty_story_can_be_drawn() -> None:
    story = Story(StoryGraph(), Present(1.0), Calendar.CHAPTERS)
    alone = story._replace(graph=StoryGraph((Node("a", "character", "A", "", 0.0),)))
    for empty in (story, alone):
        ElementTree.fromstring(timeline_svg(empty))
        ElementTree.fromstring(graph_svg(empty))
        assert timeline_of(empty).events == []


def test_the_permitted_part_says_nothing_of_what_lies_ahead_not_even_when_something_ends() -> None:
    story = mara()
    part = permitted(story.graph, story.present)
    items = [*part.nodes, *part.edges, *part.passages]
    assert all(story.present.permits(item) for item in items)
    assert all(item.t_end is None or item.t_end <= story.present.t_now for item in (*part.nodes, *part.edges))
    assert "wedding" not in {node.id for node in part.nodes}
    assert "jonas_invents" not in {node.id for node in part.nodes}
