import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from nodes.io import portaudio


class FakeStream:
    """A sounddevice stream that calls back when the test lets time pass."""

    def __init__(self, sound: "FakeSound", kind: str, options: dict[str, Any]) -> None:
        if options["channels"] in sound.refused_channels or sound.busy:
            raise sound.PortAudioError("Invalid number of channels" if not sound.busy else "Device unavailable")
        self.kind = kind
        self.options = options
        self.sound = sound
        self.active = False
        self.closed = False
        self.xrun = False
        self.silent = False

    def start(self) -> None:
        self.active = True

    def abort(self) -> None:
        self.active = False

    def close(self) -> None:
        self.closed = True

    def call(self) -> None:
        """One block: play into the sound's record, or capture from its signal."""
        if not self.active or self.silent:
            return
        frames, channels, rate = self.options["blocksize"], self.options["channels"], self.options["samplerate"]
        now = self.sound.now_s
        times = SimpleNamespace(
            currentTime=now + self.sound.stream_epoch_s,
            inputBufferAdcTime=now + self.sound.stream_epoch_s - frames / rate,
            outputBufferDacTime=now + self.sound.stream_epoch_s + self.sound.latency_s,
        )
        status = SimpleNamespace(input_overflow=self.xrun, output_underflow=self.xrun)
        self.xrun = False
        if self.kind == "input":
            at = now - frames / rate + np.arange(frames) / rate
            buffer = np.repeat(self.sound.signal(at).astype(np.float32)[:, None], channels, axis=1)
            self.options["callback"](buffer, frames, times, status)
        else:
            buffer = np.full((frames, channels), np.nan, np.float32)
            self.options["callback"](buffer, frames, times, status)
            self.sound.heard.append((now + self.sound.latency_s, rate, buffer[:, 0].copy()))


class FakeSound:
    """The sounddevice module with one microphone and one loudspeaker that can be unplugged, in fake time."""

    class PortAudioError(Exception):
        pass

    def __init__(self) -> None:
        self.now_s = 50.0
        self.stream_epoch_s = 1234.0
        self.latency_s = 0.03
        self.rate = 48_000.0
        self.plugged = True
        self.busy = False
        self.refused_channels: set[int] = set()
        self.signal: Callable[[np.ndarray], np.ndarray] = lambda at: np.zeros(len(at))
        self.heard: list[tuple[float, float, np.ndarray]] = []
        self.streams: list[FakeStream] = []
        self.refreshed = 0
        self._snapshot = True

    @property
    def default(self) -> Any:
        return SimpleNamespace(device=[0, 1] if self._snapshot else [-1, -1])

    def query_hostapis(self) -> list[dict[str, Any]]:
        return [{"name": "Fake"}]

    def query_devices(self) -> list[dict[str, Any]]:
        base = {"hostapi": 0, "default_samplerate": self.rate, "max_input_channels": 0, "max_output_channels": 0}
        rows = [
            {**base, "name": "USB Microphone", "max_input_channels": 2},
            {**base, "name": "USB Loudspeaker", "max_output_channels": 2},
            {**base, "name": "Other Loudspeaker", "max_output_channels": 8},
        ]
        return rows if self._snapshot else []

    def InputStream(self, **options: Any) -> FakeStream:  # noqa: N802
        return self._open("input", options)

    def OutputStream(self, **options: Any) -> FakeStream:  # noqa: N802
        return self._open("output", options)

    def _open(self, kind: str, options: dict[str, Any]) -> FakeStream:
        if not self.plugged:
            raise self.PortAudioError("Device unavailable")
        self.streams.append(FakeStream(self, kind, options))
        return self.streams[-1]

    def _terminate(self) -> None:
        assert all(stream.closed for stream in self.streams)

    def _initialize(self) -> None:
        self.refreshed += 1
        self._snapshot = self.plugged

    def unplug(self) -> None:
        self.plugged = False
        for stream in self.streams:
            stream.active = False

    def pass_block(self) -> None:
        """10 ms go by."""
        self.now_s += 0.01
        for stream in self.streams:
            stream.call()


class InlineExecutor:
    """An executor whose work is done when it is submitted."""

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def submit(self, work: Callable[[], Any]) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(work())
        except Exception as error:
            future.set_exception(error)
        return future

    def shutdown(self, wait: bool = True) -> None:
        pass


@pytest.fixture
def sound(monkeypatch: pytest.MonkeyPatch) -> FakeSound:
    sound = FakeSound()
    monkeypatch.setattr(portaudio, "ThreadPoolExecutor", InlineExecutor)
    monkeypatch.setattr(portaudio.time, "monotonic_ns", lambda: round(sound.now_s * 1e9))
    return sound


@pytest.fixture(scope="session")
def x_display() -> Iterator[str]:
    """A virtual display of its own."""
    if shutil.which("Xvfb") is None:
        pytest.skip("Xvfb is not installed")
    server = subprocess.Popen(
        ["Xvfb", "-noreset", "-displayfd", "1", "-screen", "0", "1280x1024x24"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert server.stdout is not None
    number = server.stdout.readline().decode().strip()
    yield f":{number}"
    server.terminate()
    server.wait(timeout=60)
    server.stdout.close()
    time.sleep(0)
