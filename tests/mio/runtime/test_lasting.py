from pathlib import Path

import pytest

from mio.runtime.lasting import Standing, StandingFile
from mio.runtime.slot_protocol import Marks


def test_what_was_written_is_read_by_the_next_supervisor(tmp_path: Path) -> None:
    standing = Standing(["mio"], {"A": "1"}, Marks({"x": 7}, {"y": 9}, b"state"), swaps=2, deaths=1)
    StandingFile(tmp_path / "node.state").write(standing)
    assert StandingFile(tmp_path / "node.state").read() == standing
    assert (tmp_path / "node.state").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(("size", "most"), [(1_000, 60), (1_000_000, 13)])
def test_large_states_are_written_less_often_than_small_ones(tmp_path: Path, size: int, most: int) -> None:
    now_s = 100.0
    file = StandingFile(tmp_path / "node.state", lambda: now_s)
    kept: set[int] = set()
    for second in range(60):
        now_s = 100.0 + second
        file.keep(Standing([], marks=Marks({"x": second}, sealed=bytes(size))))
        left = file.read()
        assert left is not None
        kept.add(left.marks.last_in["x"])
        assert second - left.marks.last_in["x"] <= size / 200_000
    assert len(kept) == pytest.approx(most, abs=1)


def test_a_swap_is_written_down_at_once_however_large_the_state(tmp_path: Path) -> None:
    file = StandingFile(tmp_path / "node.state", lambda: 100.0)
    file.keep(Standing(["old"], marks=Marks(sealed=bytes(10_000_000))))
    file.write(Standing(["new"]))
    left = file.read()
    assert left is not None and left.command == ["new"]
