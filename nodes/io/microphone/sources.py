"""Where samples come from: a sound card, a file, or nothing, all behind one protocol."""

from collections import deque
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from mio.audio import AudioStream
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
    """A microphone. It is opened, read and closed, perhaps again; nothing is held before it is opened."""

    def prepare(self, state: dict[str, Any]) -> None:
        """Do beforehand what would make opening slow, while a predecessor that stands so holds the device.

        Raises:
            MioError: If it cannot be opened.
        """
        ...

    def open(self) -> None:
        """Acquire the device, or go on where it was closed.

        Raises:
            MioError: If there is no such device or file.
        """
        ...

    def read(self, now_ns: int) -> list[Captured] | None:
        """What was captured since the last call, until ``CLOCK_MONOTONIC`` ``now_ns``.

        Returns:
            Blocks in order, perhaps none; None while the device is away.
        """
        ...

    def close(self) -> None:
        """Release the device."""
        ...

    def export_state(self) -> dict[str, Any]:
        """Where it stands, as plain values."""
        ...

    def import_state(self, state: dict[str, Any]) -> None:
        """Go on where a predecessor stood; the state of another device is ignored."""
        ...


class PacedSource:
    """Silence in real time."""

    name = "null"

    def __init__(self) -> None:
        self._begun_ns: int | None = None
        self._read = 0

    def prepare(self, state: dict[str, Any]) -> None:
        """See :class:`Source`; the first opening of a file costs a quarter of a second, later ones a tenth of it."""
        self.import_state(state)
        self.open()
        self.close()

    def open(self) -> None:
        """See :class:`Source`."""

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

    def export_state(self) -> dict[str, Any]:
        """See :class:`Source`."""
        return {"name": self.name, "begun_ns": self._begun_ns, "read": self._read}

    def import_state(self, state: dict[str, Any]) -> None:
        """See :class:`Source`."""
        if state.get("name") == self.name:
            self._begun_ns, self._read = state["begun_ns"], state["read"]

    def _between(self, first: int, last: int) -> FloatArray:
        """``[last - first]`` samples from a position on; called with positions that follow each other."""
        return np.zeros(last - first, np.float32)


class FileSource(PacedSource):
    """A sound file in real time: silence, the file once, silence for ever. It is decoded as it is read.

    Args:
        path: The file.
        start_s: Silence before it, seconds.
    """

    def __init__(self, path: Path, start_s: float = 0.0) -> None:
        super().__init__()
        self.name = f"{path} from {start_s:g} s"
        self._path = path
        self._start = round(start_s * MICROPHONE_HZ)
        self._stream: AudioStream | None = None

    def open(self) -> None:
        """See :class:`Source`."""
        self._stream = AudioStream(self._path, MICROPHONE_HZ, max(0, self._read - self._start))

    def close(self) -> None:
        """See :class:`Source`."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def _between(self, first: int, last: int) -> FloatArray:
        block = np.zeros(last - first, np.float32)
        low = max(first, self._start)
        if last > low and self._stream is not None:
            sound = self._stream.read(last - low)
            block[low - first : low - first + len(sound)] = sound
        return block


class SoundCardSource:
    """A microphone at its own sample rate, reopened when it comes back after it was unplugged.

    The first :meth:`open` fails if there is no such device. Later ones, and that of a successor, leave silence until it
    is there.

    Args:
        choice: What the user wrote.
        latency_s: Sound that the driver buffers, seconds.
        system: The sound system.
    """

    def __init__(self, choice: str, latency_s: float, system: PortAudio) -> None:
        self._choice = choice
        self._latency_s = latency_s
        self._system = system
        self._blocks: deque[Captured] = deque(maxlen=_WAITING_BLOCKS)
        self._calls = 0
        self._rate_hz = MICROPHONE_HZ
        self._name = ""
        self._keeper: StreamKeeper | None = None

    def prepare(self, state: dict[str, Any]) -> None:
        """See :class:`Source`."""
        self._system.start()

    def open(self) -> None:
        """See :class:`Source`."""
        self._system.look_for(self._name, "input")
        self._name = self._name or self._system.find(self._choice, "input").name
        self._keeper = StreamKeeper(f"microphone '{self._name}'", self._system, self._open_stream)

    def read(self, now_ns: int) -> list[Captured] | None:
        """See :class:`Source`."""
        alive = self._keeper is not None and self._keeper.check(now_ns, self._calls)
        blocks = [self._blocks.popleft() for _ in range(len(self._blocks))]
        return blocks if alive or blocks else None

    def close(self) -> None:
        """See :class:`Source`."""
        if self._keeper is not None:
            self._keeper.close()
            self._keeper = None

    def export_state(self) -> dict[str, Any]:
        """See :class:`Source`."""
        return {"choice": self._choice, "card": self._name}

    def import_state(self, state: dict[str, Any]) -> None:
        """See :class:`Source`."""
        if state.get("choice") == self._choice:
            self._name = str(state["card"])

    def _open_stream(self) -> Stream:
        card: SoundCard = self._system.find(self._choice, "input")
        self._rate_hz = card.rate_hz
        return self._system.open(card, "input", self._called, self._latency_s)

    def _called(self, buffer: Any, frames: int, times: Any, status: Any) -> None:
        """PortAudio's callback, in its own thread."""
        time_s = monotonic_s(times.currentTime, times.inputBufferAdcTime, -frames / self._rate_hz)
        samples = np.asarray(buffer, np.float32).mean(axis=1, dtype=np.float32)
        self._blocks.append(Captured(samples, self._rate_hz, time_s, bool(status.input_overflow)))
        self._calls += 1


def source_for(device: str, start_s: float, latency_s: float) -> Source:
    """The microphone that a user means, not opened yet."""
    if device == "null":
        return PacedSource()
    path = named_file(device)
    if path is not None:
        return FileSource(path, start_s)
    return SoundCardSource(device, latency_s, PortAudio())
