import json
import math
from pathlib import Path

import msgspec
import numpy as np
import pytest

from mio.config import build_config, read_config_file
from mio.contracts.arkit import ARKIT_INDEX
from mio.contracts.messages import AudioChunk, Clock, FaceMotion, Interrupt, Reply, Speech, Tick, Turn
from mio.contracts.rates import FACE_FPS, SPEECH_FRAME_SAMPLES, SPEECH_HZ
from mio.errors import ConfigError, ContractError
from mio.runtime.testing import run_engine, steps, tick
from nodes.face.config import FaceConfig
from nodes.face.engine import VisemeEngine, build_engine

MANIFEST = Path(__file__).resolve().parents[2] / "nodes" / "face" / "dora-node.yml"


def clock(at_s, segment_id=0, heard_s=0.0, **fields):
    return Clock(
        stage_s=at_s,
        mono_ns=round((at_s + 50.0) * 1e9),
        segment_id=segment_id,
        heard_sample=round(heard_s * SPEECH_HZ),
        **fields,
    )


def ticked(engine, at_s):
    return [message for _, message in tick(engine, at_s + 50.0)]


def silence(index=0, segment_id=1, **fields):
    samples = np.zeros(SPEECH_FRAME_SAMPLES, np.float32)
    return Speech(samples=samples, start_sample=index * len(samples), segment_id=segment_id, **fields)


def test_nothing_is_sent_before_the_clock_runs(speak, sentence):
    engine = build_engine(FaceConfig(engine="viseme"))
    assert not tick(engine, 1.0)
    for chunk in speak(sentence):
        assert not steps(engine, "speech", chunk)
    assert not steps(engine, "turn", Turn(state="thinking"))
    assert not steps(engine, "interrupt", Interrupt(action="duck"))


def test_frames_are_sent_ahead_without_a_gap_and_stay_in_range(stage, speak, sentence):
    on = stage()
    end_s = on.say(1.0, speak(sentence, emotion="amused"))
    seen = on.run(end_s + 1.0)
    assert abs(len(seen.frames) - (end_s + 1.0 - seen.first_s) * FACE_FPS) <= 2
    frames = np.concatenate([motion.frames for _, motion in seen.sent])
    assert frames[:, :52].min() >= 0.0 and frames[:, :52].max() <= 1.0
    assert not frames[:, 52:100].any() and not frames[:, 103:106].any()
    assert np.abs(np.degrees(frames[:, 100:103])).max() < 30.0
    assert np.abs(np.degrees(frames[:, 106:112])).max() < 40.0
    fresh = [(sent_s, motion) for sent_s, motion in seen.sent if sent_s > 0.5]
    newest = max(motion.start_stage_s + len(motion.frames) / FACE_FPS - sent_s for sent_s, motion in fresh)
    assert 0.28 <= newest <= 0.42
    assert all(motion.start_stage_s >= sent_s - 0.04 for sent_s, motion in fresh)


def test_it_runs_in_the_loop_over_its_ports(speak, sentence):
    script = [("clock", Clock(stage_s=t / 25, mono_ns=t * 40_000_000), t / 25)
              for t in range(50)]  # fmt: skip
    script += [("reply", Reply(text="Hello.", segment_id=1), 0.2), ("turn", Turn(state="thinking"), 0.3)]
    script += [("speech", chunk, 0.5) for chunk in speak(sentence)]
    script += [("user_audio", AudioChunk(samples=np.zeros(320, np.float32)), 0.6)]
    script += [("interrupt", Interrupt(action="commit", segment_id=1), 1.2)]
    sent = run_engine(
        build_engine(FaceConfig(engine="viseme")), MANIFEST, sorted(script, key=lambda item: item[2]), run_s=2.0
    )
    motions = sent.messages("motion")
    assert len(motions) > 15 and all(isinstance(motion, FaceMotion) for motion in motions)
    assert not sent.logged


