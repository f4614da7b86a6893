import numpy as np
import pytest

from mio.bench._face_stage import Stage
from mio.contracts.messages import Interrupt, Reply, Speech
from mio.contracts.rates import FACE_FPS, SPEECH_HZ
from mio.measure.face import pictured
from mio.measure.lipsync import burst_times_s
from mio.runtime.testing import steps
from nodes.face.config import FaceConfig
from nodes.face.engine import VisemeEngine
from nodes.talker.config import TalkerConfig
from nodes.talker.engine import build_engine

CLAUSES = ("Papa has put a pear on top of the pony,", "and Peter keeps a paper in his pocket.", "Is a puppy happy?")
FRAME_S = 1.0 / FACE_FPS


@pytest.fixture(scope="module")
def turn() -> list[Speech]:
    """A turn of several clauses as the talker sends it, with the exact times of espeak-ng."""
    talker = build_engine(TalkerConfig(engine="espeak"))
    first, chunks = 0, []
    for index, text in enumerate(CLAUSES):
        fin = index == len(CLAUSES) - 1
        reply = Reply(text=text, index=index, first_char=first, segment_id=1, emotion="happy", intensity=0.8, fin=fin)
        chunks += [message for _, message in steps(talker, "reply", reply) if isinstance(message, Speech)]
        first += len(text) + 1
    return chunks


def test_lips_part_within_a_frame_of_every_burst_in_the_sound(turn, gauge):
    stage = Stage(VisemeEngine(FaceConfig(seed=1)))
    seen = stage.run(stage.say(1.0, turn))
    assert len(turn) > 6 and len(burst_times_s(np.concatenate([chunk.samples for chunk in turn]), SPEECH_HZ)) >= 4
    phones = [pair for chunk in turn for pair in zip(chunk.phones, chunk.phone_start_s, strict=True)]
    found = 0
    for burst_s in burst_times_s(np.concatenate([chunk.samples for chunk in turn]), SPEECH_HZ):
        spoken = [phone for phone, start_s in phones if start_s - 0.02 <= burst_s]
        if spoken[-1] not in ("p", "b"):
            continue
        found += 1
        times_s = seen.starts_s[1] + burst_s + np.arange(-3 * FRAME_S, 3 * FRAME_S, 0.005)
        gap = gauge.measure(pictured(seen.frames, seen.first_s, times_s)).widest_gap_mm
        closed = np.flatnonzero((gap <= 0.5) & (times_s <= seen.starts_s[1] + burst_s + FRAME_S))
        assert len(closed), f"the lips are not closed before the burst at {burst_s:.3f} s"
        parted_s = times_s[closed[-1] + int(np.argmax(gap[closed[-1] :] > 1.0))] - seen.starts_s[1]
        assert abs(parted_s - burst_s) <= FRAME_S
    assert found >= 3


def test_an_interruption_ends_the_voice_at_once_and_closes_the_mouth(gauge):
    talker = build_engine(TalkerConfig(engine="espeak"))
    stage = Stage(VisemeEngine(FaceConfig(seed=2)))
    stop = Interrupt(action="commit", segment_id=1)
    sent = []
    for output in talker.step("reply", Reply(text=" ".join(CLAUSES), segment_id=1, fin=True)):
        if output is not None and isinstance(output[1], Speech):
            sent.append(output[1])
        if len(sent) == 3:
            steps(talker, "interrupt", stop)
    assert len(sent) == 3 and not steps(talker, "reply", Reply(text="More.", index=1, segment_id=1))
    stage.say(1.0, sent)
    stage.at(1.8, "interrupt", stop)
    seen = stage.run(3.5)
    assert gauge.measure(seen.between(1.2, 1.8)).widest_gap_mm.max() > 3.0
    assert gauge.measure(seen.between(2.0, 3.4)).widest_gap_mm.max() <= 1.0
