"""Echo cancellation: takes the avatar's voice out of what the microphone captures. It knows no device and no ports.

Two steps. An adaptive filter takes out what the room returns linearly, and leaves a user who speaks at the same time as
he is. WebRTC's audio processing suppresses the rest: reverberation beyond the filter, distortion of the loudspeaker.
It suppresses a user who speaks meanwhile, too, so while the filter leaves far more than an echo may leave, what it
leaves is sent and the second step is left out. Both need a reference that keeps pace with the microphone,
which :class:`ReferenceReader` gives them.
"""

from enum import Enum, auto
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from mio.contracts.messages import FloatArray
from mio.contracts.rates import MICROPHONE_HZ
from mio.errors import MioError
from nodes.io.microphone.adaptive_filter import BLOCK_SAMPLES, AdaptiveFilter
from nodes.io.microphone.config import EchoConfig
from nodes.io.microphone.drift import DriftTracker
from nodes.io.microphone.stage_sound import StageSound

if TYPE_CHECKING:
    from livekit.rtc.audio_frame import AudioFrame

FRAME_SAMPLES = MICROPHONE_HZ // 100
_JUMP_SAMPLES = 5e-3 * MICROPHONE_HZ  # clocks of running devices do not disagree by more
_PULL = 0.04  # of the distance per block: clocks' jitter is averaged over a second
_DELAY_MS = 20  # a first guess, until the delay has been found
_SOME_FRAMES, _GOOD_FRAMES = 150, 600  # of loud reference; in large rooms the canceller learns for 3 to 4 s
_LOUD_POWER = 10 ** (-50 / 10)
_TAIL_FRAMES = 40  # for which a loud reference may be heard
_SMOOTHING = 0.1  # of powers, per frame
_RESIDUAL_SHARE = 10 ** (-6 / 10)  # the echo of an unknown room is taken down by at least as much at once
_VOICE_EXCESS = 12.0  # over what an echo may leave: somebody speaks, though the room is hardly known
_VOICE_FRAMES = 20  # for which he goes on speaking
_CLEAR_EXCESS = 20.0  # from which a voice in a known room is so clear that nothing has to be suppressed in it
_CLEAR_EXCESS_UNKNOWN = 100.0  # the same while the room is learned; no echo reaches it
_CLEAR_FRAMES = 8  # two blocks, so that it is not switched within a syllable
_FADE = np.linspace(0.0, 1.0, FRAME_SAMPLES, dtype=np.float32)
_PATIENCE_S = 0.1  # from capture on; beyond what devices and messages take together
_LEFT_IN = 0.15  # of the linear echo, -16 dB: a processor that hears none of it lets distortion pass
_FULL_SCALE = 32_767.0


class Processor(Protocol):
    """What takes the echo out."""

    def process(self, captured: FloatArray, reference: FloatArray) -> FloatArray:
        """``[160]`` captured samples without the echo of what was heard from the loudspeaker up to then."""
        ...


class WebRtc:
    """WebRTC's audio processing from the package livekit.

    Args:
        config: What it does beside echo cancellation.

    Raises:
        MioError: If the package is missing.
    """

    def __init__(self, config: EchoConfig) -> None:
        try:
            from livekit.rtc.apm import AudioProcessingModule
            from livekit.rtc.audio_frame import AudioFrame
        except ImportError as error:
            remedy = "pip install 'mio[io]', or set microphone.echo.engine to off and wear headphones"
            raise MioError("echo cancellation needs the package livekit", remedy) from error
        self._frame = AudioFrame
        self._module = AudioProcessingModule(
            echo_cancellation=True,
            noise_suppression=config.noise_suppression,
            high_pass_filter=config.high_pass,
            auto_gain_control=config.auto_gain,
        )

    def process(self, captured: FloatArray, reference: FloatArray) -> FloatArray:
        """See :class:`Processor`."""
        self._module.process_reverse_stream(self._framed(reference)[0])
        self._module.set_stream_delay_ms(_DELAY_MS)
        frame, samples = self._framed(captured)
        self._module.process_stream(frame)
        return np.frombuffer(samples, np.int16).astype(np.float32) / np.float32(_FULL_SCALE)

    def _framed(self, samples: FloatArray) -> "tuple[AudioFrame, bytearray]":
        whole = bytearray(np.clip(np.rint(samples * _FULL_SCALE), -_FULL_SCALE, _FULL_SCALE).astype(np.int16).tobytes())
        return self._frame(whole, MICROPHONE_HZ, 1, len(samples)), whole


