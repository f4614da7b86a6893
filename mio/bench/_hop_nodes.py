"""The two nodes of the hop benchmark: a paced source and a sink, run by the project's own loop over dora."""

# ruff: noqa: E402 (threads are limited before numpy is imported)

import sys

from mio.runtime.compute import limit_threads

limit_threads()

# isort: split
import numpy as np

from mio.contracts.engine import Engine, Outputs
from mio.contracts.messages import AudioChunk, Message, VideoFrame
from mio.runtime.loop import Loop
from mio.runtime.manifest import InputPort, Manifest, OutputPort
from mio.runtime.stats import NodeStats, run_folder
from mio.runtime.transport import DoraTransport

FRAME_SIDE = 720


class SourceEngine(Engine):
    """Sends one message of a given payload per tick."""

    def __init__(self, payload_bytes: int, rate_hz: float) -> None:
        self.tick_hz = rate_hz
        self._picture = payload_bytes == FRAME_SIDE * FRAME_SIDE * 3
        self._pixels = np.zeros(payload_bytes, np.uint8)
        self._samples = np.zeros(payload_bytes // 4, np.float32)

    def step(self, port: str, message: Message) -> Outputs:
        """Send one."""
        if self._picture:
            yield "x", VideoFrame(pixels=self._pixels, width=FRAME_SIDE, height=FRAME_SIDE)
        else:
            yield "x", AudioChunk(samples=self._samples)


class SinkEngine(Engine):
    """Takes messages; the loop measures how long they took."""

    def step(self, port: str, message: Message) -> Outputs:
        """Do nothing."""
        return ()


def main() -> None:
    """Run ``source BYTES HZ`` or ``sink BYTES``."""
    role, payload_bytes = sys.argv[1], int(sys.argv[2])
    kind = "VideoFrame" if payload_bytes == FRAME_SIDE * FRAME_SIDE * 3 else "AudioChunk"
    source = role == "source"
    manifest = Manifest.of_ports(
        name=f"mio-{role}",
        inputs={} if source else {"x": InputPort(f"mio/v1/{kind}")},
        outputs={"x": OutputPort(f"mio/v1/{kind}")} if source else {},
    )
    engine = SourceEngine(payload_bytes, float(sys.argv[3])) if source else SinkEngine()
    transport = DoraTransport()
    Loop(engine, manifest, transport, NodeStats(transport.node_id, run_folder())).run()


if __name__ == "__main__":
    main()
