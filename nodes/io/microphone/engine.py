"""The microphone's engine: reads its source on every tick and sends 40 ms chunks.

``reference`` (what the speaker played) is accepted and not used: the echo is in the sound that leaves this node.
"""

from typing import Any

import numpy as np

from mio.audio import load_converters
from mio.contracts.engine import Engine, Outputs
from mio.contracts.messages import AudioChunk, Command, Message, Tick
from mio.contracts.rates import MICROPHONE_CHUNK_SAMPLES, MICROPHONE_HZ
from nodes.io.devices import device_name
from nodes.io.microphone.capture import Capture
from nodes.io.microphone.config import MicrophoneConfig
from nodes.io.microphone.sources import Source, source_for

_AWAY_LAG_NS = 20_000_000  # silence for an absent device stays this far behind now, as a device would


class MicrophoneEngine(Engine):
    """Sends the user's voice, or silence while muted or while the device is away.

    Args:
        source: The device.
        gain_db: Amplification.
    """

    tick_hz = 50.0
    exclusive = True

    def __init__(self, source: Source, gain_db: float = 0.0) -> None:
        self._source = source
        self._gain = np.float32(10.0 ** (gain_db / 20.0))
        self._capture = Capture()
        self._muted = False

    def open(self) -> None:
        """Acquire the device.

        Raises:
            MioError: If the device or file is missing.
        """
        self._source.open()

    def step(self, port: str, message: Message) -> Outputs:
        """Read the device on a tick; follow the mute button."""
        match message:
            case Tick():
                yield from self._read(message.mono_ns)
            case Command(action="mute" | "unmute"):
                self._muted = message.action == "mute"
            case _:
                pass

    def export_state(self) -> dict[str, Any]:
        """Position, clock, waiting samples, whether it is muted, and how far a file has been played."""
        return {
            "version": 1,
            "muted": self._muted,
            "capture": self._capture.export_state(),
            "source": self._source.export_state(),
        }

    def import_state(self, state: dict[str, Any]) -> None:
        """Go on at the predecessor's position, with silence for the time between."""
        self._muted = bool(state.get("muted", self._muted))
        if "capture" in state:
            self._capture.import_state(state["capture"])
        self._source.import_state(state.get("source", {}))

    def close(self) -> None:
        """Release the device."""
        self._source.close()

    def _read(self, now_ns: int) -> Outputs:
        blocks = self._source.read(now_ns)
        if blocks is None:
            self._capture.silence((now_ns - _AWAY_LAG_NS) * 1e-9)
        for block in blocks or ():
            self._capture.add(block)
        while (taken := self._capture.take(MICROPHONE_CHUNK_SAMPLES)) is not None:
            start_sample, origin_ns, samples = taken
            if self._muted:
                samples = np.zeros_like(samples)
            elif self._gain != 1.0:
                samples = samples * self._gain
            yield (
                "audio",
                AudioChunk(
                    samples=np.clip(samples, -1.0, 1.0),
                    sample_rate=MICROPHONE_HZ,
                    start_sample=start_sample,
                    origin_ns=origin_ns,
                ),
            )


def build_engine(config: MicrophoneConfig) -> MicrophoneEngine:
    """Make the engine with its device, which is not opened yet."""
    load_converters()
    source = source_for(device_name(config.device), config.start_s, config.latency_ms / 1e3)
    return MicrophoneEngine(source, config.gain_db)
