"""What takes samples and lets them be heard: a sound card, or a virtual device paced in real time."""

from collections import deque
from typing import Any, NamedTuple

import numpy as np

from mio.audio import Resampler
from mio.contracts.messages import FloatArray
from mio.contracts.rates import SPEECH_HZ
from nodes.io.portaudio import PortAudio, Stream, StreamKeeper, monotonic_s
from nodes.io.sample_clock import SampleClock
from nodes.io.speaker.play_queue import PlayQueue

_BLOCK_SAMPLES = SPEECH_HZ // 100
_ROUNDING = 1e-6  # samples
_JUMP_S = 0.02  # a driver that lost time; the stage clock follows it
_JUMP_BLOCKS = 10
_KEPT_BLOCKS = 3_000  # 30 s for an engine that does not look


class Handed(NamedTuple):
    """Samples that a device has taken: ``[n]``, and the stage position of the first."""

    position: int
    samples: FloatArray


class VirtualOutput:
    """Takes samples as time passes; what it takes counts as heard in that moment."""

    def __init__(self, queue: PlayQueue) -> None:
        self._queue = queue
        self._start_s = 0.0
        self._start_ns = 0

    def begin(self, stage_s: float, now_ns: int) -> None:
        """Go on from a stage time."""
        self._start_s, self._start_ns = stage_s, now_ns
        self._queue.move(int(stage_s * SPEECH_HZ + _ROUNDING))

    def stage_s(self, now_ns: int) -> float:
        """Stage time at a time."""
        return self._start_s + (now_ns - self._start_ns) * 1e-9

    def poll(self, now_ns: int) -> list[Handed]:
        """Take what is due."""
        position = self._queue.position
        count = int(self.stage_s(now_ns) * SPEECH_HZ + _ROUNDING) - position
        return [Handed(position, self._queue.take(count))] if count > 0 else []


class SoundCardOutput:
    """A loudspeaker at its own sample rate. It plays silence until it is engaged.

    The first :meth:`open` fails if there is no such device. Later ones, and that of a successor, wait for it.

    Its callback runs in PortAudio's thread and takes from the queue; all else belongs to the engine's thread. Samples
    are counted from the stream's start; ``offset`` turns that count into stage positions.

    Args:
        queue: Where its samples come from.
        choice: What the user wrote.
        latency_s: Sound that the driver buffers, seconds.
        system: The sound system.
    """

    guard = 2 * _BLOCK_SAMPLES
    """Samples behind the queue's position that may be taken before a change reaches them."""

    def __init__(self, queue: PlayQueue, choice: str, latency_s: float, system: PortAudio) -> None:
        self.underflows = 0
        self._queue = queue
        self._choice = choice
        self._latency_s = latency_s
        self._system = system
        self._calls = 0
        self._name = ""
        self._keeper: StreamKeeper | None = None
        self._prepare(SPEECH_HZ)

    @property
    def settled(self) -> bool:
        """Whether it is known when its samples are heard."""
        return self._clock.settled

    @property
    def observed_s(self) -> float:
        """For how long its times have been observed, seconds."""
        return self._clock.observed_s

    @property
    def speed(self) -> float:
        """Its sample rate over the nominal one."""
        return self._clock.speed

    @property
    def uncertainty_s(self) -> float:
        """How far its times jitter, seconds."""
        return self._clock.jitter_s

    def prepare(self) -> None:
        """Start the sound system.

        Raises:
            DeviceError: If it is missing.
        """
        self._system.start()

    def open(self) -> None:
        """Begin to look after the device.

        Raises:
            DeviceError: If there is no such device.
        """
        self._system.look_for(self._name, "output")
        self._name = self._name or self._system.find(self._choice, "output").name
        self._keeper = StreamKeeper(f"loudspeaker '{self._name}'", self._system, self._open_stream)

    @property
    def playing(self) -> bool:
        """Whether it takes from the queue."""
        return self._moved

    def check(self, now_ns: int) -> bool:
        """Look after the device; whether it is there and plays."""
        alive = self._keeper is not None and self._keeper.check(now_ns, self._calls)
        while self._heard:
            self._observe(*self._heard.popleft())
        return alive

    def engage(self, stage_s: float, now_ns: int) -> None:
        """Play from the queue, so that stage time goes on from ``stage_s`` now."""
        self._handed.clear()
        self._offset = round(stage_s * SPEECH_HZ - self._clock.position(now_ns * 1e-9))
        self._engaged = True

    def release(self) -> None:
        """Play silence again, whatever the queue has."""
        self._engaged = self._moved = False

    def stage_s(self, now_ns: int) -> float:
        """Stage time at a time."""
        return (self._clock.position(now_ns * 1e-9) + self._offset) / SPEECH_HZ

    def poll(self) -> list[Handed]:
        """What the device has taken from the queue since the last call."""
        return [self._handed.popleft() for _ in range(len(self._handed))]

    def close(self) -> None:
        """Release the device."""
        self.release()
        if self._keeper is not None:
            self._keeper.close()
            self._keeper = None

    def export_state(self) -> dict[str, Any]:
        """Which device it is."""
        return {"choice": self._choice, "card": self._name}

    def import_state(self, state: dict[str, Any]) -> None:
        """The device that a predecessor had; another choice is ignored."""
        if state.get("choice") == self._choice:
            self._name = str(state["card"])

    def _open_stream(self) -> Stream:
        """Open the device; called in the keeper's thread, while no callback runs."""
        card = self._system.find(self._choice, "output")
        self._prepare(card.rate_hz)
        return self._system.open(card, "output", self._called, self._latency_s)

    def _prepare(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._clock = SampleClock(SPEECH_HZ)
        self._resampler = Resampler(SPEECH_HZ, rate_hz)
        self._ready = np.zeros(0, np.float32)
        self._heard: deque[tuple[float, float]] = deque(maxlen=_KEPT_BLOCKS)
        self._handed: deque[Handed] = deque(maxlen=_KEPT_BLOCKS)
        self._taken = self._delivered = self._offset = self._jumps = 0
        self._engaged = self._moved = False

    def _observe(self, position: float, heard_s: float) -> None:
        late_s = self._clock.observe(position, heard_s)
        self._jumps = self._jumps + 1 if abs(late_s) > _JUMP_S else 0
        if self._jumps > _JUMP_BLOCKS:
            self._clock.restart(position, heard_s)
            self._jumps = 0

    def _called(self, buffer: Any, frames: int, times: Any, status: Any) -> None:
        """PortAudio's callback, in its own thread."""
        heard_s = monotonic_s(times.currentTime, times.outputBufferDacTime, self._latency_s)
        self._heard.append((self._delivered * SPEECH_HZ / self._rate_hz, heard_s))
        while len(self._ready) < frames:
            self._ready = np.concatenate([self._ready, self._resampler.process(self._take())])
        buffer[:] = self._ready[:frames, None]
        self._ready = self._ready[frames:]
        self._delivered += frames
        self._calls += 1
        if status.output_underflow:
            self.underflows += 1

    def _take(self) -> FloatArray:
        start = self._taken
        self._taken += _BLOCK_SAMPLES
        if not self._engaged:
            return np.zeros(_BLOCK_SAMPLES, np.float32)
        if not self._moved:
            self._queue.move(start + self._offset)
            self._moved = True
        position = self._queue.position
        samples = self._queue.take(_BLOCK_SAMPLES)
        self._handed.append(Handed(position, samples))
        return samples
