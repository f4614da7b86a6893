"""Where a recording goes, decided and reserved before anything is recorded."""

import os
from pathlib import Path

from mio.errors import MioError

_MOST_NUMBERS = 10_000
_REMEDY = "set 'path:' to a writable folder"


def path_problem(path: Path) -> MioError | None:
    """Why no recording can be written there; None if it seems possible. Nothing is made."""
    if path.suffix.lower() != ".mp4":
        return MioError(f"{path}: the recorder writes mp4", "end the path with .mp4")
    folder = next(parent for parent in path.absolute().parents if parent.exists())
    if not folder.is_dir():
        return MioError(f"{path}: cannot be written: {folder} is no folder", _REMEDY)
    if not os.access(folder, os.W_OK):
        return MioError(f"{path}: cannot be written: no permission for {folder}", _REMEDY)
    return None


def part_path(path: Path, part: int) -> Path:
    """Where a recording goes on after a hand-over: the first part at the path itself, then numbered."""
    return path if part == 1 else path.with_stem(f"{path.stem}-{part}")


def reserve(path: Path, *, overwrite: bool) -> Path:
    """Make the folder and an empty file; an existing file is kept and a number added, unless ``overwrite``.

    Raises:
        MioError: If that is not possible.
    """
    problem = path_problem(path)
    if problem is not None:
        raise problem
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if overwrite:
            path.write_bytes(b"")
            return path
        for number in range(1, _MOST_NUMBERS):
            candidate = path if number == 1 else path.with_stem(f"{path.stem}-{number}")
            try:
                candidate.touch(exist_ok=False)
            except FileExistsError:
                continue
            return candidate
    except OSError as error:
        raise MioError(f"{path}: cannot be written: {error.strerror}", _REMEDY) from error
    raise MioError(f"{path}: there are {_MOST_NUMBERS - 1} recordings of that name", "choose another 'path:'")


def stem_path(path: Path, voice: str) -> Path:
    """File of one voice beside a recording."""
    return path.with_suffix(f".{voice}.wav")


def report_path(path: Path) -> Path:
    """File of the figures beside a recording."""
    return path.with_suffix(".json")
