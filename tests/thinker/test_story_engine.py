from typing import Any

import msgspec
import numpy as np
import pytest

from mio.contracts.messages import Clock, Interrupt, Message, MotionPrompt, Reply, Transcript, VideoFrame
from mio.runtime.manifest import manifest_path
from mio.runtime.testing import run_engine, steps
from nodes.thinker.story import StoryEngine
from nodes.thinker.storyteller import Storyteller
from nodes.thinker.turns import Phase

MANIFEST = manifest_path("nodes.thinker")


def asked(text: str, segment_id: int = 1, **fields: Any) -> Transcript:
    return Transcript(text=text, segment_id=segment_id, session="s", origin_ns=77, **fields)


def replies(outputs: list[tuple[str, Message]]) -> list[Reply]:
    return [message for _, message in outputs if isinstance(message, Reply)]


def said(outputs: list[tuple[str, Message]]) -> str:
    return " ".join(reply.text for reply in replies(outputs) if reply.text)


def test_a_question_is_answered_clause_by_clause(engine: StoryEngine):
    outputs = steps(engine, "transcript", asked("Tell me about your boat.", segment_id=5))
    sent = replies(outputs)
    text = " ".join(reply.text for reply in sent)
    assert [reply.index for reply in sent] == list(range(len(sent))) and len(sent) > 1
    assert [reply.fin for reply in sent] == [False] * (len(sent) - 1) + [True]
    assert all(text[reply.first_char :].startswith(reply.text) for reply in sent)
    assert {(reply.segment_id, reply.session, reply.origin_ns) for reply in sent} == {(5, "s", 77)}


def test_a_motion_comes_before_the_clause_that_it_accompanies(engine: StoryEngine):
    outputs = steps(engine, "transcript", asked("Hello."))
    (_, motion), (_, reply) = outputs
    assert isinstance(motion, MotionPrompt) and isinstance(reply, Reply)
    assert (motion.gesture, motion.index, motion.segment_id) == ("greet", reply.index, reply.segment_id)
    assert motion.text == "a person waves with the right hand"


def test_emotion_and_intensity_come_with_the_clauses(engine: StoryEngine):
    for _ in range(2):
        sent = replies(steps(engine, "transcript", asked("Tell me about your boat.")))
        if len(sent) == 2 and sent[1].text == "She leaks.":
            assert (sent[1].emotion, sent[1].intensity) == ("amused", 0.9)


def test_nothing_is_said_while_the_user_still_speaks(engine: StoryEngine):
    assert steps(engine, "transcript", asked("Hel", final=False)) == []
    assert steps(engine, "transcript", asked("Hello", final=False)) == []
    assert said(steps(engine, "transcript", asked("Hello."))) in ("Hello!", "Hi!")


def test_an_answer_is_thought_out_at_a_soft_end_and_said_at_the_certain_one(
    engine: StoryEngine, storyteller: Storyteller
):
    assert steps(engine, "transcript", asked("Who is Rex?", final=False, soft=True)) == []
    assert engine.export_state()["state"]["phase"] == "preparing"
    prepared = steps(engine, "transcript", asked("Who is Rex?"))
    at_once = steps(StoryEngine(storyteller, language="en", seed=0), "transcript", asked("Who is Rex?"))
    assert said(prepared) == said(at_once) != ""


def test_words_that_go_on_after_a_soft_end_are_answered_as_if_nothing_had_been_thought(
    engine: StoryEngine, storyteller: Storyteller
):
    steps(engine, "transcript", asked("Hello.", final=False, soft=True))
    assert steps(engine, "transcript", asked("Hello. Who is", final=False)) == []
    assert engine.export_state()["state"]["phase"] == "listening"
    steps(engine, "transcript", asked("Hello. Who is Max?", final=False, soft=True))
    gone_on = steps(engine, "transcript", asked("Hello. Who is Rex?"))
    other = StoryEngine(storyteller, language="en", seed=0)
    at_once = steps(other, "transcript", asked("Hello. Who is Rex?"))
    assert said(gone_on) == said(at_once) != ""
    assert engine.export_state()["state"]["dialogue"] == other.export_state()["state"]["dialogue"]


def test_a_turn_given_up_at_its_soft_end_leaves_no_trace(engine: StoryEngine):
    before = engine.export_state()["state"]["dialogue"]
    steps(engine, "transcript", asked("Hello.", final=False, soft=True))
    assert steps(engine, "interrupt", Interrupt(action="commit", segment_id=1)) == []
    assert engine.export_state()["state"]["dialogue"] == before
    assert steps(engine, "transcript", asked("Hello.")) == []


