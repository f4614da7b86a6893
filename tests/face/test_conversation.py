import numpy as np
import pytest

from mio.contracts.arkit import ARKIT_INDEX
from mio.contracts.messages import Interrupt, Reply, Turn
from mio.measure import face as measured
from mio.measure.face import blink_frames, head_deg, longest_freeze_s
from nodes.face.config import FaceConfig

CONTACT_DEG = 4.5
MINUTE = 60.0
SMILE, LIDS = ARKIT_INDEX["mouthSmileLeft"], ARKIT_INDEX["eyeBlinkLeft"]
BROWS = [ARKIT_INDEX[name] for name in ("browInnerUp", "browOuterUpLeft")]


@pytest.fixture(scope="module")
def listening(voice_of_user):
    """Frames of a minute in which only the user speaks."""
    from mio.bench._face_stage import Stage
    from nodes.face.engine import VisemeEngine

    voice = voice_of_user(MINUTE)
    stage = Stage(VisemeEngine(FaceConfig(seed=1)))
    stage.at(0.4, "turn", Turn(state="user_speaking"))
    stage.hear(0.4, voice)
    return stage.run(MINUTE).frames


@pytest.fixture(scope="module")
def speaking(sentence, speak):
    """Frames of the avatar speaking for 35 s: a long turn of many sentences."""
    from mio.bench._face_stage import Stage
    from nodes.face.engine import VisemeEngine

    chunks, at = [], 0
    for index in range(10):
        chunks += speak(sentence, index=index, start_sample=at, fin=index == 9)
        at = chunks[-1].start_sample + len(chunks[-1].samples)
    stage = Stage(VisemeEngine(FaceConfig(seed=1)))
    end_s = stage.say(1.0, chunks)
    seen = stage.run(end_s)
    return seen.between(seen.starts_s[1], end_s)


def gaze_off_deg(frames):
    return measured.gaze_off_deg(frames, FaceConfig().viewer_below_deg)


def nods(frames):
    """Times at which the head is lowest in a fast movement down and up again."""
    pitch = head_deg(frames)[:, 0]
    peaks = [i for i in range(5, len(pitch) - 5) if pitch[i] == pitch[i - 5 : i + 6].max()]
    return [i for i in peaks if min(pitch[i] - pitch[i - 5], pitch[i] - pitch[i + 5]) > 1.5]


def test_a_listener_blinks_as_people_do(listening):
    assert 8 <= len(blink_frames(listening)) <= 30


def test_a_listener_never_freezes(listening):
    assert longest_freeze_s(listening) < 0.5


def test_a_listeners_head_and_brows_move(listening):
    assert (head_deg(listening).std(0) > (0.6, 0.6, 0.25)).all()
    assert (head_deg(listening).std(0) < (5.0, 6.0, 4.0)).all()
    assert (listening[:, BROWS].std(0) > 0.02).all()


def test_a_listener_looks_at_the_user_most_of_the_time(listening):
    assert 0.6 <= (gaze_off_deg(listening) < CONTACT_DEG).mean() <= 0.9


def test_a_listener_nods_in_the_minute_but_does_not_bob(listening):
    assert 4 <= len(nods(listening)) <= 30


def test_a_speaker_looks_away_more_than_a_listener_and_blinks_more(speaking, listening):
    share, of_listener = ((gaze_off_deg(frames) < CONTACT_DEG).mean() for frames in (speaking, listening))
    assert 0.2 <= share <= min(0.6, of_listener - 0.1)
    assert 15 <= len(blink_frames(speaking)) / (len(speaking) / 25 / 60) <= 38


def test_a_speakers_head_and_brows_move_more_than_a_listeners_sway(speaking):
    assert head_deg(speaking)[:, 0].std() > 0.8
    assert speaking[:, BROWS[0]].std() > 0.04


def test_blinks_shut_fast_and_open_slowly(listening):
    lids = listening[:, LIDS]
    assert lids.max() > 0.9
    steps = np.diff(lids)
    closing, opening = steps[steps > 0.2], -steps[steps < -0.2]
    assert closing.mean() > 1.2 * opening.mean()


