"""Sound files and sample rates: any file to mono float32, float32 to WAV, and a streaming sample-rate converter.

Whole files are converted with soxr. Streams are converted with FFmpeg's libswresample, because soxr's stream holds
back up to 40 ms of sound (it works in FFT blocks of 832 samples) and libswresample 1 ms.
"""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from mio.contracts.messages import FloatArray
from mio.errors import MioError

if TYPE_CHECKING:
    import av
    from av.container import InputContainer

LONGEST_S = 3_600.0
"""Longest file that is read into memory; 230 MB at 16 kHz."""

_KNEE = 0.8  # the limiter leaves smaller samples alone

_log = logging.getLogger(__name__)


def read_audio(path: Path, sample_rate: int, *, longest_s: float = LONGEST_S) -> FloatArray:
    """Read the first sound track of any file that FFmpeg reads (WAV, MP3, Opus, MP4 ...).

    Channels are averaged. Values that are not finite become silence, and sound above full scale is turned down; both
    are logged. A file that breaks off is read up to there.

    Args:
        path: The file.
        sample_rate: Hz of the result.
        longest_s: Refuse files with more sound than this, seconds.

    Returns:
        ``[n]`` mono, -1..1.

    Raises:
        MioError: If there is no such file, no sound in it, or too much.
    """
    if not path.is_file():
        raise MioError(f"{path}: no such file", "give the path of a sound or video file")
    samples, rate = _decode(path, longest_s)
    samples = _clean(samples, path)
    if rate != sample_rate:
        import soxr

        samples = cast(FloatArray, soxr.resample(samples, rate, sample_rate, quality="HQ"))
    return np.clip(samples, -1.0, 1.0).astype(np.float32, copy=False)


def write_wav(path: Path, samples: FloatArray, sample_rate: int) -> None:
    """Write mono sound as 16-bit WAV; what exceeds -1..1 is clipped.

    Raises:
        MioError: If it is not 1-D or not finite, or the file cannot be written.
    """
    import soundfile

    if samples.ndim != 1 or not np.isfinite(samples).all():
        raise MioError(f"{path}: samples of shape {samples.shape} are not finite mono sound", "pass a 1-D finite array")
    try:
        soundfile.write(path, np.clip(samples, -1.0, 1.0), sample_rate, subtype="PCM_16", format="WAV")
    except (OSError, soundfile.LibsndfileError) as error:
        raise MioError(f"{path}: cannot be written: {error}", "check the folder and the free space") from error


def limited(samples: FloatArray) -> FloatArray:
    """``[n]`` samples pressed smoothly into -1..1; those below 0.8 are left as they are."""
    loud = np.abs(samples)
    if not len(samples) or float(loud.max()) <= _KNEE:
        return samples
    room = 1.0 - _KNEE
    pressed = np.sign(samples) * (_KNEE + room * np.tanh((loud - _KNEE) / room))
    return np.where(loud > _KNEE, pressed, samples).astype(np.float32)


class Resampler:
    """Converts the sample rate of a mono stream, 1 ms late.

    Output sample ``k`` is the input's value at time ``k / to_hz``: the filter adds no shift, only waiting.
    """

    def __init__(self, from_hz: int, to_hz: int) -> None:
        self.from_hz = from_hz
        self.to_hz = to_hz
        self._resampler = None if from_hz == to_hz else _swresample(to_hz)

    def process(self, samples: FloatArray) -> FloatArray:
        """Convert the next ``[n]`` samples; returns those that are ready."""
        if self._resampler is None or not len(samples):
            return samples
        import av

        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples)[None], format="flt", layout="mono")
        frame.sample_rate = self.from_hz
        return _joined(self._resampler.resample(frame))

    def finish(self) -> FloatArray:
        """End the stream; returns the samples that were held back. The converter starts anew afterwards."""
        if self._resampler is None:
            return np.zeros(0, np.float32)
        rest = _joined(self._resampler.resample(None))
        self._resampler = _swresample(self.to_hz)
        return rest


def _swresample(to_hz: int) -> "av.AudioResampler":
    import av

    return av.AudioResampler(format="flt", layout="mono", rate=to_hz)


def _joined(frames: "list[av.AudioFrame]") -> FloatArray:
    if not frames:
        return np.zeros(0, np.float32)
    return np.concatenate([frame.to_ndarray()[0] for frame in frames])


def _decode(path: Path, longest_s: float) -> tuple[FloatArray, int]:
    """Decode the first sound track to mono at its own rate."""
    import av
    from av.error import FFmpegError

    blocks: list[FloatArray] = []
    rate, count = 0, 0
    try:
        with av.open(str(path)) as container:
            if not container.streams.audio:
                raise MioError(f"{path}: there is no sound in it", "give a file with a sound track")
            rate = container.streams.audio[0].rate
            for block in _mono_blocks(container):
                blocks.append(block)
                count += len(block)
                if count > longest_s * rate:
                    raise MioError(f"{path}: longer than {longest_s:g} s", "cut it into shorter files")
    except (FFmpegError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        if not count:
            raise MioError(f"{path}: no sound can be read from it: {reason}", "give a sound or video file") from error
        _log.warning("%s: breaks off after %.1f s (%s); the rest is missing", path, count / rate, reason)
    if not count:
        raise MioError(f"{path}: its sound track is empty", "give a file with sound")
    return np.concatenate(blocks), rate


def _mono_blocks(container: "InputContainer") -> Iterator[FloatArray]:
    """Decoded blocks of the first sound track, channels averaged, at the track's rate."""
    import av

    stream = container.streams.audio[0]
    to_float = av.AudioResampler(format="fltp", layout=stream.layout, rate=stream.rate)
    for frame in container.decode(stream):
        for block in to_float.resample(frame):
            yield block.to_ndarray().mean(axis=0, dtype=np.float32)


def _clean(samples: FloatArray, path: Path) -> FloatArray:
    """Silence what is not finite; turn down what is above full scale, single spikes (0.1 %) excepted."""
    finite = np.isfinite(samples)
    if not finite.any():
        raise MioError(f"{path}: no finite sample in it", "export it again as 16-bit WAV")
    if not finite.all():
        _log.warning("%s: %d samples are not finite and become silence", path, int((~finite).sum()))
        samples = np.where(finite, samples, np.float32(0.0))
    peak = float(np.quantile(np.abs(samples), 0.999))
    if peak > 1.0:
        _log.warning("%s: %.3g times full scale, turned down to 1", path, peak)
        samples = samples / np.float32(peak)
    return samples
