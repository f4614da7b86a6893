import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mio.contracts.engine import Engine, Outputs
from mio.contracts.messages import Clock, Interrupt, Message, Reply, Tick
from mio.errors import MioError
from mio.runtime.loop import Loop
from mio.runtime.manifest import InputPort, Manifest, OutputPort
from mio.runtime.stats import NodeStats
from mio.runtime.testing import FakeTransport, ScriptItem
from mio.runtime.transport import Event
from mio.tape.contents import Tape
from mio.tape.format import Row, TapeWriter
from mio.tape.restepping import check

PORTS = Manifest.of_ports(
    name="mio-chance",
    inputs={
        "reply": InputPort("mio/v1/Reply"),
        "latest": InputPort("mio/v1/Reply", delivery="latest"),
        "clock": InputPort("mio/v1/Clock", delivery="urgent"),
        "interrupt": InputPort("mio/v1/Interrupt", delivery="urgent"),
    },
    outputs={"out": OutputPort("mio/v1/Reply"), "tick": OutputPort("mio/v1/Reply")},
)


class Chance(Engine):
    """What it says depends on its random generator, on the order of all inputs, and on where its steps were cut."""

    tick_hz = 40.0

    def __init__(self, seed: int = 0, salt: str = "") -> None:
        self._rng = np.random.default_rng(seed)
        self._salt = salt
        self._count = 0
        self._last = ""

    def step(self, port: str, message: Message) -> Outputs:
        self._count += 1
        match message:
            case Reply(text="bad"):
                raise MioError("it was bad")
            case Reply():
                return self._letters(message.text)
            case Tick() if self._count % 3 == 0:
                return [("tick", Reply(text=f"{message.mono_ns} {self._last}"))]
            case Clock():
                self._last = f"{message.stage_s}"
            case _:
                self._last = "interrupted"
        return ()

    def _letters(self, text: str) -> Iterator[tuple[str, Message] | None]:
        for letter in text:
            self._last = letter
            yield "out", Reply(text=f"{letter}{self._count}{self._rng.integers(1000)}{self._salt}")
            if letter == "n":
                yield None

    def export_state(self) -> dict[str, Any]:
        return {"count": self._count, "last": self._last, "rng": str(self._rng.bit_generator.state)}

    def import_state(self, state: dict[str, Any]) -> None:
        self._count, self._last = state["count"], state["last"]
        self._rng.bit_generator.state = eval(state["rng"])  # noqa: S307 - of this test only


class Bursts(FakeTransport):
    """Delivers what is due between the outputs of a step, too."""

    def receive(self, timeout_s: float) -> Event | None:
        self.now_ns += 700_000
        return super().receive(timeout_s)


def record(path: Path, engine: Engine, script: list[ScriptItem], sockets: Any, tee_after: int = 0) -> FakeTransport:
    """Run an engine through the loop with a collector, and write what it hears to a tape."""
    transport = Bursts(script, run_s=1.0, node_id="chance")
    loop = Loop(engine, PORTS, transport, NodeStats("chance"), now_ns=transport.clock)
    engine.open()
    turns = 0
    while loop.turn():
        turns += 1
        if turns == tee_after + 1:
            loop.tee(sockets.path, "whole", {"node": "chance", "package": "chance", "env": {}})
    loop.close()
    deadline = time.monotonic() + 120
    while sockets.collector.connected and time.monotonic() < deadline:
        time.sleep(0.005)
    with path.open("wb", buffering=0) as file:
        writer = TapeWriter(file, {})
        for row in sockets.rows:
            writer.add(Row("chance", 0, row.event))
        writer.close({})
    sockets.rows.clear()
    return transport


messages = st.one_of(
    st.text("abn", max_size=6).map(lambda text: ("reply", Reply(text=text))),
    st.just(("reply", Reply(text="bad"))),
    st.text("xy", max_size=3).map(lambda text: ("latest", Reply(text=text))),
    st.floats(0, 100).map(lambda at: ("clock", Clock(stage_s=at, mono_ns=0))),
    st.just(("interrupt", Interrupt(action="commit", flush=True))),
)
scripts = st.lists(st.tuples(messages, st.floats(0, 1)), max_size=25).map(
    lambda items: [(port, message, at) for (port, message), at in sorted(items, key=lambda item: item[1])]
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(script=scripts, tee_after=st.integers(0, 60))
def test_whatever_came_in_whichever_order_the_steps_give_the_same_again(
    script: list[ScriptItem], tee_after: int, listening: Any, tmp_path: Path
) -> None:
    path = tmp_path / "chance.tape"
    record(path, Chance(seed=5), script, listening, tee_after)
    (one,) = check(Tape(path), ["chance"], lambda _: Chance(seed=99))
    assert one.same, one
    assert one.skipped or one.messages == one.equal


LINE = [("reply", Reply(text="abcdef"), 0.1), ("clock", Clock(stage_s=3.0, mono_ns=7), 0.1)]


def test_an_engine_that_does_something_else_is_found_with_its_first_difference(listening: Any, tmp_path: Path) -> None:
    record(tmp_path / "a.tape", Chance(), LINE, listening)
    (one,) = check(Tape(tmp_path / "a.tape"), ["chance"], lambda _: Chance(salt="!"))
    assert not one.same
    assert one.first_difference.startswith("out number 0")


def test_an_engine_that_says_more_or_less_is_found(listening: Any, tmp_path: Path) -> None:
    class Silent(Chance):
        def step(self, port: str, message: Message) -> Outputs:
            return () if isinstance(message, Reply) else super().step(port, message)

    record(tmp_path / "a.tape", Chance(), LINE, listening)
    (one,) = check(Tape(tmp_path / "a.tape"), ["chance"], lambda _: Silent())
    assert "number 0 did not come out" in one.first_difference


def test_an_engine_that_holds_a_device_is_not_opened(listening: Any, tmp_path: Path) -> None:
    class Device(Chance):
        exclusive = True

        def open(self) -> None:
            raise AssertionError("opened")

    record(tmp_path / "a.tape", Chance(), LINE, listening)
    (one,) = check(Tape(tmp_path / "a.tape"), ["chance"], lambda _: Device())
    assert "holds a device" in one.skipped


def test_a_state_that_holds_code_is_not_loaded(tmp_path: Path) -> None:
    import pickle

    from mio.tape.format import TapeError
    from mio.tape.marks import read_marks

    class Evil:
        def __reduce__(self) -> Any:
            return os.system, (f"touch {tmp_path / 'ran'}",)

    with pytest.raises(TapeError, match="posix.system"):
        read_marks(pickle.dumps(Evil()))
    assert not (tmp_path / "ran").exists()


def test_a_state_of_values_and_arrays_is_loaded_as_it_was() -> None:
    import pickle

    from mio.runtime.slot_protocol import Marks
    from mio.tape.marks import read_marks

    state = {
        "a": np.arange(6.0).reshape(2, 3),
        "b": [1, None, "x", (2.5, True)],
        "c": np.float32(0.5),
        "d": {"e": b"f"},
    }
    marks = read_marks(pickle.dumps(Marks.of({"in": 3}, {"out": 4}, state)))
    assert (marks.last_in, marks.next_out) == ({"in": 3}, {"out": 4})
    assert (marks.state["a"] == state["a"]).all()
    assert {k: marks.state[k] for k in "bcd"} == {k: state[k] for k in "bcd"}
