"""Where pictures come from: a camera, a video file, picture files, or nowhere, all behind one protocol."""

import logging
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple, Protocol, cast

import cv2

from mio.contracts.messages import ByteArray
from mio.errors import MioError
from nodes.io.camera.config import CameraConfig
from nodes.io.camera.live import LiveCamera
from nodes.io.camera.picture import Picture, rgb_from_bgr
from nodes.io.devices import named_file

PICTURE_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
_MOST_AT_ONCE = 10  # pictures decoded in one read, about 5 ms each at 1080p
_FRAME_S = 0.04  # of a file that does not say how long it is
_LATE_S = 3.0  # further behind than this, a video is sought instead of decoded
_NO_PICTURES = "give a video file, a picture, or a folder of pictures"

_log = logging.getLogger(__name__)


class Source(Protocol):
    """A camera. It is opened, read and closed, perhaps again; nothing is held before it is opened."""

    def prepare(self, state: dict[str, Any]) -> None:
        """Do beforehand what would make opening slow, while a predecessor that stands so holds the device.

        Raises:
            MioError: If it cannot be opened.
        """
        ...

    def open(self) -> None:
        """Acquire the device, or go on where it was closed.

        Raises:
            MioError: If there is no such camera or file.
        """
        ...

    def read(self, now_ns: int) -> Picture | None:
        """The newest picture at ``CLOCK_MONOTONIC`` ``now_ns``; None if there has been none since the last call."""
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


class NoCamera:
    """No pictures."""

    def prepare(self, state: dict[str, Any]) -> None:
        """See :class:`Source`."""

    def open(self) -> None:
        """See :class:`Source`."""

    def read(self, now_ns: int) -> Picture | None:
        """See :class:`Source`."""
        return None

    def close(self) -> None:
        """See :class:`Source`."""

    def export_state(self) -> dict[str, Any]:
        """See :class:`Source`."""
        return {}

    def import_state(self, state: dict[str, Any]) -> None:
        """See :class:`Source`."""


class _Paced:
    """Something that begins with the first read and goes on in real time, in a successor too."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._begun_ns: int | None = None

    def prepare(self, state: dict[str, Any]) -> None:
        """See :class:`Source`; a file's first opening costs much more than later ones."""
        self.import_state(state)
        self.open()
        self.close()

    def open(self) -> None:
        """See :class:`Source`."""
        raise NotImplementedError

    def close(self) -> None:
        """See :class:`Source`."""

    def export_state(self) -> dict[str, Any]:
        """See :class:`Source`."""
        return {"path": str(self._path), "begun_ns": self._begun_ns}

    def import_state(self, state: dict[str, Any]) -> None:
        """See :class:`Source`."""
        if state.get("path") == str(self._path):
            self._begun_ns = state["begun_ns"]

    def _age_s(self, now_ns: int) -> float:
        if self._begun_ns is None:
            self._begun_ns = now_ns
        return (now_ns - self._begun_ns) * 1e-9


class PictureFiles(_Paced):
    """A picture, or a folder of them in the order of their names. Files that are no pictures are left out.

    Args:
        path: The file or folder.
        fps: Pictures per second.
        repeat: Whether to begin again at the end.
    """

    def __init__(self, path: Path, fps: float, *, repeat: bool) -> None:
        super().__init__(path)
        self._fps = fps
        self._repeat = repeat
        self._files: list[Path] = []
        self._shown = -1

    def open(self) -> None:
        """See :class:`Source`."""
        found = sorted(self._path.iterdir()) if self._path.is_dir() else [self._path]
        self._files = [file for file in found if file.suffix.lower() in PICTURE_SUFFIXES]
        if next((file for file in self._files if _loaded(file) is not None), None) is None:
            raise MioError(f"{self._path}: there is no picture in it", _NO_PICTURES)

    def read(self, now_ns: int) -> Picture | None:
        """See :class:`Source`."""
        index = int(self._age_s(now_ns) * self._fps + 1e-6)
        over = not self._repeat and index >= len(self._files)
        if index == self._shown or over:
            return None
        self._shown = index
        file = self._files[index % len(self._files)]
        image = _loaded(file)
        if image is None:
            self._files.remove(file)
            _log.warning("%s: cannot be read as a picture; left out", file)
            return None
        return Picture(rgb_from_bgr(image), now_ns)

    def close(self) -> None:
        """See :class:`Source`."""


