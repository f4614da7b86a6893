"""Two voices on the recording's time, mixed.

Each voice comes in chunks that say when their first sample was, by a clock of its own that drifts and jitters. Its
sound is converted to 48 kHz once and then read along a smooth line through those times, so that it neither drifts nor
clicks. It knows no file.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from mio.audio import Resampler, limited
from mio.contracts.messages import AudioChunk, FloatArray
from nodes.io.sample_clock import SampleClock

SOUND_HZ = 48_000

_JOIN_S = 0.05  # chunks further from where they are expected begin a new run
_OVERLAP_S = 1.0  # a chunk that lies further back than this is not doubled sound, but a clock that was set back
_LARGEST_SLEW = 0.005
_LARGEST_GAP_S = 60.0
_PATIENCE_S = 1.0  # how long is waited for a voice that has stopped coming
_FURTHEST_BEHIND_S = 8.0  # the same for one that comes, but late: on a busy machine sound waits behind pictures


@dataclass
class TrackFigures:
    """What a track counts: samples received, breaks in them, and those that came when their place was written."""

    samples: int = 0
    breaks: int = 0
    late_samples: int = 0


class Track:
    """One voice.

    Its samples at 48 kHz are counted; ``_clock`` says at which file time each count is.

    Args:
        gain_db: Its loudness.
    """

    def __init__(self, gain_db: float) -> None:
        self.figures = TrackFigures()
        self._gain = np.float32(10.0 ** (gain_db / 20.0))
        self._resampler = Resampler(SOUND_HZ, SOUND_HZ)
        self._clock = SampleClock(SOUND_HZ)
        self._sound = np.zeros(0, np.float32)
        self._base = 0  # count of the first sample in _sound
        self._fed = 0.0  # count of the next sample that comes in
        self._next: float | None = None  # count that is read next
        self._seen_s = float("-inf")

    @property
    def known_to_s(self) -> float:
        """File time up to which its sound is known."""
        return self._clock.time_s(self._base + len(self._sound))

    def alive(self, now_s: float) -> bool:
        """Whether a chunk came lately."""
        return now_s - self._seen_s < _PATIENCE_S

    def add(self, samples: FloatArray, rate_hz: int, start_s: float, now_s: float) -> None:
        """Take in a chunk whose first sample belongs at file time ``start_s``."""
        self._seen_s = now_s
        self.figures.samples += len(samples)
        if self._resampler.from_hz != rate_hz:
            self._end_run()
            self._resampler = Resampler(rate_hz, SOUND_HZ)
        if not self._clock.started:
            self._clock.restart(self._fed, start_s)
        away_s = start_s - self._clock.time_s(self._fed)
        if abs(away_s) < _JOIN_S:
            self._clock.observe(self._fed, start_s)
        else:
            samples = self._join(samples, start_s, away_s)
        self._fed += len(samples) * SOUND_HZ / rate_hz
        self._append(self._resampler.process(samples))

    def read(self, first: int, count: int) -> FloatArray:
        """``[count]`` samples of the file positions from ``first``; silence where none are known."""
        if not self._clock.started or not len(self._sound):
            return np.zeros(count, np.float32)
        target = self._clock.position((first + count) / SOUND_HZ)
        begin = self._next if self._next is not None else target - count
        if abs(target - begin - count) > _JOIN_S * SOUND_HZ:
            begin = target - count
        end = begin + min(max(target - begin, count * (1.0 - _LARGEST_SLEW)), count * (1.0 + _LARGEST_SLEW))
        places = np.linspace(begin, end, count, endpoint=False) - self._base
        sound = np.interp(places, np.arange(len(self._sound)), self._sound, left=0.0, right=0.0)
        self._next = end
        self._forget(int(end) - 1)
        return sound.astype(np.float32) * self._gain

    def _join(self, samples: FloatArray, start_s: float, away_s: float) -> FloatArray:
        """Begin a new run: after silence, or without what lies where sound is already; returns what is left."""
        self.figures.breaks += 1
        self._end_run()
        if away_s > 0.0:
            self._append(np.zeros(round(min(away_s, _LARGEST_GAP_S) * SOUND_HZ), np.float32))
            self._fed = self._base + len(self._sound)
        elif away_s > -_OVERLAP_S:
            samples = samples[round(-away_s * self._resampler.from_hz) :]
            start_s -= away_s
        if len(samples):
            self._clock.restart(self._fed, start_s)
        return samples

    def _end_run(self) -> None:
        self._append(self._resampler.finish())
        self._fed = self._base + len(self._sound)

    def _append(self, samples: FloatArray) -> None:
        if len(samples):
            self._sound = np.concatenate([self._sound, samples])

    def _forget(self, count: int) -> None:
        """Drop what has been read."""
        gone = min(max(0, count - self._base), len(self._sound))
        self._sound = self._sound[gone:]
        self._base += gone


class Mixed(NamedTuple):
    """A piece of the sound track: both voices together, and each alone, ``[n]`` at 48 kHz."""

    mix: FloatArray
    voices: dict[str, FloatArray]


class Soundtrack:
    """All voices of a recording.

    Args:
        tracks: Voices by name.

    Attributes:
        written: Samples that have been read so far.
    """

    def __init__(self, tracks: dict[str, Track]) -> None:
        self.tracks = tracks
        self.written = 0

    def add(self, voice: str, chunk: AudioChunk, start_s: float, now_s: float) -> None:
        """Take in a chunk of a voice whose first sample belongs at file time ``start_s``."""
        track = self.tracks[voice]
        late_s = self.written / SOUND_HZ - max(0.0, start_s)
        if late_s > 0.0:
            track.figures.late_samples += min(len(chunk.samples), round(late_s * chunk.sample_rate))
        track.add(chunk.samples, chunk.sample_rate, start_s, now_s)

    def ready(self, now_s: float) -> int:
        """File position up to which no more sound is to be expected."""
        known_s = [track.known_to_s for track in self.tracks.values() if track.alive(now_s)]
        ready_s = max(now_s - _FURTHEST_BEHIND_S, min(now_s, *known_s)) if known_s else now_s - _PATIENCE_S
        return max(0, int(ready_s * SOUND_HZ))

    def read(self, last: int) -> Mixed:
        """The sound from where the last call ended up to a file position."""
        first, count = self.written, max(0, last - self.written)
        voices = {name: track.read(first, count) for name, track in self.tracks.items()}
        self.written += count
        mix = np.zeros(count, np.float32)
        for samples in voices.values():
            mix += samples
        return Mixed(limited(mix), voices)
