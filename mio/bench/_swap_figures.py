"""What swaps did to the streams, and to the recording that was made meanwhile."""

import json
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import NamedTuple

import av
import numpy as np

from mio.audio import read_audio
from mio.bench._probe import Seen
from mio.bench._swap_flow import Swap
from mio.measure.sound import Silence, longest_gap_s

_AFTER_NS = 200_000_000  # after the hand-over, in which its effect on a stream's pace shows
_STEM_HZ = 48_000
_THUMB = 90
_SAME = 0.02  # grey levels of 255 on average; encoded twice, a still picture differs by less


class Order(NamedTuple):
    """How a stream's numbers arrived: lost, doubled, out of order, of how many."""

    messages: int
    lost: int
    doubled: int
    disordered: int


def order_of(seen: list[Seen]) -> Order:
    """Compare the numbers of a stream with 0, 1, 2 ..."""
    numbers = [message.seq for message in seen]
    if not numbers:
        return Order(0, 0, 0, 0)
    distinct = set(numbers)
    lost = max(numbers) - min(numbers) + 1 - len(distinct)
    disordered = sum(later < earlier for earlier, later in zip(numbers, numbers[1:], strict=False))
    return Order(len(numbers), lost, len(numbers) - len(distinct), disordered)


def normal_interval_ms(seen: list[Seen]) -> float:
    """Median time between two messages of a stream."""
    return median(_intervals_ms(seen))


def longest_interval_ms(seen: list[Seen], from_ns: int, until_ns: int) -> float:
    """Longest time between two messages, of those intervals that touch a span."""
    inside = [
        (later.sent_ns - earlier.sent_ns) / 1e6
        for earlier, later in zip(seen, seen[1:], strict=False)
        if later.sent_ns >= from_ns and earlier.sent_ns <= until_ns
    ]
    return max(inside, default=float("nan"))


def extra_gap_ms(seen: list[Seen], swap: Swap) -> float:
    """By how much the longest interval around a hand-over exceeds the stream's normal one."""
    stopped_ns = swap.took_over_ns - round(swap.handover_ms * 1e6)
    return longest_interval_ms(seen, stopped_ns, swap.took_over_ns + _AFTER_NS) - normal_interval_ms(seen)


def undisturbed_extra_gaps_ms(seen: list[Seen]) -> list[float]:
    """The same measure in spans of the same length of a run without swaps."""
    normal = normal_interval_ms(seen)
    starts = range(seen[0].sent_ns, seen[-1].sent_ns - _AFTER_NS, 2 * _AFTER_NS)
    return [longest_interval_ms(seen, start, start + _AFTER_NS) - normal for start in starts]


class Movie:
    """The recording: times at which its picture changes, and the avatar's voice alone.

    Attributes:
        change_s: File times of pictures that differ from the one before.
        zero_ns: ``CLOCK_MONOTONIC`` of its time 0.
    """

    def __init__(self, video: Path) -> None:
        self.change_s = list(_changes(video))
        self.zero_ns: int = json.loads(video.with_suffix(".json").read_text())["first_mono_ns"]
        self._voice = read_audio(video.with_suffix(".avatar.wav"), _STEM_HZ, longest_s=7_200.0)

    def longest_still_s(self, from_ns: int = 0, until_ns: int = 1 << 62) -> float:
        """Longest time without a new picture, of those that touch a span."""
        from_s, until_s = (from_ns - self.zero_ns) / 1e9, (until_ns - self.zero_ns) / 1e9
        pairs = zip(self.change_s, self.change_s[1:], strict=False)
        return max((b - a for a, b in pairs if b >= from_s and a <= until_s), default=float("nan"))

    def longest_silence_s(self, from_ns: int, until_ns: int) -> float:
        """Longest silence of the avatar within an answer; NaN if it is not in the recording."""
        span = ((from_ns - self.zero_ns) / 1e9, (until_ns - self.zero_ns) / 1e9)
        if span[0] < 0 or span[1] * _STEM_HZ > len(self._voice):
            return float("nan")
        try:
            return longest_gap_s(self._voice, _STEM_HZ, *span)
        except Silence:
            return float("nan")


class Answer(NamedTuple):
    """When the avatar spoke, ``CLOCK_MONOTONIC``."""

    from_ns: int
    until_ns: int


def answers(events: Path) -> list[Answer]:
    """The avatar's answers, from the journal's clock messages."""
    found: list[Answer] = []
    began_ns = speaking = 0
    for line in events.read_text().splitlines():
        event = json.loads(line)
        if event["port"] != "clock" or event["segment_id"] == speaking:
            continue
        if speaking:
            found.append(Answer(began_ns, event["sent_ns"]))
        speaking, began_ns = event["segment_id"], event["sent_ns"]
    return found


def _intervals_ms(seen: list[Seen]) -> list[float]:
    return [(b.sent_ns - a.sent_ns) / 1e6 for a, b in zip(seen, seen[1:], strict=False)]


def _changes(video: Path) -> Iterator[float]:
    before = np.full((_THUMB, _THUMB), -255.0)
    with av.open(str(video)) as container:
        container.streams.video[0].thread_type = "AUTO"
        for frame in container.decode(video=0):
            small = frame.reformat(_THUMB, _THUMB, "gray").to_ndarray().astype(np.float64)
            if np.abs(small - before).mean() > _SAME:
                yield float(frame.time or 0.0)
            before = small
