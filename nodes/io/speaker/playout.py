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

_RESUMED_S = 0.05  # of a device's times are enough where a turn must not wait for it
_PATIENCE_S = 2.0  # how long a turn waits for a device that is handed over

_log = logging.getLogger(__name__)


class PlayoutState(Enum):
    """Which device is heard.

    VIRTUAL -> CARD when the loudspeaker's times are known; CARD -> VIRTUAL when it is gone. RESUMING -> CARD when the
    loudspeaker that a predecessor had calls back, RESUMING -> VIRTUAL when it has not for two seconds.
    """

    RESUMING = auto()
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
        self._now_ns: int | None = None
        self._patient_to_s = 0.0

    @property
    def state(self) -> PlayoutState:
        """Which device is heard."""
        return self._state

    @property
    def silent(self) -> bool:
        """Whether what is put now would not be heard, but will be soon: speech has to wait."""
        taken = self._card is None or self._state is not PlayoutState.CARD or self._card.playing
        return self._state is PlayoutState.RESUMING or not taken

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

    def prepare(self) -> None:
        """Do beforehand what would make opening slow.

        Raises:
            DeviceError: If the sound system is missing.
        """
        if self._card is not None:
            self._card.prepare()

    def open(self) -> None:
        """Acquire the device; a predecessor's or an earlier stage time goes on.

        Raises:
            DeviceError: If there is no such device.
        """
        if self._card is None:
            return
        self._card.open()
        if self._now_ns is not None:
            self._state = PlayoutState.RESUMING
            self._patient_to_s = self._virtual.stage_s(self._now_ns) + _PATIENCE_S

    def poll(self, now_ns: int) -> list[Handed]:
        """Let time pass until now; what has been played since the last call, without gaps or overlaps."""
        if self._now_ns is None:
            self._virtual.begin(0.0, now_ns)
        self._now_ns = now_ns
        alive = self._card is not None and self._card.check(now_ns)
        if self._card is not None and self._state is PlayoutState.CARD:
            handed = self._card.poll()
        else:
            handed = self._virtual.poll(now_ns)
        played = self._in_sequence(handed)
        if self._card is not None:
            self._change_device(self._card, alive, now_ns)
        return played

    def close(self) -> None:
        """Release the device and forget what it has not played; stage time goes on."""
        now_s = self.stage_s(self._now_ns) if self._now_ns is not None else 0.0
        if self._card is not None:
            self._card.close()
        self._state = PlayoutState.VIRTUAL
        self._virtual.begin(now_s, self._now_ns or 0)
        self._queue.clear()

    def export_state(self) -> dict[str, Any]:
        """Stage time, what has been played, and the device."""
        if self._now_ns is None:
            return {}
        card = self._card.export_state() if self._card is not None else {}
        stage_s = self.stage_s(self._now_ns)
        return {"stage_s": stage_s, "mono_ns": self._now_ns, "played": self._played, "card": card}

    def import_state(self, state: dict[str, Any]) -> None:
        """Go on with a predecessor's stage time."""
        if not state:
            return
        self._now_ns = int(state["mono_ns"])
        self._virtual.begin(float(state["stage_s"]), self._now_ns)
        self._played = int(state["played"])
        if self._card is not None:
            self._card.import_state(state["card"])

    def _change_device(self, card: SoundCardOutput, alive: bool, now_ns: int) -> None:
        match self._state:
            case PlayoutState.CARD if not alive:
                self._virtual.begin(card.stage_s(now_ns), now_ns)
                card.release()
                self._state = PlayoutState.VIRTUAL
            case PlayoutState.RESUMING if alive and card.observed_s >= _RESUMED_S:
                self._engage(card, now_ns)
            case PlayoutState.RESUMING if self._virtual.stage_s(now_ns) > self._patient_to_s:
                self._state = PlayoutState.VIRTUAL
            case PlayoutState.VIRTUAL if alive and card.settled:
                self._engage(card, now_ns)
            case _:
                pass

    def _engage(self, card: SoundCardOutput, now_ns: int) -> None:
        card.engage(self._virtual.stage_s(now_ns), now_ns)
        self._state = PlayoutState.CARD
        _log.info("the loudspeaker plays from stage time %.2f s on", self.stage_s(now_ns))

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
