import numpy as np
import pytest

from mio.contracts.emotions import GESTURES
from mio.contracts.messages import Clock, Interrupt, MotionPrompt, Speech, Turn
from mio.contracts.rates import BODY_DIM
from mio.contracts.skeleton import JOINT_INDEX
from mio.errors import ContractError, MioError
from mio.rotation import inverse, product, quaternion, rotvec
from mio.runtime.testing import run_engine, steps, tick
from nodes.body.config import BodyConfig
from nodes.body.engine import IdleEngine, build_engine

TURNS = ("idle", "user_speaking", "thinking", "avatar_speaking", "ducked")
LEFT, RIGHT = JOINT_INDEX["left_wrist"], JOINT_INDEX["right_wrist"]
LONG = "silver boats carried golden lanterns through every narrow harbour street until morning light returned slowly"


def raised(run, side=None) -> np.ndarray:
    """Height over the pelvis of a wrist, or of the higher one."""
    wrists = run.places[:, [LEFT, RIGHT], 1] - run.places[:, :1, 1]
    return wrists.max(1) if side is None else wrists[:, int(side == "right")]


def planned(engine) -> dict:
    """The state of the procedural engine, which plans for any."""
    state = engine.export_state()
    return state.get("understudy", state)


def turn_steps_deg(frames) -> np.ndarray:
    turns = quaternion(frames[:, 3:].reshape(len(frames), -1, 3))
    return np.degrees(np.linalg.norm(rotvec(product(inverse(turns[:-1]), turns[1:])), axis=-1))


def prompt(gesture, **more) -> MotionPrompt:
    return MotionPrompt(text=more.pop("text", ""), gesture=gesture, **more)


each_engine = pytest.mark.parametrize("stage", ["idle", "flood"], indirect=True)


def commit(turn: int) -> Interrupt:
    return Interrupt(action="commit", segment_id=turn)


def test_nothing_is_sent_before_the_clock_runs():
    engine = IdleEngine(BodyConfig())
    steps(engine, "prompt", prompt("greet"))
    steps(engine, "turn", Turn(state="thinking"))
    steps(engine, "interrupt", commit(1))
    assert tick(engine, 1.0) == []
    steps(engine, "clock", Clock(stage_s=0.0, mono_ns=2_000_000_000))
    assert len(tick(engine, 2.0)) == 1


def test_frames_are_on_the_grid_ahead_of_stage_time_and_never_stop(stage):
    run = stage(frames_per_tick=1).run(5.0)
    for now_s, message in run.sent:
        assert message.frames.shape[1] == BODY_DIM and message.frames.dtype == np.float32
        assert abs(message.start_stage_s * 20 - round(message.start_stage_s * 20)) < 1e-6
        end_s = message.start_stage_s + (len(message.frames) - 1) / 20
        assert 0.35 <= end_s - now_s <= 0.45
    assert len(run.sent) == 100
    assert max(len(message.frames) for _, message in run.sent[2:]) < 12


@each_engine
def test_the_same_seed_and_inputs_give_the_same_frames(stage, say):
    def run(seed):
        script = [(1.0, "prompt", prompt("explain")), (0.5, "speech", say(LONG))]
        return stage(seed=seed).run(6.0, [*script, (1.0, "turn", Turn(state="avatar_speaking"))], (1, 2.0, 8.0)).frames

    assert np.array_equal(run(5), run(5))
    assert not np.allclose(run(5), run(6), atol=0.01)


