"""Own voice variants for espeak-ng: a data folder of links to its own data, to which variant files can be added.

espeak-ng reads variants (pitch, formants, breath and the like) only from ``voices/!v`` of its data folder.
"""

import atexit
import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from mio.errors import MioError

VARIANTS = Path("voices") / "!v"
_NAME_LENGTH = 36  # espeak-ng keeps 40 bytes of "!v/" and the name


def linked_data(data: Path, cache: Path) -> Path:
    """A folder like espeak-ng's data whose variants can be added to; made once, then reused.

    Args:
        data: espeak-ng's own data folder.
        cache: Where to make it; if that cannot be written to, a temporary folder takes its place.
    """
    source = f"{data.resolve()} {data.stat().st_mtime_ns}"
    key = hashlib.sha256(source.encode()).hexdigest()[:12]
    folder = cache / f"espeak-ng-{key}"
    if (folder / VARIANTS).is_dir():
        return folder
    try:
        cache.mkdir(parents=True, exist_ok=True)
        return _link(data, folder)
    except OSError:
        temporary = Path(tempfile.mkdtemp(prefix="mio-"))
        atexit.register(shutil.rmtree, temporary, ignore_errors=True)
        return _link(data, temporary / "espeak-ng-data")


def add_variant(folder: Path, source: Path) -> str:
    """Copy a variant file into a linked data folder.

    Returns:
        Its name there, which says what is in it: another content gets another name.

    Raises:
        MioError: If it cannot be read.
    """
    try:
        content = source.read_bytes()
    except OSError as error:
        raise MioError(f"voice variant {source}: {error.strerror or error}", "name a readable file") from error
    name = f"{source.stem[:20]}-{hashlib.sha256(content).hexdigest()[:12]}"[:_NAME_LENGTH]
    target = folder / VARIANTS / name
    if not target.exists():
        partial = target.with_name(f".{os.getpid()}-{name}")
        partial.write_bytes(content)
        partial.replace(target)
    return name


def _link(data: Path, folder: Path) -> Path:
    """Build the folder beside its place and move it there, so that nobody sees half of it."""
    partial = Path(tempfile.mkdtemp(prefix=f"{folder.name}-", dir=folder.parent))
    (partial / VARIANTS).mkdir(parents=True)
    for entry in data.iterdir():
        if entry.name != VARIANTS.parent.name:
            (partial / entry.name).symlink_to(entry.resolve())
    for entry in (data / VARIANTS.parent).iterdir():
        if entry.name != VARIANTS.name:
            (partial / VARIANTS.parent / entry.name).symlink_to(entry.resolve())
    for entry in (data / VARIANTS).iterdir():
        (partial / VARIANTS / entry.name).symlink_to(entry.resolve())
    try:
        partial.rename(folder)
    except OSError:  # another process was first
        shutil.rmtree(partial)
        if not (folder / VARIANTS).is_dir():
            raise
    return folder
