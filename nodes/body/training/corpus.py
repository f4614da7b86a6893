"""All motion that the body learns from: captured clips, each also as in a mirror, and motion that the engine made.

What is captured is measured on; what is made only fills the gaps of the captures (see :mod:`.synthesis`).
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from nodes.body.training.motion_set import Clip, read_clips
from nodes.body.training.sequences import Frames
from nodes.body.training.synthesis import REST, SOURCE, synthesised

LONGEST_FRAMES = 200
"""Ten seconds, the longest sequence of the paper's training."""

_MADE_VERSION = 1
_LEAST_FRAMES = 20


class Corpus(NamedTuple):
    """What is learned from.

    Attributes:
        captured: Clips and their mirrored twins.
        made: Sequences of the procedural engine.
    """

    captured: list[Clip]
    made: list[Frames]

    def clips(self, made_times: int) -> list[Clip]:
        """All as clips, for the autoencoder; those that were made count several times."""
        made = [Clip(f"made{k}", frames.features, frames.texts[0][0], SOURCE) for k, frames in enumerate(self.made)]
        return self.captured + made * made_times

    def gestures(self) -> list[Clip]:
        """Each gesture of the made motion as a clip of its own."""
        return [clip for clip in self._pieces() if clip.captions != REST.captions]

    def rests(self) -> list[Clip]:
        """Each rest of the made motion as a clip of its own."""
        return [clip for clip in self._pieces() if clip.captions == REST.captions]

    def _pieces(self) -> list[Clip]:
        pieces: list[Clip] = []
        for number, frames in enumerate(self.made):
            begin = 0
            for captions, end in frames.texts:
                if end - begin >= _LEAST_FRAMES:
                    pieces.append(Clip(f"made{number}.{begin}", frames.features[begin:end], captions, SOURCE))
                begin = end
        return pieces


def read_corpus(data: Path, cache_dir: Path, made_minutes: float, seed: int) -> Corpus:
    """Read the training split and make what it lacks; both are kept in a cache.

    Args:
        data: Folder of the motion set.
        cache_dir: Where features are kept.
        made_minutes: Of made motion; 0 for none.
        seed: Of the made motion.

    Raises:
        ConfigError: If the set is missing or is not one.
    """
    captured = read_clips(data, "train", cache_dir, mirror=True)
    return Corpus(captured, _made(cache_dir, made_minutes, seed) if made_minutes > 0 else [])


def _made(cache_dir: Path, minutes: float, seed: int) -> list[Frames]:
    key = hashlib.sha256(f"{_MADE_VERSION} {minutes} {seed} {LONGEST_FRAMES}".encode()).hexdigest()[:16]
    path = cache_dir / f"made-{key}.npz"
    if not path.is_file():
        write_frames(path, list(synthesised(minutes, LONGEST_FRAMES, seed)))
    return read_frames(path)


def write_frames(path: Path, sequences: Sequence[Frames]) -> None:
    """Keep sequences in a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part.npz")
    offsets = np.cumsum([0, *(len(frames.features) for frames in sequences)])
    texts = json.dumps([frames.texts for frames in sequences])
    features = np.concatenate([frames.features for frames in sequences])
    np.savez(unfinished, features=features, offsets=offsets, texts=texts)
    unfinished.replace(path)


def read_frames(path: Path) -> list[Frames]:
    """Read what :func:`write_frames` wrote."""
    with np.load(path) as stored:
        features, offsets, texts = stored["features"], stored["offsets"], json.loads(str(stored["texts"]))
    return [
        Frames(features[first:end], tuple((tuple(captions), int(until)) for captions, until in said))
        for first, end, said in zip(offsets[:-1], offsets[1:], texts, strict=True)
    ]
