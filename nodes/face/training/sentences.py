"""Spoken sentences with what the face needs of them: phones, loudness, what a listener may react to, and log-mel.

Read sentences come from a speech set (see :mod:`mio.speech_set`). Others are spoken by espeak-ng, whose phone times
need no alignment.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
import soxr

from mio.contracts.messages import AudioChunk, Speech
from mio.contracts.rates import MICROPHONE_CHUNK_SAMPLES, MICROPHONE_HZ, SPEECH_FRAME_SAMPLES, SPEECH_HZ
from mio.espeak import Espeak, PhoneTime
from mio.speech_set import read_manifest, read_recording
from nodes.face.hearing import UserVoice
from nodes.face.models.voice import MEL_HZ, log_mel
from nodes.face.training.alignment import Aligner
from nodes.face.utterance import Utterance

Floats = npt.NDArray[np.float32]

SAMPLES_PER_MEL = MICROPHONE_HZ // MEL_HZ
"""Of kept sound, which is at 16 kHz."""

_ESPEAK = "espeak"
_SPLITS = ("train", "val", "test")
_ACCENTS = ("en-us", "en-us", "en-gb")
_VARIANTS = ("", "+f1", "+f2", "+f3", "+f4", "+m1", "+m2", "+m3", "+m5", "+m7")
_RATES_WPM = (140, 190)
_PITCHES = (30, 70)


class Sentence(msgspec.Struct):
    """A spoken sentence.

    Attributes:
        speaker: Whose voice.
        split: ``train``, ``val`` or ``test``.
        utterance: Phones and loudness, as the face knows a turn of its own.
        cues: What a listener may react to, and when, s.
        first_mel: Where its log-mel begins in the array of all.
        mels: Frames of it.
    """

    speaker: str
    split: str
    utterance: Utterance
    cues: list[tuple[str, float]]
    first_mel: int
    mels: int


class Sentences(NamedTuple):
    """Sentences and how they sound.

    Attributes:
        entries: The sentences.
        mel: ``[N, 40]`` fp16 log-mel.
        sound: ``[160 N]`` int16 at 16 kHz, or empty where it was not kept.
    """

    entries: list[Sentence]
    mel: npt.NDArray[np.float16]
    sound: npt.NDArray[np.int16] = np.zeros(0, np.int16)

    def mel_of(self, sentence: Sentence) -> Floats:
        """``[n, 40]`` log-mel of one."""
        return self.mel[sentence.first_mel : sentence.first_mel + sentence.mels].astype(np.float32)

    def sound_of(self, sentence: Sentence) -> Floats:
        """``[160 n]`` sound of one, -1..1."""
        first = sentence.first_mel * SAMPLES_PER_MEL
        return self.sound[first : first + sentence.mels * SAMPLES_PER_MEL].astype(np.float32) / np.float32(32768)

    def of(self, split: str) -> list[Sentence]:
        """Those of a split."""
        return [sentence for sentence in self.entries if sentence.split == split]


class Amount(NamedTuple):
    """How many sentences to take at most.

    Attributes:
        train: To learn from, of each recorded speaker or group, and as many of espeak-ng in relation to them.
        held_out: Of each of the splits ``val`` and ``test``.
        spoken: Share of espeak-ng.
    """

    train: int = 450
    held_out: int = 60
    spoken: float = 0.55

    def of(self, split: str) -> int:
        """At most so many of a split."""
        return self.train if split == "train" else self.held_out


def build_sentences(
    data: Path, folder: Path, amount: Amount, tell: Callable[[str], None], *, sounds: bool = False
) -> Sentences:
    """Sentences of a data folder, kept in ``folder`` and read from there the next time.

    Args:
        data: Folder with ``speech``.
        folder: Where to.
        amount: How many.
        tell: Says how far it is.
        sounds: Whether their sound is kept too.

    Raises:
        ConfigError: If there is no speech set in it.
    """
    about, mel, sound = (folder / name for name in ("sentences.json", "sentences.npy", "sentences_sound.npy"))
    if not (about.is_file() and mel.is_file() and (sound.is_file() or not sounds)):
        folder.mkdir(parents=True, exist_ok=True)
        entries, mels, heard = _gathered(data, amount, tell)
        np.save(mel, np.concatenate(mels).astype(np.float16))
        if sounds:
            np.save(sound, np.concatenate(heard))
        about.write_bytes(msgspec.json.encode(entries))
    kept = np.load(sound) if sounds else np.zeros(0, np.int16)
    return Sentences(msgspec.json.decode(about.read_bytes(), type=list[Sentence]), np.load(mel), kept)


def as_int16(sound: Floats, samples: int) -> npt.NDArray[np.int16]:
    """``[samples]`` of ``[n]`` sound, silence after its end."""
    cut = np.pad(sound[:samples], (0, max(0, samples - len(sound))))
    return (cut.clip(-1.0, 1.0) * 32767).astype(np.int16)


def _gathered(
    data: Path, amount: Amount, tell: Callable[[str], None]
) -> tuple[list[Sentence], list[Floats], list[npt.NDArray[np.int16]]]:
    """Sentences, log-mel and 16 kHz sound of each."""
    entries: list[Sentence] = []
    mels: list[Floats] = []
    sounds: list[npt.NDArray[np.int16]] = []
    texts = {row["text"]: row["split"] for row in _rows(data)}
    for speaker, split, sound, rate, phones in (*_recorded(data, amount, tell), *_spoken(texts, amount)):
        sound_hz = soxr.resample(sound, rate, SPEECH_HZ)
        mel = log_mel(sound, rate) if rate % 1000 == 0 else log_mel(sound_hz, SPEECH_HZ)
        first = sum(map(len, mels))
        at_16_khz = soxr.resample(sound, rate, MICROPHONE_HZ)
        utterance, cues = _utterance(sound_hz, phones), _cues(at_16_khz)
        entries.append(Sentence(speaker, split, utterance, cues, first, len(mel)))
        mels.append(mel)
        sounds.append(as_int16(at_16_khz, len(mel) * SAMPLES_PER_MEL))
    return entries, mels, sounds


def _rows(data: Path) -> list[dict[str, Any]]:
    return [row for row in read_manifest(data) if row["lang"] == "en"]


Spoken = tuple[str, str, Floats, int, list[PhoneTime]]
"""Speaker, split, sound, its rate, phones."""


def _recorded(data: Path, amount: Amount, tell: Callable[[str], None]) -> Iterator[Spoken]:
    aligner, rows = Aligner(), _rows(data)
    for tar in sorted({row["tar"] for row in rows}):
        chosen, aligned = _chosen([row for row in rows if row["tar"] == tar], amount), 0
        for row in chosen:
            sound, rate = read_recording(data, row)
            phones = aligner.align(row["text"], soxr.resample(sound, rate, MICROPHONE_HZ))
            if phones is not None:
                aligned += 1
                yield row["speaker"], row["split"], sound, rate, phones
        tell(f"{tar}: {aligned} of {len(chosen)} sentences aligned")


def _chosen(rows: list[dict[str, Any]], amount: Amount) -> list[dict[str, Any]]:
    """Some of each split, at random."""
    chosen: list[dict[str, Any]] = []
    for split in _SPLITS:
        mine = [row for row in rows if row["split"] == split]
        chosen += [mine[i] for i in np.random.default_rng(1).permutation(len(mine))[: amount.of(split)]]
    return chosen


def _spoken(texts: dict[str, str], amount: Amount) -> Iterator[Spoken]:
    rng, voice = np.random.default_rng(2), Espeak.shared()
    for split in _SPLITS:
        known = sorted(text for text, of in texts.items() if of == split)
        for number in rng.permutation(len(known))[: round(amount.spoken * amount.of(split))]:
            name = str(rng.choice(_ACCENTS)) + str(rng.choice(_VARIANTS))
            rate_wpm, pitch = int(rng.integers(*_RATES_WPM)), int(rng.integers(*_PITCHES))
            said = voice.synthesize(known[number], name, rate_wpm=rate_wpm, pitch=pitch)
            sound = soxr.resample(said.samples, said.sample_rate, SPEECH_HZ)
            yield f"{_ESPEAK} {name}", split, sound, SPEECH_HZ, said.phones


def _utterance(sound: Floats, phones: list[PhoneTime]) -> Utterance:
    """A turn as the face gets it; the sound at 24 kHz."""
    padded = np.pad(sound, (0, -len(sound) % SPEECH_FRAME_SAMPLES))
    utterance = Utterance(1)
    utterance.add(
        Speech(
            samples=padded.astype(np.float32).clip(-1.0, 1.0),
            start_sample=0,
            phones=[phone.symbol for phone in phones],
            phone_start_s=[phone.start_s for phone in phones],
            phone_stress=[phone.stress for phone in phones],
            fin=True,
        )
    )
    return utterance


def _cues(sound: Floats) -> list[tuple[str, float]]:
    """What a listener may react to in ``[n]`` 16 kHz sound, a second of silence after it included."""
    heard, cues = UserVoice(), list[tuple[str, float]]()
    padded = np.concatenate([np.zeros(MICROPHONE_HZ // 2, np.float32), sound, np.zeros(MICROPHONE_HZ, np.float32)])
    for at in range(0, len(padded) - MICROPHONE_CHUNK_SAMPLES, MICROPHONE_CHUNK_SAMPLES):
        chunk = AudioChunk(samples=padded[at : at + MICROPHONE_CHUNK_SAMPLES], start_sample=at)
        end_s = (at + MICROPHONE_CHUNK_SAMPLES) / MICROPHONE_HZ - 0.5
        cues += [(cue.value, round(end_s, 3)) for cue in heard.hear(chunk)]
    return cues
