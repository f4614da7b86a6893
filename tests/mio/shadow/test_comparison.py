import numpy as np
import pytest

from mio.contracts.messages import BodyMotion, Message, Reply, Speech, VideoFrame
from mio.shadow.comparison import Comparison, psnr_db
from mio.shadow.stream import Sent


def compared(node: list[Message], candidate: list[Message]) -> str:
    comparison = Comparison()
    for message in node:
        comparison.of_node(Sent("out", message, 1_000_000))
    for message in candidate:
        comparison.of_candidate(Sent("out", message, 2_000_000))
    (row,) = comparison.rows()
    assert (row["node"], row["candidate"]) == (len(node), len(candidate))
    return f"{row['compared']}: {row['difference']}"


def motion(start_s: float, value: float, frames: int = 2) -> BodyMotion:
    return BodyMotion(frames=np.full((frames, 159), value, np.float32), start_stage_s=start_s)


def test_motion_is_compared_frame_by_frame_at_its_stage_time() -> None:
    assert compared([motion(1.0, 0.5, 4)], [motion(1.0, 0.5), motion(1.1, 0.7)]) == "4: RMS 0.1, largest 0.2"


def test_motion_for_other_times_is_not_compared() -> None:
    assert compared([motion(1.0, 0.5)], [motion(9.0, 0.5)]) == "0: nothing to compare"


def test_replies_are_compared_by_clause() -> None:
    ours: list[Message] = [Reply(text="Good morning.", segment_id=1), Reply(text="Tea?", segment_id=1, index=1)]
    theirs: list[Message] = [Reply(text="Good morning.", segment_id=1), Reply(text="Coffee?", segment_id=1, index=1)]
    assert compared(ours, theirs) == "2: 50 % the same words"


def test_speech_is_compared_however_it_is_cut_into_chunks() -> None:
    sound = np.random.default_rng(0).uniform(-1, 1, 1_920 * 4).astype(np.float32)
    whole = Speech(samples=sound, start_sample=0, segment_id=3)
    halves = [Speech(samples=sound[i : i + 3_840], start_sample=i, segment_id=3) for i in (0, 3_840)]
    assert compared([whole], list(halves)) == "4: RMS 0, largest 0"


def test_pictures_are_compared_by_signal_to_noise_ratio() -> None:
    def picture(level: int) -> VideoFrame:
        return VideoFrame(pixels=np.full(12, level, np.uint8), width=2, height=2, stage_s=1.0)

    assert compared([picture(100)], [picture(110)]) == "1: PSNR 28.1 dB, lowest 28.1 dB"
    assert psnr_db(np.zeros((2, 2), np.uint8), np.zeros((2, 2), np.uint8)) == pytest.approx(99.0)
    assert psnr_db(np.zeros((2, 2), np.uint8), np.zeros((3, 2), np.uint8)) == 0.0
