from pathlib import Path
from typing import Any

import pytest

from mio.cli import character
from mio.cli.main import main
from mio.errors import MioError
from mio.flow.live import LiveFlow
from mio.paths import share

MARA = share("characters", "mara")


class Running(LiveFlow):
    """A dataflow that swaps every node but one, and notes what it was asked."""

    def __init__(self, *nodes: str, refuses: str = "") -> None:
        super().__init__("1", {node: Path(node) for node in nodes})
        self.refuses = refuses
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def ask(self, node: str, content: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        self.asked.append((node, content))
        if node == self.refuses:
            raise MioError(f"{node} was not swapped", "the old engine goes on")
        return {"ok": True, "handover_ms": 12}


def use(pack: Path, flow: LiveFlow, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(character, "find_flow", lambda _: flow)
    return main(["character", "use", str(pack)])


def test_a_new_pack_works_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pack = tmp_path / "ada_berg"
    assert main(["character", "new", str(pack)]) == 0
    assert main(["character", "check", str(pack)]) == 0
    assert main(["story", "check", str(pack)]) == 0
    assert main(["story", "show", str(pack)]) == 0
    assert "Ada Berg" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "says"),
    [(["."], "is there already"), (["new", "--name", "a: b"], "is no name"), (["new", "--name", "7"], "is no name")],
)
def test_a_pack_is_not_written_over_anything_nor_with_any_name(
    words: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.txt").write_text("mine")
    assert main(["character", "new", *words]) == 1
    assert says in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_every_node_that_reads_the_pack_is_swapped_the_thinker_first(monkeypatch: pytest.MonkeyPatch) -> None:
    flow = Running("body", "listener", "speaker", "talker", "thinker")
    assert use(MARA, flow, monkeypatch) == 0
    assert [node for node, _ in flow.asked] == ["thinker", "listener", "talker"]
    assert all(content["env"] == {f"MIO_{node.upper()}__CHARACTER": str(MARA)} for node, content in flow.asked)


def test_a_refusal_says_who_has_changed_already(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert use(MARA, Running("talker", "thinker", refuses="talker"), monkeypatch) == 1
    assert "talker was not swapped (thinker already is mara) -> the old engine goes on" in capsys.readouterr().err


def test_a_faulty_pack_or_a_flow_without_readers_is_refused_before_anything_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    flow = Running("thinker")
    assert use(tmp_path, flow, monkeypatch) == 1
    assert flow.asked == []
    assert use(MARA, Running("body"), monkeypatch) == 1
    assert "no running node reads a character pack -> running: body" in capsys.readouterr().err
