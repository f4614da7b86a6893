"""What the face hears of the user: speech and pauses from the level, loud peaks, and stretches of low pitch.

Cheap and without a model: it only has to be quick. Whose turn it is, the listener node says.
"""

from enum import Enum

import msgspec
import numpy as np
import numpy.typing as npt

from mio.contracts.messages import AudioChunk, FloatArray
from mio.contracts.rates import MICROPHONE_HZ
from mio.errors import ContractError

HOP_S = 0.02
_HOP = round(HOP_S * MICROPHONE_HZ)
_WINDOW = 2 * _HOP
_LONGEST_CHUNK_S = 60.0

_ONSET_DB = 10.0  # above the noise floor
_OFFSET_DB = 6.0
_QUIETEST_SPEECH_DB = -55.0
# The noise floor is the quietest hop of the last seconds (minimum statistics, Martin 2001).
_BLOCK_HOPS = 50
_BLOCKS = 4
_ONSET_HOPS = 4  # 80 ms of sound are no click
_PAUSE_HOPS = 15  # 0.3 s of silence are no stop consonant
_END_HOPS = 50

_PEAK_DB = 6.0  # above the usual level of the voice
_PITCH_HZ = (70.0, 400.0)
_VOICED = 0.5  # normalised autocorrelation at the period
_OCTAVE = 0.88
_LOW_PITCH_PERCENTILE = 26.0  # Ward and Tsukahara 2000, rule for English: below this percentile ...
_LOW_PITCH_HOPS = 6  # ... for 110 ms ...
_SPOKEN_BEFORE_S = 0.7  # ... after 700 ms of speech
_PITCH_MEMORY = 400
_PITCH_RATE_HZ = MICROPHONE_HZ / 2
_SHORTEST, _LONGEST = round(_PITCH_RATE_HZ / _PITCH_HZ[1]), round(_PITCH_RATE_HZ / _PITCH_HZ[0])
_OVERLAP = 1.0 - np.arange(_SHORTEST, _LONGEST) / (_WINDOW / 2)


class Cue(Enum):
    """Something to react to.

    ``ONSET`` the user begins to speak; ``PAUSE`` has been silent for 0.3 s after speech; ``END`` for one second;
    ``PEAK`` a loud syllable; ``LOW_PITCH`` a stretch of low pitch, as it invites feedback.
    """

    ONSET = "onset"
    PAUSE = "pause"
    END = "end"
    PEAK = "peak"
    LOW_PITCH = "low_pitch"


