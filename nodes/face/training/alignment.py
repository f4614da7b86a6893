"""When the phones of a read sentence are spoken, and which of its vowels stand out: forced alignment by PocketSphinx.

PocketSphinx gives the leading silence to the first phone and labels the middles of its analysis windows; both are
mended here. Its dictionary knows no stress; what stands out is taken from the sound: loudness and duration predict
prominence better than pitch does (Kochanski, Grabe, Coleman and Rosner 2005).
"""

import re
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from mio.contracts.phones import ARPABET, PHONES, SILENCE
from mio.contracts.rates import MICROPHONE_HZ
from mio.errors import MioError
from mio.espeak import PhoneTime

Floats = npt.NDArray[np.float32]

_FRAME_S = 0.01
_HALF_WINDOW_S = 0.0128
_SILENCE_SAMPLES = MICROPHONE_HZ // 4  # behind a sentence: without any, its last word may be left out
_LEVEL_S = 0.005
_AUDIBLE_DB = 30.0  # below the loudest of a sentence
_PROMINENT_SHARE = 0.35  # of the vowels; about every third syllable of English is stressed


class Aligner:
    """Aligns English sentences.

    Raises:
        MioError: If PocketSphinx is missing.
    """

    def __init__(self) -> None:
        try:
            from pocketsphinx import Decoder
        except ImportError as error:
            raise MioError("aligning needs PocketSphinx", "pip install 'mio[listener]'") from error
        self._decoder: Any = Decoder(samprate=MICROPHONE_HZ, lm=None, loglevel="FATAL")

    def align(self, text: str, sound: Floats) -> list[PhoneTime] | None:
        """Phones of a sentence, a last ``sil`` where they end.

        Args:
            text: What is read.
            sound: ``[n]`` at 16 kHz.

        Returns:
            None if a word has no pronunciation or the sound does not match.
        """
        words = re.findall(r"[a-z']+", text.lower().replace("’", "'"))
        if not words or any(self._decoder.lookup_word(word) is None for word in words):
            return None
        raw = (np.pad(sound, (0, _SILENCE_SAMPLES)).clip(-1.0, 1.0) * 32767).astype(np.int16).tobytes()
        try:
            self._decoder.set_align_text(" ".join(words))
            self._pass(raw)
            self._decoder.set_alignment()
            self._pass(raw)
            spoken = [entry for word in self._decoder.get_alignment() for entry in word]
        except RuntimeError:
            return None
        return _phones(spoken, sound) if spoken else None

    def _pass(self, raw: bytes) -> None:
        self._decoder.start_utt()
        self._decoder.process_raw(raw, full_utt=True)
        self._decoder.end_utt()


def _phones(spoken: list[Any], sound: Floats) -> list[PhoneTime]:
    names = [entry.name for entry in spoken]
    starts_s = [entry.start * _FRAME_S + _HALF_WINDOW_S for entry in spoken]
    end_s = (spoken[-1].start + spoken[-1].duration) * _FRAME_S + _HALF_WINDOW_S
    symbols: list[str] = []
    times_s: list[float] = []
    for name, start_s, stop_s in zip(names, starts_s, [*starts_s[1:], end_s], strict=True):
        parts = ARPABET.get(name, (SILENCE,))
        symbols += parts
        times_s += [start_s + (stop_s - start_s) * share / len(parts) for share in range(len(parts))]
    levels = _levels_db(sound)
    first = next((i for i, symbol in enumerate(symbols) if symbol != SILENCE), 0)
    times_s[first] = _onset_s(levels, times_s[first], [*times_s, end_s][first + 1])
    stress = _prominent(symbols, [*times_s, end_s], levels)
    phones = [PhoneTime(*entry) for entry in zip(symbols, stress, times_s, strict=True)]
    return [*phones, PhoneTime(SILENCE, 0, end_s)]


def _levels_db(sound: Floats) -> npt.NDArray[np.float64]:
    hop = round(_LEVEL_S * MICROPHONE_HZ)
    frames = sound[: len(sound) // hop * hop].reshape(-1, hop)
    return 10 * np.log10(np.mean(np.square(frames, dtype=np.float64), 1) + 1e-10)


def _onset_s(levels: npt.NDArray[np.float64], from_s: float, to_s: float) -> float:
    """When the first phone begins to sound, no later than shortly before its end."""
    inside = levels[round(from_s / _LEVEL_S) : round(to_s / _LEVEL_S)]
    loud = np.flatnonzero(inside > levels.max() - _AUDIBLE_DB)
    return min(from_s + float(loud[0] if len(loud) else 0) * _LEVEL_S, max(from_s, to_s - 0.04))


def _prominent(symbols: list[str], times_s: list[float], levels: npt.NDArray[np.float64]) -> list[int]:
    """1 for the loudest and longest third of the vowels, else 0; ``times_s`` has the end as well."""
    scores = {
        index: float(levels[round(start / _LEVEL_S) : round(stop / _LEVEL_S) + 1].mean()) + 20 * np.log10(stop - start)
        for index, (symbol, (start, stop)) in enumerate(zip(symbols, pairwise(times_s), strict=True))
        if PHONES[symbol].manner == "vowel" and stop - start > _FRAME_S and start < len(levels) * _LEVEL_S
    }
    kept = sorted(scores, key=lambda index: -scores[index])[: max(1, round(_PROMINENT_SHARE * len(scores)))]
    return [int(index in kept) for index in range(len(symbols))]
