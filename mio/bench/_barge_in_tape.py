"""What a recorded conversation shows of one thing that was said over the avatar: from its onset to output samples."""

from bisect import bisect_right
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mio.contracts.arkit import ARKIT_INDEX
from mio.contracts.messages import AudioChunk, Clock, FaceMotion, FloatArray, Interrupt, Message, Reply, Speech
from mio.contracts.rates import FACE_FPS, SPEECH_HZ
from mio.contracts.stage import StageClock
from mio.contracts.wire import decode
from mio.errors import MioError
from mio.tape.contents import Tape
from mio.tape.format import metadata_of, value_of

_FRAME = SPEECH_HZ // 100
_FRAME_MS = 10.0
_AUDIBLE_DB = -45.0
_SILENT_DB = -65.0
_DUCKED_DB = -20.0
_SILENT_FRAMES = 30
_CLOSED = 0.08  # of jawOpen: lips that far apart are closed to the eye
_CLOSED_FRAMES = 5
_JAW = ARKIT_INDEX["jawOpen"]


class Timed(NamedTuple):
    """A message and when it was sent, ns."""

    at_ns: int
    message: Message


def of_tape(tape: Tape) -> dict[tuple[str, str], list[Timed]]:
    """The messages of a tape by node and output, without pictures and the microphone's sound."""
    return {
        key: [Timed(event.at_ns, decode(value_of(event, "/".join(key)), metadata_of(event))) for event in events]
        for key, events in tape.streams().items()
        if key[1] not in ("frame", "audio")
    }


