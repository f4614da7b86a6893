"""One turn's speech: its sound, when it plays on the stage clock, and how much of its text has been heard.

Its samples keep their order and are played once. Where they are not there in time, the rest moves to a later position.
"""

from bisect import bisect_right
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from mio.contracts.messages import FloatArray, Speech
from mio.contracts.rates import SPEECH_HZ
from mio.errors import ContractError
from nodes.io.speaker.fader import Fader

_LONGEST_SAMPLES = 3_600 * SPEECH_HZ
_EDGE_SAMPLES = SPEECH_HZ // 200  # 5 ms fades where sound breaks off or begins again


@dataclass
class _State:
    """Where a turn stands.

    Attributes:
        segment_id: The turn.
        start: Stage position of the turn's sample 0, as it is for samples that are still to be played.
        sound: Samples received; the first ``count`` are valid.
        count: How many.
        complete: Whether the last one has been received.
        resumed: Sample at which sound began again after a break.
        words: End of each word in samples, and the text's length up to there.
        text_length: Length of the text that the received sound speaks.
        ducked_from: Stage position from which the voice has been lowered; negative if it is not.
        cut: Stage position at which it ends before its time; negative if it does not.
    """

    segment_id: int
    start: int
    sound: FloatArray = field(default_factory=lambda: np.zeros(SPEECH_HZ, np.float32))
    count: int = 0
    complete: bool = False
    resumed: int = 0
    words: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    text_length: int = 0
    ducked_from: int = -1
    cut: int = -1


