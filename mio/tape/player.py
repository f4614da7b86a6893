"""A dora node that plays what other nodes sent, in their order and at their pace or another one.

It is run by the dataflow that ``mio replay`` makes. It has one output for each input that it feeds, ``NODE_INPUT``, and
sends there exactly what the recorded node was stepped with. The environment says what to play: ``MIO_TAPE`` the file,
``MIO_TAPE_OUTPUTS`` a JSON mapping of outputs to node and input, ``MIO_TAPE_SPEED`` a factor or ``max``, and
``MIO_TAPE_SIGNS`` a folder in which it puts a file ``ready`` when all nodes are connected, waits for ``go``, and puts
``done`` when everything has been sent.
"""

import json
import os
import time
from pathlib import Path
from typing import NamedTuple

from mio.contracts.messages import Clock
from mio.contracts.wire import Metadata, Wire
from mio.runtime.tee import TapeEvent
from mio.runtime.transport import Closed, DoraTransport, Stopping
from mio.tape.contents import Tape
from mio.tape.format import metadata_of, value_of

FASTEST = "max"
_RATES = (0.5, 2.0)  # that a clock may have
_LOOK_S = 0.02


class Pace(NamedTuple):
    """Maps times of the tape to times of its replay.

    Attributes:
        began_ns: When the first message was sent.
        start_ns: When its replay began.
        speed: Seconds of the tape per second; 0 for as fast as possible.
    """

    began_ns: int
    start_ns: int
    speed: float

    def at_ns(self, taped_ns: int, now_ns: int) -> int:
        """When what happened at a time of the tape happens now."""
        return self.start_ns + round((taped_ns - self.began_ns) / self.speed) if self.speed else now_ns

    def mapped(self, metadata: Metadata, now_ns: int) -> Metadata:
        """A header as if its message had been made now."""
        changed = {**metadata, "sent_ns": now_ns}
        if changed.get("origin_ns", 0) > 0:
            changed["origin_ns"] = self.at_ns(changed["origin_ns"], now_ns)
        if changed.get("kind") == Clock.KIND:
            changed["mono_ns"] = self.at_ns(changed["mono_ns"], now_ns)
            rate = changed["rate"] * (self.speed or 1.0)
            changed["rate"] = rate if _RATES[0] < rate < _RATES[1] else changed["rate"]
        return changed


def parse_speed(text: str) -> float:
    """A factor; 0 for ``max``.

    Raises:
        ValueError: If it is neither ``max`` nor a positive number.
    """
    if text == FASTEST:
        return 0.0
    speed = float(text)
    if not 0.0 < speed < 1e6:
        raise ValueError(text)
    return speed


class Played(NamedTuple):
    """A message to be sent: when it was sent, on which output, and what it was."""

    at_ns: int
    output: str
    event: TapeEvent


def messages_of(tape: Tape, outputs: dict[str, tuple[str, str]]) -> list[Played]:
    """What is played, in the order in which it was sent.

    Args:
        tape: The tape.
        outputs: Node and input that each output feeds.
    """
    fed = {(node, port): output for output, (node, port) in outputs.items()}
    found: list[Played] = []
    for run in tape.runs:
        for step in run.stepped:
            output, event = fed.get((run.node, step.port)), tape.given(run, step)
            if output is not None and event is not None:
                found.append(Played(step.stamp_ns, output, event))
    return sorted(found, key=lambda played: played.at_ns)


def play(messages: list[Played], transport: DoraTransport, pace: Pace) -> None:
    """Send everything, until the end or until the dataflow stops."""
    for taped_ns, output, event in messages:
        while pace.speed and (early_s := (pace.at_ns(taped_ns, 0) - time.monotonic_ns()) / 1e9) > 0:
            if isinstance(transport.receive(min(early_s, _LOOK_S)), Closed | Stopping):
                return
        now_ns = time.monotonic_ns()
        metadata = {**pace.mapped(metadata_of(event), now_ns), "host": transport.host}
        transport.send(output, Wire(value_of(event, output), metadata))


def main() -> None:
    """Play until everything has been sent, then stay until the dataflow stops."""
    signs = Path(os.environ["MIO_TAPE_SIGNS"])
    outputs = {name: (node, port) for name, (node, port) in json.loads(os.environ["MIO_TAPE_OUTPUTS"]).items()}
    tape = Tape(Path(os.environ["MIO_TAPE"]), pictures=True)
    messages = messages_of(tape, outputs)
    began_ns = messages[0].at_ns if messages else tape.began_ns
    transport = DoraTransport()
    (signs / "ready").touch()
    going = True
    while going and not (signs / "go").exists():
        going = not isinstance(transport.receive(_LOOK_S), Closed | Stopping)
    if going:
        speed = parse_speed(os.environ.get("MIO_TAPE_SPEED", "1"))
        play(messages, transport, Pace(began_ns, time.monotonic_ns(), speed))
    (signs / "done").touch()
    while not isinstance(transport.receive(0.5), Closed | Stopping):
        pass


if __name__ == "__main__":
    main()
