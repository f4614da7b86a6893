"""Records a running dataflow: lets every node stream to a collector, and writes the tape."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

from mio.contracts.messages import VideoFrame
from mio.errors import MioError
from mio.flow.live import LiveFlow
from mio.runtime.control import running_flows
from mio.runtime.tee import Content, TapeEvent
from mio.tape.collector import Collector
from mio.tape.format import JPEG, Row, TapeError, TapeWriter, metadata_of
from mio.tape.pictures import require_opencv, to_jpeg

Video = Literal["none", "jpeg", "raw"]

_FLUSH_EVERY_S = 0.25
_LOOK_EVERY_S = 1.0
_WAIT_S = 0.1
_GONE_AFTER_S = 3.0
_ANSWER_WITHIN_S = 5.0
_TAIL_S = 0.15  # what happened before the end and is still on its way


class Options(NamedTuple):
    """What is kept.

    Attributes:
        video: Pictures as JPEG, as they are, or only their digest.
        headers_only: No payloads and no digests at all.
    """

    video: Video = "jpeg"
    headers_only: bool = False

    @property
    def content(self) -> Content:
        """What nodes stream."""
        if self.headers_only:
            return "headers"
        return "digests" if self.video == "none" else "whole"


class Summary(NamedTuple):
    """What has been recorded.

    Attributes:
        nodes: Nodes that streamed.
        streams: Outputs on which something was sent.
        messages: Messages sent on them.
        seconds: How long it took.
        megabytes: Size of the file.
        lost: Events that the recorder was too slow for.
        silent: Nodes that did not stream.
    """

    nodes: list[str]
    streams: int
    messages: int
    seconds: float
    megabytes: float
    lost: int
    silent: list[str]


class Recorder:
    """Writes what the nodes of one dataflow stream.

    It asks each node to stream, and again if the node's supervisor is started anew.

    Attributes:
        worked_s: Monotonic time at which a node last worked on a message that had waited its turn.
    """

    def __init__(self, flow: LiveFlow, path: Path, options: Options, about: dict[str, Any] | None = None) -> None:
        """Open the file.

        Args:
            flow: The dataflow.
            path: The file, which must not exist.
            options: What is kept.
            about: What else the tape shall say of itself.

        Raises:
            MioError: If the file cannot be written.
        """
        if options.content == "whole" and options.video == "jpeg":
            require_opencv()
        self._flow = flow
        self._options = options
        self._path = path
        self._nodes: set[str] = set()
        self._streams: set[tuple[str, str]] = set()
        self._messages = self._lost = 0
        self._asked: dict[str, int] = {}
        self.worked_s = self._began_s = self._flushed_s = self._looked_s = self._heard_s = time.monotonic()
        self._writer = _open(
            path, {"flow": flow.id, "options": options._asdict(), "time": time.time(), **(about or {})}
        )
        self._collector = Collector()

    @property
    def connected(self) -> int:
        """Workers that are streaming."""
        return self._collector.connected

    def run(self, seconds: float | None = None, stopped: Callable[[], bool] = lambda: False) -> Summary:
        """Record for a while, or until it is stopped or the dataflow ends.

        Args:
            seconds: How long; None for no limit.
            stopped: Says whether to end; Ctrl-C ends it too.

        Raises:
            MioError: If the file cannot be written any more.
        """
        try:
            self._look()
            while not (self._over(seconds) or stopped()):
                self._turn()
        except KeyboardInterrupt:
            pass
        finally:
            summary = self._end()
        return summary

    def _over(self, seconds: float | None) -> bool:
        now_s = time.monotonic()
        if seconds is not None and now_s - self._began_s >= seconds:
            return True
        if self._collector.connected or now_s - self._heard_s <= _GONE_AFTER_S:
            return False
        self._heard_s = now_s
        return not self._flow.status()  # nodes that still load do not stream yet

    def _turn(self) -> None:
        self._write(self._collector.rows(_WAIT_S))
        now_s = time.monotonic()
        if self._collector.connected:
            self._heard_s = now_s
        if now_s - self._flushed_s >= _FLUSH_EVERY_S:
            self._flushed_s = now_s
            self._writer.flush()
        if now_s - self._looked_s >= _LOOK_EVERY_S:
            self._look()

    def _look(self) -> None:
        """Ask every supervisor that has not been asked."""
        self._looked_s = time.monotonic()
        sockets = running_flows().get(self._flow.id, {})
        self._flow.sockets.update(sockets)
        request = {"do": "tee", "path": str(self._collector.path), "content": self._options.content}
        for node, socket in sockets.items():
            try:
                made = socket.stat().st_mtime_ns
                if self._asked.get(node) != made:
                    self._flow.ask(node, request, _ANSWER_WITHIN_S)
                    self._asked[node] = made
            except (MioError, OSError):
                continue

    def _write(self, rows: list[Row]) -> None:
        for row in rows:
            event = row.event
            self._nodes.add(row.node)
            if event.event == "send":
                self._messages += 1
                self._streams.add((row.node, event.port))
                row = row._replace(event=self._kept(event))
            elif event.event == "pull":
                self.worked_s = time.monotonic()
            elif event.event == "lost":
                self._lost += event.seq
            self._writer.add(row)

    def _kept(self, event: TapeEvent) -> TapeEvent:
        """The event with its picture as small as was asked for."""
        if self._options.video != "jpeg" or event.type != "uint8" or not event.data:
            return event
        metadata = metadata_of(event)
        if metadata["kind"] != VideoFrame.KIND:
            return event
        data = to_jpeg(event.data, metadata["width"], metadata["height"])
        return msgspec.structs.replace(event, data=data, type=JPEG)

    def _end(self) -> Summary:
        """Take what happened before now, and close the tape."""
        ended_ns, until_s = time.monotonic_ns(), time.monotonic() + _TAIL_S
        try:
            while time.monotonic() < until_s and self._collector.connected:
                rows = self._collector.rows(_WAIT_S / 4)
                self._write([row for row in rows if row.event.at_ns <= ended_ns])
        finally:
            self._collector.close()
        summary = self._summary()
        self._writer.close(summary._asdict())
        return summary._replace(megabytes=round(self._path.stat().st_size / 1e6, 2))

    def _summary(self) -> Summary:
        silent = sorted(set(self._flow.sockets) - self._nodes)
        seconds = round(time.monotonic() - self._began_s, 2)
        nodes = sorted(self._nodes)
        return Summary(nodes, len(self._streams), self._messages, seconds, 0.0, self._lost, silent)


def _open(path: Path, about: dict[str, Any]) -> TapeWriter:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("xb", buffering=0)
    except FileExistsError as error:
        raise TapeError(f"{path} exists", "name another file, or remove it") from error
    except OSError as error:
        raise TapeError(f"{path}: {error.strerror}", "name a file that can be written") from error
    return TapeWriter(file, about)
