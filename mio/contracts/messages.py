"""The messages that travel between nodes: one frozen struct each, checked when built.

A message is a payload (one array or text, in the field named by ``PAYLOAD``) and header fields. ``wire.py`` turns it
into one Arrow array and flat metadata, and back. This module knows neither dora nor Arrow.
"""

import math
from typing import Annotated, Any, ClassVar, Literal, get_args

import msgspec
import numpy as np
import numpy.typing as npt

from mio.contracts.emotions import Emotion, Gesture
from mio.contracts.rates import (
    BODY_DIM,
    BODY_FPS,
    FACE_DIM,
    FACE_FPS,
    MICROPHONE_HZ,
    SPEECH_FRAME_SAMPLES,
    SPEECH_HZ,
)
from mio.errors import ContractError

VERSION = "1.0"
"""Schema version on the wire; a receiver refuses another major version."""

FloatArray = npt.NDArray[np.float32]
ByteArray = npt.NDArray[np.uint8]
Intensity = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]


class Message(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Header fields common to all messages.

    Attributes:
        session: The conversation; empty where there is only one.
        segment_id: The turn this belongs to; 0 before the first.
        seq: Position in the output stream, issued by the runtime when the message is sent.
        fin: Last message of its segment.
        flush: Discards what is queued before it on the receiver's data ports.
        origin_ns: ``CLOCK_MONOTONIC`` of the user event that caused this message; 0 if none did.
        sent_ns: ``CLOCK_MONOTONIC`` when it was sent, set by the runtime.
        host: Name of the sending machine, set by the runtime. On the wire all times are of its clock; the runtime
            translates them, so that engines see times of their own host only.
    """

    KIND: ClassVar[str] = ""
    PAYLOAD: ClassVar[str] = ""

    session: str = ""
    segment_id: int = 0
    seq: int = -1
    fin: bool = False
    flush: bool = False
    origin_ns: int = 0
    sent_ns: int = 0
    host: str = ""


class AudioChunk(Message, frozen=True, kw_only=True, eq=False):
    """Mono sound.

    Attributes:
        samples: ``[n]`` float32 in -1..1.
        sample_rate: Hz.
        start_sample: Position of the first sample: since the device opened (microphone), or on the stage
            clock (speaker's ``played``).
    """

    KIND = "audio_chunk"
    PAYLOAD = "samples"

    samples: FloatArray
    sample_rate: int = MICROPHONE_HZ
    start_sample: int = 0

    def __post_init__(self) -> None:
        """Refuse anything but finite mono float32."""
        _check_float(self, self.samples, columns=1)
        _check(self, self.sample_rate > 0, f"sample_rate is {self.sample_rate}, expected a positive rate")


class SpeechActivity(Message, frozen=True, kw_only=True, eq=False):
    """The user began or stopped speaking, or made a backchannel ("mhm").

    Attributes:
        state: What happened.
        at_sample: Microphone sample at which it happened, which is before it was noticed.
    """

    KIND = "speech_activity"

    state: Literal["started", "stopped", "backchannel"]
    at_sample: int = 0


class Transcript(Message, frozen=True, kw_only=True, eq=False):
    """What the user said, or typed.

    Attributes:
        text: The best hypothesis.
        final: Whether the turn has ended; an unfinished one may still change.
        soft: Whether an unfinished turn seems to end here: an answer may be thought out, but not be said before the
            final transcript, which has the same text if the user does not go on.
        t_start_s: Start in microphone time, seconds.
        t_end_s: End in microphone time, seconds.
        language: BCP 47, such as ``en``.
        confidence: 0..1.
        alternatives: Other hypotheses, best first, for understanding by meaning.
        source: Spoken or typed.
    """

    KIND = "transcript"
    PAYLOAD = "text"

    text: str
    final: bool = True
    soft: bool = False
    t_start_s: float = 0.0
    t_end_s: float = 0.0
    language: str = "en"
    confidence: Intensity = 1.0
    alternatives: list[str] = []
    source: Literal["speech", "text"] = "speech"


class Turn(Message, frozen=True, kw_only=True, eq=False):
    """Whose turn it is, said by the listener whenever it changes.

    Attributes:
        state: ``idle`` nobody speaks; ``user_speaking``; ``thinking`` the user has finished and no answer is heard
            yet; ``avatar_speaking``; ``ducked`` the user speaks over the avatar, whose voice is lowered.
    """

    KIND = "turn"

    state: Literal["idle", "user_speaking", "thinking", "avatar_speaking", "ducked"]


class Reply(Message, frozen=True, kw_only=True, eq=False):
    """One clause of the answer. The clauses of a turn, joined by single spaces, are the turn's text.

    Attributes:
        text: The clause; empty only with ``fin``.
        index: Number of the clause in its turn, from 0.
        first_char: Offset of the clause in the turn's text.
        emotion: How it is meant.
        intensity: 0..1.
        language: BCP 47.
    """

    KIND = "reply"
    PAYLOAD = "text"

    text: str
    index: int = 0
    first_char: int = 0
    emotion: Emotion = "neutral"
    intensity: Intensity = 0.5
    language: str = "en"


class MotionPrompt(Message, frozen=True, kw_only=True, eq=False):
    """What the body shall do.

    Attributes:
        text: A description, such as ``a person waves with the right hand``.
        gesture: The same as a name, for engines that know names.
        index: Clause of the turn's reply that the motion accompanies; -1 for at once.
        until_stage_s: When it ends; a negative value means when it is done.
    """

    KIND = "motion_prompt"
    PAYLOAD = "text"

    text: str
    gesture: Gesture = "none"
    index: int = -1
    until_stage_s: float = -1.0


class Speech(Message, frozen=True, kw_only=True, eq=False):
    """The avatar's voice: a chunk of the turn's sound with what is said in it.

    Times in the lists are seconds since the turn's first sample. Each phone and word is listed once, in the first
    chunk sent after it is known, so lists may reach beyond the chunk's end.

    Attributes:
        samples: ``[1920 k]`` float32 in -1..1, 24 kHz.
        start_sample: Position of the first sample in the turn.
        index: Clause.
        first_char: First character of the turn's text that is spoken in this chunk.
        last_char: One past the last.
        emotion: How it is meant.
        intensity: 0..1.
        phones: Symbols of ``mio.contracts.phones``; a final ``sil`` marks the end of the last one.
        phone_start_s: Start of each phone.
        phone_stress: 0 none, 1 primary, 2 secondary, of each phone.
        words: Words as written in the text.
        word_start_s: Start of each word.
        word_end_s: End of each word.
        word_char: Offset of each word in the turn's text.
        language: BCP 47.
    """

    KIND = "speech"
    PAYLOAD = "samples"

    samples: FloatArray
    start_sample: int
    index: int = 0
    first_char: int = 0
    last_char: int = 0
    emotion: Emotion = "neutral"
    intensity: Intensity = 0.5
    phones: list[str] = []
    phone_start_s: list[float] = []
    phone_stress: list[int] = []
    words: list[str] = []
    word_start_s: list[float] = []
    word_end_s: list[float] = []
    word_char: list[int] = []
    language: str = "en"

    def __post_init__(self) -> None:
        """Refuse partial frames and lists of different lengths."""
        _check_float(self, self.samples, columns=SPEECH_FRAME_SAMPLES)
        phones = {len(self.phones), len(self.phone_start_s), len(self.phone_stress)}
        _check(self, len(phones) == 1, f"phone lists have lengths {sorted(phones)}, expected equal ones")
        words = {len(self.words), len(self.word_start_s), len(self.word_end_s), len(self.word_char)}
        _check(self, len(words) == 1, f"word lists have lengths {sorted(words)}, expected equal ones")

    @property
    def start_s(self) -> float:
        """Start of the chunk in the turn, seconds."""
        return self.start_sample / SPEECH_HZ

    @property
    def end_s(self) -> float:
        """End of the chunk in the turn, seconds."""
        return (self.start_sample + len(self.samples)) / SPEECH_HZ


class Interrupt(Message, frozen=True, kw_only=True, eq=False):
    """The user interrupts, or turned out not to.

    Attributes:
        action: ``duck`` lower the voice and wait; ``commit`` give up the turn; ``resume`` go on with it, after ``duck``
            as if nothing had been, after ``commit`` from the word at which it broke off.
        at_stage_s: Stage time of the user event.
    """

    KIND = "interrupt"

    action: Literal["duck", "commit", "resume"]
    at_stage_s: float = 0.0


class FaceMotion(Message, frozen=True, kw_only=True, eq=False):
    """Face frames, each to be seen at its stage time; later messages override earlier ones for the same time.

    Attributes:
        frames: ``[n, 112]`` float32: 100 expression, 3 head rotation relative to the torso, 3 jaw, 3 left eye, 3 right
            eye; rotations are axis-angle in rad, X to the avatar's left, Y up, Z forward.
        start_stage_s: Stage time of the first frame.
        fps: Frames per second.
        basis: ``arkit52``: expression[0:52] are the ARKit actions in the order of ``mio.contracts.arkit``, 0..1, the
            rest is zero, and the jaw is zero because ``jawOpen`` is an action; ``flame2020``: FLAME's components.
    """

    KIND = "face_motion"
    PAYLOAD = "frames"

    frames: FloatArray
    start_stage_s: float
    fps: int = FACE_FPS
    basis: Literal["arkit52", "flame2020"] = "arkit52"

    def __post_init__(self) -> None:
        """Refuse other widths and non-finite values."""
        _check_float(self, self.frames, width=FACE_DIM)


class BodyMotion(Message, frozen=True, kw_only=True, eq=False):
    """Body frames, each to be seen at its stage time; later messages override earlier ones for the same time.

    Attributes:
        frames: ``[n, 159]`` float32: root translation (pelvis, m, Y up, +Z towards the camera), then 52 x 3 axis-angle
            local rotations: 22 SMPL joints, then 30 finger joints in SMPL-H order, relative to SMPL's T-pose.
        start_stage_s: Stage time of the first frame.
        fps: Frames per second.
    """

    KIND = "body_motion"
    PAYLOAD = "frames"

    frames: FloatArray
    start_stage_s: float
    fps: int = BODY_FPS

    def __post_init__(self) -> None:
        """Refuse other widths and non-finite values."""
        _check_float(self, self.frames, width=BODY_DIM)


class VideoFrame(Message, frozen=True, kw_only=True, eq=False):
    """One picture.

    Attributes:
        pixels: ``[height * width * 3]`` uint8, rows from the top, rgb.
        width: Pixels.
        height: Pixels.
        encoding: Pixel format.
        stage_s: Stage time at which it is to be seen (for a camera, at which it was taken, if known).
    """

    KIND = "video_frame"
    PAYLOAD = "pixels"

    pixels: ByteArray
    width: int
    height: int
    encoding: Literal["rgb8"] = "rgb8"
    stage_s: float = 0.0

    def __post_init__(self) -> None:
        """Refuse buffers that are not width x height x 3 bytes."""
        pixels = _array(self, self.pixels)
        _check(self, pixels.dtype == np.uint8, f"pixels are {pixels.dtype}, expected uint8")
        expected = self.width * self.height * 3
        _check(self, pixels.size == expected, f"{pixels.size} bytes, expected {self.width} x {self.height} x 3")

    @property
    def image(self) -> ByteArray:
        """``[height, width, 3]`` view of the pixels."""
        return self.pixels.reshape(self.height, self.width, 3)


class UserPlace(Message, frozen=True, kw_only=True, eq=False):
    """Where the user's eyes are, seen from the middle of the screen; sent again and again while they are seen.

    Attributes:
        left_deg: How far to the avatar's left of straight ahead, which is to the right for the user.
        above_deg: How far above.
    """

    KIND = "user_place"

    left_deg: float
    above_deg: float

    def __post_init__(self) -> None:
        """Refuse what is behind the screen."""
        farthest = max(abs(self.left_deg), abs(self.above_deg))
        _check(self, farthest < 90.0, f"{self.left_deg}, {self.above_deg} degrees, expected less than 90")


class Clock(Message, frozen=True, kw_only=True, eq=False):
    """Stage time, said by whoever plays the sound: an affine map from ``CLOCK_MONOTONIC`` that consumers extrapolate.

    A composite device (microphone, speaker and screen in one, such as a browser) takes the speaker's place and sends
    this for its remote playout; ``uncertainty_s`` then says how far the estimate may be off.

    Attributes:
        epoch: Counts restarts of the clock; stage times of different epochs are not comparable.
        stage_s: Stage time: samples that have been heard / sample rate, silence included.
        mono_ns: ``CLOCK_MONOTONIC`` of the same moment; on the wire that of ``host``, for engines that of their own.
        rate: Stage seconds per monotonic second.
        heard_sample: Sample of the speaking segment's sound that is heard at ``stage_s``; negative before it starts.
            Meaningless if ``segment_id`` is 0, which says that nothing is being spoken.
        heard_char: Characters of the segment's text that have been heard.
        uncertainty_s: Bound on the error of ``stage_s``.
    """

    KIND = "clock"

    stage_s: float
    mono_ns: int
    epoch: int = 0
    rate: float = 1.0
    heard_sample: int = 0
    heard_char: int = 0
    uncertainty_s: float = 0.0

    def __post_init__(self) -> None:
        """Refuse times that cannot be extrapolated."""
        _check(self, math.isfinite(self.stage_s), f"stage_s is {self.stage_s}, expected a finite time")
        _check(self, 0.5 < self.rate < 2.0, f"rate is {self.rate}, expected about 1")


class Command(Message, frozen=True, kw_only=True, eq=False):
    """A button that the user pressed on screen.

    Attributes:
        action: ``mute`` and ``unmute`` the microphone, ``stop`` the avatar's turn, ``talk_start`` and ``talk_end`` of
            push-to-talk, ``quit``.
    """

    KIND = "command"

    action: Literal["mute", "unmute", "stop", "talk_start", "talk_end", "quit"]


class Tick(Message, frozen=True, kw_only=True, eq=False):
    """A timer event, made by the runtime inside a node; it never travels between nodes.

    Attributes:
        mono_ns: ``CLOCK_MONOTONIC`` now.
    """

    KIND = "tick"

    mono_ns: int


MessageType = type[Message]

MESSAGES: dict[str, MessageType] = {
    message.KIND: message
    for message in (
        AudioChunk,
        SpeechActivity,
        Transcript,
        Turn,
        Reply,
        MotionPrompt,
        Speech,
        Interrupt,
        FaceMotion,
        BodyMotion,
        VideoFrame,
        UserPlace,
        Clock,
        Command,
    )
}
"""Messages that travel, by kind."""


def type_name(message: MessageType) -> str:
    """The dora type of a message, such as ``mio/v1/AudioChunk``."""
    return f"mio/v{VERSION.split('.')[0]}/{message.__name__}"


MESSAGES_BY_TYPE: dict[str, MessageType] = {type_name(message): message for message in MESSAGES.values()}

TURN_STATES: tuple[str, ...] = get_args(Turn.__annotations__["state"])


def _check(message: Message, holds: bool, problem: str) -> None:
    if not holds:
        raise ContractError(f"{type(message).__name__}: {problem}")


def _array(message: Message, payload: Any) -> npt.NDArray[Any]:
    _check(message, isinstance(payload, np.ndarray), f"payload is a {type(payload).__name__}, expected a numpy array")
    return payload


def _check_float(message: Message, payload: Any, *, columns: int = 1, width: int = 0) -> None:
    """Check a float32 payload: ``[columns * k]``, or ``[n, width]`` where width is given."""
    array = _array(message, payload)
    _check(message, array.dtype == np.float32, f"payload is {array.dtype}, expected float32")
    if width:
        fits = array.ndim == 2 and array.shape[1] == width and len(array) > 0
        _check(message, fits, f"payload has shape {array.shape}, expected [n, {width}]")
    else:
        fits = array.ndim == 1 and len(array) % columns == 0
        _check(message, fits, f"payload has shape {array.shape}, expected [{columns} k]" if columns > 1 else "not 1-D")
    _check(message, bool(np.isfinite(array).all()), "payload has NaN or infinite values")
