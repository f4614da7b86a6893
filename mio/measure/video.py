"""What is in a video file, as a player would decode it."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, cast

import av
import numpy as np
import numpy.typing as npt
from av.error import FFmpegError

from mio.errors import MioError

ByteArray = npt.NDArray[np.uint8]


class Picture(NamedTuple):
    """A decoded picture.

    Attributes:
        time_s: When a player shows it.
        rgb: ``[height, width, 3]`` uint8.
    """

    time_s: float
    rgb: ByteArray


class VideoSummary(NamedTuple):
    """What a file holds.

    Attributes:
        width: Pixels.
        height: Pixels.
        fps: Pictures per second, from their times.
        duration_s: From the first picture to the end of the last.
        longest_interval_s: Between two pictures.
        video_codec: Such as ``h264``.
        audio_codec: Such as ``aac``; empty if there is no sound.
    """

    width: int
    height: int
    fps: float
    duration_s: float
    longest_interval_s: float
    video_codec: str
    audio_codec: str


def pictures(path: Path) -> Iterator[Picture]:
    """Decode all pictures of a file.

    Raises:
        MioError: If it cannot be decoded.
    """
    try:
        with av.open(str(path)) as container:
            for frame in container.decode(video=0):
                yield Picture(float(frame.time or 0.0), cast(ByteArray, frame.to_ndarray(format="rgb24")))
    except (FFmpegError, IndexError) as error:
        raise MioError(f"{path}: {error}", "record it again") from error


def sound_track(path: Path) -> tuple[npt.NDArray[np.float32], int]:
    """Decode the sound of a file as a player does, mixed to mono, aligned to time 0 of the pictures.

    Returns:
        ``[n]`` samples, and their rate.

    Raises:
        MioError: If there is none, or it cannot be decoded.
    """
    chunks: list[npt.NDArray[np.float32]] = []
    start_s: float | None = None
    rate = 0
    try:
        with av.open(str(path)) as container:
            for frame in container.decode(audio=0):
                start_s = float(frame.time or 0.0) if start_s is None else start_s
                rate = frame.sample_rate
                planes = frame.to_ndarray().astype(np.float32)
                chunks.append(planes.reshape(-1, planes.shape[-1]).mean(axis=0))
    except (FFmpegError, IndexError) as error:
        raise MioError(f"{path}: {error}", "record it again") from error
    if start_s is None:
        raise MioError(f"{path} has no sound", "record it again")
    samples = np.concatenate(chunks)
    shift = round(start_s * rate)
    return (np.pad(samples, (shift, 0)) if shift >= 0 else samples[-shift:]), rate


def summarize(path: Path) -> VideoSummary:
    """Decode a file's picture times and say what it holds.

    Raises:
        MioError: If it has no pictures or cannot be decoded.
    """
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            sound = container.streams.audio
            times = sorted(float(frame.time or 0.0) for frame in container.decode(stream))
            names = (stream.codec_context.name, sound[0].codec_context.name if sound else "")
            size = (stream.width, stream.height)
    except (FFmpegError, IndexError) as error:
        raise MioError(f"{path}: {error}", "record it again") from error
    if len(times) < 2:
        raise MioError(f"{path} has {len(times)} pictures", "record for longer")
    intervals = np.diff(times)
    fps = 1.0 / float(np.mean(intervals))
    duration = times[-1] - times[0] + float(np.mean(intervals))
    return VideoSummary(*size, fps, duration, float(intervals.max()), *names)
