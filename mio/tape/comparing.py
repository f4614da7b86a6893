"""Compares two tapes stream by stream: what is equal, what is missing, how far apart the rest is."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from mio.runtime.tee import NO_CONTENT, TapeEvent
from mio.tape.contents import Tape
from mio.tape.format import TapeError, metadata_of

_TEXTS_SHOWN = 5
_SHOWN_CHARS = 80

Pair = tuple[TapeEvent, TapeEvent]


class StreamDifference(NamedTuple):
    """How one stream differs between two tapes.

    Attributes:
        name: ``node/output``.
        counts: Messages on each tape.
        equal: Pairs whose content is equal in every bit.
        missing: Messages of the first tape that have no partner.
        extra: Messages of the second tape that have none.
        first: Where they differ first; empty if nowhere.
        later_ms: Median and 95th percentile of how much later, or earlier, partners were sent; None without any.
        distance: Root mean square and greatest difference of float payloads of equal length; None without any.
        texts: Texts that differ.
    """

    name: str
    counts: tuple[int, int]
    equal: int
    missing: int
    extra: int
    first: str = ""
    later_ms: tuple[float, float] | None = None
    distance: tuple[float, float] | None = None
    texts: tuple[tuple[str, str], ...] = ()

    @property
    def same(self) -> bool:
        """Whether both tapes hold the same content."""
        return not (self.missing or self.extra or self.first)


def compare(first: Tape, second: Tape, nodes: list[str] | None = None) -> list[StreamDifference]:
    """Compare two tapes. Partners are found in the order of a stream, from the first equal message on.

    If the second is of a replay of the first, steps that either end of a recording has cut are left out.

    Args:
        first: A tape.
        second: Another.
        nodes: Compare the outputs of these only.

    Raises:
        TapeError: If one of them holds headers only.
    """
    replayed = "compare" in second.about
    ours, theirs = first.streams(settled=replayed), second.streams(settled=replayed)
    names = sorted(key for key in {*ours, *theirs} if not nodes or key[0] in nodes)
    pairs = {name: _paired(ours.get(name, []), theirs.get(name, [])) for name in names}
    later_ns = [b.at_ns - a.at_ns for found in pairs.values() for a, b in found]
    offset_ns = float(np.median(later_ns)) if later_ns else 0.0
    return [_difference(name, ours.get(name, []), theirs.get(name, []), pairs[name], offset_ns) for name in names]


def _paired(ours: list[TapeEvent], theirs: list[TapeEvent]) -> list[Pair]:
    """Messages that belong together: the streams are laid over each other where they first have one in common."""
    if any(not event.digest for event in (*ours, *theirs)):
        raise TapeError("a tape holds headers only", "record without --headers-only")
    place = {event.digest: index for index, event in reversed(list(enumerate(theirs)))}
    shift = next((place[key] - index for index, key in enumerate(event.digest for event in ours) if key in place), 0)
    return list(zip(ours[max(0, -shift) :], theirs[max(0, shift) :], strict=False))


def _difference(
    name: tuple[str, str], ours: list[TapeEvent], theirs: list[TapeEvent], pairs: list[Pair], offset_ns: float
) -> StreamDifference:
    unequal = [pair for pair in pairs if pair[0].digest != pair[1].digest]
    later = np.array([b.at_ns - a.at_ns - offset_ns for a, b in pairs]) / 1e6
    return StreamDifference(
        "/".join(name),
        (len(ours), len(theirs)),
        len(pairs) - len(unequal),
        len(ours) - len(pairs),
        len(theirs) - len(pairs),
        _named(*unequal[0]) if unequal else "",
        (_rounded(np.median(later)), _rounded(np.percentile(np.abs(later), 95))) if pairs else None,
        _distance(pairs),
        tuple(_texts(unequal))[:_TEXTS_SHOWN],
    )


def _named(a: TapeEvent, b: TapeEvent) -> str:
    """Which part of two messages differs."""
    one, other = metadata_of(a), metadata_of(b)
    for field in sorted({*one, *other} - NO_CONTENT):
        if one.get(field) != other.get(field):
            return f"number {a.seq}: {field} {one.get(field)!r:.60} and {other.get(field)!r:.60}"
    return f"number {a.seq}: payload"


def _distance(pairs: list[Pair]) -> tuple[float, float] | None:
    apart = [
        np.frombuffer(a.data, np.float32) - np.frombuffer(b.data, np.float32)
        for a, b in pairs
        if a.type == b.type == "float" and a.data and len(a.data) == len(b.data)
    ]
    if not apart:
        return None
    every = np.concatenate(apart).astype(np.float64)
    return float(f"{np.sqrt(np.mean(every**2)):.4g}"), float(f"{np.abs(every).max():.4g}")


def _texts(pairs: list[Pair]) -> Iterator[tuple[str, str]]:
    for a, b in pairs:
        if a.type == b.type == "string" and a.data != b.data:
            yield _short(a), _short(b)


def _short(event: TapeEvent) -> str:
    return event.data.decode()[:_SHOWN_CHARS]


def _rounded(value: Any) -> float:
    return round(float(value), 2)
