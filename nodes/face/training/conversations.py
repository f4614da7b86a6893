"""Conversations of two: who says what when, both voices as log-mel, both faces.

Speakers take turns of a few sentences. The time from the end of a turn to the beginning of the next is drawn so that
most turns follow within a fraction of a second and about two in five overlap (Heldner and Edlund 2010; Stivers et al.
2009); pauses inside turns are longer than those between them (Campione and Véronis 2002). Now and then nobody speaks
for some seconds.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mio.contracts.rates import FACE_FPS
from nodes.face.models.voice import MEL_HZ, MELS, MIDDLE_DB, SILENT, UNIT_DB, louder
from nodes.face.training.captures import Frames
from nodes.face.training.performance import Placed, Scene, perform
from nodes.face.training.prior import Pool
from nodes.face.training.sentences import SAMPLES_PER_MEL, Sentence, Sentences, as_int16

MELS_PER_FRAME = MEL_HZ // FACE_FPS
SAMPLES_PER_FRAME = MELS_PER_FRAME * SAMPLES_PER_MEL

_LASTS_S = 60.0
_SENTENCES = (0.45, 0.3, 0.15, 0.1)  # shares of turns with one, two, three and four sentences
_GAP_S = (0.15, 0.4)  # mean and SD
_GAPS_S = (-0.6, 1.5)
_PAUSE_S = (0.25, 0.8)
_LULL_CHANCE, _LULL_S = 0.12, (2.0, 6.0)
_NOISE = (-1.9, -1.2)  # level of a room, in the units of log-mel
_OVER_BAND_DB = 18.0  # level of white noise over that of its mel bands, about
_GAIN_DB = (-8.0, 6.0)


class Person(NamedTuple):
    """One of the two.

    Attributes:
        mel: ``[4 n, 40]`` log-mel of the voice, fp16.
        frames: ``[n, 112]`` the face, fp16.
        speaking: ``[n]`` whether the person speaks.
        sound: ``[640 n]`` the voice at 16 kHz, int16; empty where sounds are not kept.
    """

    mel: npt.NDArray[np.float16]
    frames: npt.NDArray[np.float16]
    speaking: npt.NDArray[np.bool_]
    sound: npt.NDArray[np.int16] = np.zeros(0, np.int16)


Conversation = tuple[Person, Person]


class Cast(NamedTuple):
    """Who may speak: sentences by speaker, and how often each is chosen."""

    sentences: list[list[Sentence]]
    shares: list[float]


def cast_of(sentences: list[Sentence]) -> Cast:
    """Speakers with enough sentences; those of one group (each has few) count as one."""
    groups: dict[str, list[Sentence]] = {}
    for sentence in sentences:
        groups.setdefault(sentence.speaker.rstrip("0123456789"), []).append(sentence)
    found = list(groups.values())
    lengths = np.sqrt([float(len(group)) for group in found])
    return Cast(found, (lengths / lengths.sum()).tolist())


def converse(cast: Cast, sentences: Sentences, pool: Pool, rng: np.random.Generator) -> Conversation:
    """A conversation of about a minute."""
    chosen = rng.choice(len(cast.sentences), 2, p=cast.shares)
    said = _turns([cast.sentences[int(number)] for number in chosen], rng)
    count = round((max(placed.end_s for own in said for placed in own) + 1.0) * FACE_FPS)
    faces = [perform(pool.draw(count, rng), Scene(said[i], said[1 - i], rng)) for i in (0, 1)]
    one, other = (_person(own, face, sentences, rng) for own, face in zip(said, faces, strict=True))
    return one, other


def solitude(pool: Pool, seconds: float, rng: np.random.Generator) -> Frames:
    """``[n, 112]`` frames of a face while nobody speaks."""
    return pool.draw(round(seconds * FACE_FPS), rng, intensity=rng.uniform(0.25, 1.0))


def _turns(speakers: list[list[Sentence]], rng: np.random.Generator) -> list[list[Placed]]:
    said: list[list[Placed]] = [[], []]
    now_s, turn = float(rng.uniform(0.5, 3.0)), 0
    while now_s < _LASTS_S:
        own = speakers[turn % 2]
        for _ in range(1 + int(rng.choice(len(_SENTENCES), p=_SENTENCES))):
            placed = Placed(own[int(rng.integers(len(own)))], round(max(0.0, now_s), 2))
            said[turn % 2].append(placed)
            now_s = placed.end_s + rng.uniform(*_PAUSE_S)
        gap_s = float(np.clip(rng.normal(*_GAP_S), *_GAPS_S))
        lull_s = rng.uniform(*_LULL_S) if rng.random() < _LULL_CHANCE else 0.0
        now_s = max(said[turn % 2][-1].end_s + gap_s + lull_s, said[turn % 2][-1].start_s + 0.3)
        turn += 1
    return said if said[1] else [said[0], []]


def _person(own: list[Placed], face: Frames, sentences: Sentences, rng: np.random.Generator) -> Person:
    room = rng.uniform(*_NOISE)
    mel = room + rng.normal(0.0, 0.1, (MELS_PER_FRAME * len(face), MELS)).astype(np.float32)
    mel = np.maximum(mel, SILENT)
    gain_db = rng.uniform(*_GAIN_DB)
    speaking = np.zeros(len(face), bool)
    for placed in own:
        voice = louder(sentences.mel_of(placed.sentence), gain_db)
        first = round(placed.start_s * MEL_HZ)
        voice = voice[: len(mel) - first]
        mel[first : first + len(voice)] = np.maximum(mel[first : first + len(voice)], voice)
        begin_s = placed.start_s + placed.sentence.utterance.speaks_s[0]
        speaking[round(begin_s * FACE_FPS) : round(placed.end_s * FACE_FPS)] = True
    sound = _sound(own, sentences, len(face), room, gain_db) if len(sentences.sound) else sentences.sound
    return Person(mel.astype(np.float16), face.astype(np.float16), speaking, sound)


def _sound(own: list[Placed], sentences: Sentences, frames: int, room: float, gain_db: float) -> npt.NDArray[np.int16]:
    """``[640 frames]`` of the same voice in the same room."""
    level_db = MIDDLE_DB + UNIT_DB * room + _OVER_BAND_DB
    sound = np.random.default_rng(len(own)).normal(0.0, 10 ** (level_db / 20), frames * SAMPLES_PER_FRAME)
    for placed in own:
        voice = 10 ** (gain_db / 20) * sentences.sound_of(placed.sentence)
        first = round(placed.start_s * MEL_HZ) * SAMPLES_PER_MEL
        sound[first : first + len(voice)] += voice[: max(0, len(sound) - first)]
    return as_int16(sound.astype(np.float32), len(sound))