def test_the_same_seed_gives_the_same_frames_and_another_one_others(stage, speak, sentence, voice_of_user):
    def frames(seed):
        on = stage(seed)
        on.hear(0.5, voice_of_user(2.0))
        on.say(3.0, speak(sentence))
        return on.run(6.0).frames

    assert np.array_equal(frames(1), frames(1))
    assert not np.allclose(frames(1), frames(2))


def test_a_successor_goes_on_where_its_predecessor_stands(speak, sentence, voice_of_user):
    def start():
        engine = VisemeEngine(FaceConfig(seed=4))
        steps(engine, "clock", clock(0.0))
        steps(engine, "turn", Turn(state="user_speaking"))
        steps(engine, "user_audio", AudioChunk(samples=voice_of_user(1.0)[:16_000]))
        for t in range(25):
            ticked(engine, t / 25)
        for chunk in speak(sentence)[:3]:
            steps(engine, "speech", chunk)
        steps(engine, "clock", clock(1.0, 1, -0.1))
        ticked(engine, 1.2)
        return engine

    def go_on(engine):
        sent = [m for chunk in speak(sentence)[3:] for _, m in steps(engine, "speech", chunk)]
        for t in range(31, 100):
            sent += [m for _, m in steps(engine, "clock", clock(t / 25, 1, t / 25 - 1.1))]
            sent += ticked(engine, t / 25)
        return sent

    first = start()
    state = first.export_state()
    json.dumps({key: value for key, value in state.items() if key not in ("sent", "clock")})
    second = VisemeEngine(FaceConfig(seed=9))
    second.import_state(state)
    kept = go_on(first)
    taken = go_on(second)
    assert len(kept) == len(taken) > 10
    for one, other in zip(kept, taken, strict=True):
        assert one.start_stage_s == other.start_stage_s and np.array_equal(one.frames, other.frames)


def test_a_successor_may_take_over_between_two_sentences_and_not_within_one(speak):
    phones = [("p", 0.1, 0), ("a", 0.4, 1), ("sil", 0.5, 0), ("m", 0.1, 0), ("a", 0.4, 1), ("sil", 0.3, 0)]
    engine = VisemeEngine(FaceConfig())
    steps(engine, "turn", Turn(state="avatar_speaking"))
    for chunk in speak(phones):
        steps(engine, "speech", chunk)
    may = {}
    for t in range(75):
        steps(engine, "clock", clock(t / 25, 1, t / 25 - 0.5))
        ticked(engine, t / 25)
        may[t] = engine.at_boundary()
    assert may[2] and not any(may[t] for t in range(13, 25)), "the first sentence from 0.5 to 1 s"
    assert all(may[t] for t in range(26, 32)), "the pause until 1.5 s"
    assert not any(may[t] for t in range(38, 50)) and all(may[t] for t in range(52, 75))


def test_the_first_frames_are_those_of_a_face_at_rest():
    engine = VisemeEngine(FaceConfig())
    steps(engine, "clock", clock(0.0))
    frames = np.concatenate([motion.frames for t in range(10) for motion in ticked(engine, t / 25)])
    smile = frames[:, ARKIT_INDEX["mouthSmileLeft"]]
    assert smile.min() > 0.1 and np.ptp(smile) < 0.1


def test_frames_of_another_engine_pass_into_its_own_without_a_pop():
    strange = {index: np.full(112, 0.1, np.float32) for index in range(20)}
    engine = VisemeEngine(FaceConfig())
    engine.import_state({"version": 99, "engine": "another", "sent": strange})
    steps(engine, "clock", clock(0.4))
    shown = {}
    for t in range(10, 40):
        for motion in ticked(engine, t / 25):
            shown.update(keep(motion))
    own = np.stack([shown[index] for index in sorted(shown)])
    assert np.abs(own[0] - strange[10]).max() < 0.1
    assert np.abs(np.diff(own[:, 52:100], axis=0)).max() < 0.02 and np.abs(own[-1, 52:100]).max() < 1e-6
    engine.import_state({})
    assert engine.export_state()["version"] == 1