@each_engine
@pytest.mark.parametrize("seed", range(3))
def test_no_pops_in_long_random_sequences_of_prompts_turns_interrupts_and_leaps(stage, seed, clear_of_body):
    rng = np.random.default_rng(seed)
    show, script, at_s = stage(seed=seed), [], 0.5
    while at_s < 18:
        at_s += rng.uniform(0.1, 2.5)
        text = str(rng.choice(["", "left hand", "both hands", "a big quick gesture", "slowly"]))
        script.append((at_s, "prompt", prompt(str(rng.choice(GESTURES)), text=text, segment_id=1 + int(at_s))))
        if rng.random() < 0.25:
            script.append((at_s + 0.3, "interrupt", commit(1 + int(at_s))))
        if rng.random() < 0.4:
            script.append((at_s + 0.2, "turn", Turn(state=str(rng.choice(TURNS)))))
    show.run(10.0, script)
    show.leap(3.0)
    run = show.run(10.0, [(time_s - 7.0, port, message) for time_s, port, message in script if time_s > 10.0])
    frames, places = run.frames, run.places
    assert turn_steps_deg(frames).max() < 27
    speed, acceleration, jerk = (
        np.linalg.norm(np.diff(places[:, :22], n, axis=0), axis=-1).max() * 20**n for n in (1, 2, 3)
    )
    assert speed < 3.2
    assert acceleration < 35
    assert jerk < 750
    feet = places[:, [JOINT_INDEX["left_ankle"], JOINT_INDEX["right_ankle"]]]
    by_network = type(run.engine) is not IdleEngine  # it may step, and knows of no body around the bones
    assert np.ptp(feet, axis=0).max() < (0.15 if by_network else 1e-3)
    assert clear_of_body(frames[::2]).min() > (-0.03 if by_network else -0.012)


@each_engine
def test_a_prompt_is_followed_at_once_and_ends_by_itself(stage):
    run = stage().run(6.0, [(1.0, "prompt", prompt("greet", text="right hand"))])
    heights = raised(run, "right")
    assert heights[: run.at(1.0)].max() < 0.05
    assert heights[run.at(1.3) :].max() > 0.3
    assert np.abs(heights[-10:] - heights[:10].mean()).max() < 0.03


@each_engine
def test_free_text_moves_the_hand_it_names(stage):
    run = stage().run(3.0, [(1.0, "prompt", MotionPrompt(text="a person waves with the left hand"))])
    assert raised(run, "left").max() > 0.3 > raised(run, "right").max()


@each_engine
def test_a_new_prompt_takes_over_in_the_middle_of_a_stroke(stage):
    script = [(1.0, "prompt", prompt("greet", text="right hand")), (1.7, "prompt", prompt("shrug", text="both"))]
    run = stage().run(5.0, script)
    assert turn_steps_deg(run.frames).max() < 27
    assert raised(run, "left")[run.at(1.7) : run.at(3.5)].max() > 0.05 > raised(run, "left")[: run.at(1.7)].max()
    if isinstance(run.engine, IdleEngine):  # the network shrugs with the hands
        shoulders = run.places[:, JOINT_INDEX["left_shoulder"], 1]
        assert shoulders[run.at(1.7) : run.at(3.0)].max() - shoulders[: run.at(1.0)].max() > 0.01


@each_engine
def test_none_without_a_clause_goes_back_to_rest(stage):
    script = [(1.0, "prompt", prompt("think", until_stage_s=30.0)), (4.0, "prompt", prompt("none"))]
    run = stage().run(6.0, script)
    assert raised(run)[run.at(3.5)] > 0.3
    assert raised(run)[run.at(5.2) :].max() < 0.05


@each_engine
@pytest.mark.parametrize("gesture", ["think", "greet", "beat"])
def test_until_is_when_the_gesture_has_ended(stage, gesture):
    run = stage().run(9.0, [(1.0, "prompt", prompt(gesture, until_stage_s=7.0))])
    heights = raised(run) - raised(run)[: run.at(1.0)].mean()
    made_by_the_network = gesture == "greet" and type(run.engine) is not IdleEngine  # which comes to rest less exactly
    assert heights[run.at(5.0) : run.at(5.9)].max() > 0.1
    assert np.abs(heights[run.at(7.1) :]).max() < (0.08 if made_by_the_network else 0.03)


@each_engine
def test_an_until_that_is_too_soon_cuts_the_gesture_short_without_a_pop(stage):
    run = stage().run(5.0, [(1.0, "prompt", prompt("think", until_stage_s=2.2))])
    assert turn_steps_deg(run.frames).max() < 27
    assert raised(run)[run.at(2.7) :].max() < 0.08


