"""Where samples come from: a sound card, a file, or nothing, all behind one protocol."""

from collections import deque
from typing import Any, NamedTuple, Protocol

import numpy as np

from mio.contracts.messages import FloatArray
from mio.contracts.rates import MICROPHONE_HZ
from nodes.io.devices import named_file
from nodes.io.portaudio import PortAudio, SoundCard, Stream, StreamKeeper, monotonic_s

_WAITING_BLOCKS = 1_000  # 10 s; a reader that is further behind loses the oldest


class Captured(NamedTuple):
    """A block of sound as it was captured.

    Attributes:
        samples: ``[n]`` mono.
        rate_hz: Sample rate.
        time_s: ``CLOCK_MONOTONIC`` at which the first sample was captured, seconds.
        lossy: Whether the driver says that sound was lost before it.
    """

    samples: FloatArray
    rate_hz: int
    time_s: float
    lossy: bool = False


class Source(Protocol):
    """A microphone."""

    def read(self, now_ns: int) -> list[Captured] | None:
        """What was captured since the last call, until ``CLOCK_MONOTONIC`` ``now_ns``.

        Returns:
            Blocks in order, perhaps none; None while the device is away.
        """
        ...

    def close(self) -> None:
        """Release the device."""
        ...


class PacedSource:
    """Samples that are there already, handed out in real time: silence, the samples once, silence for ever.

    Args:
        samples: ``[n]`` at 16 kHz.
        start_s: Silence before them, seconds.
    """

    def __init__(self, samples: FloatArray, start_s: float = 0.0) -> None:
        self._samples = samples
        self._start = round(start_s * MICROPHONE_HZ)
        self._begun_ns: int | None = None
        self._read = 0

    def read(self, now_ns: int) -> list[Captured] | None:
        """See :class:`Source`."""
        if self._begun_ns is None:
            self._begun_ns = now_ns
        due = (now_ns - self._begun_ns) * MICROPHONE_HZ // 1_000_000_000
        if due <= self._read:
            return []
        time_s = self._begun_ns * 1e-9 + self._read / MICROPHONE_HZ
        block = Captured(self._between(self._read, due), MICROPHONE_HZ, time_s)
        self._read = due
        return [block]

    def close(self) -> None:
        """See :class:`Source`."""

    def _between(self, first: int, last: int) -> FloatArray:
        block = np.zeros(last - first, np.float32)
        low = max(first, self._start)
        high = min(last, self._start + len(self._samples))
        if high > low:
            block[low - first : high - first] = self._samples[low - self._start : high - self._start]
        return block


class SoundCardSource:
    """A microphone at its own sample rate. It is opened with the first read and reopened when it comes back.

    Args:
        choice: What the user wrote.
        latency_s: Sound that the driver buffers, seconds.
        system: The sound system.

    Raises:
        DeviceError: If there is no such device.
    """

    def __init__(self, choice: str, latency_s: float, system: PortAudio) -> None:
        self._choice = choice
        self._latency_s = latency_s
        self._system = system
        self._blocks: deque[Captured] = deque(maxlen=_WAITING_BLOCKS)
        self._calls = 0
        card = system.find(choice, "input")
        self._rate_hz = card.rate_hz
        self._keeper = StreamKeeper(f"microphone '{card.name}'", system, self._open)

    def read(self, now_ns: int) -> list[Captured] | None:
        """See :class:`Source`."""
        alive = self._keeper.check(now_ns, self._calls)
        blocks = [self._blocks.popleft() for _ in range(len(self._blocks))]
        return blocks if alive or blocks else None

    def close(self) -> None:
        """See :class:`Source`."""
        self._keeper.close()

    def _open(self) -> Stream:
        card: SoundCard = self._system.find(self._choice, "input")
        self._rate_hz = card.rate_hz
        return self._system.open(card, "input", self._called, self._latency_s)

    def _called(self, buffer: Any, frames: int, times: Any, status: Any) -> None:
        """PortAudio's callback, in its own thread."""
        time_s = monotonic_s(times.currentTime, times.inputBufferAdcTime, -frames / self._rate_hz)
        samples = np.asarray(buffer, np.float32).mean(axis=1, dtype=np.float32)
        self._blocks.append(Captured(samples, self._rate_hz, time_s, bool(status.input_overflow)))
        self._calls += 1


def open_source(device: str, start_s: float, latency_s: float, system: PortAudio | None = None) -> Source:
    """The microphone that a user means.

    Raises:
        DeviceError: If there is no such device.
        MioError: If there is such a file but it cannot be used.
    """
    if device == "null":
        return PacedSource(np.zeros(0, np.float32))
    path = named_file(device)
    if path is not None:
        from mio.audio import read_audio

        return PacedSource(read_audio(path, MICROPHONE_HZ), start_s)
    return SoundCardSource(device, latency_s, system or PortAudio())