def test_the_user_gets_attention_within_half_a_second(stage, voice_of_user):
    """Against the same face to which nobody speaks."""
    for seed in range(2):
        alone, together = stage(seed), stage(seed)
        together.hear(3.0, voice_of_user(1.5))
        frames, others = together.run(4.5), alone.run(4.5)
        differ = np.abs(frames.frames - others.frames).max(1) > 0.005
        assert frames.first_s + np.argmax(differ) / 25 < 3.5 and differ.any()
        assert gaze_off_deg(frames.between(3.55, 4.2)).max() < CONTACT_DEG


def test_nods_come_where_the_user_leaves_room(listening):
    # The user's phrases end every 3.1 s, for the first time 2.9 s after the beginning.
    since_pause_s = (np.array(nods(listening)) / 25 - 2.9) % 3.1
    in_time = (since_pause_s > 0.3) & (since_pause_s < 1.6)
    assert in_time.mean() > 1.3 * 1.3 / 3.1


def test_a_thinker_looks_away_and_not_down(stage):
    on = stage()
    on.at(1.0, "turn", Turn(state="user_speaking"))
    on.at(3.0, "turn", Turn(state="thinking"))
    seen = on.run(5.0)
    away = gaze_off_deg(seen.between(3.5, 4.2))
    assert (away > 6.0).mean() > 0.7


def test_the_lids_follow_the_gaze_and_the_head_follows_large_shifts(speaking):
    down, up = speaking[:, ARKIT_INDEX["eyeLookDownLeft"]], speaking[:, ARKIT_INDEX["eyeLookUpLeft"]]
    assert np.corrcoef(down - up, speaking[:, 106])[0, 1] > 0.95
    away = gaze_off_deg(speaking) > 9.0
    assert np.corrcoef(head_deg(speaking)[away, 1], speaking[away, 107])[0, 1] > 0.3


def test_an_emotion_comes_with_its_clause_and_goes_after_the_turn(stage, sentence, speak):
    on = stage()
    end_s = on.say(2.0, speak(sentence, emotion="happy"))
    seen = on.run(end_s + 12.0)
    cheeks = seen.frames[:, ARKIT_INDEX["cheekSquintLeft"]]
    before, during, after = (
        cheeks[round(a * 25) : round(b * 25)].mean() for a, b in ((1.0, 1.8), (3.0, end_s), (end_s + 10, end_s + 12))
    )
    assert during > before + 0.15
    assert after < before + 0.05


def test_a_reply_is_felt_before_it_is_heard(stage):
    on = stage()
    on.at(1.0, "reply", Reply(text="How lovely!", segment_id=1, emotion="amused", intensity=1.0))
    seen = on.run(2.2)
    assert seen.between(2.0, 2.1)[0, SMILE] > seen.between(0.8, 0.9)[0, SMILE] + 0.1


def test_a_question_raises_the_brows_at_its_end(stage, sentence, speak):
    def highest(text):
        tops = []
        for seed in range(2):
            on = stage(seed)
            on.at(0.5, "reply", Reply(text=text, segment_id=1))
            end_s = on.say(1.0, speak(sentence))
            tops.append(on.run(end_s + 0.3).between(end_s - 0.7, end_s).max(0)[BROWS].mean())
        return np.mean(tops)

    assert highest("Who saw my shoes?") > highest("I saw my shoes.") + 0.1


def test_an_interrupted_mouth_closes_within_200_ms_and_the_eyes_go_to_the_user(stage, sentence, speak, gauge):
    for at_s in (1.55, 2.0, 2.75):
        on = stage(seed=2)
        on.say(1.0, speak(sentence, emotion="surprised"))
        on.at(at_s, "interrupt", Interrupt(action="commit", segment_id=1))
        seen = on.run(at_s + 1.5)
        assert gauge.measure(seen.between(at_s + 0.2, at_s + 1.4)).widest_gap_mm.max() <= 0.5
        assert gaze_off_deg(seen.between(at_s + 0.4, at_s + 1.0)).max() < CONTACT_DEG


def test_ducking_looks_at_the_user_and_resuming_goes_on(stage, sentence, speak, gauge):
    on = stage()
    end_s = on.say(1.0, speak(sentence))
    on.at(1.8, "interrupt", Interrupt(action="duck", segment_id=1))
    on.at(2.6, "interrupt", Interrupt(action="resume", segment_id=1))
    seen = on.run(end_s)
    assert gaze_off_deg(seen.between(2.1, 2.6)).max() < CONTACT_DEG
    assert gauge.measure(seen.between(2.7, end_s)).gap_mm.max() > 5.0
