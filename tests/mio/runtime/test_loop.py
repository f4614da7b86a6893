from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from mio.contracts.engine import Engine, Outputs
from mio.contracts.messages import AudioChunk, Clock, Command, Interrupt, Message, Reply, Tick, Turn
from mio.contracts.wire import encode
from mio.errors import ContractError, MioError
from mio.runtime.loop import Loop
from mio.runtime.manifest import InputPort, Manifest, OutputPort
from mio.runtime.slot_protocol import Marks
from mio.runtime.stats import NodeStats
from mio.runtime.testing import FakeTransport, run_engine
from mio.runtime.transport import Event, Received, Stopping

PORTS = Manifest.of_ports(
    name="mio-echo",
    inputs={
        "reply": InputPort("mio/v1/Reply"),
        "sound": InputPort("mio/v1/AudioChunk", delivery="latest"),
        "clock": InputPort("mio/v1/Clock", delivery="urgent"),
        "interrupt": InputPort("mio/v1/Interrupt", delivery="urgent"),
    },
    outputs={"out": OutputPort("mio/v1/Reply"), "turn": OutputPort("mio/v1/Turn")},
)


class Echo(Engine):
    """Answers each reply letter by letter and notes everything it is stepped with."""

    def __init__(self, tick_hz: float = 0.0) -> None:
        self.tick_hz = tick_hz
        self.seen: list[tuple[str, Message]] = []
        self.closed = 0
        self.abandoned: list[str] = []

    def step(self, port: str, message: Message) -> Outputs:
        self.seen.append((port, message))
        if isinstance(message, Reply):
            return self._letters(message)
        return ()

    def _letters(self, message: Reply) -> Iterator[tuple[str, Message]]:
        try:
            for letter in message.text:
                yield "out", Reply(text=letter)
        except GeneratorExit:
            self.abandoned.append(message.text)
            raise

    def close(self) -> None:
        self.closed += 1


def texts(transport: FakeTransport) -> str:
    return "".join(m.text for m in transport.messages("out") if isinstance(m, Reply))


class StepwiseTransport(FakeTransport):
    """Delivers an event only when so many messages have been sent: to interrupt a step in progress."""

    def __init__(self, script: list[Any], after: dict[int, Any]) -> None:
        super().__init__(script)
        self._after = after

    def receive(self, timeout_s: float) -> Event | None:
        due = self._after.pop(len(self.sent), None)
        return self._deliver(due) if due is not None else super().receive(timeout_s)


def run(engine: Engine, transport: FakeTransport) -> NodeStats:
    stats = NodeStats("echo")
    Loop(engine, PORTS, transport, stats, now_ns=transport.clock).run()
    return stats


def test_outputs_are_sent_in_order_with_consecutive_numbers() -> None:
    transport = run_engine(Echo(), PORTS, [("reply", Reply(text="abc")), ("reply", Reply(text="de"))])
    assert texts(transport) == "abcde"
    assert [m.seq for m in transport.messages("out")] == [0, 1, 2, 3, 4]


def test_the_engine_is_closed_once_when_inputs_end() -> None:
    engine = Echo()
    run_engine(engine, PORTS, [("reply", Reply(text="a"))])
    assert engine.closed == 1


def test_an_urgent_message_is_stepped_between_two_outputs() -> None:
    engine = Echo()
    run(engine, StepwiseTransport([("reply", Reply(text="abc"))], {2: ("clock", Clock(stage_s=1.0, mono_ns=0))}))
    assert [port for port, _ in engine.seen] == ["reply", "clock"]
    assert engine.abandoned == []


def test_a_flushing_message_closes_the_step_in_progress_and_drops_what_waits() -> None:
    engine = Echo()
    flush = ("interrupt", Interrupt(action="commit", flush=True))
    transport = StepwiseTransport([("reply", Reply(text="abcdef")), ("reply", Reply(text="xyz"))], {3: flush})
    stats = run(engine, transport)
    assert texts(transport) == "abc"
    assert engine.abandoned == ["abcdef"]
    assert stats.inputs["reply"].replaced == 1


def test_a_flushing_message_on_a_queued_port_is_itself_worked_on() -> None:
    flush = ("reply", Reply(text="new", flush=True))
    transport = StepwiseTransport([("reply", Reply(text="abcdef"))], {2: flush})
    run(Echo(), transport)
    assert texts(transport) == "abnew"


def test_only_the_newest_message_of_a_latest_port_is_kept() -> None:
    engine = Echo()
    sounds = [("sound", AudioChunk(samples=np.full(1, i / 10, np.float32))) for i in range(4)]
    after = dict(enumerate(sounds, start=1))
    stats = run(engine, StepwiseTransport([("reply", Reply(text="abcdefgh"))], after))
    heard = [m.samples[0] for _, m in engine.seen if isinstance(m, AudioChunk)]
    assert heard == pytest.approx([0.3])
    assert stats.inputs["sound"].replaced == 3


