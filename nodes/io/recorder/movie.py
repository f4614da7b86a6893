"""The mp4 file: H.264 and AAC, written in fragments of half a second, so that a killed recorder loses no more.

At a clean end the file is rewritten with its index at the front. It knows no stage time: pictures and samples follow
each other at constant rates.
"""

import logging
import os
import struct
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import cv2
import numpy as np
import soundfile

from mio.contracts.messages import ByteArray, FloatArray
from mio.contracts.rates import VIDEO_FPS
from mio.errors import MioError
from nodes.io.recorder.soundtrack import SOUND_HZ, Mixed

if TYPE_CHECKING:
    from av.packet import Packet

_FRAGMENT_US = 500_000
_AUDIO_BITS_PER_S = 128_000
_BT601, _BT709, _LIMITED_RANGE = 6, 1, 1  # ITU-T H.273: SMPTE 170M matrix, BT.709 primaries and transfer, MPEG range
_REWRITTEN_BYTES = 128 << 20  # 3 s; larger files keep their fragments, which browsers play too
_INDEX_FIRST = {"movflags": "faststart"}

_log = logging.getLogger(__name__)


class RecordingError(MioError):
    """The file cannot be written any further."""


class Movie:
    """An mp4 file that is being written.

    Args:
        path: The file.
        size: Width and height of the first picture; odd ones lose a column or row.
        crf: x264's quality.
        preset: x264's effort.

    Raises:
        RecordingError: If it cannot be opened.
    """

    def __init__(self, path: Path, size: tuple[int, int], crf: int, preset: str) -> None:
        import av

        self.path = path
        self.size = (size[0] // 2 * 2, size[1] // 2 * 2)
        self.pictures = 0
        self.samples = 0
        options = {
            "movflags": "frag_keyframe+delay_moov+default_base_moof",
            "frag_duration": str(_FRAGMENT_US),
            "flush_packets": "1",
        }
        with _guarded(path):
            self._container = av.open(str(path), "w", format="mp4", options=options)
        self._video = self._container.add_stream("libx264", rate=VIDEO_FPS)
        self._video.width, self._video.height = self.size
        self._video.pix_fmt = "yuv420p"
        self._video.time_base = Fraction(1, VIDEO_FPS)
        self._video.options = {"preset": preset, "crf": str(crf), "tune": "zerolatency", "g": str(VIDEO_FPS)}
        context = self._video.codec_context
        context.thread_count = 1
        context.colorspace, context.color_primaries, context.color_trc = _BT601, _BT709, _BT709
        context.color_range = _LIMITED_RANGE
        self._audio = self._container.add_stream("aac", rate=SOUND_HZ, layout="mono")
        self._audio.bit_rate = _AUDIO_BITS_PER_S
        self._last = _black(self.size)

    def add_picture(self, image: ByteArray | None) -> None:
        """Append a picture, ``[height, width, 3]`` rgb; None repeats the last one.

        Raises:
            RecordingError: If the file cannot be written.
        """
        import av

        if image is not None:
            self._last = self._to_yuv(image)
        frame = av.VideoFrame.from_ndarray(self._last, format="yuv420p")
        frame.pts, frame.time_base = self.pictures, Fraction(1, VIDEO_FPS)
        self.pictures += 1
        with _guarded(self.path):
            self._mux(self._video.encode(frame))

    def add_sound(self, samples: FloatArray) -> None:
        """Append ``[n]`` samples at 48 kHz.

        Raises:
            RecordingError: If the file cannot be written.
        """
        import av

        if not len(samples):
            return
        frame = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = SOUND_HZ, self.samples, Fraction(1, SOUND_HZ)
        self.samples += len(samples)
        with _guarded(self.path):
            self._mux(self._audio.encode(frame))

    def close(self) -> None:
        """End the file and put its index at the front.

        Raises:
            RecordingError: If it cannot be written.
        """
        with _guarded(self.path):
            self._mux(self._video.encode(None))
            self._mux(self._audio.encode(None))
            self._container.close()
        if self.path.stat().st_size <= _REWRITTEN_BYTES:
            put_index_first(self.path)

    def abandon(self) -> None:
        """Let go of a file that cannot be written any further; its whole fragments stay."""
        with suppress(OSError, ValueError):
            self._container.close()
        with suppress(OSError):
            os.truncate(self.path, whole_fragments(self.path))

    def _to_yuv(self, image: ByteArray) -> ByteArray:
        """``[height * 3 / 2, width]`` planar YUV of a picture, scaled to the movie's size if it has another."""
        width, height = self.size
        if image.shape[0] // 2 * 2 != height or image.shape[1] // 2 * 2 != width:
            image = cast(ByteArray, cv2.resize(image, self.size, interpolation=cv2.INTER_AREA))
        even = np.ascontiguousarray(image[:height, :width])
        return cast(ByteArray, cv2.cvtColor(even, cv2.COLOR_RGB2YUV_I420))

    def _mux(self, packets: "Iterable[Packet[Any]]") -> None:
        for packet in packets:
            self._container.mux(packet)


class Stems:
    """One WAV file per voice, 48 kHz, beginning with the video.

    Args:
        paths: File of each voice.

    Raises:
        RecordingError: If one cannot be opened.
    """

    def __init__(self, paths: dict[str, Path]) -> None:
        self._paths = paths
        self._files: dict[str, soundfile.SoundFile] = {}
        for voice, path in paths.items():
            with _guarded(path):
                self._files[voice] = soundfile.SoundFile(path, "w", SOUND_HZ, 1, subtype="PCM_16", format="WAV")

    def add(self, mixed: Mixed) -> None:
        """Append a piece of the sound track.

        Raises:
            RecordingError: If a file cannot be written.
        """
        for voice, file in self._files.items():
            with _guarded(self._paths[voice]):
                file.write(np.clip(mixed.voices[voice], -1.0, 1.0))

    def close(self) -> None:
        """End the files."""
        for file in self._files.values():
            with suppress(OSError, soundfile.LibsndfileError):
                file.close()


def put_index_first(path: Path) -> None:
    """Rewrite an mp4 file without fragments, its index first; if that fails the file stays as it is."""
    import av

    partial = path.with_suffix(".partial")
    try:
        with av.open(str(path)) as source, av.open(str(partial), "w", format="mp4", options=_INDEX_FIRST) as target:
            streams = {stream.index: target.add_stream_from_template(stream) for stream in source.streams}
            for packet in _packets(source.demux()):
                packet.stream = streams[packet.stream.index]
                target.mux(packet)
        partial.replace(path)
    except (OSError, ValueError) as error:
        _log.warning("%s: keeps its fragments: %s", path, error)
        partial.unlink(missing_ok=True)


def whole_fragments(path: Path) -> int:
    """Bytes of an mp4 file up to the end of its last whole fragment (ISO/IEC 14496-12: ``moof``, then ``mdat``)."""
    size, end, at = path.stat().st_size, 0, 0
    with path.open("rb") as file:
        while at + 8 <= size:
            file.seek(at)
            length, kind = struct.unpack(">I4s", file.read(8))
            at += length
            if length < 8 or at > size:
                break
            if kind in (b"mdat", b"moov"):
                end = at
    return end


def _black(size: tuple[int, int]) -> ByteArray:
    """``[height * 3 / 2, width]`` planar YUV."""
    width, height = size
    yuv = np.full((height * 3 // 2, width), 128, np.uint8)
    yuv[:height] = 16
    return yuv


def _packets(packets: "Iterator[Packet[Any]]") -> "Iterator[Packet[Any]]":
    """Packets that carry data; the demuxer ends each stream with an empty one."""
    return (packet for packet in packets if packet.dts is not None)


@contextmanager
def _guarded(path: Path) -> Generator[None, None, None]:
    """Turn what the operating system, FFmpeg and libsndfile raise into one error."""
    try:
        yield
    except (OSError, soundfile.LibsndfileError) as error:  # PyAV's errors are OSErrors, too
        reason = getattr(error, "strerror", None) or error
        remedy = "free some space; what is recorded stays"
        raise RecordingError(f"{path}: recording has stopped: {reason}", remedy) from error