class _Due(NamedTuple):
    """A decoded picture and when it is due, seconds since the beginning."""

    at_s: float
    frame: Any


class VideoFile(_Paced):
    """A video file in real time, decoded as it is watched.

    Args:
        path: The file.
        repeat: Whether to begin again at the end.
    """

    def __init__(self, path: Path, *, repeat: bool) -> None:
        super().__init__(path)
        import_module("av")  # a quarter of a second, not to be spent while the device is handed over
        self._repeat = repeat
        self._length_s = 0.0
        self._frames: Iterator[_Due] = iter(())
        self._next: _Due | None = None

    def open(self) -> None:
        """See :class:`Source`."""
        if not self._path.is_file():
            raise MioError(f"{self._path}: no such file", _NO_PICTURES)
        self._watch_from(0.0)
        if self._next is None:
            raise MioError(f"{self._path}: no pictures can be read from it", _NO_PICTURES)

    def read(self, now_ns: int) -> Picture | None:
        """See :class:`Source`."""
        age_s = self._age_s(now_ns)
        if self._next is not None and age_s - self._next.at_s > _LATE_S:
            self._watch_from(age_s)
        newest: _Due | None = None
        for _ in range(_MOST_AT_ONCE):
            if self._next is None or self._next.at_s > age_s:
                break
            newest, self._next = self._next, next(self._frames, None)
        if newest is None:
            return None
        taken_ns = (self._begun_ns or now_ns) + round(newest.at_s * 1e9)
        return Picture(cast(ByteArray, newest.frame.to_ndarray(format="rgb24")), taken_ns)

    def close(self) -> None:
        """See :class:`Source`."""
        self._frames, self._next = iter(()), None

    def _watch_from(self, start_s: float) -> None:
        self._frames = self._passes(start_s)
        self._next = next(self._frames, None)

    def _passes(self, start_s: float) -> Iterator[_Due]:
        """All pictures from near a time on, over and over if it repeats."""
        length_s = self._length_s
        if not self._repeat and 0.0 < length_s <= start_s:
            return
        offset_s = start_s // length_s * length_s if length_s > 0.0 else 0.0
        while True:
            last_s = -1.0
            for last_s, frame in self._decoded(start_s - offset_s):
                yield _Due(offset_s + last_s, frame)
            if not self._repeat or last_s < 0.0:
                return
            offset_s += max(self._length_s, last_s + _FRAME_S)
            start_s = offset_s

    def _decoded(self, start_s: float) -> Iterator[tuple[float, Any]]:
        """Each picture with its time in the file, from the key picture before a time on."""
        import av
        from av.error import FFmpegError

        try:
            with av.open(str(self._path)) as container:
                if not container.streams.video:
                    return
                self._length_s = (container.duration or 0) / 1e6
                stream = container.streams.video[0]
                stream.codec_context.thread_count = 1
                first_s = float((stream.start_time or 0) * (stream.time_base or 0))
                if 0.0 < start_s < self._length_s:
                    container.seek(int((first_s + start_s) * 1e6))
                for frame in container.decode(stream):
                    yield max(0.0, frame.time - first_s), frame
        except (FFmpegError, ValueError) as error:
            _log.warning("%s: breaks off: %s", self._path, getattr(error, "strerror", None) or error)


def named_pictures(device: str) -> Path | None:
    """The file or folder that a device's name stands for; None if it is no file."""
    path = named_file(device)
    folder = Path(device).expanduser()
    return folder if path is None and folder.is_dir() else path


def source_for(device: str, config: CameraConfig) -> Source:
    """The camera that a user means, not opened yet."""
    if device == "null":
        return NoCamera()
    path = named_pictures(device)
    if path is None:
        return LiveCamera(device, config)
    if path.is_dir() or (path.is_file() and path.suffix.lower() in PICTURE_SUFFIXES):
        return PictureFiles(path, config.fps, repeat=config.repeat or path.is_file())
    return VideoFile(path, repeat=config.repeat)


def _loaded(file: Path) -> ByteArray | None:
    image = cv2.imread(str(file), cv2.IMREAD_COLOR)
    return None if image is None else cast(ByteArray, image)