class ReferenceReader:
    """Reads what was played block by block, evenly, though clocks jitter, and in step with them, though they drift.

    Args:
        stage: What was played.
    """

    def __init__(self, stage: StageSound) -> None:
        self._stage = stage
        self._position: float | None = None

    def forget(self) -> None:
        """Begin anew with the next block."""
        self._position = None

    def next(self, captured_s: float, lead: float = 0.0) -> FloatArray:
        """``[640]`` samples that were heard from the loudspeaker while those were captured that begin at a time.

        Args:
            captured_s: That time, monotonic.
            lead: Samples by which they are heard earlier than the clock says.
        """
        target = self._stage.position(captured_s)
        if self._position is None or abs(target - self._position) > _JUMP_SAMPLES:
            self._position = target
        self._position += _PULL * (target - self._position)
        reference = self._stage.read(self._position + lead, BLOCK_SAMPLES)
        self._position += BLOCK_SAMPLES
        return reference


class Parts(NamedTuple):
    """Samples of the same time, each ``[n]``.

    Attributes:
        captured: As the microphone got them.
        left: Without the linear echo.
        lowered: With a little of it, for the processor.
        played: What was heard from the loudspeaker.
    """

    captured: FloatArray
    left: FloatArray
    lowered: FloatArray
    played: FloatArray


class LinearCanceller:
    """The adaptive filter, with a reference that follows the drift of clocks.

    Args:
        reader: Reads what was played.
    """

    def __init__(self, reader: ReferenceReader) -> None:
        self._reader = reader
        self._filter = AdaptiveFilter()
        self._drift = DriftTracker()

    @property
    def lead(self) -> float:
        """Samples by which the reference is read ahead of what the clock says."""
        return self._drift.lead

    @property
    def excess(self) -> float:
        """See :attr:`~nodes.io.microphone.adaptive_filter.AdaptiveFilter.excess`."""
        return self._filter.excess

    def process(self, captured: FloatArray, captured_s: float) -> Parts:
        """``[640]`` captured samples with the linear echo out of them, and 16 dB lower."""
        if self._filter.silent and (whole := self._drift.take_whole()):
            self._filter.shift(whole)
        reference = self._reader.next(captured_s, self._drift.lead)
        left = self._filter.process(captured, reference)
        self._drift.update(self._filter.echo, captured)
        lowered = (left + _LEFT_IN * self._filter.echo).astype(np.float32)
        return Parts(captured, left, lowered, reference)


class Knowledge(Enum):
    """How well the way of the echo is known, by how long the loudspeaker has been loud.

    NONE -> SOME after 1.5 s -> GOOD after 6 s of loud sound.

    - ``NONE``: the microphone is silent wherever there may be an echo, unless the adaptive filter leaves more than an
      echo in an unknown room can be: then somebody speaks.
    - ``SOME``: the same, and without an adaptive filter it is silent where the canceller takes out so much that what is
      left must be echo.
    - ``GOOD``: what the canceller leaves is sent.
    """

    NONE = auto()
    SOME = auto()
    GOOD = auto()


