from pathlib import Path

from mio.paths import share
from nodes.thinker.construction.consistency import check_story
from nodes.thinker.construction.pack_story import happened, read_story

PACK = Path(share("characters", "mara"))


def test_her_story_has_no_faults_and_enough_to_spoil() -> None:
    assert check_story(PACK) == []
    story = read_story(PACK)
    assert story is not None
    events = [node for node in story.graph.nodes if node.type == "event"]
    ahead = [event for event in events if event.t_start > story.present.t_now]
    secrets = [event for event in events if event not in ahead and not story.present.permits(event)]
    assert len(events) >= 40
    assert len(ahead) >= 10
    assert secrets


def test_her_story_agrees_with_what_she_says_of_her_age_and_her_years_on_the_island() -> None:
    story = read_story(PACK)
    assert story is not None
    days = {node.id: happened(node) for node in story.graph.nodes}
    years = {name: (story.present.t_now - days[name]) / 365.25 for name in days}
    assert int(years["birth"]) == 32
    assert int(years["nora_born"]) == 28
    assert int(years["arrival"]) == 6
    assert {int(years[name]) for name in ("letter_eaten", "cat_arrives", "rosa_first")} == {5}
    assert int(years["half_comet"]) == 4
    assert int((days["eclipse"] - days["birth"]) / 365.25) == 9
    assert int((days["first_lamp"] - days["birth"]) / 365.25) == 5
