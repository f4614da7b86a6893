import numpy as np
import pytest

from mio.contracts.engine import Engine, Outputs
from mio.contracts.messages import Clock, Message, Reply, Transcript
from mio.contracts.stage import StageClock
from mio.contracts.wire import encode
from mio.runtime.host_clock import HostClock, HostClocks
from mio.runtime.manifest import InputPort, Manifest, OutputPort
from mio.runtime.testing import run_engine
from mio.runtime.transport import Received

SECOND = 1_000_000_000
OFF_NS = 1_000 * SECOND


def arrivals(delays_ms: np.ndarray, off_ns: int = OFF_NS, drift: float = 0.0) -> tuple[list[int], list[int]]:
    """Times of sending on a clock that is behind by ``off_ns`` and drifts, and of arrival on ours, ten a second."""
    true_ns = np.arange(len(delays_ms)) * (SECOND // 10) + 5_000 * SECOND
    sent_ns = true_ns * (1 + drift) - 5_000 * SECOND * drift - off_ns
    return [round(t) for t in sent_ns], [round(t) for t in true_ns + delays_ms * 1e6]


def test_the_difference_of_two_clocks_is_found_to_within_the_shortest_delay() -> None:
    rng = np.random.default_rng(0)
    sent, arrived = arrivals(0.5 + rng.exponential(5.0, 600))
    clock = HostClock()
    found = [clock.difference_ns(s, a) for s, a in zip(sent, arrived, strict=True)]
    late_ms = (np.array(found[50:]) - OFF_NS) / 1e6
    assert late_ms.min() >= 0.5
    assert late_ms.max() < 1.5


@pytest.mark.parametrize("drift", [-50e-6, 50e-6])
def test_two_clocks_that_drift_apart_are_followed(drift: float) -> None:
    rng = np.random.default_rng(0)
    sent, arrived = arrivals(0.5 + rng.exponential(2.0, 36_000), drift=drift)  # an hour
    clock = HostClock()
    for sent_ns, arrived_ns in zip(sent, arrived, strict=True):
        found = clock.difference_ns(sent_ns, arrived_ns)
    error_ms = (sent[-1] + found - (arrived[-1])) / 1e6
    assert abs(error_ms) < 15.0, "the last delay, and what drifts in a minute"
    assert abs(found - (arrived[-1] - sent[-1])) < 15e6


def test_a_machine_that_was_started_again_is_recognised_by_its_first_message() -> None:
    clock = HostClock()
    clock.difference_ns(900 * SECOND, 1_900 * SECOND)
    assert clock.difference_ns(3 * SECOND, 1_910 * SECOND) == 1_907 * SECOND


def test_messages_of_this_host_and_of_no_host_are_left_alone() -> None:
    clocks = HostClocks("here")
    for message in (Reply(text="a", host="here", sent_ns=5), Reply(text="a", sent_ns=5), Reply(text="a", host="there")):
        assert clocks.here(message, 1_000) is message


class Follower(Engine):
    """Says where the stage is when a message comes."""

    def __init__(self) -> None:
        self.clock = StageClock()

    def step(self, port: str, message: Message) -> Outputs:
        if isinstance(message, Clock):
            self.clock.update(message)
        else:
            stage_s = self.clock.stage_s(message.origin_ns)
            yield "out", Transcript(text=f"{stage_s:.3f}", origin_ns=message.origin_ns)


PORTS = Manifest.of_ports(
    name="follower",
    inputs={"clock": InputPort("mio/v1/Clock"), "heard": InputPort("mio/v1/Transcript")},
    outputs={"out": OutputPort("mio/v1/Transcript")},
)


@pytest.mark.parametrize("host", ["test", "far away"])
def test_stage_time_is_the_same_wherever_the_clock_message_comes_from(host: str) -> None:
    off_ns = 0 if host == "test" else OFF_NS
    script: list[Received] = []
    for number in range(1, 40):  # a clock message each 100 ms, 1 ms under way; at 2 s of our time the stage is at 1 s
        sent_ns = number * SECOND // 10
        clock = Clock(stage_s=number / 10 - 1.0, mono_ns=sent_ns - off_ns)
        wire = encode(clock, seq=number, sent_ns=sent_ns - off_ns, host=host)
        script.append(Received("clock", wire.value, wire.metadata, sent_ns + 1_000_000))
    asked = encode(Transcript(text="when?", origin_ns=2 * SECOND), seq=0, sent_ns=2 * SECOND, host="test")
    script.append(Received("heard", asked.value, asked.metadata, 2 * SECOND))
    (message,) = run_engine(Follower(), PORTS, script).messages("out")
    assert isinstance(message, Transcript)
    assert float(message.text) == pytest.approx(1.0, abs=0.0011)
    assert message.origin_ns == 2 * SECOND
