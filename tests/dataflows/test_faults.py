import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from mio.measure.leaks import remaining, shared_memory, zombies
from mio.measure.nodes import read_nodes
from mio.paths import share
from mio.soak.faults import Fault, strike
from mio.soak.rehearsal import Rehearsal

pytestmark = [pytest.mark.dataflow, pytest.mark.timeout(600)]

KILLED = {  # every node of the live flow; half of them with their supervisor
    "speaker": Fault.KILL_WORKER,
    "renderer": Fault.KILL_NODE,
    "listener": Fault.KILL_WORKER,
    "talker": Fault.KILL_NODE,
    "face": Fault.KILL_WORKER,
    "thinker": Fault.KILL_NODE,
    "body": Fault.KILL_WORKER,
    "microphone": Fault.KILL_NODE,
    "screen": Fault.KILL_WORKER,
    "journal": Fault.KILL_NODE,
}


@pytest.fixture
def rehearsal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rehearsal]:
    with tempfile.TemporaryDirectory(prefix="mio") as control:
        monkeypatch.setenv("MIO_CONTROL_DIR", control)
        env = {"MIO_RENDERER__QUALITY": "low"}
        mara = share("characters", "mara")
        with Rehearsal(tmp_path, character=mara, lasts_s=400.0, every_s=20.0, env=env) as begun:
            begun.until_ready()
            yield begun


def sent_by(rehearsal: Rehearsal, node: str) -> int:
    (reading,) = read_nodes(rehearsal.flow, [node])
    return reading.sent


def test_every_node_may_be_killed_in_turn_and_the_conversation_goes_on(rehearsal: Rehearsal) -> None:
    first = clocks(rehearsal)[0]
    files = shared_memory(rehearsal.processes())
    assert files
    for node, fault in KILLED.items():
        others = {name: sent_by(rehearsal, name) for name in ("speaker", "renderer") if name != node}
        outcome = strike(rehearsal.flow, node, fault)
        assert outcome.back_s is not None, f"{node} did not come back after {fault.value}"
        for name, sent in others.items():  # voice without picture, picture without voice
            rehearsal.wait(lambda name=name, sent=sent: sent_by(rehearsal, name) > sent, 20.0, f"{name} stood still")
        files |= shared_memory(rehearsal.processes())
    assert {reading.standing["deaths"] for reading in read_nodes(rehearsal.flow)} == {1}
    assert not zombies(rehearsal.processes())
    answered = len(clocks(rehearsal))
    rehearsal.wait(lambda: len(clocks(rehearsal)) > answered, 90.0, "no answer was heard")
    last = clocks(rehearsal)[-1]
    assert last["epoch"] == first["epoch"]  # stage time goes on although the speaker died
    assert last["segment_id"] > first["segment_id"]  # turns are counted on although the listener died
    processes = rehearsal.processes()
    rehearsal.stop()
    assert not [process for process in processes if psutil.pid_exists(process.pid)]
    assert not remaining(files)


def clocks(rehearsal: Rehearsal) -> list[dict[str, float]]:
    """When an answer began to be heard; waits for the first one."""

    def heard() -> list[dict[str, float]]:
        return [event for event in rehearsal.look() if event["port"] == "clock" and event["segment_id"]]

    rehearsal.wait(lambda: bool(heard()), 120.0, "no answer was heard")
    return heard()