class Streams:
    """A conversation: messages by node and output."""

    def __init__(self, streams: dict[tuple[str, str], list[Timed]]) -> None:
        self._streams = streams
        self.clocks = [timed.message for timed in self.of("speaker", "clock") if isinstance(timed.message, Clock)]
        if not self.clocks:
            raise MioError("the recording has no clock of the speaker", "see the flow's log")
        self.stage = StageClock()
        self.stage.update(self.clocks[len(self.clocks) // 2])
        self.played = _placed(
            [
                (message.start_sample, message.samples)
                for _, message in self.of("speaker", "played")
                if isinstance(message, AudioChunk)
            ]
        )

    def of(self, node: str, port: str) -> list[Timed]:
        """The messages of an output; none if nothing was sent."""
        return self._streams.get((node, port), [])

    def turn_clock(self, segment_id: int, at_ns: int) -> Clock | None:
        """The first clock of a turn after a time."""
        mine = (clock for clock in self.clocks if clock.segment_id == segment_id and clock.mono_ns >= at_ns)
        return next(mine, None)

    def speech(self, segment_id: int) -> FloatArray:
        """All sound of a turn, as the talker made it."""
        chunks = [m for _, m in self.of("talker", "speech") if isinstance(m, Speech) and m.segment_id == segment_id]
        return _placed([(chunk.start_sample, chunk.samples) for chunk in chunks])

    def heard_text(self, segment_id: int) -> str:
        """The words of a turn that were heard, by the speaker's last word on it."""
        last = [clock for clock in self.clocks if clock.segment_id == segment_id and clock.fin]
        clauses = [
            m.text for _, m in self.of("thinker", "reply") if isinstance(m, Reply) and m.segment_id == segment_id
        ]
        return " ".join(filter(None, clauses))[: last[-1].heard_char].rstrip() if last else ""

    def jaw(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float32]]:
        """How far the mouth is open as it was to be seen: ``[n]`` stage times, and ``[n]`` 0..1."""
        seen: dict[int, float] = {}
        for at_ns, message in self.of("face", "motion"):
            if isinstance(message, FaceMotion):
                now_frame = self.stage.stage_s(at_ns) * FACE_FPS
                first = round(message.start_stage_s * FACE_FPS)
                for number, frame in enumerate(message.frames, first):
                    if number >= now_frame:
                        seen[number] = float(frame[_JAW])
        numbers = sorted(seen)
        return np.array(numbers) / FACE_FPS, np.array([seen[number] for number in numbers], np.float32)


class Moments(NamedTuple):
    """Milliseconds from the acoustic onset; None for what did not happen.

    Attributes:
        ducked: From here on the avatar's sound is 20 dB below what it would have been, wherever that can be heard. Not
            before it was lowered, though it may have paused; None if it never was.
        stopped: It is silent for good.
        mouth: The mouth is closed for good.
        finished: Whether the turn's sound was heard to its end, at its full level.
    """

    ducked: float | None
    stopped: float | None
    mouth: float | None
    finished: bool


def moments(streams: Streams, onset_ns: int, segment_id: int) -> Moments:
    """What was heard and seen of a turn after an onset.

    Args:
        streams: The recording.
        onset_ns: ``CLOCK_MONOTONIC`` of the acoustic onset.
        segment_id: The turn that was being spoken.
    """
    clock = streams.turn_clock(segment_id, 0)
    before = [c for c in streams.clocks if c.segment_id == segment_id and c.mono_ns <= onset_ns and not c.fin]
    clock = before[-1] if before else clock
    if clock is None:
        return Moments(None, None, None, False)
    onset_s = streams.stage.stage_s(onset_ns)
    start = round(clock.stage_s * SPEECH_HZ) - clock.heard_sample
    expected = streams.speech(segment_id)
    onset = round(onset_s * SPEECH_HZ)
    next_s = _next_turn(streams, segment_id, onset_s)
    heard = _cut(streams.played, onset, min(start + len(expected), round(next_s * SPEECH_HZ)) - onset)
    meant = _cut(expected, onset - start, len(heard))
    last_s = _last_audible_s(streams.played, onset, next_s)
    return Moments(
        ducked=_ducked_ms(heard, meant, _lowered_ms(streams, onset_ns, segment_id)),
        stopped=None if last_s is None else 1e3 * (last_s - onset_s),
        mouth=_closed_ms(*streams.jaw(), onset_s),
        finished=_finished(streams, segment_id),
    )


def _lowered_ms(streams: Streams, onset_ns: int, segment_id: int) -> float | None:
    """When a turn was first told to be softer or to stop, after an onset."""
    told = (
        at_ns
        for at_ns, message in streams.of("listener", "interrupt")
        if isinstance(message, Interrupt) and message.segment_id == segment_id and message.action != "resume"
    )
    first = next((at_ns for at_ns in told if at_ns > onset_ns), None)
    return None if first is None else (first - onset_ns) / 1e6


def _ducked_ms(heard: FloatArray, meant: FloatArray, lowered_ms: float | None) -> float | None:
    """End of the last frame that is heard and less than 20 dB below what was meant to be."""
    if lowered_ms is None:
        return None
    levels, wanted = _levels_db(heard), _levels_db(meant)
    loud = np.flatnonzero((wanted > _AUDIBLE_DB) & (levels >= wanted + _DUCKED_DB))
    return max(lowered_ms, (float(loud[-1]) + 1) * _FRAME_MS if len(loud) else 0.0)


def _last_audible_s(played: FloatArray, onset: int, until_s: float) -> float | None:
    """End of the last sound after an onset, before the next turn."""
    levels = _levels_db(_cut(played, onset, min(round(until_s * SPEECH_HZ), len(played)) - onset))
    loud = np.flatnonzero(levels > _SILENT_DB)
    if len(levels) - (int(loud[-1]) + 1 if len(loud) else 0) < _SILENT_FRAMES:
        return None
    return (onset + (int(loud[-1]) + 1 if len(loud) else 0) * _FRAME) / SPEECH_HZ


def _next_turn(streams: Streams, segment_id: int, onset_s: float) -> float:
    starts = [
        clock.stage_s - clock.heard_sample / SPEECH_HZ
        for clock in streams.clocks
        if clock.segment_id > segment_id and clock.stage_s > onset_s
    ]
    return min(starts, default=len(streams.played) / SPEECH_HZ)


def _closed_ms(times_s: npt.NDArray[np.float64], jaw: npt.NDArray[np.float32], onset_s: float) -> float | None:
    """When the mouth is first closed for a fifth of a second."""
    after = times_s >= onset_s
    times_s, closed = times_s[after], jaw[after] < _CLOSED
    for index in range(len(closed) - _CLOSED_FRAMES):
        if closed[index : index + _CLOSED_FRAMES].all():
            return float(1e3 * (times_s[index] - onset_s))
    return None


def _finished(streams: Streams, segment_id: int) -> bool:
    """Whether all words of a turn were heard, by the speaker's last word on it."""
    last = [clock for clock in streams.clocks if clock.segment_id == segment_id and clock.fin]
    return bool(last) and last[-1].heard_sample >= len(streams.speech(segment_id)) - _FRAME


def _placed(parts: list[tuple[int, FloatArray]]) -> FloatArray:
    """Samples at their positions, silence between them."""
    out = np.zeros(max((start + len(samples) for start, samples in parts), default=0), np.float32)
    for start, samples in parts:
        out[start : start + len(samples)] = samples
    return out


def _cut(samples: FloatArray, first: int, count: int) -> FloatArray:
    """``[count]`` samples from a position on, silence outside."""
    out = np.zeros(max(0, count), np.float32)
    low, high = max(0, first), min(len(samples), first + max(0, count))
    if high > low:
        out[low - first : high - first] = samples[low:high]
    return out


def _levels_db(samples: FloatArray) -> npt.NDArray[np.float64]:
    frames = samples[: len(samples) // _FRAME * _FRAME].reshape(-1, _FRAME).astype(np.float64)
    return 10 * np.log10(np.square(frames).mean(axis=1) + 1e-12)


def first_after(streams: Streams, node: str, port: str, at_ns: int) -> int | None:
    """When an output sent its first message after a time, ns."""
    times = [timed.at_ns for timed in streams.of(node, port)]
    index = bisect_right(times, at_ns)
    return times[index] if index < len(times) else None
