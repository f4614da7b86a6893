"""Everything about the listener that changes, as plain values and arrays, so that a successor can take it over."""

from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np

from nodes.listener.overlap import Overlap
from nodes.listener.recognition import Recognition
from nodes.listener.recording import Recording
from nodes.listener.turns import TurnBook
from nodes.listener.utterance import Utterance
from nodes.listener.voice import SileroState, VoiceTracker


@dataclass
class Finished:
    """The user's last turn.

    Attributes:
        segment_id: The turn.
        end_sample: End of its voice.
        readings: What was heard.
    """

    segment_id: int
    end_sample: int
    readings: list[Recognition]


@dataclass
class ListenerState:
    """All that a successor needs.

    Attributes:
        recording: The last stretch of sound.
        silero: State of the voice detector.
        voice: Onset and pauses of the voice.
        book: Whose turn it is.
        utterance: The user's open turn; None if there is none.
        overlap: The voice over the avatar's; None if there is none.
        finished: The user's last turn; None before the first.
        window_sample: Start of the next window.
        muted: Whether the microphone counts as silent.
        talking: Whether the talk button is held.
        answered_sample: Newest sample when the avatar was heard to begin its last answer.
        release_sample: Where the turn ends because the button was released; -1 if it was not.
        now_ns: Time of the last tick.
    """

    recording: Recording = field(default_factory=Recording)
    silero: SileroState = field(default_factory=SileroState)
    voice: VoiceTracker = field(default_factory=VoiceTracker)
    book: TurnBook = field(default_factory=TurnBook)
    utterance: Utterance | None = None
    overlap: Overlap | None = None
    finished: Finished | None = None
    window_sample: int = -1
    muted: bool = False
    talking: bool = False
    answered_sample: int = 0
    release_sample: int = -1
    now_ns: int = 0

    def plain(self) -> Any:
        """As plain values and arrays."""
        return msgspec.to_builtins(self, builtin_types=(np.ndarray,))

    @staticmethod
    def of_plain(plain: Any) -> "ListenerState":
        """What :meth:`plain` gave, with arrays of its own: they are changed in place."""
        state = msgspec.convert(plain, ListenerState, dec_hook=_copied)
        state.recording.regain()
        return state


def _copied(_kind: type, value: Any) -> Any:
    return np.array(value)
