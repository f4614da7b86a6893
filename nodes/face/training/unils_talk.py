"""The set that UniLS was learned from, as its authors publish it: UniLS-Talk, faces of Seamless Interaction as FLAME.

A folder with a database of LMDB in ``data_lmdb`` (an ``.npz`` for each person: ``audio`` ``[m]`` at 16 kHz,
``motioncode`` ``[n, 112]`` at 25 per second, ``speech_mask`` ``[n]``) and a ``.json`` beside it, which names pairs of
persons and their length by split. Source: https://github.com/xg-chu/UniLS and arXiv 2512.09327.
"""

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import numpy as np

from mio.contracts.rates import FACE_DIM, MICROPHONE_HZ
from mio.errors import ConfigError, Needing
from nodes.face.models.flame import HEAD
from nodes.face.models.voice import log_mel
from nodes.face.training.conversations import MELS_PER_FRAME, SAMPLES_PER_FRAME, Person
from nodes.face.training.sentences import as_int16

_DATABASE = "data_lmdb"
_REMEDY = "name the folder of the UniLS-Talk set, with data_lmdb and its .json"


def read_pairs(folder: Path, split: str) -> Iterator[tuple[Person, Person]]:
    """Persons of a split who talk to each other.

    Args:
        folder: Of the set.
        split: ``train``, ``val`` or ``test``.

    Raises:
        MioError: If the package lmdb is not installed, or something is missing or broken there.
    """
    with Needing("the UniLS-Talk set", "train"):
        import lmdb
    found = sorted(folder.glob("*.json"))
    if len(found) != 1 or not (folder / _DATABASE).is_dir():
        raise ConfigError(f"{folder}: no {_DATABASE}, or not one .json", _REMEDY)
    try:
        pairs = json.loads(found[0].read_text(encoding="utf-8")).get(split, {}).values()
        with lmdb.open(str(folder / _DATABASE), readonly=True, lock=False, readahead=False) as database:
            for first, second, count in pairs:
                with database.begin() as stored:
                    keys = (PurePosixPath(path).name for path in (first, second))
                    one, other = (_person(key, stored.get(key.encode()), int(count)) for key in keys)
                yield one, other
    except (OSError, ValueError, TypeError, KeyError, zipfile.BadZipFile, lmdb.Error) as error:
        raise ConfigError(f"{folder}: {error}", _REMEDY) from error


def _person(key: str, packed: bytes | None, count: int) -> Person:
    if packed is None:
        raise ValueError(f"has no '{key}'")
    with np.load(io.BytesIO(packed)) as record:
        sound, frames, speaking = record["audio"], record["motioncode"], record["speech_mask"]
    count = min(count, len(frames), len(speaking))
    if frames.ndim != 2 or frames.shape[1] != FACE_DIM or not count:
        raise ValueError(f"'{key}' has frames {frames.shape}, not [n, {FACE_DIM}]")
    frames = frames[:count].astype(np.float32)
    frames[:, HEAD] -= frames[:, HEAD].mean(0)
    kept = as_int16(sound.astype(np.float32), SAMPLES_PER_FRAME * count)
    mel = log_mel((kept / 32_768).astype(np.float32), MICROPHONE_HZ)[: MELS_PER_FRAME * count]
    return Person(mel.astype(np.float16), frames.astype(np.float16), speaking[:count] > 0, kept)