def test_words_said_with_a_lowered_voice_before_an_interruption_were_not_heard(engine: StoryEngine):
    steps(engine, "transcript", asked("Tell me about your boat."))
    steps(engine, "clock", Clock(stage_s=1.0, mono_ns=1, segment_id=1, heard_char=9))
    steps(engine, "interrupt", Interrupt(action="commit", segment_id=1))
    steps(engine, "clock", Clock(stage_s=1.1, mono_ns=2, segment_id=1, heard_char=4, fin=True))
    steps(engine, "clock", Clock(stage_s=1.2, mono_ns=3))
    (turn,) = engine.export_state()["state"]["dialogue"]["turns"]
    assert (turn["cut"], turn["heard_chars"]) == (True, 4)


def test_an_answer_that_goes_on_after_a_mistaken_interruption_counts_as_heard(engine: StoryEngine):
    text = said(steps(engine, "transcript", asked("Tell me about your boat.")))
    steps(engine, "clock", Clock(stage_s=1.0, mono_ns=1, segment_id=1, heard_char=4))
    steps(engine, "interrupt", Interrupt(action="commit", segment_id=1))
    steps(engine, "interrupt", Interrupt(action="resume", segment_id=1))
    steps(engine, "clock", Clock(stage_s=3.0, mono_ns=3, segment_id=1, heard_char=len(text)))
    (turn,) = engine.export_state()["state"]["dialogue"]["turns"]
    assert (turn["cut"], turn["heard_chars"]) == (False, len(text))


def test_typed_words_are_answered_like_spoken_ones(storyteller: Storyteller):
    spoken = steps(StoryEngine(storyteller, language="en", seed=0), "transcript", asked("Who is Rex?"))
    typed = steps(StoryEngine(storyteller, language="en", seed=0), "transcript", asked("Who is Rex?", source="text"))
    assert said(spoken) == said(typed) != ""


@pytest.mark.parametrize("text", ["", "   ", "?", "\x00\x1b[31m", "🐐🐐🐐", "a" * 1_000_000, "why " * 100_000])
def test_no_transcript_is_left_without_an_answer(engine: StoryEngine, text: str):
    sent = replies(steps(engine, "transcript", asked(text)))
    assert sent[-1].fin and sent[0].text


def test_a_turn_that_was_given_up_gets_no_answer(engine: StoryEngine):
    steps(engine, "interrupt", Interrupt(action="commit", segment_id=4))
    assert steps(engine, "transcript", asked("Hello.", segment_id=4)) == []
    assert replies(steps(engine, "transcript", asked("Hello.", segment_id=5)))


def test_an_interruption_stops_the_answer_between_two_clauses(engine: StoryEngine):
    step = iter(engine.step("transcript", asked("Tell me about your dog.")))
    outputs = [next(step)]
    while not isinstance(outputs[-1], tuple) or outputs[-1][0] != "reply":
        outputs.append(next(step))
    steps(engine, "interrupt", Interrupt(action="commit", segment_id=1))
    assert list(step) == []
    assert engine.export_state()["state"]["phase"] == Phase.IDLE.value


def test_a_ducked_answer_waits_and_goes_on_where_it_was(storyteller: Storyteller):
    question = asked("Tell me about your boat.")
    whole = said(steps(StoryEngine(storyteller, language="en", seed=0), "transcript", question))
    engine = StoryEngine(storyteller, language="en", seed=0)
    step = iter(engine.step("transcript", asked("Tell me about your boat.")))
    before: list[tuple[str, Message]] = []
    while not replies(before):
        if output := next(step):
            before.append(output)
    steps(engine, "interrupt", Interrupt(action="duck", segment_id=1))
    assert list(step) == []
    after = steps(engine, "interrupt", Interrupt(action="resume", segment_id=1))
    assert f"{said(before)} {said(after)}" == whole
    assert replies(after)[-1].fin


def test_a_motion_is_not_sent_twice_when_the_answer_is_held_behind_it(engine: StoryEngine):
    step = iter(engine.step("transcript", asked("Hello.")))
    first = next(output for output in step if output is not None)
    assert first[0] == "motion"
    steps(engine, "interrupt", Interrupt(action="duck", segment_id=1))
    assert list(step) == []
    after = steps(engine, "interrupt", Interrupt(action="resume", segment_id=1))
    assert [port for port, _ in after] == ["reply"]


