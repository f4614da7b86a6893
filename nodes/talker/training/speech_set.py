"""Transcribed speech for training the voice: decoded, brought to one rate and loudness.

Built once from a set (see :mod:`~nodes.talker.training.corpora`), it is one file of samples and one of texts, which
trainings map into memory.
"""

from collections import Counter
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from mio.contracts.phones import PHONES
from mio.contracts.rates import SPEECH_HZ
from mio.errors import ConfigError, MioError
from nodes.talker.training.corpora import readings

Samples = npt.NDArray[np.int16]
Floats = npt.NDArray[np.float32]

FULL_SCALE = 32_767
NUMBERS = {symbol: number for number, symbol in enumerate(PHONES)}
"""Phones as numbers; silence is 0."""

_LOUDNESS_DB = -24.0
_LOUDEST = 0.95
_MAIN_SPEAKER_S = 600.0
_SHORTEST_S, _LONGEST_S = 0.4, 20.0  # a sentence; what is longer does not fit beside others
_SAMPLES, _ABOUT, _UNFINISHED = "speech.i16", "speech.json", "speech.part"


class Utterance(msgspec.Struct, frozen=True):
    """A sentence that somebody read.

    Attributes:
        id: Its name in the set.
        speaker: Who.
        lang: ``en`` or ``de``.
        split: ``train``, ``val`` or ``test``.
        text: What was read.
        start: First sample in the array of all.
        samples: How many.
    """

    id: str
    speaker: str
    lang: str
    split: str
    text: str
    start: int
    samples: int


class SpeechSet(NamedTuple):
    """Utterances and their samples ``[N]`` at 24 kHz, 16 bits."""

    utterances: list[Utterance]
    samples: Samples

    def sound(self, utterance: Utterance) -> Floats:
        """``[n]`` of one, -1..1."""
        return as_sound(self.samples[utterance.start : utterance.start + utterance.samples])

    def main_speakers(self) -> tuple[str, ...]:
        """Those with at least ten minutes to learn from, by name; the one with most if nobody has as much."""
        lengths = Counter[str]()
        for utterance in self.of("train"):
            lengths[utterance.speaker] += utterance.samples
        long = [who for who, samples in lengths.items() if samples / SPEECH_HZ >= _MAIN_SPEAKER_S]
        return tuple(sorted(long)) or tuple(who for who, _ in lengths.most_common(1))

    def of(self, split: str, speakers: tuple[str, ...] = ()) -> list[Utterance]:
        """Those of a split, of some speakers or of all."""
        return [u for u in self.utterances if u.split == split and (not speakers or u.speaker in speakers)]


def build_speech(data: Path, folder: Path, tell: Callable[[str], None], lang: str = "en") -> None:
    """Decode a set into ``folder``.

    Args:
        data: Folder with speech in one of the forms of :mod:`~nodes.talker.training.corpora`.
        folder: Where it is kept.
        tell: Gets a line per recording that cannot be read, which is left out, and one for them all.
        lang: Language of a set that does not say it.

    Raises:
        ConfigError: If there is no set, or nothing in it can be used.
    """
    found, held_out = readings(data, lang), held_out_splits()
    folder.mkdir(parents=True, exist_ok=True)
    utterances, at = list[Utterance](), 0
    with (folder / _UNFINISHED).open("wb") as file:
        for reading in found:
            try:
                sound = normalised(reading.sound())
            except MioError as error:
                tell(f"left out: {error}")
                continue
            if not _SHORTEST_S <= len(sound) / SPEECH_HZ <= _LONGEST_S:
                continue
            name, who, split = reading.id, reading.speaker, held_out.get(reading.id, reading.split)
            utterances.append(Utterance(name, who, reading.lang, split, reading.text, at, len(sound)))
            file.write(np.round(sound * FULL_SCALE).astype(np.int16).tobytes())
            at += len(sound)
    if not utterances:
        raise ConfigError(f"{data}: none of its {len(found)} recordings can be used", "see what was left out, and why")
    (folder / _UNFINISHED).replace(folder / _SAMPLES)
    (folder / _ABOUT).write_bytes(msgspec.json.encode(utterances))
    tell(f"{len(utterances)} of {len(found)} recordings, {at / SPEECH_HZ / 3600:.2f} h")


def read_speech(folder: Path) -> SpeechSet:
    """The set that :func:`build_speech` wrote.

    Raises:
        ConfigError: If it is missing.
    """
    try:
        utterances = msgspec.json.decode((folder / _ABOUT).read_bytes(), type=list[Utterance])
        return SpeechSet(utterances, np.memmap(folder / _SAMPLES, np.int16, "r"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{folder}: {error}", "run the stage data first") from error


def as_sound(samples: Samples) -> Floats:
    """``[n]`` 16-bit samples as -1..1."""
    return samples.astype(np.float32) / np.float32(FULL_SCALE)


def held_out_splits() -> dict[str, str]:
    """Splits of the utterances that are never learned from, by name, whatever a manifest says."""
    lines = files("nodes.talker.training").joinpath("held_out.txt").read_text(encoding="utf-8").splitlines()
    return {name: split for split, name in (line.split(" ", 1) for line in lines)}


def normalised(sound: Floats) -> Floats:
    """``[n]`` at the loudness of all training material: -24 dBFS, lower where peaks would be cut."""
    level = float(np.sqrt(np.mean(np.square(sound, dtype=np.float64)))) if len(sound) else 0.0
    peak = float(np.abs(sound).max(initial=0.0))
    if level == 0.0:
        return sound
    gain = min(10 ** (_LOUDNESS_DB / 20) / level, _LOUDEST / peak)
    return (sound * gain).astype(np.float32)
