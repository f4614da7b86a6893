"""Sound files and sample rates: any file to mono float32, float32 to WAV, and a streaming sample-rate converter.

Files are converted with soxr. Live streams are converted with FFmpeg's libswresample, because soxr's stream holds
back up to 40 ms of sound (it works in FFT blocks of 832 samples) and libswresample 1 ms.
"""

import logging
from collections.abc import Generator, Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from mio.contracts.messages import FloatArray
from mio.errors import MioError

if TYPE_CHECKING:
    import av
    import soxr
    from av.container import InputContainer

LONGEST_S = 3_600.0
"""Longest file that is read into memory; 230 MB at 16 kHz."""

_SEEK_S = 2.0  # less is decoded and thrown away
_LEAD_S = 0.1  # decoded before a start in mid-file, so that the converter's filter is full
_WARM_S = 0.5  # decoders give silence first after a seek
_SPIKES = 0.999  # share of samples that counts for loudness
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
    samples, rate = _decode(path, longest_s)
    samples = _clean(samples, path)
    if rate != sample_rate:
        import soxr

        samples = cast(FloatArray, soxr.resample(samples, rate, sample_rate, quality="HQ"))
    return np.clip(samples, -1.0, 1.0).astype(np.float32, copy=False)


def load_converters() -> None:
    """Import what files and sample rates need, a quarter of a second, ahead of its first use."""
    for name in ("av", "soxr"):
        import_module(name)


class AudioStream:
    """The first sound track of a file as a mono stream that is decoded while it is read, however long it is.

    It is cleaned as by :func:`read_audio`, except that loud sound is turned down from where it is first met.

    Args:
        path: The file.
        sample_rate: Hz of the stream.
        start: Sample to begin with.

    Raises:
        MioError: If there is no such file or no sound in it.
    """

    def __init__(self, path: Path, sample_rate: int, start: int = 0) -> None:
        self._path = path
        self._sample_rate = sample_rate
        lead = min(start, round(_LEAD_S * sample_rate))
        self._blocks = _blocks(path, (start - lead) / sample_rate)
        self._gain = np.float32(1.0)
        self._warned = False
        self._soxr: soxr.ResampleStream | None = None
        self._waiting = np.zeros(0, np.float32)
        self._over = False
        self._decode_block()
        self.read(lead)

    def read(self, count: int) -> FloatArray:
        """The next ``[count]`` samples; fewer at the end, none after it."""
        while len(self._waiting) < count and not self._over:
            self._decode_block()
        taken, self._waiting = self._waiting[:count], self._waiting[count:]
        return taken

    def close(self) -> None:
        """Release the file."""
        self._over = True
        self._blocks.close()

    def _decode_block(self) -> None:
        block, rate = next(self._blocks, (None, 0))
        self._over = block is None
        if block is not None:
            samples = self._resampled(self._cleaned(block), rate)
        elif self._soxr is not None:
            samples = cast(FloatArray, self._soxr.resample_chunk(np.zeros(0, np.float32), last=True))
        else:
            return
        self._waiting = np.concatenate([self._waiting, np.clip(samples, -1.0, 1.0)])

    def _resampled(self, samples: FloatArray, rate: int) -> FloatArray:
        if rate == self._sample_rate:
            return samples
        if self._soxr is None:
            import soxr

            self._soxr = soxr.ResampleStream(rate, self._sample_rate, 1, dtype="float32", quality="HQ")
        return cast(FloatArray, self._soxr.resample_chunk(samples))

    def _cleaned(self, samples: FloatArray) -> FloatArray:
        finite = np.isfinite(samples)
        if not finite.all():
            samples = np.where(finite, samples, np.float32(0.0))
            self._warn("has samples that are not finite; they become silence")
        peak = np.float32(np.quantile(np.abs(samples), _SPIKES)) if len(samples) else np.float32(0.0)
        if peak * self._gain > 1.0:
            self._gain = np.float32(1.0) / peak
            self._warn(f"is {float(peak):.3g} times full scale; turned down from here")
        return samples * self._gain if self._gain != 1.0 else samples

    def _warn(self, text: str) -> None:
        if not self._warned:
            self._warned = True
            _log.warning("%s %s", self._path, text)


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
    blocks: list[FloatArray] = []
    rate, count = 0, 0
    for block, rate in _blocks(path):
        blocks.append(block)
        count += len(block)
        if count > longest_s * rate:
            raise MioError(f"{path}: longer than {longest_s:g} s", "cut it into shorter files")
    return np.concatenate(blocks), rate


def _blocks(path: Path, start_s: float = 0.0) -> Generator[tuple[FloatArray, int], None, None]:
    """Decode the first sound track to blocks of mono at its own rate, which comes with each, from a time on.

    Raises:
        MioError: If there is no such file or no sound in it.
    """
    import av
    from av.error import FFmpegError

    if not path.is_file():
        raise MioError(f"{path}: no such file", "give the path of a sound or video file")
    decoded_s = 0.0
    try:
        with av.open(str(path)) as container:
            if not container.streams.audio:
                raise MioError(f"{path}: there is no sound in it", "give a file with a sound track")
            rate = container.streams.audio[0].rate
            for at_s, block in _mono_blocks(container, start_s):
                decoded_s = at_s + len(block) / rate
                late = max(0, round((start_s - at_s) * rate))
                if late < len(block):
                    yield block[late:], rate
    except (FFmpegError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        if not decoded_s:
            raise MioError(f"{path}: no sound can be read from it: {reason}", "give a sound or video file") from error
        _log.warning("%s: breaks off after %.1f s (%s); the rest is missing", path, decoded_s, reason)
    if not decoded_s and not start_s:
        raise MioError(f"{path}: its sound track is empty", "give a file with sound")


def _mono_blocks(container: "InputContainer", start_s: float) -> Iterator[tuple[float, FloatArray]]:
    """Decoded blocks of the first sound track from near a time on, channels averaged, each with its time in seconds."""
    import av
    from av.error import FFmpegError

    stream = container.streams.audio[0]
    to_float = av.AudioResampler(format="fltp", layout=stream.layout, rate=stream.rate)
    first_s = float((stream.start_time or 0) * (stream.time_base or 0))
    if start_s > _SEEK_S and stream.time_base:
        with suppress(FFmpegError):  # what cannot be sought is decoded from its beginning
            container.seek(int((first_s + start_s - _WARM_S) / stream.time_base), stream=stream)
    at_s: float | None = None
    for frame in container.decode(stream):
        if at_s is None:
            at_s = (frame.time or first_s) - first_s
        for block in to_float.resample(frame):
            samples = block.to_ndarray().mean(axis=0, dtype=np.float32)
            yield at_s, samples
            at_s += len(samples) / stream.rate


def _clean(samples: FloatArray, path: Path) -> FloatArray:
    """Silence what is not finite; turn down what is above full scale, single spikes (0.1 %) excepted."""
    finite = np.isfinite(samples)
    if not finite.any():
        raise MioError(f"{path}: no finite sample in it", "export it again as 16-bit WAV")
    if not finite.all():
        _log.warning("%s: %d samples are not finite and become silence", path, int((~finite).sum()))
        samples = np.where(finite, samples, np.float32(0.0))
    peak = float(np.quantile(np.abs(samples), _SPIKES))
    if peak > 1.0:
        _log.warning("%s: %.3g times full scale, turned down to 1", path, peak)
        samples = samples / np.float32(peak)
    return samples