def test_speech_that_is_heard_later_is_mouthed_later(speak, sentence, gauge):
    engine = VisemeEngine(FaceConfig())
    steps(engine, "clock", clock(0.0))
    shown = {}
    for chunk in speak(sentence):
        for _, motion in steps(engine, "speech", chunk):
            shown.update(keep(motion))
    for t in range(100):
        late_s = 0.0 if t < 25 else 0.12  # the speaker ran out of sound for 120 ms
        for motion in [m for _, m in steps(engine, "clock", clock(t / 25, 1, t / 25 - 0.5 - late_s))]:
            shown.update(keep(motion))
        for motion in ticked(engine, t / 25):
            shown.update(keep(motion))
    frames = np.stack([shown[i] for i in range(2, 100)])
    gap = gauge.measure(frames).gap_mm[:, 0]
    boats = [symbol for symbol, _, _ in sentence].index("oʊ") - 1
    bilabial_s = 0.5 + 0.12 + sum(seconds for _, seconds, _ in sentence[:boats])
    at = round((bilabial_s + 0.05) * FACE_FPS) - 2
    assert gauge.measure(frames[at - 1 : at + 2]).widest_gap_mm.min() <= 0.5
    assert gap.max() > 5.0


def keep(motion):
    first = round(motion.start_stage_s * FACE_FPS)
    return {first + index: frame for index, frame in enumerate(motion.frames)}


def test_the_mouth_waits_for_missing_sound_and_then_closes(speak, gauge):
    engine = VisemeEngine(FaceConfig())
    steps(engine, "clock", clock(0.0))
    chunks = speak([("t", 0.1, 0), ("a", 3.0, 1), ("sil", 0.2, 0)])
    sent = steps(engine, "speech", chunks[0])  # 0.4 s of sound; its phones reach further
    shown = {index: frame for _, motion in sent for index, frame in keep(motion).items()}
    for t in range(75):
        heard_s = min(t / 25 - 0.2, 0.4)
        for _, motion in steps(engine, "clock", clock(t / 25, 1, heard_s)):
            shown.update(keep(motion))
        for motion in ticked(engine, t / 25):
            shown.update(keep(motion))
    gap = gauge.measure(np.stack([shown[i] for i in range(75)])).gap_mm[:, 0]
    assert gap[13] > 3.0, "the vowel"
    assert gap[50:].max() <= 0.5, "nothing is heard for a second"


def test_a_turn_that_the_speaker_cuts_is_not_mouthed_on(speak, sentence, gauge):
    engine = VisemeEngine(FaceConfig())
    for chunk in speak(sentence):
        steps(engine, "speech", chunk)
    shown = {}
    for t in range(75):
        spoken = t / 25 < 1.0
        message = clock(t / 25, 1, t / 25 - 0.2) if spoken else clock(t / 25)
        if t == 25:
            message = clock(t / 25, 1, 0.8, fin=True)
        for motion in [m for _, m in steps(engine, "clock", message)] + ticked(engine, t / 25):
            shown.update(keep(motion))
    frames = np.stack([shown[i] for i in range(75)])
    assert gauge.measure(frames[5:24]).gap_mm.max() > 4.0
    assert gauge.measure(frames[32:]).widest_gap_mm.max() <= 0.5


def test_frames_that_replace_others_make_no_pop(stage, speak, sentence):
    on = stage(seed=2)
    on.say(1.0, speak(sentence))
    on.at(2.0, "interrupt", Interrupt(action="commit", segment_id=1))
    on.at(2.0, "turn", Turn(state="user_speaking"))
    frames = on.run(4.0).frames
    head = np.degrees(np.abs(np.diff(frames[:, 100:103], axis=0)))
    assert head.max() < 3.0
    assert np.abs(np.diff(frames[:, ARKIT_INDEX["mouthSmileLeft"]])).max() < 0.2


