from collections.abc import Callable

import numpy as np
import pytest

from mio.contracts.messages import AudioChunk, BodyMotion, Clock, FaceMotion, Message, Speech, VideoFrame
from mio.errors import ContractError


@pytest.mark.parametrize(
    ("build", "problem"),
    [
        (lambda: AudioChunk(samples=np.array([0.0, np.nan], np.float32)), "NaN"),
        (lambda: AudioChunk(samples=np.array([np.inf], np.float32)), "infinite"),
        (lambda: AudioChunk(samples=np.zeros(4, np.float64)), "float64, expected float32"),
        (lambda: AudioChunk(samples=np.zeros((2, 2), np.float32)), "not 1-D"),
        (lambda: AudioChunk(samples=[0.0]), "list, expected a numpy array"),
        (lambda: AudioChunk(samples=np.zeros(4, np.float32), sample_rate=0), "sample_rate is 0"),
        (lambda: Speech(samples=np.zeros(1000, np.float32), start_sample=0), "1920 k"),
        (lambda: FaceMotion(frames=np.zeros((2, 52), np.float32), start_stage_s=0), r"expected \[n, 112\]"),
        (lambda: BodyMotion(frames=np.zeros((0, 159), np.float32), start_stage_s=0), r"expected \[n, 159\]"),
        (lambda: Clock(stage_s=float("nan"), mono_ns=0), "stage_s is nan"),
        (lambda: Clock(stage_s=0.0, mono_ns=0, rate=0.0), "rate is 0.0"),
        (lambda: VideoFrame(pixels=np.zeros(10, np.uint8), width=2, height=2), "expected 2 x 2 x 3"),
        (lambda: VideoFrame(pixels=np.zeros(12, np.float32), width=2, height=2), "expected uint8"),
    ],
)
def test_a_message_that_breaks_its_contract_cannot_be_built(build: Callable[[], Message], problem: str) -> None:
    with pytest.raises(ContractError, match=problem):
        build()


def test_speech_lists_of_different_lengths_are_refused() -> None:
    with pytest.raises(ContractError, match="phone lists have lengths"):
        Speech(samples=np.zeros(1920, np.float32), start_sample=0, phones=["a"], phone_start_s=[0.0])
    with pytest.raises(ContractError, match="word lists have lengths"):
        Speech(samples=np.zeros(1920, np.float32), start_sample=0, words=["a"])


def test_speech_knows_its_place_in_the_turn() -> None:
    speech = Speech(samples=np.zeros(1920 * 2, np.float32), start_sample=24_000)
    assert (speech.start_s, speech.end_s) == (1.0, 1.16)


def test_a_picture_is_seen_as_rows_from_the_top() -> None:
    frame = VideoFrame(pixels=np.arange(2 * 3 * 3, dtype=np.uint8), width=3, height=2)
    assert frame.image.shape == (2, 3, 3)
    assert frame.image[1, 0, 0] == 9


def test_messages_cannot_be_changed() -> None:
    chunk = AudioChunk(samples=np.zeros(1, np.float32))
    with pytest.raises(AttributeError):
        chunk.sample_rate = 8000  # type: ignore[misc]
