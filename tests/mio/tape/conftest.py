import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mio.runtime.tee import TapeEvent
from mio.tape.collector import Collector
from mio.tape.format import Row


class Listening:
    """A collector that listens in a thread; what it has heard is in ``rows``."""

    def __init__(self) -> None:
        self.collector = Collector()
        self.rows: list[Row] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    @property
    def path(self) -> Path:
        return self.collector.path

    @property
    def events(self) -> list[TapeEvent]:
        return [row.event for row in self.rows]

    def wait_for(self, event: str, within_s: float = 120.0) -> None:
        wait_until(lambda: any(one.event == event for one in self.events), within_s)

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        self.collector.close()

    def _listen(self) -> None:
        while not self._stop.is_set():
            self.rows += self.collector.rows(0.02)


def wait_until(condition: Callable[[], bool], within_s: float = 120.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


@pytest.fixture
def private_sockets(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="mio") as folder:
        os.chmod(folder, 0o700)
        monkeypatch.setenv("MIO_CONTROL_DIR", folder)
        yield Path(folder)


@pytest.fixture
def listening(private_sockets: Path) -> Iterator[Listening]:
    started = Listening()
    yield started
    started.close()