@each_engine
@pytest.mark.parametrize("until", [float("nan"), float("inf"), 0.0, 1e300])
def test_an_until_that_makes_no_sense_does_no_harm(stage, until):
    run = stage().run(3.0, [(1.0, "prompt", prompt("explain", until_stage_s=until))])
    assert np.isfinite(run.frames).all()


@pytest.mark.parametrize("seed", range(3))
def test_a_gesture_of_a_clause_has_its_stroke_on_the_first_stressed_word(stage, say, seed):
    first = say("it is so that we are in it", index=0)
    second = say("and then the harbour was in it", index=1, start_s=first.end_s, fin=True)
    script = [
        (0.2, "prompt", prompt("point", text="ahead right", segment_id=1, index=1)),
        (0.4, "speech", first),
        (0.6, "speech", second),
        (0.9, "turn", Turn(state="avatar_speaking")),
    ]
    run = stage(seed=seed, beats_per_min=0).run(9.0, script, (1, 1.5, 8.0))
    wanted_s = 1.5 + first.end_s + 3 * 0.4 + 0.1  # vowel of "harbour"
    ahead = run.places[:, RIGHT, 2] - run.places[:, 0, 2]
    assert ahead[: run.at(wanted_s - 1.2)].max() < 0.25
    assert ahead.max() > 0.35
    assert -0.05 <= run.first / 20 + ahead.argmax() / 20 - wanted_s <= 0.2  # while the vowel is said


@each_engine
def test_a_clause_that_never_comes_leaves_its_gesture_out(stage, say):
    script = [(0.2, "prompt", prompt("greet", segment_id=1, index=3)), (0.4, "speech", say("in it", fin=True))]
    assert raised(stage().run(6.0, script, (1, 1.0, 1.8))).max() < 0.1


@each_engine
def test_without_any_voice_a_clause_gesture_is_made_after_a_while(stage):
    heights = raised(run := stage().run(6.0, [(0.5, "prompt", prompt("greet", segment_id=1, index=0))]))
    assert heights[: run.at(2.8)].max() < 0.1
    assert heights.max() > 0.3


def test_gestures_that_follow_each_other_wait_for_the_stroke_before(stage, say):
    clauses = [say("harbour boats", index=0)]
    clauses.append(say("silver boats", index=1, start_s=clauses[0].end_s, fin=True))
    script = [(0.3, "speech", clause) for clause in clauses]
    script += [(0.1, "prompt", prompt("point", text="up right", segment_id=1, index=0))]
    script += [(0.1, "prompt", prompt("shrug", segment_id=1, index=1)), (0.8, "turn", Turn(state="avatar_speaking"))]
    run = stage(beats_per_min=0).run(6.0, script, (1, 1.5, 3.1))
    assert raised(run)[run.at(1.5) : run.at(2.0)].max() > 0.4
    lifted = run.places[:, JOINT_INDEX["right_shoulder"], 1]
    assert 2.2 <= 0.05 * lifted[run.at(1.9) : run.at(4.0)].argmax() + 1.9 <= 3.2
    assert turn_steps_deg(run.frames).max() < 27


@each_engine
def test_a_commit_takes_the_hands_down_in_half_a_second_and_drops_what_waits(stage, say):
    script = [
        (0.2, "prompt", prompt("explain", segment_id=4, index=0)),
        (0.2, "prompt", prompt("greet", segment_id=4, index=1)),
        (0.3, "speech", say(LONG, turn=4, index=0)),
        (0.8, "turn", Turn(state="avatar_speaking")),
        (2.4, "interrupt", commit(4)),
        (2.4, "turn", Turn(state="user_speaking")),
        (2.6, "speech", say(LONG, turn=4, index=1, start_s=5.6)),
        (2.7, "prompt", prompt("greet", segment_id=4, index=1)),
        (2.7, "prompt", prompt("greet", segment_id=4)),
    ]
    run = stage().run(8.0, script, (4, 1.5, 8.0))
    heights = raised(run) - raised(run)[: run.at(0.8)].mean()
    assert heights[run.at(2.3)] > 0.15
    assert heights[run.at(3.05)] < 0.03
    assert heights[run.at(3.1) :].max() < 0.03


