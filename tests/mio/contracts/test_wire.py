import time

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mio.contracts import messages
from mio.contracts.messages import (
    MESSAGES,
    AudioChunk,
    BodyMotion,
    Clock,
    FaceMotion,
    Message,
    Speech,
    Transcript,
    Turn,
    UserPlace,
    VideoFrame,
)
from mio.contracts.wire import decode, encode
from mio.errors import ContractError

EXAMPLES: list[Message] = [
    AudioChunk(samples=np.linspace(-1, 1, 320, dtype=np.float32), start_sample=640, origin_ns=5),
    messages.SpeechActivity(state="started", at_sample=12, segment_id=3),
    Transcript(text="wie schön", alternatives=["wie schon", "vieh"], confidence=0.25, language="de"),
    Turn(state="thinking", session="a"),
    messages.Reply(text="Hello,", emotion="happy", intensity=1.0, fin=True),
    messages.MotionPrompt(text="a person waves", gesture="greet", index=2),
    Speech(
        samples=np.zeros(3840, np.float32),
        start_sample=1920,
        phones=["h", "ə"],
        phone_start_s=[0.0, 0.1],
        phone_stress=[0, 1],
        words=["Hello"],
        word_start_s=[0.0],
        word_end_s=[0.4],
        word_char=[0],
    ),
    messages.Interrupt(action="commit", flush=True),
    FaceMotion(frames=np.ones((3, 112), np.float32), start_stage_s=1.5),
    BodyMotion(frames=np.ones((2, 159), np.float32), start_stage_s=2.0),
    VideoFrame(pixels=np.arange(27, dtype=np.uint8), width=3, height=3, stage_s=0.5),
    UserPlace(left_deg=12.5, above_deg=-3.0),
    Clock(stage_s=1.0, mono_ns=time.monotonic_ns(), heard_sample=-100),
    messages.Command(action="mute"),
]


def test_examples_cover_every_message_that_travels() -> None:
    assert {type(example) for example in EXAMPLES} == set(MESSAGES.values())


@pytest.mark.parametrize("message", EXAMPLES, ids=lambda message: message.KIND)
def test_a_message_survives_the_wire(message: Message) -> None:
    wire = encode(message, seq=7, sent_ns=11, host="here")
    back = decode(wire.value, wire.metadata)
    assert type(back) is type(message)
    assert (back.seq, back.sent_ns, back.host) == (7, 11, "here")
    for field in set(message.__struct_fields__) - {"seq", "sent_ns", "host"}:
        np.testing.assert_array_equal(getattr(back, field), getattr(message, field))


@pytest.mark.parametrize("message", EXAMPLES, ids=lambda message: message.KIND)
def test_metadata_is_flat_and_plain(message: Message) -> None:
    metadata = encode(message, seq=0, sent_ns=0, host="here").metadata
    plain = (str, int, float, bool)
    for value in metadata.values():
        assert isinstance(value, plain) or (isinstance(value, list) and all(isinstance(v, plain) for v in value))


def test_a_picture_is_decoded_without_a_copy() -> None:
    pixels = np.zeros(3 * 4 * 4, np.uint8)
    wire = encode(VideoFrame(pixels=pixels, width=4, height=4), seq=0, sent_ns=0, host="")
    back = decode(wire.value, wire.metadata)
    assert isinstance(back, VideoFrame)
    assert np.shares_memory(back.pixels, pixels)


def test_another_major_version_is_refused() -> None:
    wire = encode(Turn(state="idle"), seq=0, sent_ns=0, host="")
    with pytest.raises(ContractError, match=r"schema version '2\.0'.*update the sender"):
        decode(wire.value, {**wire.metadata, "v": "2.0"})


def test_a_newer_minor_version_with_unknown_fields_is_accepted() -> None:
    wire = encode(Turn(state="idle"), seq=0, sent_ns=0, host="")
    back = decode(wire.value, {**wire.metadata, "v": "1.9", "mood": "new"})
    assert isinstance(back, Turn)


def test_an_unknown_kind_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ContractError, match="unknown message kind 'smell'.*audio_chunk"):
        decode(pa.array([1]), {"kind": "smell"})


@pytest.mark.parametrize(
    ("field", "value"),
    [("state", "bored"), ("segment_id", "three"), ("fin", "yes")],
)
def test_a_wrong_field_is_refused(field: str, value: str) -> None:
    wire = encode(Turn(state="idle"), seq=0, sent_ns=0, host="")
    with pytest.raises(ContractError, match=f"turn: .*{field}"):
        decode(wire.value, {**wire.metadata, field: value})


@pytest.mark.parametrize(
    "payload",
    [
        pa.array([0.5, 0.25], pa.float64()),
        pa.array([1, 2], pa.int16()),
        pa.array([0.1, None], pa.float32()),
        pa.array(["text"]),
        pa.array([float("nan")], pa.float32()),
    ],
    ids=["float64", "int16", "nulls", "text", "nan"],
)
def test_sound_of_another_type_is_refused(payload: pa.Array) -> None:
    metadata = encode(AudioChunk(samples=np.zeros(2, np.float32)), seq=0, sent_ns=0, host="").metadata
    with pytest.raises(ContractError):
        decode(payload, metadata)


def test_motion_with_a_partial_frame_is_refused() -> None:
    metadata = encode(EXAMPLES[8], seq=0, sent_ns=0, host="").metadata
    with pytest.raises(ContractError, match="multiple of 112"):
        decode(pa.array(np.zeros(113, np.float32)), metadata)


@given(
    st.lists(st.floats(-1, 1, width=32), max_size=50),
    st.integers(0, 2**62),
    st.text(max_size=20),
)
def test_any_sound_chunk_survives_the_wire(samples: list[float], origin_ns: int, session: str) -> None:
    chunk = AudioChunk(samples=np.array(samples, np.float32), origin_ns=origin_ns, session=session)
    wire = encode(chunk, seq=0, sent_ns=0, host="")
    back = decode(wire.value, wire.metadata)
    assert isinstance(back, AudioChunk)
    assert (back.origin_ns, back.session) == (origin_ns, session)
    np.testing.assert_array_equal(back.samples, chunk.samples)
