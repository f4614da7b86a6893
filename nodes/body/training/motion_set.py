"""Captioned motion as features, for training: read once from a folder, kept as one array on disk.

A set is a folder with ``motion_text.npz`` (``rot`` ``[N, 22, 3]`` local axis-angle rotations, ``root`` ``[N, 3]`` in
metres, ``offsets`` ``[clips + 1]``; SMPL's 22 joints, 20 frames per second, Y up) and ``clips.json``, a list with
``id``, ``n`` frames, ``split`` (``train``, ``val`` or ``test``), ``captions`` and ``src`` per clip.
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mio.errors import ConfigError
from nodes.body.motion.features import CONTACTS, DIM, PLACES, TURNS, VELOCITIES, encode
from nodes.body.motion.kinematics import Motion, mirrored

Floats = npt.NDArray[np.float32]

_VERSION = 1
_LEAST_FRAMES = 5
# Features that share a unit share a standard deviation, as in HumanML3D's processing.
_GROUPS = (slice(0, 1), slice(1, 3), slice(3, 4), PLACES, TURNS, VELOCITIES, CONTACTS)
_LEAST_STD = 1e-4


class Clip(NamedTuple):
    """A captioned stretch of motion.

    Attributes:
        id: Its name; mirrored clips end in ``~``.
        features: ``[n, 263]`` at 20 frames per second.
        captions: What it shows, in different words; mirrored clips have left and right exchanged in them.
        source: Where it was captured.
    """

    id: str
    features: Floats
    captions: tuple[str, ...]
    source: str


def read_clips(folder: Path, split: str, cache_dir: Path, *, mirror: bool = False) -> list[Clip]:
    """The clips of a split, without those shorter than five frames.

    Args:
        folder: The set.
        split: ``train``, ``val`` or ``test``.
        cache_dir: Where features are kept.
        mirror: Whether each clip comes a second time, as in a mirror.

    Raises:
        ConfigError: If the set is missing or is not one.
    """
    about = [clip for clip in _contents(folder) if clip["split"] == split]
    if not about:
        raise ConfigError(f"{folder}: no clips of split {split}", "splits are train, val and test")
    clips: list[Clip] = []
    for flipped in (False, True) if mirror else (False,):
        path = _cached(folder, split, cache_dir, flipped=flipped)
        every, begin = np.load(path, mmap_mode="r"), 0
        for clip in about:
            end = begin + clip["n"] - 1
            if end - begin >= _LEAST_FRAMES:
                clips.append(_clip(clip, every[begin:end], flipped=flipped))
            begin = end
    return clips


def statistics(clips: list[Clip]) -> tuple[Floats, Floats]:
    """``[263]`` mean and ``[263]`` standard deviation, the latter averaged over features of one kind."""
    every = np.concatenate([clip.features for clip in clips])
    mean, std = every.mean(0, dtype=np.float64), every.std(0, dtype=np.float64)
    for group in _GROUPS:
        std[group] = std[group].mean()
    return mean.astype(np.float32), np.maximum(std, _LEAST_STD).astype(np.float32)


def swapped_sides(caption: str) -> str:
    """The caption of the mirrored motion: left for right, clockwise for counterclockwise."""
    words = {"left": "right", "right": "left", "clockwise": "counterclockwise", "counterclockwise": "clockwise"}
    pieces: list[str] = []
    for word in caption.split(" "):
        bare = word.rstrip(".,;:!?")
        parts = [words.get(part, part) for part in bare.split("-")]
        pieces.append("-".join(parts) + word[len(bare) :])
    return " ".join(pieces)


def _clip(about: dict[str, Any], features: Floats, *, flipped: bool) -> Clip:
    captions = tuple(swapped_sides(caption) for caption in about["captions"]) if flipped else tuple(about["captions"])
    return Clip(about["id"] + "~" * flipped, features, captions, about["src"])


def _contents(folder: Path) -> list[dict[str, Any]]:
    path = folder / "clips.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: {error}", "name a folder with motion_text.npz and clips.json") from error


def _cached(folder: Path, split: str, cache_dir: Path, *, flipped: bool) -> Path:
    """File of a split's features ``[N, 263]``, float32; made if it is missing."""
    source = folder / "motion_text.npz"
    if not source.is_file():
        raise ConfigError(f"{source} is missing", "name a folder with motion_text.npz and clips.json")
    about = source.stat()
    key = hashlib.sha256(f"{_VERSION} {about.st_size} {about.st_mtime_ns} {split} {flipped}".encode()).hexdigest()[:16]
    path = cache_dir / f"motion-{key}.npy"
    if not path.is_file():
        cache_dir.mkdir(parents=True, exist_ok=True)
        features = np.concatenate(list(_encoded(folder, split, flipped=flipped)))
        unfinished = path.with_suffix(".part.npy")
        np.save(unfinished, features)
        unfinished.replace(path)
    return path


def _encoded(folder: Path, split: str, *, flipped: bool) -> Iterator[Floats]:
    with np.load(folder / "motion_text.npz") as stored:
        rotations, root, offsets = stored["rot"], stored["root"], stored["offsets"]
    for number, clip in enumerate(_contents(folder)):
        if clip["split"] != split:
            continue
        frames = slice(int(offsets[number]), int(offsets[number + 1]))
        motion = Motion(root[frames].astype(np.float64), rotations[frames].astype(np.float64))
        features = encode(mirrored(motion) if flipped else motion)
        if features.shape != (clip["n"] - 1, DIM) or not np.isfinite(features).all():
            raise ConfigError(f"{folder}: clip {clip['id']} does not have {clip['n']} frames", "the set is damaged")
        yield features.astype(np.float32)
