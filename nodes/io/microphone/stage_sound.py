"""What the loudspeaker played, on the microphone's time: the reference of echo cancellation.

The speaker says which stage samples its device was handed, and by its clock when each stage time is heard. Together
they give the sound that was heard from the loudspeaker at any moment, whatever the latencies and rates of the devices.
"""

import numpy as np

from mio.audio import Resampler
from mio.contracts.messages import AudioChunk, Clock, FloatArray
from mio.contracts.rates import MICROPHONE_HZ, SPEECH_HZ
from mio.contracts.stage import StageClock
from mio.sound_ring import SoundRing

_KEPT_SAMPLES = 2 * MICROPHONE_HZ
_LONGEST_GAP_SAMPLES = SPEECH_HZ
_LINGERS_S = 0.5  # reverberation, and latencies that devices do not report
_FRESH_S = 2.0  # a clock that has been silent for longer has stopped


class StageSound:
    """The last two seconds of what was played, at the microphone's rate."""

    def __init__(self) -> None:
        self._clock = StageClock()
        self._heard_s = 0.0
        self._spoke_s = float("-inf")
        self._ring = SoundRing(_KEPT_SAMPLES)
        self._resampler = Resampler(SPEECH_HZ, MICROPHONE_HZ)
        self._next: int | None = None
        self._first = 0.0

    def tell(self, clock: Clock) -> None:
        """Take over the speaker's clock."""
        epoch = self._clock.epoch
        self._clock.update(clock)
        if self._clock.epoch != epoch:
            self._next = None
            self._ring.restart()
        self._heard_s = max(self._heard_s, clock.mono_ns * 1e-9)
        if clock.segment_id:
            self._spoke_s = max(self._spoke_s, clock.mono_ns * 1e-9)

    def add(self, played: AudioChunk) -> None:
        """Take over what was played. A gap becomes silence; where positions jump, the past is forgotten."""
        missing = 0 if self._next is None else played.start_sample - self._next
        if self._next is None or not -len(played.samples) <= missing <= _LONGEST_GAP_SAMPLES:
            self._ring.restart()
            self._resampler = Resampler(SPEECH_HZ, MICROPHONE_HZ)
            self._first = played.start_sample * MICROPHONE_HZ / SPEECH_HZ
            missing = 0
        fresh = played.samples[-missing:] if missing < 0 else played.samples
        silence = np.zeros(max(0, missing), np.float32)
        self._ring.append(self._resampler.process(np.concatenate([silence, fresh])))
        self._next = played.start_sample + len(played.samples)

    def running(self, now_s: float) -> bool:
        """Whether it is known what is played when: sound and clock have come, and the clock has not stopped."""
        return self._next is not None and now_s - self._heard_s < _FRESH_S

    def loud(self, captured_s: float) -> bool:
        """Whether a turn was being spoken at a monotonic time, or shortly before it."""
        return captured_s - self._spoke_s < _LINGERS_S

    def position(self, captured_s: float) -> float:
        """Position of what was heard at a monotonic time in seconds."""
        return self._clock.stage_s(round(captured_s * 1e9)) * MICROPHONE_HZ - self._first

    def knows(self, position: float) -> bool:
        """Whether all before a position has been told."""
        return position <= self._ring.known_to

    def read(self, position: float, count: int) -> FloatArray:
        """``[count]`` samples at 16 kHz from a position on; silence where nothing is known."""
        return self._ring.read(position, count)

    def heard_of_turn_s(self, captured_s: float) -> tuple[int, float]:
        """The turn that is being spoken (0 for none), and how many seconds of it have been heard at a time."""
        segment_id = self._clock.segment_id
        start_s = self._clock.stage_of_speech(segment_id, 0.0)
        if start_s is None:
            return 0, 0.0
        return segment_id, self._clock.stage_s(round(captured_s * 1e9)) - start_s
