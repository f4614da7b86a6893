"""The stage clock's source: the loudspeaker while it plays, a virtual device before and when it is away.

Stage time goes on without a step when one takes over from the other. ``played`` is every stage sample once: what a
device was handed, and silence for what neither was.
"""

import logging
from enum import Enum, auto
from typing import Any

import numpy as np

from mio.contracts.messages import FloatArray
from nodes.io.speaker.outputs import Handed, SoundCardOutput, VirtualOutput
from nodes.io.speaker.play_queue import PlayQueue

_log = logging.getLogger(__name__)


class PlayoutState(Enum):
    """Which device is heard.

    VIRTUAL -> CARD when the loudspeaker's times are known; CARD -> VIRTUAL when it is gone.
    """

    VIRTUAL = auto()
    CARD = auto()


class Playout:
    """Hands samples to the device and tells stage time.

    Args:
        queue: The samples.
        card: The loudspeaker; None for a virtual device only.
    """

    def __init__(self, queue: PlayQueue, card: SoundCardOutput | None = None) -> None:
        self._queue = queue
        self._card = card
        self._virtual = VirtualOutput(queue)
        self._state = PlayoutState.VIRTUAL
        self._played = 0
        self._begun = False
        self._resume: tuple[float, int] | None = None

    @property
    def state(self) -> PlayoutState:
        """Which device is heard."""
        return self._state

    @property
    def position(self) -> int:
        """Stage position of the next sample to be taken."""
        return self._queue.position

    @property
    def changeable(self) -> int:
        """First stage position at which a change is sure to be heard."""
        return self._queue.position + (SoundCardOutput.guard if self._state is PlayoutState.CARD else 0)

    @property
    def rate(self) -> float:
        """Stage seconds per monotonic second."""
        return self._card.speed if self._card is not None and self._state is PlayoutState.CARD else 1.0

    @property
    def uncertainty_s(self) -> float:
        """Bound on the error of stage time, seconds."""
        return 2.0 * self._card.uncertainty_s if self._card is not None and self._state is PlayoutState.CARD else 0.0

    def stage_s(self, now_ns: int) -> float:
        """Stage time: what is heard at ``CLOCK_MONOTONIC`` ``now_ns``."""
        if self._card is not None and self._state is PlayoutState.CARD:
            return self._card.stage_s(now_ns)
        return self._virtual.stage_s(now_ns)

    def put(self, position: int, samples: FloatArray) -> None:
        """Set the samples from a stage position on."""
        self._queue.put(position, samples)

    def poll(self, now_ns: int) -> list[Handed]:
        """Let time pass until now; what has been played since the last call, without gaps or overlaps."""
        if not self._begun:
            self._begin(now_ns)
        alive = self._card is not None and self._card.check(now_ns)
        if self._card is None or self._state is PlayoutState.VIRTUAL:
            handed = self._virtual.poll(now_ns)
        else:
            handed = self._card.poll()
        played = self._in_sequence(handed)
        self._change_device(alive, now_ns)
        return played

    def close(self) -> None:
        """Release the device."""
        if self._card is not None:
            self._card.close()

    def export_state(self, now_ns: int) -> dict[str, Any]:
        """Stage time and what has been played."""
        return {"stage_s": self.stage_s(now_ns), "mono_ns": now_ns, "played": self._played}

    def import_state(self, state: dict[str, Any]) -> None:
        """Go on with a predecessor's stage time."""
        self._resume = float(state["stage_s"]), int(state["mono_ns"])
        self._played = int(state["played"])

    def _begin(self, now_ns: int) -> None:
        self._begun = True
        stage_s, mono_ns = self._resume or (0.0, now_ns)
        self._virtual.begin(stage_s + (now_ns - mono_ns) * 1e-9, now_ns)

    def _change_device(self, alive: bool, now_ns: int) -> None:
        if self._card is None:
            return
        if self._state is PlayoutState.VIRTUAL and alive and self._card.settled:
            self._card.engage(self._virtual.stage_s(now_ns), now_ns)
            self._state = PlayoutState.CARD
            _log.info("the loudspeaker plays from stage time %.2f s on", self.stage_s(now_ns))
        elif self._state is PlayoutState.CARD and not alive:
            self._card.release()
            self._virtual.begin(self._card.stage_s(now_ns), now_ns)
            self._state = PlayoutState.VIRTUAL

    def _in_sequence(self, handed: list[Handed]) -> list[Handed]:
        """Each stage sample once: overlaps cut off, silence where a device took over further on."""
        played: list[Handed] = []
        for block in handed:
            samples = block.samples[max(0, self._played - block.position) :]
            if not len(samples):
                continue
            start = block.position + len(block.samples) - len(samples)
            if start > self._played:
                played.append(Handed(self._played, np.zeros(start - self._played, np.float32)))
            played.append(Handed(start, samples))
            self._played = start + len(samples)
        return played
