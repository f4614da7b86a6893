"""Both voices in stage time as log-mel: the avatar's by turns, known ahead, and the user's up to now."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mio.contracts.messages import AudioChunk, Speech
from mio.contracts.rates import MICROPHONE_HZ, SPEECH_HZ
from nodes.face.models.voice import MEL_HZ, MELS, SILENT, MelStream
from nodes.face.utterance import Utterance

Floats = npt.NDArray[np.float32]

_KEPT = 4 * MEL_HZ  # of the user's voice
_MOST_TURNS = 4
_ROUNDED = 2  # frames by which the times of a sound waver
_ADRIFT_S = 0.25  # the user's voice that is so far from where it should be is taken up anew


class Span(NamedTuple):
    """Where a turn sounds, in log-mel frames of stage time.

    Attributes:
        turn: Its segment id.
        offset: Of its first sample.
        begin: First frame of the stretch in question in which it sounds.
        end: First frame thereof in which it does not.
    """

    turn: int
    offset: int
    begin: int
    end: int

    def moved(self, other: "Span") -> bool:
        """Whether it is not the same sound at the same time, but for a rounding of times."""
        near = (self.offset - other.offset, self.begin - other.begin, self.end - other.end)
        return self.turn != other.turn or max(map(abs, near)) > _ROUNDED


class OwnVoice:
    """What the avatar says, turn by turn; a turn's sound is heard from its anchor on."""

    def __init__(self) -> None:
        self._turns: dict[int, tuple[MelStream, Floats]] = {}

    def add(self, speech: Speech) -> None:
        """Take in a chunk of a turn."""
        stream, mel = self._turns.pop(speech.segment_id, (MelStream(SPEECH_HZ), np.zeros((0, MELS), np.float32)))
        self._turns[speech.segment_id] = stream, np.concatenate((mel, stream.hear(speech.samples)))
        for old in list(self._turns)[:-_MOST_TURNS]:
            del self._turns[old]

    def between(self, first: int, last: int, utterances: list[Utterance]) -> Floats:
        """``[last - first, 40]`` log-mel of frames by number in stage time; silence where nothing is said."""
        heard = np.full((last - first, MELS), SILENT, np.float32)
        for span in self.spans(first, last, utterances):
            mel = self._turns[span.turn][1]
            place = slice(span.begin - first, span.end - first)
            heard[place] = np.maximum(heard[place], mel[span.begin - span.offset : span.end - span.offset])
        return heard

    def spans(self, first: int, last: int, utterances: list[Utterance]) -> list["Span"]:
        """Which of frames ``first`` to ``last`` each turn sounds in, in the order of the turns."""
        found: list[Span] = []
        for utterance in utterances:
            if utterance.anchor_s is None or utterance.segment_id not in self._turns:
                continue
            count = len(self._turns[utterance.segment_id][1])
            if utterance.cut_s is not None:
                count = min(count, max(0, round(utterance.cut_s * MEL_HZ)))
            offset = round(utterance.anchor_s * MEL_HZ)
            begin, end = max(first, offset), min(last, offset + count)
            if begin < end:
                found.append(Span(utterance.segment_id, offset, begin, end))
        return found

    def state(self) -> dict[str, Any]:
        """Plain values and arrays."""
        return {str(turn): {"pending": stream.pending, "mel": mel} for turn, (stream, mel) in self._turns.items()}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what :meth:`state` gave."""
        self._turns = {}
        for turn, kept in state.items():
            stream = MelStream(SPEECH_HZ)
            stream.pending = np.asarray(kept["pending"], np.float32)
            self._turns[int(turn)] = stream, np.asarray(kept["mel"], np.float32)


class OtherVoice:
    """What the user says."""

    def __init__(self) -> None:
        self._stream = MelStream(MICROPHONE_HZ)
        self._mel = np.zeros((0, MELS), np.float32)
        self._end = 0

    def add(self, chunk: AudioChunk, now_s: float) -> None:
        """Take in a chunk that ends about now."""
        self._mel = np.concatenate((self._mel, self._stream.hear(chunk.samples)))
        self._end += len(chunk.samples) * MEL_HZ // MICROPHONE_HZ
        if abs(self._end - now_s * MEL_HZ) > _ADRIFT_S * MEL_HZ:
            self._end = round(now_s * MEL_HZ)
        self._mel = self._mel[-_KEPT:]

    def between(self, first: int, last: int, now_s: float) -> tuple[Floats, Floats]:
        """``[last - first, 40]`` log-mel of frames by number in stage time, and ``[last - first]`` whether known.

        Where no sound ever comes, there is silence up to now.
        """
        heard, known = np.full((last - first, MELS), SILENT, np.float32), np.zeros(last - first, np.float32)
        offset = self._end - len(self._mel) - first
        begin, end = max(0, offset), min(len(heard), offset + len(self._mel))
        if begin < end:
            heard[begin:end] = self._mel[begin - offset : end - offset]
        known[: max(0, max(self._end, round(now_s * MEL_HZ)) - first)] = 1.0
        return heard, known

    def shift(self, by_s: float) -> None:
        """Move in time, because stage time has been set."""
        self._end += round(by_s * MEL_HZ)

    def state(self) -> dict[str, Any]:
        """Plain values and arrays."""
        return {"pending": self._stream.pending, "mel": self._mel, "end": self._end}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what :meth:`state` gave."""
        self._stream.pending = np.asarray(state["pending"], np.float32)
        self._mel, self._end = np.asarray(state["mel"], np.float32), int(state["end"])
