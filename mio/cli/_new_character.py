"""Writes a new character pack that works at once, to be filled with life."""

import re
from pathlib import Path

from mio.errors import MioError

_TEMPLATE = Path(__file__).resolve().parents[1] / "character_template"
_NAME = re.compile(r"[^\W\d_][\w '.-]{0,59}")


def write_new_character(folder: Path, name: str) -> list[Path]:
    """Write a pack.

    Args:
        folder: Where; it must not exist, or be empty.
        name: Of the character.

    Returns:
        The files.

    Raises:
        MioError: If the folder has something in it, the name is none, or nothing can be written.
    """
    if not _NAME.fullmatch(name):
        raise MioError(f"'{name}' is no name for a character", "give letters, such as --name 'Ada Lind'")
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise MioError(f"{folder} is there already", "name a new folder")
        folder.mkdir(parents=True, exist_ok=True)
        paths = [folder / source.name for source in sorted(_TEMPLATE.glob("*.yml"))]
        for path in paths:
            text = (_TEMPLATE / path.name).read_text(encoding="utf-8")
            path.write_text(text.replace("{name}", name), encoding="utf-8")
    except OSError as error:
        raise MioError(f"{folder}: {error.strerror or error}", "choose another folder") from error
    return paths