def test_ticks_come_at_their_rate_with_the_time() -> None:
    engine = Echo(tick_hz=50)
    run_engine(engine, PORTS, [], run_s=1.0)
    times = [m.mono_ns / 1e9 for _, m in engine.seen if isinstance(m, Tick)]
    assert 49 <= len(times) <= 52
    assert np.diff(times) == pytest.approx(0.02, abs=0.003)


def test_ticks_that_are_late_are_skipped_not_made_up() -> None:
    class Slow(Echo):
        def step(self, port: str, message: Message) -> Outputs:
            transport.now_ns += 70_000_000
            return super().step(port, message)

    engine = Slow(tick_hz=50)
    transport = FakeTransport(run_s=1.0)
    stats = run(engine, transport)
    in_the_first_second = [m for _, m in engine.seen if isinstance(m, Tick) and m.mono_ns < 1e9]
    assert 12 <= len(in_the_first_second) <= 15
    assert stats.ticks_skipped > 30


def test_messages_come_through_although_every_tick_takes_longer_than_its_period() -> None:
    class Slow(Echo):
        def step(self, port: str, message: Message) -> Outputs:
            if isinstance(message, Tick):
                transport.now_ns += 70_000_000
            return super().step(port, message)

    engine = Slow(tick_hz=90)
    script = [("reply", Reply(text="a"), i / 100) for i in range(100)]
    transport = FakeTransport(script, run_s=1.2)
    run(engine, transport)
    seen = [port for port, _ in engine.seen]
    last = seen[: len(seen) - seen[::-1].index("reply")]
    assert last.count("reply") == 100
    assert last.count("tick") <= 16


def test_ticks_go_on_while_a_step_is_in_progress() -> None:
    class Patient(Echo):
        def step(self, port: str, message: Message) -> Outputs:
            self.seen.append((port, message))
            return self._wait() if isinstance(message, Reply) else ()

        def _wait(self) -> Iterator[None]:
            for _ in range(100_000):
                yield None

    engine = Patient(tick_hz=50)
    run_engine(engine, PORTS, [("reply", Reply(text="x"))], run_s=0.5)
    assert sum(port == "tick" for port, _ in engine.seen) >= 10


@pytest.mark.parametrize(
    ("port", "message", "problem"),
    [
        ("smell", Reply(text="a"), "no input 'smell'"),
        ("reply", Turn(state="idle"), "takes mio/v1/Reply, got turn"),
    ],
)
def test_a_message_that_does_not_fit_its_port_is_reported_once_and_dropped(
    port: str, message: Message, problem: str
) -> None:
    engine = Echo()
    transport = FakeTransport([(port, message), (port, message), ("reply", Reply(text="ok"))])
    stats = run(engine, transport)
    assert texts(transport) == "ok"
    assert len(transport.logged) == 1
    assert problem in transport.logged[0][1]
    assert stats.inputs[port].refused == 2


def test_nan_sound_is_reported_once_and_the_rest_goes_on() -> None:
    good = encode(AudioChunk(samples=np.zeros(2, np.float32)), seq=0, sent_ns=0, host="test")
    bad = encode(AudioChunk(samples=np.zeros(2, np.float32)), seq=1, sent_ns=0, host="test")
    import pyarrow as pa

    nan = Received("sound", pa.array(np.array([0.0, np.nan], np.float32)), bad.metadata)
    engine = Echo()
    transport = FakeTransport([Received("sound", *good), nan, nan])
    run(engine, transport)
    assert len(engine.seen) == 1
    assert [level for level, _ in transport.logged] == ["error"]
    assert "NaN" in transport.logged[0][1]


def test_a_user_s_error_in_a_step_is_reported_and_the_next_message_is_taken() -> None:
    class Picky(Echo):
        def step(self, port: str, message: Message) -> Outputs:
            if isinstance(message, Reply) and message.text == "bad":
                raise MioError("cannot speak this", "say it otherwise")
            return super().step(port, message)

    transport = run_engine(Picky(), PORTS, [("reply", Reply(text="bad")), ("reply", Reply(text="ok"))])
    assert texts(transport) == "ok"
    assert transport.logged == [("error", "reply: cannot speak this -> say it otherwise")]


def test_a_defect_in_the_engine_ends_the_node_but_closes_the_engine() -> None:
    class Broken(Echo):
        def step(self, port: str, message: Message) -> Outputs:
            raise ZeroDivisionError

    engine = Broken()
    with pytest.raises(ZeroDivisionError):
        run_engine(engine, PORTS, [("reply", Reply(text="x"))])
    assert engine.closed == 1


def test_an_output_that_is_not_declared_is_a_defect() -> None:
    class Wild(Echo):
        def step(self, port: str, message: Message) -> Outputs:
            yield "nowhere", Turn(state="idle")

    with pytest.raises(ContractError, match="nowhere"):
        run_engine(Wild(), PORTS, [("reply", Reply(text="x"))])


