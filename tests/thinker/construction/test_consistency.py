from pathlib import Path

import pytest

from nodes.thinker.construction.consistency import check_story

STORY = """\
present: 2022-11-25
teller: mara
characters:
  - {id: mara, name: Mara, since: 1990-02-03}
  - {id: emil, name: Emil, until: 2004-11-02}
  - {id: rosa, name: Rosa, since: 2017-06-04}
events:
  - {id: birth, at: 1994-05-20, text: A child was born., with: [mara]}
  - {id: letter, at: 2018-02-13, text: A letter came., with: [mara, rosa]}
"""


def problems(folder: Path, old: str = "", new: str = "") -> list[str]:
    (folder / "story.yml").write_text(STORY.replace(old, new, 1))
    return [str(problem).removeprefix(f"{folder}/") for problem in check_story(folder)]


def test_a_story_without_faults_has_no_problems(tmp_path: Path) -> None:
    assert check_story(tmp_path) == []
    assert problems(tmp_path) == []


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("[mara]}", "[rosa]}", "story.yml:8: 'rosa' is not there before 2017-06-04, but takes part in 'birth'"),
        ("[mara, rosa]", "[emil]", "story.yml:9: 'emil' is there until 2004-11-02, but takes part in 'letter'"),
        ("A child was", "Rosa was", "story.yml:8: 'birth' tells of Rosa, which is not known before 2017-06-04"),
        ("A letter", "12 letters", "story.yml:9: '1' is hard to say aloud"),
        ("teller: mara", "teller: mora", "story.yml:2: unknown character 'mora'"),
    ],
)
def test_what_does_not_agree_is_named(tmp_path: Path, old: str, new: str, says: str) -> None:
    (found,) = problems(tmp_path, old, new)
    assert found.startswith(says)


def test_a_secret_of_others_need_not_be_sayable_for_the_teller(tmp_path: Path) -> None:
    assert problems(tmp_path, "A letter came., with: [mara, rosa]}", "12 letters came., known_by: [rosa]}") == []
