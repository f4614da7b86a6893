import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from mio.measure.leaks import remaining, shared_memory, zombies
from mio.measure.nodes import Activity, activity, read_nodes
from mio.paths import share
from mio.soak.faults import Fault, strike
from mio.soak.rehearsal import Rehearsal

pytestmark = [pytest.mark.dataflow, pytest.mark.timeout(600)]

COUNTED_EVERY_S = 1.0  # a worker tells its counts this often

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
def rehearsal(tmp_path: Path) -> Iterator[Rehearsal]:
    """Of its own for every test and every new try, since both count deaths and end it."""
    with tempfile.TemporaryDirectory(prefix="mio") as control, pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIO_CONTROL_DIR", control)
        env = {"MIO_RENDERER__QUALITY": "low"}
        mara = share("characters", "mara")
        with Rehearsal(tmp_path / "rehearsal", character=mara, lasts_s=400.0, every_s=20.0, env=env) as begun:
            begun.until_ready()
            yield begun


def sent_by(rehearsal: Rehearsal, node: str) -> int:
    (reading,) = read_nodes(rehearsal.flow, [node])
    return reading.sent


def activities(rehearsal: Rehearsal, meanwhile: Callable[[], None], lasts_s: float) -> dict[str, Activity]:
    """What speaker and renderer do while something is done again and again."""
    began_s, before = time.monotonic(), read_nodes(rehearsal.flow, ["speaker", "renderer"])
    while time.monotonic() - began_s < lasts_s:
        meanwhile()
    time.sleep(COUNTED_EVERY_S)
    after = read_nodes(rehearsal.flow, ["speaker", "renderer"])
    return {first.node: activity(first, last) for first, last in zip(before, after, strict=True)}


def test_a_slow_renderer_leaves_out_pictures_and_the_voice_goes_on(rehearsal: Rehearsal) -> None:
    clocks(rehearsal)
    usual = activities(rehearsal, lambda: time.sleep(0.1), 4.0)
    (reading,) = read_nodes(rehearsal.flow, ["renderer"])
    worker = psutil.Process(reading.standing["worker_pid"])

    def slow_down() -> None:
        worker.suspend()
        time.sleep(0.25)
        worker.resume()
        time.sleep(0.05)

    slow = activities(rehearsal, slow_down, 6.0)
    assert slow["renderer"].sent_hz < 0.7 * usual["renderer"].sent_hz
    assert slow["speaker"].sent_hz > 0.8 * usual["speaker"].sent_hz
    after, speaker = read_nodes(rehearsal.flow, ["renderer", "speaker"])
    assert after.standing["worker_pid"] == worker.pid  # slow is not dead
    assert speaker.inputs["speech"]["lost"] == speaker.inputs["speech"]["refused"] == 0
    again = activities(rehearsal, lambda: time.sleep(0.1), 4.0)
    assert again["renderer"].sent_hz > slow["renderer"].sent_hz


def test_every_node_may_be_killed_in_turn_and_the_conversation_goes_on(rehearsal: Rehearsal) -> None:
    first = clocks(rehearsal)[0]
    files = shared_memory(rehearsal.processes())
    assert files
    for node, fault in KILLED.items():
        others = {name: sent_by(rehearsal, name) for name in ("speaker", "renderer") if name != node}
        outcome = strike(rehearsal.flow, node, fault)
        assert outcome.back_s is not None, f"{node} did not come back after {fault.value}"
        for name, sent in others.items():  # voice without picture, picture without voice
            rehearsal.wait(lambda name=name, sent=sent: sent_by(rehearsal, name) > sent, 90.0, f"{name} stood still")
        files |= shared_memory(rehearsal.processes())
    log = rehearsal.log.read_text(errors="replace")
    for reading in read_nodes(
        rehearsal.flow
    ):  # nobody died with another, but by the watchdog where the host stood still
        assert reading.standing["deaths"] == 1 + log.count(f"{reading.node}: its worker has not moved"), reading.node
    assert not zombies(rehearsal.processes())
    answered = len(clocks(rehearsal))
    rehearsal.wait(lambda: len(clocks(rehearsal)) > answered, 180.0, "no answer was heard")
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

    rehearsal.wait(lambda: bool(heard()), 180.0, "no answer was heard")
    return heard()