@each_engine
def test_a_commit_of_another_turn_leaves_a_gesture_alone(stage):
    script = [
        (1.0, "prompt", prompt("think", segment_id=7)),
        (2.2, "interrupt", Interrupt(action="commit", segment_id=6)),
    ]
    run = stage().run(3.5, script)
    assert raised(run)[run.at(3.0)] > 0.3


@each_engine
@pytest.mark.parametrize("action", ["duck", "resume"])
def test_duck_and_resume_are_accepted_and_do_not_stop_a_gesture(stage, action):
    script = [
        (1.0, "prompt", prompt("think", segment_id=1)),
        (2.0, "interrupt", Interrupt(action=action, segment_id=1)),
    ]
    run = stage().run(3.5, script)
    assert raised(run)[run.at(3.0)] > 0.3


def beats_of(stage, say, seed, **settings):
    text = " ".join([LONG] * 2)
    speech = say(text, fin=True, word_s=0.45)
    script = [(0.3, "speech", speech), (0.9, "turn", Turn(state="avatar_speaking"))]
    return speech, stage(seed=seed, **settings).run(speech.end_s + 3.0, script, (1, 1.5, 1.5 + speech.end_s))


@each_engine
def test_beats_come_on_some_stresses_while_speaking(stage, say):
    speech, run = beats_of(stage, say, 1)
    performed = planned(run.engine)["choreography"]["beats"]
    assert performed["next_s"] > 8
    moving = np.linalg.norm(np.diff(run.places[:, [LEFT, RIGHT]], axis=0), axis=-1).max(1) * 20 > 0.5
    bursts = (np.diff(moving.astype(int)) == 1).sum()
    assert 0.2 * speech.end_s < bursts < 1.6 * speech.end_s
    hands = np.linalg.norm(np.diff(run.places[:, [LEFT, RIGHT]], axis=0), axis=-1).sum(0)
    assert hands.min() > 1.0, "both hands take part"


@each_engine
def test_there_are_no_beats_in_short_answers_nor_when_they_are_switched_off(stage, say):
    short = say("silver boats", fin=True)
    script = [(0.3, "speech", short), (0.9, "turn", Turn(state="avatar_speaking"))]
    assert raised(stage().run(4.0, script, (1, 1.5, 2.3))).max() < 0.1
    _, run = beats_of(stage, say, 1, beats_per_min=0, posture="hanging")
    assert raised(run).max() < 0.1


@each_engine
def test_speech_outside_its_turn_moves_no_hand(stage, say):
    assert raised(stage().run(6.0, [(0.3, "speech", say(LONG))])).max() < 0.1


@each_engine
def test_a_new_epoch_and_lost_time_do_not_make_it_jump(stage):
    show = stage()
    show.run(3.0, [(1.0, "prompt", prompt("greet"))])
    show.leap(0.0)
    show.run(2.0, [(0.5, "prompt", prompt("explain"))])
    show.leap(500.0, epochs=0)
    show.run(1.0)
    show.pause(4.0)
    run = show.run(2.0)
    assert turn_steps_deg(run.frames).max() < 27


@each_engine
@pytest.mark.parametrize("wrong", [{"stage_s": float("nan")}, {"stage_s": 1.0, "rate": 0.0}])
def test_a_clock_that_makes_no_sense_is_refused_and_the_motion_goes_on(stage, wrong):
    show = stage()
    show.run(1.0)
    with pytest.raises(ContractError, match="Clock"):
        steps(show.engine, "clock", Clock(mono_ns=1, **wrong))
    assert turn_steps_deg(show.run(1.0).frames).max() < 3


def test_a_long_wait_before_the_first_clock_and_a_late_stage_time_are_fine():
    engine = IdleEngine(BodyConfig())
    steps(engine, "clock", Clock(stage_s=86_400.0, mono_ns=5_000_000_000, epoch=7))
    ((_, message),) = tick(engine, 5.0)
    assert message.start_stage_s == pytest.approx(86_400.0, abs=0.06)


