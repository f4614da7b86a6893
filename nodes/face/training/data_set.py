"""The data of the face's trainings: built once by command from sets of captures, body motion and speech.

A built folder has ``train.npz``, ``val.npz`` and ``test.npz``, each with conversations (both faces, both voices) and
faces by themselves, and ``sentences.*``, from which conversations are made.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from mio.contracts.rates import FACE_DIM
from mio.errors import ConfigError
from nodes.face.models.sizes import Basis
from nodes.face.models.voice import MELS, SILENT
from nodes.face.training.captures import Capture, Frames, read_set
from nodes.face.training.conversations import (
    MELS_PER_FRAME,
    SAMPLES_PER_FRAME,
    Person,
    cast_of,
    converse,
    solitude,
)
from nodes.face.training.own_set import read_own
from nodes.face.training.prior import Pool, build_pool, read_heads
from nodes.face.training.sentences import Amount, Sentences, build_sentences
from nodes.face.training.unils_talk import read_pairs

SPLITS = ("train", "val", "test")


class Recipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much is built.

    Attributes:
        sentences: Sentences to align.
        conversations: Of a minute each, to learn from; an eighth as many in each held-out split.
        alone_s: Of faces by themselves, to learn from; an eighth as long in each held-out split.
        seed: Of everything that is drawn.
        sounds: Whether the sound of the voices is kept too, for a pretrained encoder.
    """

    sentences: Amount = Amount()
    conversations: int = 48
    alone_s: float = 1_800.0
    seed: int = 1
    sounds: bool = False


class Tracks(NamedTuple):
    """Faces with their voices, one after another.

    Attributes:
        frames: ``[N, 112]`` fp16.
        mel: ``[4 N, 40]`` fp16 of the own voice.
        speaking: ``[N]``.
        starts: ``[tracks + 1]`` first frame of each.
        partner: ``[tracks]`` who is heard; -1 for nobody.
        sound: ``[640 N]`` int16 at 16 kHz of the own voice; empty where it was not kept.
        basis: What the frames' first columns are.
    """

    frames: npt.NDArray[np.float16]
    mel: npt.NDArray[np.float16]
    speaking: npt.NDArray[np.bool_]
    starts: npt.NDArray[np.int64]
    partner: npt.NDArray[np.int64]
    sound: npt.NDArray[np.int16] = np.zeros(0, np.int16)
    basis: Basis = "arkit52"

    def span(self, track: int) -> slice:
        """Frames of a track."""
        return slice(int(self.starts[track]), int(self.starts[track + 1]))


def build(data: Path, own: Path | None, out: Path, recipe: Recipe, tell: Callable[[str], None]) -> None:
    """Build all splits.

    Args:
        data: Folder with ``face_motion``, ``motion`` and ``speech``.
        own: Folder of further captures, to learn from; see :mod:`nodes.face.training.own_set`.
        out: Where to.
        recipe: How much.
        tell: Says how far it is.

    Raises:
        ConfigError: If one of them is missing.
    """
    captures = read_set(data / "face_motion")
    sentences = build_sentences(data, out, recipe.sentences, tell, sounds=recipe.sounds)
    added = list(read_own(own)) if own is not None else []
    captures += [capture for capture in added if isinstance(capture, Capture)]
    paired = [person for person in added if isinstance(person, Person)]
    for number, split in enumerate(SPLITS):
        rng = np.random.default_rng([recipe.seed, number])
        share = 1.0 if split == "train" else 0.125
        held_out = split != "train"
        pool = build_pool(captures, read_heads(data / "motion", held_out=held_out), held_out=held_out)
        people, partner = _people(sentences, split, pool, recipe, share, rng)
        if split == "train":
            people, partner = [*people, *paired], [*partner, *(-1 for _ in paired)]
        _write(out / f"{split}.npz", _joined(people, partner, sounds=recipe.sounds), tell)


def build_from_pairs(folder: Path, out: Path, tell: Callable[[str], None], *, sounds: bool) -> None:
    """Build all splits from the UniLS-Talk set, see :mod:`nodes.face.training.unils_talk`.

    Args:
        folder: Of the set.
        out: Where to.
        tell: Says how far it is.
        sounds: Whether to keep the sound of the voices too.

    Raises:
        MioError: If it cannot be read, or a split has nobody.
    """
    out.mkdir(parents=True, exist_ok=True)
    for split in SPLITS:
        people = [person for pair in read_pairs(folder, split) for person in pair]
        if not people:
            raise ConfigError(f"{folder}: nobody in the split {split}", "see the set's .json")
        tracks = _joined(people, [number ^ 1 for number in range(len(people))], sounds=sounds)
        _write(out / f"{split}.npz", tracks._replace(basis="flame2020"), tell)


def _write(path: Path, tracks: Tracks, tell: Callable[[str], None]) -> None:
    np.savez(path, **tracks._asdict())
    minutes = len(tracks.frames) / 25 / 60
    tell(f"{path.stem}: {minutes:.1f} minutes of faces, {tracks.speaking.mean():.0%} of the time speaking")


def read(folder: Path, split: str) -> Tracks:
    """A built split.

    Raises:
        ConfigError: If it has not been built.
    """
    path = folder / f"{split}.npz"
    if not path.is_file():
        raise ConfigError(f"{path} is missing", "build it first: mio train face --stage data --data DIR")
    with np.load(path) as stored:
        arrays = {name: stored[name] for name in Tracks._fields if name in stored and name != "basis"}
        basis: Basis = "flame2020" if str(stored.get("basis", "")) == "flame2020" else "arkit52"
    return Tracks(**arrays)._replace(basis=basis)


def _people(
    sentences: Sentences, split: str, pool: Pool, recipe: Recipe, share: float, rng: np.random.Generator
) -> tuple[list[Person], list[int]]:
    """Everybody of a split, and who hears whom."""
    cast = cast_of(sentences.of(split))
    count = max(1, round(share * recipe.conversations))
    people = [person for _ in range(count) for person in converse(cast, sentences, pool, rng)]
    partner = [number ^ 1 for number in range(len(people))]
    alone = [_alone(solitude(pool, 60.0, rng)) for _ in range(max(1, round(share * recipe.alone_s / 60.0)))]
    return [*people, *alone], [*partner, *(-1 for _ in alone)]


def _alone(frames: Frames) -> Person:
    mel = np.full((MELS_PER_FRAME * len(frames), MELS), SILENT, np.float16)
    sound = np.zeros(SAMPLES_PER_FRAME * len(frames), np.int16)
    return Person(mel, frames.astype(np.float16), np.zeros(len(frames), bool), sound)


def _joined(people: Sequence[Person], partner: list[int], *, sounds: bool) -> Tracks:
    starts = np.cumsum([0, *(len(person.frames) for person in people)])
    frames = np.concatenate([person.frames for person in people])
    assert frames.shape[1] == FACE_DIM
    return Tracks(
        frames,
        np.concatenate([person.mel for person in people]),
        np.concatenate([person.speaking for person in people]),
        starts.astype(np.int64),
        np.array(partner, np.int64),
        np.concatenate([person.sound for person in people]) if sounds else np.zeros(0, np.int16),
    )