def test_messages_queued_before_the_stop_are_still_answered() -> None:
    transport = run_engine(Echo(), PORTS, [("reply", Reply(text="ab")), Stopping(), ("reply", Reply(text="cd"))])
    assert texts(transport) == "abcd"


def test_gaps_in_numbers_are_counted_as_lost_and_a_restart_is_not() -> None:
    def numbered(seq: int) -> Received:
        return Received("reply", *encode(Reply(text="x"), seq=seq, sent_ns=0, host="test"))

    stats = run(Echo(), FakeTransport([numbered(0), numbered(1), numbered(5), numbered(0), numbered(1)]))
    assert stats.inputs["reply"].lost == 3
    assert stats.inputs["reply"].count == 5


def test_commands_are_not_taken_by_ports_that_do_not_exist() -> None:
    transport = FakeTransport([("command", Command(action="stop"))])
    run(Echo(), transport)
    assert "no input 'command'" in transport.logged[0][1]


def test_a_draining_turn_takes_all_that_has_come() -> None:
    transport = FakeTransport([("clock", Clock(stage_s=0.0, mono_ns=0)) for _ in range(5)], run_s=1.0)
    engine = Echo()
    loop = Loop(engine, PORTS, transport, NodeStats("echo"), now_ns=transport.clock)
    assert loop.turn(0.0)
    assert len(engine.seen) == 1 and not loop.drained
    assert loop.turn(0.0, drain=True)
    assert len(engine.seen) == 5 and loop.drained


def test_what_is_sent_after_a_successor_has_come_is_left_to_it_and_taken_after_all_if_it_fails() -> None:
    script = [("reply", Reply(text="a"), 0.0), ("reply", Reply(text="b"), 0.2), ("clock", CLOCK, 0.2)]
    transport = FakeTransport(script, run_s=1.0)
    engine = Echo()
    loop = Loop(engine, PORTS, transport, NodeStats("echo"), now_ns=transport.clock)
    loop.leave_since(100_000_000)
    while transport.now_ns < 500_000_000:
        loop.turn()
    assert texts(transport) == "a"
    assert [port for port, _ in engine.seen] == ["reply", "clock"]
    loop.take_left()
    while loop.turn():
        pass
    assert texts(transport) == "ab"


CLOCK = Clock(stage_s=0.0, mono_ns=0)


def test_a_message_that_the_predecessor_has_taken_is_not_taken_again_when_it_comes_late() -> None:
    def reply(text: str, seq: int, sent_s: float) -> Received:
        wire = encode(Reply(text=text), seq=seq, sent_ns=round(sent_s * 1e9), host="test")
        return Received("reply", wire.value, wire.metadata)

    transport = FakeTransport([reply("a", 7, 0.9), reply("b", 8, 0.95), reply("c", 0, 1.2)])  # the last: restarted
    transport.now_ns = 1_000_000_000
    loop = Loop(Echo(), PORTS, transport, NodeStats("echo"), now_ns=transport.clock)
    loop.adopt(Marks({"reply": 7}, {}, {}))
    while loop.turn():
        pass
    assert texts(transport) == "bc"


@pytest.mark.parametrize(("due_s", "first_s"), [(0.98, 1.0), (1.03, 1.03), (0.5, 1.0), (7.0, 1.0)])
def test_a_successor_keeps_step_with_ticks_that_have_not_long_ceased(due_s: float, first_s: float) -> None:
    engine = Echo(tick_hz=20.0)
    transport = FakeTransport(run_s=1.2)
    transport.now_ns = 1_000_000_000
    loop = Loop(engine, PORTS, transport, NodeStats("echo"), now_ns=transport.clock)
    loop.adopt(Marks(next_tick_ns=round(due_s * 1e9)))
    while loop.turn():
        pass
    ticks_s = [message.mono_ns * 1e-9 for _, message in engine.seen if isinstance(message, Tick)]
    assert ticks_s[0] == pytest.approx(first_s, abs=0.003)
    in_step_s = due_s if abs(due_s - 1.0) < 0.05 else 1.0
    assert (ticks_s[1] - in_step_s) % 0.05 == pytest.approx(0.002, abs=0.003)


def test_the_moment_after_a_tick_is_the_furthest_from_the_next_one() -> None:
    engine = Echo(tick_hz=20.0)
    transport = FakeTransport(run_s=1.0)
    loop = Loop(engine, PORTS, transport, NodeStats("echo"), now_ns=transport.clock)
    near: list[tuple[int, bool]] = []
    while loop.turn(0.002):
        near.append((len(engine.seen), loop.ticks_within(40_000_000)))
    counts = [0, *(count for count, _ in near)]
    after = [soon for before, (count, soon) in zip(counts, near, strict=False) if count > before]
    assert len(after) == pytest.approx(20, abs=1)
    assert not any(after)
    assert sum(soon for _, soon in near) > len(near) / 2
    assert not Loop(Echo(), PORTS, transport, NodeStats("echo"), now_ns=transport.clock).ticks_within(1 << 60)
