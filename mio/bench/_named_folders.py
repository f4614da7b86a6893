"""Options that name folders to compare: ``--also NAME=FOLDER``."""

from collections.abc import Iterable
from pathlib import Path

from mio.errors import MioError


def named_folders(option: str, values: Iterable[str]) -> list[tuple[str, Path]]:
    """Names and folders.

    Args:
        option: With its dashes.
        values: What was written behind it, each time.

    Raises:
        MioError: If one names no folder.
    """
    found: list[tuple[str, Path]] = []
    for value in values:
        name, _, folder = value.partition("=")
        if not folder:
            raise MioError(f"{option} {value}: no folder", "write NAME=FOLDER")
        found.append((name, Path(folder)))
    return found
