"""A set of read sentences: ``speech/manifest.jsonl`` in a data folder, and the tar files beside it that it points into.

A line of the manifest has ``id``, ``speaker``, ``lang``, ``text``, ``split``, and ``tar``, ``offset`` and ``size`` of a
recording in any form that libsndfile reads.
"""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile

from mio.errors import ConfigError

MANIFEST = Path("speech") / "manifest.jsonl"

_REMEDY = "name a data folder with speech/manifest.jsonl"


def read_manifest(data: Path) -> list[dict[str, Any]]:
    """Lines of the manifest.

    Raises:
        ConfigError: If there is none, or it is broken.
    """
    path = data / MANIFEST
    try:
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: {error}", _REMEDY) from error


def read_recording(data: Path, row: dict[str, Any]) -> tuple[npt.NDArray[np.float32], int]:
    """``[n]`` samples of a line's recording, and their rate in Hz.

    Raises:
        ConfigError: If it cannot be read.
    """
    try:
        with (data / MANIFEST.parent / row["tar"]).open("rb") as file:
            file.seek(row["offset"])
            sound, rate = soundfile.read(io.BytesIO(file.read(row["size"])), dtype="float32")
    except (OSError, soundfile.LibsndfileError) as error:
        raise ConfigError(f"{row['tar']}: {error}", _REMEDY) from error
    return np.asarray(sound, np.float32), rate
