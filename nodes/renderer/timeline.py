"""Frames by the stage time at which they are to be seen, from streams that may correct themselves and may dry up."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

_KEPT_S = 0.25  # of the past, so that a clock that is set back a little finds its frames
_BRIDGE_S = 0.25  # how long before the end of a gap the held pose starts to move to the next one
_GAP_FRAMES = 2.5  # missing frames from which on there is a gap


@dataclass(frozen=True)
class Moment:
    """Two frames and how far the moment lies between them.

    Attributes:
        before: ``[d]``.
        after: ``[d]``.
        share: 0 at ``before`` .. 1 at ``after``.
    """

    before: Floats
    after: Floats
    share: float


class Timeline:
    """Frames of one stream."""

    def __init__(self, width: int) -> None:
        """Hold frames of a width ``d``."""
        self._times = np.zeros(0)
        self._frames = np.zeros((0, width), np.float32)
        self._period_s = 0.0

    def __len__(self) -> int:
        """Frames held."""
        return len(self._times)

    def add(self, frames: Floats, start_s: float, fps: float) -> None:
        """Take frames over; they replace those that were held for the same times.

        Args:
            frames: ``[n, d]``.
            start_s: Stage time of the first one.
            fps: Frames per second.
        """
        if len(frames) == 0:
            return
        self._period_s = 1 / fps
        times = start_s + np.arange(len(frames)) / fps
        margin = 0.5 * self._period_s
        kept = (self._times < times[0] - margin) | (self._times > times[-1] + margin)
        all_times = np.concatenate([self._times[kept], times])
        order = np.argsort(all_times, kind="stable")
        self._times = all_times[order]
        self._frames = np.concatenate([self._frames[kept], frames])[order]

    def at(self, stage_s: float) -> Moment | None:
        """What is to be seen at a stage time; None before any frame has arrived.

        Before the first frame that one is held, after the last one that one. In a gap the frame before it is held
        until shortly before the frame after it.
        """
        if len(self._times) == 0:
            return None
        after = int(np.searchsorted(self._times, stage_s, side="right"))
        if after == 0:
            return Moment(self._frames[0], self._frames[0], 0.0)
        before = after - 1
        if after == len(self._times):
            return Moment(self._frames[before], self._frames[before], 0.0)
        start_s, end_s = float(self._times[before]), float(self._times[after])
        if end_s - start_s > _GAP_FRAMES * self._period_s:
            start_s = max(start_s, end_s - _BRIDGE_S)
        share = min(max((stage_s - start_s) / (end_s - start_s), 0.0), 1.0)
        return Moment(self._frames[before], self._frames[after], share)

    def prune(self, stage_s: float) -> None:
        """Forget what is long past, but never the last frame before it."""
        first = int(np.searchsorted(self._times, stage_s - _KEPT_S, side="right")) - 1
        if first > 0:
            self._times, self._frames = self._times[first:], self._frames[first:]

    def clear(self) -> None:
        """Forget all frames, as when the clock starts anew."""
        self._times, self._frames = self._times[:0], self._frames[:0]

    def export(self) -> dict[str, npt.NDArray[np.floating] | float]:
        """Plain values that :meth:`restore` takes."""
        return {"times": self._times.copy(), "frames": self._frames.copy(), "period_s": self._period_s}

    def restore(self, state: dict[str, npt.NDArray[np.floating] | float]) -> None:
        """Take over exported values."""
        self._times = np.array(state["times"], np.float64)
        self._frames = np.array(state["frames"], np.float32).reshape(len(self._times), self._frames.shape[1])
        self._period_s = float(state["period_s"])