def test_what_was_given_up_stays_given_up(speak, sentence, gauge):
    engine = VisemeEngine(FaceConfig())
    steps(engine, "clock", clock(0.0))
    steps(engine, "interrupt", Interrupt(action="commit", segment_id=3))
    for chunk in speak(sentence, segment_id=3):
        steps(engine, "speech", chunk)
    steps(engine, "reply", Reply(text="Ha!", segment_id=2, emotion="surprised"))
    frames = []
    for t in range(40):
        for _, motion in steps(engine, "clock", clock(t / 25, 3, t / 25 - 0.1)):
            frames += list(motion.frames)
        frames += [frame for motion in ticked(engine, t / 25) for frame in motion.frames]
    assert gauge.measure(np.stack(frames)).widest_gap_mm.max() <= 0.5


def test_a_clock_that_starts_anew_goes_on_at_its_stage_time():
    engine = VisemeEngine(FaceConfig())
    steps(engine, "clock", clock(100.0, epoch=1))
    before = [m for t in range(25) for m in ticked(engine, 100.0 + t / 25)]
    restarted = Clock(stage_s=0.0, mono_ns=round(151.0 * 1e9), epoch=2)
    after = [m for _, m in steps(engine, "clock", restarted)]
    after += [m for t in range(25) for _, m in steps(engine, "tick", Tick(mono_ns=round((151.0 + t / 25) * 1e9)))]
    assert before[-1].start_stage_s > 100.5
    assert 0.0 <= after[0].start_stage_s < 0.1 and after[-1].start_stage_s > 1.0
    jump = np.abs(after[0].frames[0] - before[-1].frames[0]).max()
    assert jump < 0.35
    assert not steps(engine, "clock", clock(500.0, epoch=1)), "an older clock is ignored"
    assert ticked(engine, 102.5)[-1].start_stage_s < 10.0


def test_without_turn_messages_the_clock_and_the_voice_say_who_speaks(stage, speak, sentence, voice_of_user):
    on = stage()
    on.hear(0.5, np.concatenate([voice_of_user(2.0), np.zeros(24_000, np.float32)]))
    on.run(2.0)
    assert on.engine.export_state()["state"]["phase"] == "user_speaking"
    speaking = stage()
    end_s = speaking.say(0.5, speak(sentence), turns=False)
    speaking.run(1.5)
    assert speaking.engine.export_state()["state"]["phase"] == "avatar_speaking"
    speaking = stage()
    speaking.say(0.5, speak(sentence), turns=False)
    speaking.run(end_s + 0.5)
    assert speaking.engine.export_state()["state"]["phase"] == "idle"


def test_unknown_phones_are_mouthed_as_a_neutral_vowel_with_one_clear_error():
    engine = VisemeEngine(FaceConfig())
    bad = silence(phones=["b", "☃"], phone_start_s=[0.0, 0.04], phone_stress=[0, 0])
    with pytest.raises(ContractError, match="unknown phones ☃"):
        steps(engine, "speech", bad)
    assert engine.export_state()["state"]["utterances"][0]["phones"] == ["b", "ə"]


def test_other_spellings_of_known_phones_are_understood():
    engine = VisemeEngine(FaceConfig())
    steps(engine, "speech", silence(phones=["r", "g"], phone_start_s=[0.0, 0.04], phone_stress=[0, 0]))
    assert engine.export_state()["state"]["utterances"][0]["phones"] == ["ɹ", "ɡ"]


@pytest.mark.parametrize("start_s", [math.nan, math.inf, -1.0, 1e9])
def test_phones_at_impossible_times_are_left_out(start_s):
    engine = VisemeEngine(FaceConfig())
    steps(engine, "speech", silence(phones=["b", "a"], phone_start_s=[0.0, start_s], phone_stress=[0, 7]))
    assert engine.export_state()["state"]["utterances"][0]["phones"] == ["b"]


