"""The microphone's engine: reads its source on every tick and sends 40 ms chunks, without the avatar's own voice."""

from typing import Any

import numpy as np

from mio.audio import load_converters
from mio.contracts.engine import Engine, Outputs
from mio.contracts.messages import AudioChunk, Clock, Command, FloatArray, Message, Tick
from mio.contracts.rates import MICROPHONE_CHUNK_SAMPLES, MICROPHONE_HZ
from nodes.io.devices import device_name
from nodes.io.microphone.capture import Capture
from nodes.io.microphone.config import MicrophoneConfig
from nodes.io.microphone.echo import EchoCanceller, WebRtc
from nodes.io.microphone.room import RoomSource
from nodes.io.microphone.sources import PacedSource, Source, source_for
from nodes.io.microphone.stage_sound import StageSound

_AWAY_LAG_NS = 20_000_000  # silence for an absent device stays this far behind now, as a device would


class MicrophoneEngine(Engine):
    """Sends the user's voice, or silence while muted or while the device is away.

    Args:
        source: The device.
        gain_db: Amplification.
        stage: What the loudspeaker plays.
        canceller: Takes that out of the sound; None to leave it in.
    """

    tick_hz = 50.0
    exclusive = True

    def __init__(
        self,
        source: Source,
        gain_db: float = 0.0,
        stage: StageSound | None = None,
        canceller: EchoCanceller | None = None,
    ) -> None:
        self._source = source
        self._stage = stage or StageSound()
        self._canceller = canceller
        self._gain = np.float32(10.0 ** (gain_db / 20.0))
        self._capture = Capture()
        self._muted = False

    def prepare(self, state: dict[str, Any]) -> None:
        """Load what the device needs, and look whether its file is there.

        Raises:
            MioError: If the file or the sound system is missing.
        """
        self._source.prepare(state.get("source", {}))

    def open(self) -> None:
        """Acquire the device.

        Raises:
            MioError: If the device or file is missing.
        """
        self._source.open()

    def step(self, port: str, message: Message) -> Outputs:
        """Read the device on a tick; keep what the speaker plays, and when; follow the mute button."""
        match message:
            case Tick():
                yield from self._read(message.mono_ns)
            case AudioChunk():
                self._stage.add(message)
            case Clock():
                self._stage.tell(message)
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
        while self._is_due(now_ns) and (taken := self._capture.take(MICROPHONE_CHUNK_SAMPLES)) is not None:
            start_sample, origin_ns, samples = taken
            yield (
                "audio",
                AudioChunk(
                    samples=self._cleaned(samples, origin_ns),
                    sample_rate=MICROPHONE_HZ,
                    start_sample=start_sample,
                    origin_ns=origin_ns,
                ),
            )

    def _is_due(self, now_ns: int) -> bool:
        """Whether the next chunk need not wait for what was played meanwhile."""
        if self._canceller is None:
            return True
        return self._canceller.is_ready(
            self._capture.next_s() + MICROPHONE_CHUNK_SAMPLES / MICROPHONE_HZ, now_ns * 1e-9
        )

    def _cleaned(self, samples: FloatArray, origin_ns: int) -> FloatArray:
        """A chunk without echo, amplified; silence while muted."""
        if self._canceller is not None:
            samples = self._canceller.process(samples, origin_ns * 1e-9)
        if self._muted:
            return np.zeros_like(samples)
        return np.clip(samples * self._gain, -1.0, 1.0)


def build_engine(config: MicrophoneConfig) -> MicrophoneEngine:
    """Make the engine with its device, which is not opened yet.

    Raises:
        MioError: If the package for echo cancellation is missing.
    """
    load_converters()
    stage = StageSound()
    source = source_for(device_name(config.device), config.start_s, config.latency_ms / 1e3)
    if config.room is not None and isinstance(source, PacedSource):
        source = RoomSource(config.room, source, stage)
    canceller = EchoCanceller(WebRtc(config.echo), stage, linear=config.echo.linear) if config.cancels_echo else None
    return MicrophoneEngine(source, config.gain_db, stage, canceller)
