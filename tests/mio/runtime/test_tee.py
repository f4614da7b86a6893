import socket
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from mio.contracts.engine import Engine, Outputs
from mio.contracts.messages import AudioChunk, Clock, Interrupt, Message, Reply, VideoFrame
from mio.contracts.wire import encode
from mio.runtime.loop import Loop
from mio.runtime.manifest import InputPort, Manifest, OutputPort
from mio.runtime.slot_protocol import Marks
from mio.runtime.stats import NodeStats
from mio.runtime.tee import TapeEvent, Tee, Tees
from mio.runtime.testing import FakeTransport

PORTS = Manifest.of_ports(
    name="mio-echo",
    inputs={
        "reply": InputPort("mio/v1/Reply"),
        "clock": InputPort("mio/v1/Clock", delivery="urgent"),
        "interrupt": InputPort("mio/v1/Interrupt", delivery="urgent"),
    },
    outputs={"out": OutputPort("mio/v1/Reply")},
)


class Echo(Engine):
    def step(self, port: str, message: Message) -> Outputs:
        if isinstance(message, Reply):
            for letter in message.text:
                yield "out", Reply(text=letter)


class Heard(Tees):
    """Keeps what a loop tells."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[tuple[str, str, int]] = []
        self._tees = [self]  # type: ignore[list-item]
        self.wants_state, self.closed, self.since_ns = True, False, 0

    def put(self, event: TapeEvent, wire: object = None) -> None:
        self.events.append((event.event, event.port, event.seq))

    def close(self) -> None: ...


@pytest.fixture
def deaf() -> Iterator[Path]:
    """A collector that takes connections and never reads."""
    with tempfile.TemporaryDirectory(prefix="mio") as folder, socket.socket(socket.AF_UNIX) as server:
        path = Path(folder) / "deaf.tee"
        server.bind(str(path))
        server.listen()
        yield path


def test_a_loop_tells_inputs_steps_yields_outputs_and_what_is_given_up() -> None:
    class Later(FakeTransport):
        """Interrupts after two letters."""

        def receive(self, timeout_s: float):  # type: ignore[no-untyped-def]
            if len(self.sent) == 2 and not self.interrupted:
                self.interrupted = True
                return self._deliver(("interrupt", Interrupt(action="commit", flush=True)))
            return super().receive(timeout_s)

        interrupted = False

    loop = Loop(Echo(), PORTS, (transport := Later([("reply", Reply(text="abc"))])), NodeStats("echo"))
    heard = loop.tees = Heard()
    loop.run()
    assert [message.seq for message in transport.messages("out")] == [0, 1]
    assert heard.events == [
        ("take", "reply", 0),
        ("state", "", -1),
        ("begin", "reply", 0),
        ("pull", "", -1),
        ("send", "out", 0),
        ("pull", "", -1),
        ("send", "out", 1),
        ("take", "interrupt", 0),
        ("abandon", "reply", 0),
        ("step", "interrupt", 0),
        ("done", "interrupt", 0),
    ]


def test_the_state_waits_until_no_step_is_under_way() -> None:
    heard = Heard()
    loop = Loop(Echo(), PORTS, FakeTransport([("reply", Reply(text="ab"))]), NodeStats("echo"))
    loop.turn()
    loop.tees = heard
    assert loop.stepping
    while loop.turn():
        pass
    loop.take(FakeTransport()._deliver(("clock", Clock(stage_s=0.0, mono_ns=0))))  # type: ignore[arg-type]
    kinds = [kind for kind, _, _ in heard.events]
    assert kinds.index("state") > kinds.index("done")
    assert kinds.index("state") < kinds.index("step")


def test_a_collector_that_does_not_read_costs_events_not_time(deaf: Path) -> None:
    tees = Tees()
    tees.attach(deaf, "whole", {})
    (tee,) = tees._tees
    wire = encode(AudioChunk(samples=np.zeros(320, np.float32)), seq=0, sent_ns=0, host="a")
    longest_s = 0.0
    for _ in range(30_000):
        began_s = time.perf_counter()
        tees.sent("audio", wire, 0)
        longest_s = max(longest_s, time.perf_counter() - began_s)
    assert tee._lost > 0
    assert len(tee._queue) <= 20_001
    assert longest_s < 5.0  # a blocked loop would wait for ever
    tee._socket.shutdown(socket.SHUT_RDWR)


def test_pictures_that_nobody_takes_are_bounded_in_bytes(deaf: Path) -> None:
    tees = Tees()
    tees.attach(deaf, "whole", {})
    (tee,) = tees._tees
    pixels = np.zeros(1_000_000 * 3, np.uint8)
    wire = encode(VideoFrame(pixels=pixels, width=1000, height=1000), seq=0, sent_ns=0, host="a")
    for _ in range(60):
        tees.sent("frame", wire, 0)
    assert tee._bytes_in - tee._bytes_out <= 96_000_000
    assert tee._lost > 20
    tee._socket.shutdown(socket.SHUT_RDWR)


def test_after_a_loss_the_loss_is_told_and_the_state_follows(deaf: Path) -> None:
    tee = Tee(deaf, "whole", {}, 0)
    tee.wants_state = False
    tee._lost = 3
    tee.put(TapeEvent(5, "pull"))
    noted = list(tee._queue)
    assert [(event.event, event.seq) for event in noted if isinstance(event, TapeEvent)][-2:] == [
        ("lost", 3),
        ("pull", -1),
    ]
    assert tee.wants_state
    tee._socket.shutdown(socket.SHUT_RDWR)


def test_a_collector_that_goes_away_is_forgotten(deaf: Path) -> None:
    tees = Tees()
    tees.attach(deaf, "whole", {})
    (tee,) = tees._tees
    tee._socket.shutdown(socket.SHUT_RDWR)
    deadline = time.monotonic() + 120
    while tees._tees and time.monotonic() < deadline:
        tees.pulled()
        time.sleep(0.01)
    assert tees._tees == []
    tee._thread.join(20)
    assert not tee._thread.is_alive()


def test_nobody_listening_is_an_error_for_whoever_asked() -> None:
    with pytest.raises(OSError):
        Tees().attach(Path("/nowhere/x.tee"), "whole", {})


def test_without_a_collector_nothing_is_kept_and_no_state_is_asked_for() -> None:
    tees = Tees()
    tees.began("reply", Reply(text="a"), at_once=True)
    tees.pulled()
    tees.state(Marks(), at_boundary=True)
    assert not tees.waiting
