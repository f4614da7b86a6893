"""Pictures that wait for their stage time, and how punctual they were."""

import math
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mio.contracts.messages import VideoFrame
from mio.contracts.rates import VIDEO_FPS

_CAPACITY = 8
_FRAME_S = 1.0 / VIDEO_FPS
_FURTHEST_AHEAD_S = 2.0  # a picture further ahead belongs to another epoch of the clock
_KEPT_TIMES = 4_096  # two and a half minutes


@dataclass
class Punctuality:
    """What became of the pictures.

    Attributes:
        received: Pictures that came.
        shown: Pictures that were shown.
        late: Those that were shown more than a frame after their time.
        dropped: Pictures that were never shown, because a newer one was due or their time made no sense.
        lateness_ms: Time of showing minus stage time, of the last few thousand.
        interval_ms: Time between two that were shown, of the last few thousand.
    """

    received: int = 0
    shown: int = 0
    late: int = 0
    dropped: int = 0
    lateness_ms: deque[float] = field(default_factory=lambda: deque[float](maxlen=_KEPT_TIMES))
    interval_ms: deque[float] = field(default_factory=lambda: deque[float](maxlen=_KEPT_TIMES))

    def summary(self) -> dict[str, Any]:
        """Plain values for a report; a dropped picture counts as late, too."""
        late = self.late + self.dropped
        return {
            "frames_received": self.received,
            "frames_shown": self.shown,
            "frames_late": self.late,
            "frames_dropped": self.dropped,
            "late_frames_pct": round(100.0 * late / self.received, 3) if self.received else 0.0,
            "lateness_ms": _spread(self.lateness_ms),
            "interval_ms": _spread(self.interval_ms),
        }


class FrameQueue:
    """A short buffer of pictures, sorted by stage time."""

    def __init__(self) -> None:
        self.punctuality = Punctuality()
        self._waiting: list[VideoFrame] = []
        self._shown_s = -math.inf
        self._shown_ns = 0

    def add(self, frame: VideoFrame, now_s: float) -> None:
        """Take in a picture; ``now_s`` is stage time."""
        self.punctuality.received += 1
        if now_s < self._shown_s - _FURTHEST_AHEAD_S:
            self._shown_s = -math.inf  # the clock has begun anew
        too_far = math.isfinite(now_s) and frame.stage_s > now_s + _FURTHEST_AHEAD_S
        if too_far or not math.isfinite(frame.stage_s) or frame.stage_s <= self._shown_s:
            self.punctuality.dropped += 1
            return
        self._waiting.append(frame)
        self._waiting.sort(key=lambda waiting: waiting.stage_s)
        if len(self._waiting) > _CAPACITY:
            del self._waiting[0]
            self.punctuality.dropped += 1

    def due(self, now_s: float, now_ns: int, early_s: float) -> VideoFrame | None:
        """The newest picture whose time has come, or comes within ``early_s``; older ones are given up.

        Args:
            now_s: Stage time; negative infinity if it is unknown, which makes every picture due.
            now_ns: ``CLOCK_MONOTONIC`` of the same moment.
            early_s: How long before its time a picture may be shown.
        """
        limit_s = now_s + early_s if math.isfinite(now_s) else math.inf
        due = [frame for frame in self._waiting if frame.stage_s <= limit_s]
        if not due:
            return None
        self._waiting = self._waiting[len(due) :]
        self.punctuality.dropped += len(due) - 1
        self._note(due[-1], now_s, now_ns)
        return due[-1]

    def export_state(self) -> dict[str, Any]:
        """The figures; pictures that wait are given up."""
        figures = self.punctuality
        return {
            "shown_s": self._shown_s,
            "shown_ns": self._shown_ns,
            "received": figures.received,
            "shown": figures.shown,
            "late": figures.late,
            "dropped": figures.dropped + len(self._waiting),
            "lateness_ms": np.array(figures.lateness_ms, np.float32),
            "interval_ms": np.array(figures.interval_ms, np.float32),
        }

    def import_state(self, state: dict[str, Any]) -> None:
        """Go on with a predecessor's figures."""
        self._shown_s, self._shown_ns = float(state["shown_s"]), int(state["shown_ns"])
        self.punctuality = Punctuality(
            received=int(state["received"]),
            shown=int(state["shown"]),
            late=int(state["late"]),
            dropped=int(state["dropped"]),
        )
        self.punctuality.lateness_ms.extend(map(float, state["lateness_ms"]))
        self.punctuality.interval_ms.extend(map(float, state["interval_ms"]))

    def _note(self, frame: VideoFrame, now_s: float, now_ns: int) -> None:
        punctuality = self.punctuality
        punctuality.shown += 1
        if math.isfinite(now_s):
            lateness_s = now_s - frame.stage_s
            punctuality.lateness_ms.append(lateness_s * 1e3)
            punctuality.late += lateness_s > _FRAME_S
            self._shown_s = frame.stage_s
        if self._shown_ns:
            punctuality.interval_ms.append((now_ns - self._shown_ns) * 1e-6)
        self._shown_ns = now_ns


def _spread(values: deque[float]) -> dict[str, float]:
    ordered = sorted(values)
    if not ordered:
        return {}
    last = len(ordered) - 1
    return {name: round(ordered[round(share * last)], 3) for name, share in (("p50", 0.5), ("p95", 0.95), ("max", 1.0))}
