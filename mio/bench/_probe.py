"""A node that writes down every message that reaches it: port, number, and when it was sent and arrived.

``python -m mio.bench._probe FILE`` in a dataflow; inputs of any names and types.
"""

import json
import sys
import time
from pathlib import Path
from typing import NamedTuple

from mio.runtime.transport import Closed, DoraTransport, Received


class Seen(NamedTuple):
    """A message that was seen.

    Attributes:
        port: Where it arrived.
        seq: Its number.
        sent_ns: ``CLOCK_MONOTONIC`` when it was sent.
        arrived_ns: When it arrived.
        place: Its position in its own stream: ``[start_sample, samples]`` of sound, ``[stage_s, mono_ns]`` of a clock;
            empty of others.
    """

    port: str
    seq: int
    sent_ns: int
    arrived_ns: int
    place: tuple[float, ...] = ()


def read_seen(path: Path) -> dict[str, list[Seen]]:
    """What a probe has written, by port, in the order of arrival."""
    found: dict[str, list[Seen]] = {}
    for line in path.read_text().splitlines():
        seen = Seen(*json.loads(line))
        found.setdefault(seen.port, []).append(seen)
    return found


def _place(event: Received) -> tuple[float, ...]:
    match event.metadata["kind"]:
        case "audio_chunk":
            return event.metadata["start_sample"], len(event.value)
        case "clock":
            return event.metadata["stage_s"], event.metadata["mono_ns"]
        case _:
            return ()


def main() -> None:
    """Write until the dataflow ends."""
    transport = DoraTransport()
    with Path(sys.argv[1]).open("w", buffering=1) as file:
        while not isinstance(event := transport.receive(0.5), Closed):
            if isinstance(event, Received):
                header = event.metadata
                seen = Seen(event.port, header["seq"], header["sent_ns"], time.monotonic_ns(), _place(event))
                file.write(json.dumps(seen) + "\n")


if __name__ == "__main__":
    main()