def test_the_user_who_goes_on_speaking_holds_the_answer(engine: StoryEngine):
    step = iter(engine.step("transcript", asked("Tell me about your dog.")))
    while (output := next(step)) is None or output[0] != "reply":
        pass
    steps(engine, "transcript", asked("and", segment_id=2, final=False))
    assert list(step) == []
    answer = steps(engine, "transcript", asked("How old is your dog?", segment_id=2))
    assert {reply.segment_id for reply in replies(answer)} == {2}


def test_resume_and_duck_without_an_answer_do_nothing(engine: StoryEngine):
    for action in ("duck", "resume", "commit"):
        assert steps(engine, "interrupt", Interrupt(action=action, segment_id=0)) == []
    assert replies(steps(engine, "transcript", asked("Hello.")))


def test_the_dialogue_keeps_only_what_was_heard(engine: StoryEngine):
    steps(engine, "transcript", asked("Tell me about your dog."))
    steps(engine, "clock", Clock(stage_s=1.0, mono_ns=1, segment_id=1, heard_char=6))
    steps(engine, "interrupt", Interrupt(action="commit", segment_id=1, flush=True))
    (turn,) = engine._state.dialogue.turns
    assert turn.cut and turn.answer.startswith(turn.heard) and len(turn.heard) <= 6


def test_pictures_are_taken_without_complaint(engine: StoryEngine):
    frame = VideoFrame(pixels=np.zeros(12, np.uint8), width=2, height=2)
    assert steps(engine, "image", frame) == []


def test_through_the_real_loop_with_a_flush_in_between(engine: StoryEngine):
    transport = run_engine(
        engine,
        MANIFEST,
        [
            ("transcript", asked("Tell me about your boat.", segment_id=1)),
            ("interrupt", Interrupt(action="commit", segment_id=1, flush=True)),
            ("transcript", asked("How old is your dog?", segment_id=2)),
        ],
    )
    sent = [message for message in transport.messages("reply") if isinstance(message, Reply)]
    assert transport.logged == []
    assert [reply.text for reply in sent if reply.segment_id == 2] == ["Rex is three."]
    assert not any(reply.fin for reply in sent if reply.segment_id == 1)


def test_a_successor_goes_on_with_the_conversation(storyteller: Storyteller):
    first = StoryEngine(storyteller, language="en", seed=1)
    for number, text in enumerate(["Hello.", "Tell me about your dog."], 1):
        steps(first, "transcript", asked(text, segment_id=number))
    state = msgspec.json.decode(msgspec.json.encode(first.export_state()))
    second = StoryEngine(storyteller, language="en", seed=99)
    second.import_state(state)
    for number, text in enumerate(["How old is he?", "Hi there.", "Who is Rex?", "uh"], 3):
        question = asked(text, segment_id=number)
        assert said(steps(first, "transcript", question)) == said(steps(second, "transcript", question))


def test_a_successor_takes_over_in_the_middle_of_an_answer(storyteller: Storyteller):
    question = asked("Tell me about your boat.")
    whole = said(steps(StoryEngine(storyteller, language="en", seed=0), "transcript", question))
    first = StoryEngine(storyteller, language="en", seed=0)
    step = iter(first.step("transcript", asked("Tell me about your boat.")))
    before: list[tuple[str, Message]] = []
    while not replies(before):
        if output := next(step):
            before.append(output)
    steps(first, "interrupt", Interrupt(action="duck", segment_id=1))
    second = StoryEngine(storyteller, language="en", seed=5)
    second.import_state(first.export_state())
    after = steps(second, "interrupt", Interrupt(action="resume", segment_id=1))
    assert f"{said(before)} {said(after)}" == whole


def test_a_successor_that_plays_somebody_else_begins_a_dialogue_of_its_own(storyteller: Storyteller):
    first, second, same = (StoryEngine(storyteller, language="en", seed=seed) for seed in (0, 1, 2))
    for engine, name in ((first, "pip"), (second, "ada"), (same, "pip")):
        engine.play(name)
    steps(first, "transcript", asked("Tell me about your boat.", segment_id=3))
    steps(first, "interrupt", Interrupt(action="commit", segment_id=3))
    for successor in (second, same):
        successor.import_state(first.export_state())
    assert [len(engine.export_state()["state"]["dialogue"]["turns"]) for engine in (second, same)] == [0, 1]
    assert steps(second, "transcript", asked("Hello.", segment_id=3)) == [], "that turn was given up"
    assert said(steps(second, "transcript", asked("Hello.", segment_id=4)))


def test_a_state_of_another_version_is_ignored(engine: StoryEngine):
    engine.import_state({"version": 99})
    engine.import_state({})
    assert replies(steps(engine, "transcript", asked("Hello.")))