class EchoCanceller:
    """Takes the loudspeaker's sound out of the microphone's; see :class:`Knowledge` for its first seconds.

    Args:
        processor: What takes the rest of it out of a frame.
        stage: What was played.
        linear: Whether an adaptive filter comes before the processor.
    """

    def __init__(self, processor: Processor, stage: StageSound, *, linear: bool = True) -> None:
        self._processor = processor
        self._stage = stage
        self._reader = ReferenceReader(stage)
        self._linear = LinearCanceller(self._reader) if linear else None
        self._loud_frames = 0
        self._tail = 0
        self._voice = self._clear = 0
        self._share = 0.0
        self._captured = self._left = 0.0

    @property
    def knowledge(self) -> Knowledge:
        """How well the way of the echo is known."""
        if self._loud_frames < _SOME_FRAMES:
            return Knowledge.NONE
        return Knowledge.SOME if self._loud_frames < _GOOD_FRAMES else Knowledge.GOOD

    def is_ready(self, captured_s: float, now_s: float) -> bool:
        """Whether it is known what was played up to a monotonic time, or not worth waiting for any longer.

        The speaker tells what its device has taken, which is heard later by the device's latency. So only a virtual
        device, or a busy machine, makes anybody wait, and only while the avatar speaks.
        """
        stage = self._stage
        if not stage.running(now_s) or not stage.loud(captured_s) or now_s - captured_s > _PATIENCE_S:
            return True
        lead = self._linear.lead if self._linear is not None else 0.0
        return stage.knows(stage.position(captured_s) + lead)

    def process(self, captured: FloatArray, captured_s: float) -> FloatArray:
        """``[640]`` samples, whose first was captured at a monotonic time, without the echo in them."""
        parts = Parts(captured, captured, captured, np.zeros(BLOCK_SAMPLES, np.float32))
        if not self._stage.running(captured_s):
            self._reader.forget()
        elif self._linear is None:
            parts = parts._replace(played=self._reader.next(captured_s))
        else:
            parts = self._linear.process(captured, captured_s)
            self._weigh(self._linear.excess)
        frames = (array.reshape(-1, FRAME_SAMPLES) for array in parts)
        return np.concatenate([self._frame(Parts(*frame)) for frame in zip(*frames, strict=True)])

    def _weigh(self, excess: float) -> None:
        """Note how certain it is that somebody speaks."""
        if excess >= _VOICE_EXCESS:
            self._voice = _VOICE_FRAMES
        if excess >= (_CLEAR_EXCESS if self.knowledge is Knowledge.GOOD else _CLEAR_EXCESS_UNKNOWN):
            self._clear = _CLEAR_FRAMES

    def _frame(self, frame: Parts) -> FloatArray:
        """Ten milliseconds without echo."""
        captured, reference = frame.captured, frame.played
        left = self._clearer(self._processor.process(frame.lowered, reference), frame.left)
        if self.knowledge is Knowledge.GOOD:
            return left
        self._captured += _SMOOTHING * (_power(captured) - self._captured)
        self._left += _SMOOTHING * (_power(left) - self._left)
        self._tail = max(0, self._tail - 1)
        if _power(reference) > _LOUD_POWER:
            self._loud_frames += 1
            self._tail = _TAIL_FRAMES
        self._voice = max(0, self._voice - 1)
        return np.zeros_like(left) if self._tail and self._may_be_echo() else left

    def _clearer(self, processed: FloatArray, left: FloatArray) -> FloatArray:
        """The processor's frame, or what the filter left where that is clear, with a fade between them."""
        before, self._share = self._share, float(self._clear > 0)
        self._clear = max(0, self._clear - 1)
        share = before + (self._share - before) * _FADE
        return (share * left + (1.0 - share) * processed).astype(np.float32)

    def _may_be_echo(self) -> bool:
        """Whether what is left of a frame may be nothing but echo of a room that is hardly known."""
        if self._linear is not None:
            return self._voice == 0
        return self.knowledge is Knowledge.NONE or self._left < _RESIDUAL_SHARE * self._captured


def _power(samples: FloatArray) -> float:
    return float(np.dot(samples, samples)) / len(samples)