class Voice:
    """The speech of one turn.

    Args:
        segment_id: The turn.
        start: Stage position of its first sample.
    """

    def __init__(self, segment_id: int, start: int) -> None:
        self._state = _State(segment_id, start)
        self._fader = Fader()

    @property
    def segment_id(self) -> int:
        """The turn."""
        return self._state.segment_id

    @property
    def start(self) -> int:
        """Stage position of sample 0, as it is for samples that are still to be played."""
        return self._state.start

    @property
    def cut(self) -> bool:
        """Whether it was told to end before its time."""
        return self._state.cut >= 0

    def add(self, speech: Speech) -> int:
        """Append a chunk.

        Returns:
            Samples that are missing before it; silence takes their place.

        Raises:
            ContractError: If it lies more than an hour into the turn.
        """
        state = self._state
        end = speech.start_sample + len(speech.samples)
        if speech.start_sample < 0 or end > _LONGEST_SAMPLES:
            raise ContractError(f"speech of turn {state.segment_id} at sample {speech.start_sample}: beyond an hour")
        missing = max(0, speech.start_sample - state.count)
        fresh = speech.samples[max(0, state.count - speech.start_sample) :]
        self._reserve(end)
        state.sound[state.count : state.count + missing] = 0.0
        state.count += missing
        state.sound[state.count : state.count + len(fresh)] = fresh
        state.count += len(fresh)
        state.complete = state.complete or speech.fin
        state.text_length = max(state.text_length, speech.last_char)
        for word, char, end_s in zip(speech.words, speech.word_char, speech.word_end_s, strict=True):
            state.words.append((round(end_s * SPEECH_HZ), char + len(word)))
        state.words.sort()
        return missing

    def render(self, first: int, last: int) -> FloatArray:
        """``[last - first]`` samples for the stage positions from ``first``; silence before and behind the speech."""
        state = self._state
        out = np.zeros(last - first, np.float32)
        low = max(first, state.start)
        high = min(last, state.start + state.count)
        if high > low:
            sound = state.sound[low - state.start : high - state.start] * self._edges(low, high)
            out[low - first : high - first] = sound * self._fader.between(low, high)
        return out

    def keep_up(self, position: int, rendered_to: int, changeable: int) -> int:
        """Move what was not there in time to where it can be played.

        Args:
            position: Stage position of the next sample that the device takes.
            rendered_to: First stage position that has not been prepared.
            changeable: First stage position that can still be prepared.

        Returns:
            By how many samples it was moved.
        """
        state = self._state
        played = min(position, rendered_to) - state.start
        if played < 0 and state.start >= position:
            return 0
        played = max(0, min(played, state.count))
        if state.start + played >= position or (state.complete and played == state.count):
            return 0
        moved = changeable - played - state.start
        state.start += moved
        state.resumed = played
        return moved

    def over(self, position: int) -> bool:
        """Whether nothing of it is left to be played at a stage position."""
        state = self._state
        if state.cut >= 0 and position >= state.cut:
            return True
        return state.complete and position >= state.start + state.count

    def duck(self, gain: float, position: int, length: int) -> None:
        """Lower it from a stage position on."""
        if self._state.cut < 0:
            self._fader.fade(gain, position, length)
            self._state.ducked_from = position if self._state.ducked_from < 0 else self._state.ducked_from

    def resume(self, position: int, length: int) -> None:
        """Raise it again from a stage position on."""
        if self._state.cut < 0 and self._state.ducked_from >= 0:
            self._fader.fade(1.0, position, length)
            self._state.ducked_from = -1

    def stop(self, position: int, length: int) -> None:
        """Fade it out from a stage position on, and end."""
        if self._state.cut < 0:
            self._fader.fade(0.0, position, length)
            self._state.cut = position + length

    def take_up(self, position: int, length: int) -> None:
        """Go on after :meth:`stop`, as far as it has been received.

        Args:
            position: Stage position at which the word is said again in which it was lowered or cut.
            length: Samples over which it fades in.
        """
        state = self._state
        heard = self.last_heard_sample()
        sample = max((end for end, _ in state.words if end <= heard), default=0)
        state.cut, state.ducked_from, state.complete = -1, -1, True
        state.start, state.resumed = position - sample, 0
        self._fader = Fader(before=0.0, after=1.0, start=position, length=max(1, length))

    def heard_sample(self, position: float) -> int:
        """Sample that is heard at a stage position; negative before the first."""
        return min(round(position) - self._state.start, self._state.count)

    def last_heard_sample(self) -> int:
        """The last sample that a listener could hear: the end, or where it was lowered or cut."""
        state = self._state
        ends = [end for end in (state.cut, state.ducked_from if state.cut >= 0 else -1) if end >= 0]
        return max(0, min([state.count, *(end - state.start for end in ends)]))

    def heard_char(self, sample: int) -> int:
        """Length of the text whose words have been heard to their end at a sample of the turn."""
        state = self._state
        if state.complete and sample >= state.count:
            return max([state.text_length, *(char for _, char in state.words)])
        heard = bisect_right(state.words, (sample, 1 << 62))
        return max((char for _, char in state.words[:heard]), default=0)

    def export_state(self) -> dict[str, Any]:
        """Sound, place and text as plain values and arrays."""
        values = asdict(self._state)
        values["sound"] = self._state.sound[: self._state.count].copy()
        return {**values, "fader": asdict(self._fader)}

    @classmethod
    def from_state(cls, values: dict[str, Any]) -> "Voice":
        """The voice that was exported."""
        voice = cls(values["segment_id"], values["start"])
        fields = {name: value for name, value in values.items() if name != "fader"}
        fields["words"] = [(int(end), int(char)) for end, char in values["words"]]
        fields["sound"] = np.array(values["sound"], np.float32)
        voice._state = _State(**fields)
        voice._fader = Fader(**values["fader"])
        return voice

    def _reserve(self, count: int) -> None:
        sound = self._state.sound
        if count > len(sound):
            self._state.sound = np.zeros(2 * count, np.float32)
            self._state.sound[: len(sound)] = sound

    def _edges(self, low: int, high: int) -> FloatArray | float:
        """Gains that fade out where the sound breaks off for now, and in where it began again after a break."""
        state = self._state
        end = state.start + state.count
        begin = state.start + state.resumed
        near_end = not state.complete and high > end - _EDGE_SAMPLES
        near_begin = state.resumed > 0 and low < begin + _EDGE_SAMPLES
        if not near_end and not near_begin:
            return 1.0
        positions = np.arange(low, high)
        gains = np.ones(high - low, np.float32)
        if near_end:
            gains *= np.clip((end - positions) / _EDGE_SAMPLES, 0.0, 1.0).astype(np.float32)
        if near_begin:
            gains *= np.clip((positions - begin) / _EDGE_SAMPLES, 0.0, 1.0).astype(np.float32)
        return gains