def test_phones_out_of_order_and_twice_are_sorted():
    engine = VisemeEngine(FaceConfig())
    steps(engine, "speech", silence(phones=["a", "b"], phone_start_s=[0.05, 0.0], phone_stress=[1, 0]))
    steps(engine, "speech", silence(1, phones=["a", "sil"], phone_start_s=[0.05, 0.09], phone_stress=[1, 0]))
    utterance = engine.export_state()["state"]["utterances"][0]
    assert utterance["phones"] == ["b", "a", "sil"] and utterance["phone_start_s"] == [0.0, 0.05, 0.09]


def test_speech_far_into_a_turn_is_not_a_reason_to_fill_memory():
    engine = VisemeEngine(FaceConfig())
    far = Speech(samples=np.zeros(SPEECH_FRAME_SAMPLES, np.float32), start_sample=SPEECH_HZ * 100_000, segment_id=1)
    steps(engine, "speech", far)
    assert not engine.export_state()["state"]["utterances"][0]["levels_db"]


def test_a_turn_of_ten_minutes_costs_no_more_per_frame():
    import time

    engine = VisemeEngine(FaceConfig())
    steps(engine, "clock", clock(0.0))
    count = 7_500
    phones = ["t", "ɛ", "s"] * 2_500
    chunk = Speech(
        samples=np.full(SPEECH_FRAME_SAMPLES * 2, 0.1, np.float32),
        start_sample=0,
        segment_id=1,
        phones=phones,
        phone_start_s=[index * 0.08 for index in range(count)],
        phone_stress=[0] * count,
    )
    steps(engine, "speech", chunk)
    frames, costs_s = 0, []
    for t in range(50):
        began_s = time.process_time()
        for motion in [m for _, m in steps(engine, "clock", clock(t / 25, 1, 300.0 + t / 25))] + ticked(engine, t / 25):
            frames += len(motion.frames)
        costs_s.append(time.process_time() - began_s)
    assert frames >= 50
    assert np.median(costs_s) < 0.02


@pytest.mark.parametrize("count", [0, 1, 319, 321, 160_000])
def test_user_audio_of_any_length_is_heard(count):
    engine = VisemeEngine(FaceConfig())
    steps(engine, "clock", clock(0.0))
    assert not steps(engine, "user_audio", AudioChunk(samples=np.full(count, 0.5, np.float32)))


def test_user_audio_at_a_wrong_rate_or_of_absurd_length_is_refused():
    engine = VisemeEngine(FaceConfig())
    with pytest.raises(ContractError, match="48000 Hz, expected 16000"):
        steps(engine, "user_audio", AudioChunk(samples=np.zeros(960, np.float32), sample_rate=48_000))
    with pytest.raises(ContractError, match="a chunk of 120 s"):
        steps(engine, "user_audio", AudioChunk(samples=np.zeros(120 * 16_000, np.float32)))


def test_unknown_and_impossible_configuration_is_refused(tmp_path):
    path = tmp_path / "mio.config.yml"
    path.write_text("face:\n  lead_s: 0.4\n  blink: 3\n")
    with pytest.raises(ConfigError, match=r"mio.config.yml:3: .*unknown key 'blink'"):
        build_config(read_config_file(path), "face", FaceConfig, {})
    path.write_text("face: {contact_speaking: 1.5}\n")
    with pytest.raises(ConfigError, match="contact_speaking"):
        build_config(read_config_file(path), "face", FaceConfig, {})


def test_a_still_and_silent_character_can_be_configured(stage, speak, sentence, gauge):
    on = stage(seed=1, liveliness=0.0, expressiveness=0.0, articulation=0.0)
    end_s = on.say(1.0, speak(sentence, emotion="surprised"))
    frames = on.run(end_s).frames
    assert gauge.measure(frames).gap_mm[:, 0].max() < 5.0


def test_the_exported_state_is_made_of_plain_values():
    engine = VisemeEngine(FaceConfig())
    steps(engine, "clock", clock(0.0))
    ticked(engine, 0.0)
    state = engine.export_state()
    assert all(isinstance(frame, np.ndarray) for frame in state["sent"].values())
    msgspec.json.encode({key: value for key, value in state.items() if key != "sent"})
