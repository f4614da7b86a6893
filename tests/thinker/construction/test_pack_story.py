from pathlib import Path

import pytest

from mio.errors import ConfigError
from nodes.thinker.construction.pack_story import examine_story, read_story
from nodes.thinker.construction.story_time import Calendar

STORY = """\
present: 2022-11-25
teller: mara
characters:
  - {id: mara, name: Mara Lind, since: 1990-02-03}
  - {id: ida, name: Ida, aliases: [grandmother], known_by: [mara]}
  - {id: tom, name: Tom}
places:
  - {id: halfway, name: Halfway}
events:
  - id: eclipse
    at: 1999-08-11
    text: The sun went dark.
    with: [mara, ida]
    where: halfway
    causes: [comet]
  - id: comet
    at: 2018-10
    told: 2019
    text: I found half a comet.
    known_by: [mara]
states:
  - {id: friends, text: They are friends., about: [mara, ida], until: 2020-01-01}
relations:
  - {from: mara, rel: granddaughter of, to: ida}
passages:
  - {id: page, at: 2020-01-01, text: The sun went dark at noon., nodes: [eclipse]}
"""


def pack(folder: Path, text: str, **more: str) -> Path:
    (folder / "story.yml").write_text(text)
    (folder / "story").mkdir(exist_ok=True)
    for name, other in more.items():
        (folder / "story" / f"{name}.yml").write_text(other)
    return folder


def day(text: str) -> float:
    return Calendar.DATES.story_time(text)


def test_a_pack_without_story_has_none(tmp_path: Path) -> None:
    assert read_story(tmp_path) is None


def test_a_story_is_read_with_its_present_and_its_times(tmp_path: Path) -> None:
    story = read_story(pack(tmp_path, STORY))
    assert story is not None
    nodes = {node.id: node for node in story.graph.nodes}
    assert story.present == (day("2022-11-25"), "mara")
    assert (nodes["mara"].type, nodes["halfway"].type, nodes["friends"].type) == (
        "character",
        "place",
        "relation_state",
    )
    assert nodes["eclipse"].t_start == day("1999-08-11")
    assert nodes["ida"].aliases == ("grandmother",)
    assert nodes["friends"].t_end == day("2020-01-01")
    assert story.graph.passages[0].nodes == ("eclipse",)


def test_what_is_told_later_than_it_happens_keeps_both_times(tmp_path: Path) -> None:
    story = read_story(pack(tmp_path, STORY))
    assert story is not None
    comet = next(node for node in story.graph.nodes if node.id == "comet")
    assert (comet.t_fabula, comet.t_start) == (day("2018-10-31"), day("2019-12-31"))


def test_an_edge_is_known_no_earlier_and_to_nobody_else_than_its_ends(tmp_path: Path) -> None:
    story = read_story(pack(tmp_path, STORY))
    assert story is not None
    nodes = {node.id: node for node in story.graph.nodes}
    edges = {(edge.src, edge.rel, edge.dst): edge for edge in story.graph.edges}
    assert edges["eclipse", "causes", "comet"].t_start == day("2019-12-31")
    assert edges["eclipse", "causes", "comet"].known_by == ("mara",)
    assert edges["ida", "takes_part", "eclipse"].known_by == ("mara",)
    assert edges["mara", "granddaughter of", "ida"].t_start == day("1990-02-03")
    for edge in story.graph.edges:
        assert edge.t_start >= max(nodes[edge.src].t_start, nodes[edge.dst].t_start)


def test_all_files_are_read_as_one_story(tmp_path: Path) -> None:
    more = "events:\n  - {id: rescue, at: 2020-01-11, text: Four men came., with: [mara]}\n"
    story = read_story(pack(tmp_path, STORY, late=more))
    assert story is not None
    assert any(edge.dst == "rescue" for edge in story.graph.edges)


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("causes: [comet]", "causes: [commet]", 15, "unknown event 'commet' -> did you mean 'comet'?"),
        ("where: halfway", "where: ida", 14, "'ida' is no place but a character"),
        ("with: [mara, ida]", "with: [mara, idda]", 13, "unknown name 'idda' -> did you mean 'ida'?"),
        ("teller: mara", "teller: mora", 2, "unknown character 'mora'"),
        ("known_by: [mara]\nstates", "known_by: [halfway]\nstates", 20, "unknown character 'halfway'"),
        ("at: 2018-10\n", "at: 2018-13\n", 17, "'2018-13' is no time -> expected a date"),
        ("at: 2018-10\n", "at: {}\n", 17, "'{}' is no time"),
        ("at: 2018-10\n", "at:\n", 17, "'None' is no time"),
        ("at: 2018-10\n", "at: true\n", 17, "'True' is no time"),
        ("told: 2019", "told: 2017", 18, "told before it happens"),
        ("at: 2018-10\n    told: 2019", "at: 1998-10", 15, "causes 'comet' (1998-10-31), which happens earlier"),
        ("until: 2020-01-01", "since: 2021-01-01, until: 2020-01-01", 22, "ends before it begins"),
        ("id: halfway", "id: ida", 8, "'ida' is there twice"),
        ("known_by: [mara]}\n  - {id: tom", "nam: x}\n  - {id: tom", 5, "unknown key 'nam'"),
        ("name: Mara Lind", "salience: 7, name: Mara Lind", 4, "<= 1.0"),
        ("at: 2020-01-01, text", "at: 1990-01-01, text", 26, "the passage tells 'eclipse'"),
        ("present: 2022-11-25", "time: dates", 1, "the story has no present"),
        ("rel: granddaughter of", "rel: x, known_by: [tom]", 24, "nobody knows both 'mara' and 'ida'"),
    ],
)
def test_a_fault_is_named_with_its_line(tmp_path: Path, old: str, new: str, line: int, says: str) -> None:
    assert old in STORY
    with pytest.raises(ConfigError) as caught:
        read_story(pack(tmp_path, STORY.replace(old, new)))
    assert f"{tmp_path / 'story.yml'}:{line}:" in str(caught.value)
    assert says in str(caught.value).replace(f" (and 1 more: mio story check {tmp_path})", "")


def test_faults_of_other_files_are_named_there(tmp_path: Path) -> None:
    more = "time: chapters\npresent: 3\nevents:\n  - {id: rescue, at: 2020-01-11, text: x, with: [nobody]}\n"
    _, problems = examine_story(pack(tmp_path, STORY, late=more))
    assert [(problem.path.name, problem.line) for problem in problems] == [("late.yml", line) for line in (1, 2, 4)]


def test_broken_yaml_is_named_with_line_and_column(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"story.yml:5:\d+"):
        read_story(pack(tmp_path, STORY.replace("aliases: [grandmother]", "aliases: [grandmother")))
