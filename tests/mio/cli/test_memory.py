import io
import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from mio.cli.main import main
from nodes.thinker.memory.people import People, Said
from nodes.thinker.memory.told import told_by_user

Memory = Callable[..., int]


@pytest.fixture
def memory(tmp_path: Path) -> Memory:
    for character in ("mara", "pip"):
        people = People(tmp_path / f"{character}.sqlite")
        for person in ("anna", "tom") if character == "mara" else ("tom",):
            text = f"My name is {person.title()}."
            people.keep(person, "first", [Said(1, text, "Hello.", told=told_by_user(text))])
        people.close()
    return lambda *words: main(["memory", "--folder", str(tmp_path), *words])


def test_everybody_is_listed(memory: Memory, capsys: pytest.CaptureFixture[str]):
    assert memory("list") == 0
    shown = capsys.readouterr().out
    assert shown.count("tom") == 2 and shown.count("anna") == 1 and "pip" in shown


def test_what_is_remembered_of_a_person_is_shown(memory: Memory, capsys: pytest.CaptureFixture[str]):
    assert memory("show", "anna") == 0
    shown = capsys.readouterr().out
    assert "name: Anna" in shown and "My name is Anna." in shown and "tom" not in shown


def test_all_of_it_is_exported_for_its_owner_only(memory: Memory, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "tom.json").write_text("an older one, for everybody to read")
    (tmp_path / "tom.json").chmod(0o644)
    assert memory("export", "tom", "-o", str(tmp_path / "tom.json")) == 0
    assert stat.S_IMODE((tmp_path / "tom.json").stat().st_mode) == 0o600
    exported = json.loads((tmp_path / "tom.json").read_text())
    assert set(exported) == {"mara", "pip"} and exported["pip"]["recollections"][0]["what"] == "Tom"
    capsys.readouterr()
    assert memory("export", "anna") == 0
    assert json.loads(capsys.readouterr().out)["mara"]["person"] == "anna"


def test_a_person_is_deleted_by_one_character_or_by_all(memory: Memory, capsys: pytest.CaptureFixture[str]):
    assert memory("--character", "pip", "delete", "tom", "--yes") == 0
    assert memory("delete", "tom", "--yes") == 0
    assert memory("show", "tom") == 1
    assert "nobody remembers 'tom'" in capsys.readouterr().err
    assert memory("show", "anna") == 0


def test_deleting_is_asked_for_first(memory: Memory, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("builtins.input", lambda prompt: "no" if "cannot be undone" in prompt else "y")
    assert memory("delete", "anna") == 1
    assert memory("show", "anna") == 0


def test_where_nobody_can_be_asked_nothing_is_deleted(
    memory: Memory, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert memory("delete", "anna") == 1
    assert "nothing was deleted -> add --yes" in capsys.readouterr().err
    assert memory("show", "anna") == 0


def test_an_unknown_character_is_one_clear_line(memory: Memory, capsys: pytest.CaptureFixture[str]):
    assert memory("--character", "nobody", "list") == 1
    assert "no memory of 'nobody'" in capsys.readouterr().err