def test_a_successor_goes_on_frame_by_frame(stage, say):
    script = [(0.3, "speech", say(LONG)), (0.8, "turn", Turn(state="avatar_speaking"))]
    script += [(0.4, "prompt", prompt("explain", segment_id=1, index=0))]
    show = stage(seed=4)
    show.run(3.0, script, (1, 1.5, 7.0))
    state = show.engine.export_state()
    expected = show.run(3.0, (), (1, 1.5, 7.0)).frames
    other = stage(seed=99)
    other.run(3.0, (), (1, 1.5, 7.0))
    other.engine.import_state(state)
    got = other.run(3.0, (), (1, 1.5, 7.0)).frames
    assert np.allclose(got[-60:], expected[-60:], atol=1e-6)


def test_a_successor_knows_the_stage_time_and_sends_at_its_first_tick(stage):
    show = stage()
    show.run(2.0)
    other = stage()
    other.engine.import_state(show.engine.export_state())
    sent = tick(other.engine, 102.1)
    assert sent[0][1].start_stage_s == pytest.approx(2.1 + 0.1, abs=0.4)


def test_a_state_is_plain(stage):
    show = stage()
    show.run(1.0, [(0.2, "prompt", prompt("greet"))])

    def check(value):
        assert isinstance(value, dict | list | str | int | float | bool | type(None)), type(value)
        for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            check(item)

    check(show.engine.export_state())


def test_it_goes_on_from_the_pose_of_another_engine_without_a_jump(stage):
    show = stage()
    before = show.run(2.0, [(0.5, "prompt", prompt("greet"))]).frames
    pose = before[30:40]
    other = stage(seed=2)
    other.engine.import_state({"kind": "flood", "version": 3, "pose": pose.tolist()})
    after = other.run(3.0).frames
    assert turn_steps_deg(np.concatenate((pose, after[1:]))).max() < 27
    assert np.abs(after[0] - pose[-1]).max() < 1e-5
    assert raised(other.run(0.05))[-1] < 0.05


@pytest.mark.parametrize("state", [{}, {"kind": "flood"}, {"pose": [[1.0]]}, {"pose": "x"}, {"pose": [[np.nan] * 159]}])
def test_a_state_without_anything_usable_leaves_it_at_rest(stage, state):
    show = stage()
    show.engine.import_state(state)
    assert np.isfinite(show.run(1.0).frames).all()


def test_a_broken_state_of_its_own_kind_is_refused_with_one_line(stage):
    state = stage().engine.export_state()
    state["tracks"] = "gone"
    with pytest.raises(MioError, match="state cannot be taken over"):
        stage().engine.import_state(state)


@each_engine
def test_bad_speech_does_no_harm(stage):
    empty = Speech(segment_id=1, samples=np.zeros(0, np.float32), start_sample=0, fin=True)
    nan = Speech(
        segment_id=1,
        samples=np.zeros(1920, np.float32),
        start_sample=0,
        phones=["?", "ɑː"],
        phone_start_s=[float("nan")] * 2,
        phone_stress=[1, 1],
    )
    script = [(0.3, "speech", empty), (0.4, "speech", nan), (0.5, "turn", Turn(state="avatar_speaking"))]
    script += [(0.2, "prompt", prompt("point", segment_id=1, index=0))]
    assert np.isfinite(stage().run(4.0, script, (1, 1.0, 3.0)).frames).all()


@each_engine
def test_memory_of_what_was_said_and_asked_stays_small(stage, say):
    script = [(0.1 + 0.01 * n, "prompt", prompt("greet", segment_id=900, index=n)) for n in range(300)]
    script += [(0.2 + 0.01 * n, "speech", say("silver boats", turn=n + 1)) for n in range(100)]
    show = stage()
    show.run(4.0, script)
    state = planned(show.engine)
    assert len(state["turns"]) <= 2 and len(state["choreography"]["cues"]) <= 64
    assert max(len(track["movements"]) for track in state["tracks"].values()) < 40


def test_the_real_loop_sends_what_the_manifest_declares(manifest):
    script = [("clock", Clock(stage_s=0.0, mono_ns=0), 0.0), ("prompt", prompt("greet"), 0.2)]
    transport = run_engine(build_engine(BodyConfig()), manifest, script, run_s=1.0)
    assert len(transport.messages("motion")) >= 19
    assert transport.logged == []
