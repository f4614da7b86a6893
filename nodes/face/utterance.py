"""A turn of the avatar's speech as the face knows it: phones, loudness, clauses, and when it is heard."""

import math
from bisect import bisect_left

import msgspec
import numpy as np
import numpy.typing as npt

from mio.contracts.messages import Speech
from mio.contracts.phones import PHONES, SILENCE, from_ipa
from mio.contracts.rates import SPEECH_HZ

LEVEL_S = 0.005
_LEVEL_SAMPLES = round(LEVEL_S * SPEECH_HZ)
QUIET_DB = -80.0
STALL_S = 0.2
"""The mouth waits for missing sound as it is for this long; then it closes."""

_FALLBACK = "ə"
_LONGEST_S = 3_600.0


class Clause(msgspec.Struct):
    """A clause of the turn.

    Attributes:
        index: Its number.
        start_s: When its sound begins, seconds since the turn's first sample.
        emotion: How it is meant.
        intensity: 0..1.
    """

    index: int
    start_s: float
    emotion: str
    intensity: float


class Utterance(msgspec.Struct):
    """One turn. Times are seconds since its first sample unless they are called stage times.

    Attributes:
        segment_id: The turn.
        phones: Symbols of ``mio.contracts.phones``, in the order of their starts.
        phone_start_s: Start of each.
        phone_stress: Stress of each.
        levels_db: Level of each 5 ms of the sound, dBFS.
        clauses: In the order of their starts.
        sound_end_s: End of the sound that has come.
        complete: Whether all of it has come.
        anchor_s: Stage time of the first sample; None while nobody has said when it is heard.
        cut_s: Where it breaks off; None if it does not.
        stalled_s: By how much it has lately been put off because its sound was missing.
        reference_db: Usual level of its vowels, which stands for a usual opening.
    """

    segment_id: int
    phones: list[str] = []
    phone_start_s: list[float] = []
    phone_stress: list[int] = []
    levels_db: list[float] = []
    clauses: list[Clause] = []
    sound_end_s: float = 0.0
    complete: bool = False
    anchor_s: float | None = None
    cut_s: float | None = None
    stalled_s: float = 0.0
    reference_db: float = -22.0

    @property
    def end_s(self) -> float:
        """End of what is known of it, or where it breaks off."""
        end = max(self.sound_end_s, self.phone_start_s[-1] if self.phone_start_s else 0.0)
        return end if self.cut_s is None else min(end, self.cut_s)

    @property
    def breaks_off_s(self) -> float:
        """Where nothing is heard any more for now: interrupted, or its sound is missing; infinite if it goes on."""
        if self.cut_s is not None:
            return self.cut_s
        return self.sound_end_s if self.stalled_s > STALL_S else math.inf

    @property
    def speaks_s(self) -> tuple[float, float]:
        """Start of the first phone that is no silence, and end of the last."""
        count = len(self.phones)
        if not count:
            return 0.0, self.end_s
        first = next((i for i in range(count) if self.phones[i] != SILENCE), None)
        if first is None:
            return 0.0, 0.0
        last = next(i for i in reversed(range(count)) if self.phones[i] != SILENCE)
        return self.phone_start_s[first], min(self.phone_end_s(last), self.end_s)

    def phone_end_s(self, index: int) -> float:
        """End of a phone: the start of the next, or of the sound's end."""
        if index + 1 < len(self.phones):
            return self.phone_start_s[index + 1]
        return max(self.phone_start_s[index] + 0.08, self.sound_end_s)

    def level_db(self, start_s: float, end_s: float) -> float:
        """Mean power between two times, dBFS; the reference where nothing is known."""
        levels = self.levels(start_s, end_s)
        if not len(levels):
            return self.reference_db
        return float(10.0 * np.log10(np.mean(10.0 ** (levels / 10.0)) + 1e-12))

    def levels(self, start_s: float, end_s: float) -> npt.NDArray[np.float64]:
        """Level of each 5 ms between two times as far as the sound has come, dBFS."""
        first, last = (max(0, round(t / LEVEL_S)) for t in (start_s, end_s))
        return np.array(self.levels_db[first:last])

    def add(self, speech: Speech) -> list[str]:
        """Take in a chunk.

        Returns:
            Phones that are in no inventory, and that a neutral vowel stands for.
        """
        self._add_sound(speech)
        unknown = self._add_phones(speech)
        if len(speech.samples) and (not self.clauses or self.clauses[-1].index < speech.index):
            self.clauses.append(Clause(speech.index, speech.start_s, speech.emotion, speech.intensity))
        self.complete = self.complete or speech.fin
        return unknown

    def _add_sound(self, speech: Speech) -> None:
        if speech.end_s > _LONGEST_S or speech.start_sample < 0:
            return
        first = speech.start_sample // _LEVEL_SAMPLES
        frames = speech.samples[: len(speech.samples) // _LEVEL_SAMPLES * _LEVEL_SAMPLES].reshape(-1, _LEVEL_SAMPLES)
        power = np.mean(np.square(frames, dtype=np.float64), axis=1)
        levels = np.maximum(10.0 * np.log10(power + 1e-12), QUIET_DB).tolist()
        missing = first - len(self.levels_db)
        self.levels_db.extend([QUIET_DB] * missing)
        self.levels_db[first : first + len(levels)] = levels
        self.sound_end_s = max(self.sound_end_s, speech.end_s)
        loud = [level for level in levels if level > self.reference_db - 15.0]
        if loud:  # a slow mean of the louder parts
            self.reference_db += min(1.0, len(loud) / 200.0) * (float(np.mean(loud)) - self.reference_db)

    def _add_phones(self, speech: Speech) -> list[str]:
        unknown: list[str] = []
        for symbol, start_s, stress in zip(speech.phones, speech.phone_start_s, speech.phone_stress, strict=True):
            if not math.isfinite(start_s) or not 0.0 <= start_s <= _LONGEST_S:
                continue
            known = (symbol,) if symbol in PHONES else from_ipa(symbol)[0]
            if not known:
                unknown.append(symbol)
                known = (_FALLBACK,)
            self._insert(known[0], start_s, stress)
        return unknown

    def _insert(self, symbol: str, start_s: float, stress: int) -> None:
        at = bisect_left(self.phone_start_s, start_s)
        replaced = at < len(self.phones) and self.phone_start_s[at] == start_s
        if replaced and symbol == SILENCE:
            return
        width = 1 if replaced else 0
        self.phones[at : at + width] = [symbol]
        self.phone_start_s[at : at + width] = [start_s]
        self.phone_stress[at : at + width] = [stress]
