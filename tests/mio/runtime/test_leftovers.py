import os
import pickle
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from mio.runtime.control import ControlServer, running_flows
from mio.runtime.lasting import Standing, StandingFile
from mio.runtime.slot_protocol import Marks


@pytest.fixture
def root(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="mio") as name:  # socket paths must be short
        monkeypatch.setenv("MIO_CONTROL_DIR", name)
        yield Path(name)


def dead_socket(path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


def test_sockets_that_nobody_answers_are_not_listed(root: Path):
    server = ControlServer("flow-one", "face")
    dead_socket(root / "flow-two" / "face.sock")
    assert {flow: set(nodes) for flow, nodes in running_flows().items()} == {"flow-one": {"face"}}
    server.close()


def test_what_a_killed_flow_left_is_cleared_away_after_a_while(root: Path):
    fresh, old = root / "fresh", root / "old"
    for folder in (fresh, old):
        dead_socket(folder / "face.sock")
        (folder / "face.state").write_bytes(b"")
    os.utime(old, (0, 0))
    ControlServer("flow-one", "face").close()
    assert not old.exists()
    assert fresh.exists()


def test_a_folder_with_a_living_node_stays_however_old_it_is(root: Path):
    server = ControlServer("living", "face")
    os.utime(server.path.parent, (0, 0))
    ControlServer("flow-one", "face").close()
    assert server.path.exists()
    server.close()


def test_a_standing_outlives_who_wrote_it_and_is_for_its_owner_only(root: Path):
    file = StandingFile(root / "face.state")
    assert file.read() is None
    marks = Marks.of({"speech": 3}, {"motion": 7}, {"pose": [1.0, 2.0]})
    file.write(Standing(["python"], {"MIO_FACE__WARMTH": "1"}, marks, swaps=2, deaths=1))
    read = file.read()
    assert read is not None
    assert (read.overrides, read.swaps, read.deaths) == ({"MIO_FACE__WARMTH": "1"}, 2, 1)
    assert read.marks.state == {"pose": [1.0, 2.0]}
    assert (root / "face.state").stat().st_mode & 0o077 == 0
    file.remove()
    assert file.read() is None


@pytest.mark.parametrize("content", [b"", b"not a pickle", pickle.dumps({"other": 1})])
def test_a_broken_standing_counts_as_none(root: Path, content: bytes):
    (root / "face.state").write_bytes(content)
    assert StandingFile(root / "face.state").read() is None
