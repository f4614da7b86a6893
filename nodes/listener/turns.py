"""Whose turn it is. Knows no sound: it is told what the user and the speaker do, and says what follows."""

import logging
from dataclasses import dataclass
from enum import Enum
from typing import Literal

from mio.contracts.engine import Output
from mio.contracts.messages import Clock, Interrupt, Turn

CLOCK_LOST_S = 2.0
"""Silence of the speaker's clock, which ticks 25 times a second, after which the speaker is gone."""

_log = logging.getLogger(__name__)


class TurnState(Enum):
    """Whose turn it is.

    - ``IDLE`` -> ``USER_SPEAKING`` the user's voice or the talk button; -> ``THINKING`` a typed line;
      -> ``AVATAR_SPEAKING`` the avatar is heard.
    - ``USER_SPEAKING`` -> ``THINKING`` the turn ended with words; -> ``IDLE`` it ended without.
    - ``THINKING`` -> ``AVATAR_SPEAKING`` the answer is heard; -> ``USER_SPEAKING`` the user goes on, the answer is
      given up; -> ``THINKING`` another typed line; -> ``IDLE`` stop, or no answer for too long.
    - ``AVATAR_SPEAKING`` -> ``IDLE`` it has finished, or stop, or the speaker is gone; -> ``DUCKED`` somebody speaks
      over it; -> ``USER_SPEAKING`` the user interrupts; -> ``THINKING`` a typed line interrupts.
    - ``DUCKED`` -> ``AVATAR_SPEAKING`` it was no interruption; -> ``USER_SPEAKING`` it was one; else as
      ``AVATAR_SPEAKING``.

    Whenever an answer that is being thought or spoken is left for anything but its own end, an ``Interrupt`` goes out
    first. If the turn that interrupted it turns out to say nothing, it is taken back: the answer goes on, -> ``IDLE``
    until it is heard again.
    """

    IDLE = "idle"
    USER_SPEAKING = "user_speaking"
    THINKING = "thinking"
    AVATAR_SPEAKING = "avatar_speaking"
    DUCKED = "ducked"


_HEARD = (TurnState.AVATAR_SPEAKING, TurnState.DUCKED)


@dataclass
class TurnBook:
    """What the turn machine remembers.

    Attributes:
        state: Whose turn it is.
        segment_id: The last turn that was issued.
        given_up: The last turn that was given up, with all before it; 0 if none was.
        interrupted: The avatar's turn that the user's open one has broken off; 0 if none.
        since_ns: ``CLOCK_MONOTONIC`` of the first tick in this state, or since the speaker's clock was last heard; 0
            before it.
    """

    state: TurnState = TurnState.IDLE
    segment_id: int = 0
    given_up: int = 0
    interrupted: int = 0
    since_ns: int = 0


class TurnMachine:
    """Moves between the states of :class:`TurnState` and says so."""

    def __init__(self) -> None:
        self.book = TurnBook()

    @property
    def state(self) -> TurnState:
        """Whose turn it is."""
        return self.book.state

    def open(self, origin_ns: int = 0, at_stage_s: float = 0.0) -> list[Output]:
        """The user begins to speak: issue a turn."""
        heard = self.state in _HEARD
        outputs = self._give_up(origin_ns, at_stage_s)
        self.book.interrupted = self.book.given_up if heard else 0
        self.book.segment_id += 1
        return [*outputs, *self._enter(TurnState.USER_SPEAKING, origin_ns)]

    def close(self, *, understood: bool, origin_ns: int = 0) -> list[Output]:
        """The user's turn has ended; if nothing was said in it, the answer that it has broken off goes on."""
        interrupted, self.book.interrupted = self.book.interrupted, 0
        outputs = self._enter(TurnState.THINKING if understood else TurnState.IDLE, origin_ns)
        if understood or not interrupted:
            return outputs
        self.book.given_up = interrupted - 1
        return [("interrupt", Interrupt(action="resume", segment_id=interrupted, origin_ns=origin_ns)), *outputs]

    def duck(self, origin_ns: int = 0, at_stage_s: float = 0.0) -> list[Output]:
        """Somebody speaks over the avatar."""
        outputs = self._enter(TurnState.DUCKED, origin_ns)
        return [self._interrupt("duck", origin_ns, at_stage_s), *outputs]

    def unduck(self, origin_ns: int = 0, at_stage_s: float = 0.0) -> list[Output]:
        """It was no interruption."""
        if self.state is not TurnState.DUCKED:
            return []
        outputs = self._enter(TurnState.AVATAR_SPEAKING, origin_ns)
        return [self._interrupt("resume", origin_ns, at_stage_s), *outputs]

    def typed(self, origin_ns: int = 0, at_stage_s: float = 0.0) -> list[Output]:
        """A typed line begins and ends a turn at once; the ``Turn`` message belongs after the transcript."""
        outputs = self._give_up(origin_ns, at_stage_s)
        self.book.segment_id += 1
        return outputs

    def stop(self, origin_ns: int = 0, at_stage_s: float = 0.0) -> list[Output]:
        """The user wants the avatar to be silent."""
        outputs = self._give_up(origin_ns, at_stage_s)
        return [*outputs, *self._enter(TurnState.IDLE, origin_ns)] if outputs else []

    def clock(self, clock: Clock) -> list[Output]:
        """What the speaker plays. Turns that were given up do not count, as the speaker may not know it yet."""
        self.book.segment_id = max(self.book.segment_id, clock.segment_id)
        heard = clock.segment_id > self.book.given_up and clock.heard_sample >= 0
        if heard and self.state in (TurnState.IDLE, TurnState.THINKING):
            return self._enter(TurnState.AVATAR_SPEAKING, clock.origin_ns)
        if self.state in _HEARD:
            self.book.since_ns = 0
            if clock.segment_id == 0:
                return self._enter(TurnState.IDLE)
        return []

    def wait(self, now_ns: int, timeout_s: float) -> list[Output]:
        """Time passes; nobody waits forever for an answer, or for a speaker that tells the time no more."""
        if self.book.since_ns == 0:
            self.book.since_ns = now_ns
        waited_s = (now_ns - self.book.since_ns) * 1e-9
        if self.state is TurnState.THINKING and waited_s > timeout_s:
            _log.warning("no answer to turn %d; nobody is waited for any more", self.book.segment_id)
            return self._enter(TurnState.IDLE)
        if self.state in _HEARD and waited_s > CLOCK_LOST_S:
            _log.warning("the speaker's clock has stopped; turn %d counts as over", self.book.segment_id)
            return self._enter(TurnState.IDLE)
        return []

    def _give_up(self, origin_ns: int, at_stage_s: float) -> list[Output]:
        if self.state not in (TurnState.THINKING, *_HEARD):
            return []
        self.book.given_up = self.book.segment_id
        return [self._interrupt("commit", origin_ns, at_stage_s)]

    def _interrupt(self, action: Literal["duck", "commit", "resume"], origin_ns: int, at_stage_s: float) -> Output:
        message = Interrupt(
            action=action,
            flush=action == "commit",
            segment_id=self.book.segment_id,
            origin_ns=origin_ns,
            at_stage_s=at_stage_s,
        )
        return "interrupt", message

    def _enter(self, state: TurnState, origin_ns: int = 0) -> list[Output]:
        self.book.state = state
        self.book.since_ns = 0
        return [("turn", Turn(state=state.value, segment_id=self.book.segment_id, origin_ns=origin_ns))]