class UserVoice(msgspec.Struct):
    """What is remembered of the user's voice.

    Attributes:
        minima_db: Level of the quietest hop of each of the last seconds; the present one is the last.
        block_hops: Hops of the present second.
        voice_db: Usual level of the voice.
        speaking: Whether the user speaks; short pauses belong to it.
        loud_hops: Hops in a row with sound.
        quiet_hops: Hops in a row without.
        spoken_s: Speech since the last pause.
        low_hops: Hops in a row with low pitch.
        since_peak_s: Time since the last loud peak.
        pitches_hz: The last voiced pitches.
        kept: The last samples, for windows that reach back.
        fresh: How many of them have not been listened to, because they do not fill a hop yet.
    """

    minima_db: list[float] = []
    block_hops: int = 0
    voice_db: float = -25.0
    speaking: bool = False
    loud_hops: int = 0
    quiet_hops: int = 0
    spoken_s: float = 0.0
    low_hops: int = 0
    since_peak_s: float = 10.0
    pitches_hz: list[float] = []
    kept: list[float] = []
    fresh: int = 0

    def hear(self, chunk: AudioChunk) -> list[Cue]:
        """Listen to a chunk of 16 kHz sound of any length.

        Raises:
            ContractError: If it has another rate, or is longer than a minute.
        """
        if chunk.sample_rate != MICROPHONE_HZ:
            raise ContractError(
                f"user_audio has {chunk.sample_rate} Hz, expected {MICROPHONE_HZ}", "wire microphone/audio to it"
            )
        if len(chunk.samples) > _LONGEST_CHUNK_S * MICROPHONE_HZ:
            seconds = len(chunk.samples) / MICROPHONE_HZ
            raise ContractError(f"user_audio: a chunk of {seconds:.0f} s", "send 20 ms chunks, as the microphone does")
        sound = np.concatenate([np.asarray(self.kept, np.float32), chunk.samples])
        start = len(self.kept) - self.fresh
        cues: list[Cue] = []
        while start + _HOP <= len(sound):
            cues += self._hop(sound[max(0, start - _HOP) : start + _HOP])
            start += _HOP
        self.kept = sound[max(0, start - _HOP) :].tolist()
        self.fresh = len(sound) - start
        return cues

    def _hop(self, window: FloatArray) -> list[Cue]:
        hop = window[-_HOP:]
        level = float(10.0 * np.log10(np.mean(np.square(hop, dtype=np.float64)) + 1e-12))
        margin = _OFFSET_DB if self.speaking else _ONSET_DB
        loud = level > max(self._floor_db(level) + margin, _QUIETEST_SPEECH_DB)
        self.loud_hops = self.loud_hops + 1 if loud else 0
        self.quiet_hops = 0 if loud else self.quiet_hops + 1
        self.since_peak_s += HOP_S
        cues = self._activity()
        if self.speaking and loud:
            self.spoken_s += HOP_S
            cues += self._loudness(level)
            cues += self._pitch(window)
        return cues

    def _floor_db(self, level: float) -> float:
        if not self.minima_db or self.block_hops == _BLOCK_HOPS:
            self.minima_db = [*self.minima_db[1 - _BLOCKS :], level]
            self.block_hops = 0
        self.block_hops += 1
        self.minima_db[-1] = min(self.minima_db[-1], level)
        return min(self.minima_db)

    def _activity(self) -> list[Cue]:
        if not self.speaking:
            if self.loud_hops < _ONSET_HOPS:
                return []
            self.speaking, self.spoken_s = True, 0.0
            return [Cue.ONSET]
        if self.quiet_hops == _PAUSE_HOPS and self.spoken_s > 0.0:
            return [Cue.PAUSE]
        if self.quiet_hops >= _END_HOPS:
            self.speaking, self.spoken_s = False, 0.0
            return [Cue.END]
        return []

    def _loudness(self, level: float) -> list[Cue]:
        peak = level > self.voice_db + _PEAK_DB and self.since_peak_s > 1.0 and self.spoken_s > 0.5
        self.voice_db += 0.02 * (level - self.voice_db)
        if peak:
            self.since_peak_s = 0.0
        return [Cue.PEAK] if peak else []

    def _pitch(self, window: FloatArray) -> list[Cue]:
        pitch = pitch_hz(window)
        if pitch is None:
            return []
        self.pitches_hz = [*self.pitches_hz[-_PITCH_MEMORY + 1 :], pitch]
        low = len(self.pitches_hz) > 40 and pitch < np.percentile(self.pitches_hz, _LOW_PITCH_PERCENTILE)
        self.low_hops = self.low_hops + 1 if low else 0
        return [Cue.LOW_PITCH] if self.low_hops == _LOW_PITCH_HOPS and self.spoken_s > _SPOKEN_BEFORE_S else []


def pitch_hz(window: npt.NDArray[np.float32]) -> float | None:
    """Pitch of ``[640]`` samples at 16 kHz by autocorrelation; None where there is no voice."""
    if len(window) < _WINDOW:
        return None
    sound = window.reshape(-1, 2).mean(1)
    spectrum = np.fft.rfft(sound - sound.mean(), 2 * len(sound))
    correlation = np.fft.irfft(spectrum * spectrum.conj())
    normal = correlation[_SHORTEST:_LONGEST] / (_OVERLAP * correlation[0] + 1e-9)
    if normal.max() < _VOICED:
        return None
    best = int(np.argmax(normal > _OCTAVE * normal.max()))  # the first high peak: later ones are octaves below
    while best + 1 < len(normal) and normal[best + 1] > normal[best]:
        best += 1
    return _PITCH_RATE_HZ / (_SHORTEST + best)
