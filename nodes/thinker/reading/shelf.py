"""What reading made of windows, kept in a file, so that a story is read once. Knows no questions and no time."""

import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from mio.sentences.encoder import SentenceEncoder, TokenStates
from nodes.thinker.reading.reader import Reader
from nodes.thinker.reading.relevance import Heads, told_tokens

_log = logging.getLogger(__name__)


class Learnt(NamedTuple):
    """What was learnt about questions and stories, and a name of it. Without a reader, whole sentences are answers."""

    heads: Heads
    reader: Reader | None
    fingerprint: str


class ReadWindow(NamedTuple):
    """A window that was read.

    Attributes:
        vector: ``[D]``: its sentence vector.
        relevance: ``[T, W]``: its tokens for :mod:`nodes.thinker.reading.relevance`.
        reading: ``[T, V]``: its tokens for :mod:`nodes.thinker.reading.reader`.
        spans: ``[T, 2]``: where each token stands in the text.
    """

    vector: npt.NDArray[np.float32]
    relevance: npt.NDArray[np.float16]
    reading: npt.NDArray[np.float16]
    spans: npt.NDArray[np.int64]


def read_windows(
    texts: Sequence[str], encoder: SentenceEncoder, learnt: Learnt, cache_dir: Path | None = None
) -> list[ReadWindow]:
    """Read texts, about 25 ms for 100 words each, or take what was read before.

    Args:
        texts: Any number.
        encoder: Reads them.
        learnt: What is made of what it reads.
        cache_dir: Where it is kept; a damaged or unwritable file there costs time and a warning, nothing else.
    """
    content = "\0".join([encoder.fingerprint, learnt.fingerprint, *texts])
    path = cache_dir / f"reading-{hashlib.sha256(content.encode()).hexdigest()[:16]}.npz" if cache_dir else None
    kept = _kept(path, len(texts)) if path else None
    if kept is not None:
        return kept
    read = [_read_window(one, learnt) for one in encoder.read(texts)]
    if path:
        _keep(read, path)
    return read


def _read_window(read: TokenStates, learnt: Learnt) -> ReadWindow:
    told = learnt.reader.told(read.states) if learnt.reader else read.states[:, :0]
    return ReadWindow(read.vector, told_tokens(read, learnt.heads), told.astype(np.float16), read.spans)


def _kept(path: Path, count: int) -> list[ReadWindow] | None:
    if not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as file:
            lengths = file["lengths"]
            ends = np.cumsum(lengths)[:-1]
            tokens = (np.split(file[name], ends) for name in ("relevance", "reading", "spans"))
            windows = [ReadWindow(*row) for row in zip(file["vectors"], *tokens, strict=True)]
        if len(windows) != count or any(len(w.spans) != n for w, n in zip(windows, lengths, strict=True)):
            raise ValueError(f"it has {len(windows)} windows, expected {count}")
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        _log.warning("%s is damaged (%s); it is made again", path, error)
        return None
    return windows


def _keep(windows: Sequence[ReadWindow], path: Path) -> None:
    if not windows:
        return
    for old in path.parent.glob("reading-*.npz"):
        old.unlink(missing_ok=True)
    temporary = path.with_suffix(".tmp.npz")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(
            temporary,
            lengths=np.array([len(window.spans) for window in windows]),
            vectors=np.stack([window.vector for window in windows]),
            relevance=np.concatenate([window.relevance for window in windows]),
            reading=np.concatenate([window.reading for window in windows]),
            spans=np.concatenate([window.spans for window in windows]),
        )
        temporary.replace(path)
    except OSError as error:
        _log.warning("cannot keep what was read in %s (%s); the next start will take longer", path.parent, error)
