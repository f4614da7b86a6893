import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mio.character import Character
from mio.contracts.messages import Clock, Interrupt, Message, MotionPrompt, Reply, Transcript
from mio.runtime.testing import run_until, steps, tick
from mio.sentences.encoder import SentenceEncoder
from nodes.thinker.background import Background
from nodes.thinker.config import OpenAIConfig, ThinkerConfig
from nodes.thinker.dialogue import Dialogue
from nodes.thinker.endpoint import Endpoint
from nodes.thinker.engine import build_engine
from nodes.thinker.language_model import LanguageModelEngine
from nodes.thinker.lore import Lore
from nodes.thinker.memory.graph import Node, Present, StoryGraph
from nodes.thinker.persona import Persona
from nodes.thinker.storyteller import Storyteller
from nodes.thinker.understanding import Understanding

KEY = "sk-very-secret"
QUICK = OpenAIConfig(first_token_s=0.6, token_gap_s=0.4, thinking_after_s=0.1, filler_after_s=0.2, down_s=60.0)
PATIENT = msgspec.structs.replace(
    QUICK, first_token_s=10.0, token_gap_s=10.0, thinking_after_s=10.0, filler_after_s=10.0
)

Outputs = list[tuple[str, Message]]
Make = Callable[..., LanguageModelEngine]


@pytest.fixture
def make(server: Any, storyteller: Storyteller, pip: Character) -> Iterator[Make]:
    made: list[LanguageModelEngine] = []

    def build(config: OpenAIConfig = PATIENT, url: str = "") -> LanguageModelEngine:
        endpoint = Endpoint(msgspec.structs.replace(config, base_url=url or server.url, model="tiny"), KEY)
        engine = LanguageModelEngine(config, endpoint, storyteller, pip.section("persona", Persona), seed=0)
        engine.open()
        made.append(engine)
        return engine

    yield build
    for engine in made:
        engine.close()


class Forgetful:
    """Recalls nothing of the story."""

    def background(self, question: str, dialogue: Dialogue) -> Background:
        return Background(Present(4.0))


def finished(outputs: Outputs) -> bool:
    return any(reply.fin for reply in replies(outputs))


def ask(engine: LanguageModelEngine, text: str = "Hello.", segment_id: int = 1) -> Outputs:
    return steps(engine, "transcript", Transcript(text=text, segment_id=segment_id, session="s", origin_ns=7))


def replies(outputs: Outputs) -> list[Reply]:
    return [message for _, message in outputs if isinstance(message, Reply)]


def said(outputs: Outputs) -> str:
    return " ".join(reply.text for reply in replies(outputs) if reply.text)


def test_a_streamed_answer_comes_out_clause_by_clause(make: Make, server: Any):
    server.plan("[happy] <gre", "et> Well, hel", "lo there my friend. ", "[sad] It rains", " today.")
    engine = make()
    tick(engine, time.monotonic())
    assert ask(engine) == []
    outputs = run_until(engine, finished)
    sent = replies(outputs)
    assert [(reply.text, reply.emotion) for reply in sent if reply.text] == [
        ("Well,", "happy"),
        ("hello there my friend.", "happy"),
        ("It rains today.", "sad"),
    ]
    text = said(outputs)
    assert all(text[reply.first_char :].startswith(reply.text) for reply in sent)
    assert [reply.index for reply in sent] == list(range(len(sent)))
    assert [reply.fin for reply in sent] == [False] * (len(sent) - 1) + [True]
    motion = outputs[0][1]
    assert isinstance(motion, MotionPrompt) and (motion.gesture, motion.index) == ("greet", 0)


def test_the_first_clause_is_said_while_the_model_still_writes(make: Make, server: Any):
    server.plan("Well, ", "that is ", "STAY")
    engine = make()
    ask(engine)
    assert said(run_until(engine, lambda outputs: bool(replies(outputs)))) == "Well,"


def test_the_model_is_told_who_it_is_what_it_knows_and_what_was_said(make: Make, server: Any):
    engine = make()
    server.plan("I am Pip.")
    ask(engine, "Hello.", 1)
    run_until(engine, finished)
    steps(
        engine,
        "transcript",
        Transcript(text="How old is your dog?", segment_id=2, alternatives=["How cold is your dog?"]),
    )
    run_until(engine, finished)
    messages = server.requests[1]["messages"]
    assert [message["role"] for message in messages] == ["system", "user", "assistant", "user"]
    assert "You are Pip and live on a pier." in messages[0]["content"]
    assert "Rex is three." in messages[0]["content"]
    assert "[" not in messages[2]["content"] and messages[2]["content"] == "I am Pip."
    assert messages[3]["content"].startswith("How old is your dog?") and "How cold is" in messages[3]["content"]
    assert (server.requests[1]["model"], server.requests[1]["stream"]) == ("tiny", True)
    assert server.headers[1]["authorization"] == f"Bearer {KEY}"


def test_the_model_is_told_what_the_person_has_told_of_themselves(make: Make, server: Any):
    engine = make()
    ask(engine, "My name is Anna.", 1)
    run_until(engine, finished)
    ask(engine, "Do you know me?", 2)
    run_until(engine, finished)
    assert "name: Anna" not in server.requests[0]["messages"][0]["content"]
    assert "- name: Anna" in server.requests[1]["messages"][0]["content"]


def test_the_model_is_told_that_something_lies_ahead_and_nothing_of_what_it_is(
    server: Any, pip: Character, understanding: Understanding, encoder: SentenceEncoder, tmp_path: Path
):
    wedding = Node("wedding", "event", "the wedding", "In May my cousin Hilda married a chimney sweep in Norway.", 5.0)
    lore = Lore(StoryGraph((wedding,)), Present(4.0), pip.knowledge(), encoder, tmp_path)
    endpoint = Endpoint(msgspec.structs.replace(PATIENT, base_url=server.url, model="tiny"), KEY)
    storyteller, persona = Storyteller(pip.knowledge(), understanding, lore), pip.section("persona", Persona)
    engine = LanguageModelEngine(PATIENT, endpoint, storyteller, persona, seed=0, memory=Forgetful())
    engine.open()
    try:
        for number, question in enumerate(("Whom did your cousin Hilda marry?", "How old is your dog?"), 1):
            ask(engine, question, number)
            run_until(engine, finished)
    finally:
        engine.close()
    told = [request["messages"][0]["content"] for request in server.requests]
    assert ["has not happened yet where you stand" in text for text in told] == [True, False]
    assert not any("sweep" in text or "Norway" in text for text in told)


def test_the_model_sees_only_what_was_heard_of_an_answer(make: Make, server: Any):
    server.plan("One two three four five. ", "Six seven eight nine.")
    engine = make()
    ask(engine, "Hello.", 1)
    run_until(engine, finished)
    steps(engine, "clock", Clock(stage_s=1.0, mono_ns=1, segment_id=1, heard_char=8))
    steps(engine, "interrupt", Interrupt(action="commit", segment_id=1))
    ask(engine, "What else?", 2)
    run_until(engine, finished)
    assert server.requests[1]["messages"][2]["content"] == "One two (You were interrupted here.)"


def test_an_interruption_ends_the_answer_and_the_connection_within_100_ms(make: Make, server: Any):
    engine = make()
    took_s: list[float] = []
    for turn in range(1, 4):
        server.plan("Well, this will ", "STAY")
        ask(engine, "Hello.", turn)
        run_until(engine, lambda outputs: bool(replies(outputs)))
        began = time.monotonic()
        steps(engine, "interrupt", Interrupt(action="commit", segment_id=turn, flush=True))
        assert tick(engine, time.monotonic()) == []
        run_until(engine, lambda _, turn=turn: len(server.gone_at) == turn)
        took_s.append(server.gone_at[-1] - began)
    assert min(took_s) < 0.1  # a busy machine may take longer now and then


def test_a_new_question_cancels_the_old_answer(make: Make, server: Any):
    server.plan("Well, this will ", "STAY")
    server.plan("Second answer.")
    engine = make()
    ask(engine, "Hello.", 1)
    run_until(engine, lambda outputs: bool(replies(outputs)))
    ask(engine, "Who are you?", 2)
    assert {reply.segment_id for reply in replies(run_until(engine, finished))} == {2}


def test_while_the_user_speaks_the_answer_waits(make: Make, server: Any):
    server.plan("First clause, ", "and a second one. ", "Third.")
    engine = make()
    ask(engine)
    steps(engine, "transcript", Transcript(text="wait", segment_id=2, final=False))
    run_until(engine, lambda _: len(server.requests) == 1 and _thought_is_over(engine))
    outputs = steps(engine, "interrupt", Interrupt(action="resume", segment_id=1))
    assert said(outputs) == "First clause, and a second one. Third."


def _thought_is_over(engine: LanguageModelEngine) -> bool:
    return engine._thought is None


def test_a_slow_model_makes_the_avatar_thoughtful_and_then_fills_the_time(make: Make, server: Any):
    server.plan(0.45, "Here I am.")
    engine = make(msgspec.structs.replace(QUICK, first_token_s=10.0, token_gap_s=10.0))
    tick(engine, time.monotonic())
    ask(engine)
    outputs = run_until(engine, finished)
    motion = outputs[0][1]
    assert isinstance(motion, MotionPrompt) and (motion.gesture, motion.index) == ("think", -1)
    sent = [reply.text for reply in replies(outputs) if reply.text]
    assert sent == ["Let me think.", "Here I am."]
    assert [reply.first_char for reply in replies(outputs) if reply.text] == [0, 14]


@pytest.mark.parametrize(
    "script",
    [
        (500,),
        (429,),
        ("CUT",),
        (b"data: this is no JSON\n\n", "CUT"),
        (b"\xff\xfe\x00 garbage \n\n" * 50, "CUT"),
        (),
        ("STAY",),
        ("[happy]", "   "),
    ],
    ids=["500", "429", "cut", "no JSON", "garbage", "empty", "silence", "only marks"],
)
def test_when_the_endpoint_fails_twice_the_pack_answers_and_the_log_says_so(
    make: Make, server: Any, script: tuple[Any, ...], caplog: pytest.LogCaptureFixture
):
    server.plan(*script)
    server.plan(*script)
    engine = make(QUICK)
    tick(engine, time.monotonic())
    with caplog.at_level(logging.WARNING):
        ask(engine, "How old is your dog?")
        outputs = run_until(engine, finished)
    assert said(outputs).endswith("Rex is three.")
    assert "the character pack answers" in caplog.text
    assert KEY not in caplog.text


def test_one_failure_is_tried_again(make: Make, server: Any, caplog: pytest.LogCaptureFixture):
    server.plan(503)
    server.plan("All is well.")
    engine = make()
    ask(engine)
    assert said(run_until(engine, finished)) == "All is well."
    assert "trying once more" in caplog.text


def test_no_server_at_all_is_no_problem(make: Make, caplog: pytest.LogCaptureFixture):
    engine = make(url="http://127.0.0.1:9/v1")
    ask(engine, "How old is your dog?")
    assert said(run_until(engine, finished)) == "Rex is three."
    assert "Connection" in caplog.text


def test_after_a_failure_the_pack_answers_at_once_for_a_while(make: Make, server: Any):
    server.plan(500)
    server.plan(500)
    engine = make(msgspec.structs.replace(PATIENT, down_s=30.0))
    began = time.monotonic()
    tick(engine, began)
    ask(engine, "Hello.", 1)
    run_until(engine, finished)
    assert said(ask(engine, "How old is your dog?", 2)) == "Rex is three."
    tick(engine, began + 60.0)
    server.plan("I am back.")
    ask(engine, "Hello.", 3)
    assert said(run_until(engine, finished)) == "I am back."


def test_an_answer_that_is_cut_in_the_middle_ends_there(make: Make, server: Any, caplog: pytest.LogCaptureFixture):
    server.plan("This much was said. ", "And then the li", "CUT")
    engine = make()
    ask(engine)
    outputs = run_until(engine, finished)
    assert said(outputs) == "This much was said."
    assert "the answer ends there" in caplog.text


def test_an_answer_that_stalls_in_the_middle_ends_there(make: Make, server: Any):
    server.plan("This much was said. ", "STAY")
    engine = make(msgspec.structs.replace(PATIENT, token_gap_s=0.2))
    ask(engine)
    assert said(run_until(engine, finished)) == "This much was said."


def test_a_successor_asks_again_what_was_not_answered_yet(make: Make, server: Any):
    server.plan("STAY")
    first = make()
    ask(first, "Hello.")
    run_until(first, lambda _: len(server.requests) == 1)
    state = msgspec.json.decode(msgspec.json.encode(first.export_state()))
    assert not first.at_boundary()
    first.close()
    server.plan("Here I am.")
    second = make()
    second.import_state(state)
    assert said(run_until(second, finished)) == "Here I am."


def test_a_successor_ends_an_answer_that_was_begun(make: Make, server: Any):
    server.plan("Well, this ", "STAY")
    first = make()
    ask(first)
    run_until(first, lambda outputs: bool(replies(outputs)))
    second = make()
    second.import_state(first.export_state())
    (reply,) = replies(run_until(second, finished))
    assert reply.fin and not reply.text


def test_an_engine_can_be_closed_and_opened_again(make: Make, server: Any):
    engine = make()
    engine.close()
    engine.close()
    engine.open()
    server.plan("Here I am.")
    ask(engine)
    assert said(run_until(engine, finished)) == "Here I am."


def test_the_key_comes_from_the_variable_that_the_configuration_names(
    server: Any, pack: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("MY_KEY", "from-the-environment")
    settings = msgspec.structs.replace(PATIENT, base_url=server.url, api_key_env="MY_KEY")
    engine = build_engine(ThinkerConfig(engine="openai", character=pack, cache_dir=tmp_path, openai=settings))
    assert isinstance(engine, LanguageModelEngine)
    engine.open()
    try:
        ask(engine)
        run_until(engine, finished)
    finally:
        engine.close()
    assert server.headers[0]["authorization"] == "Bearer from-the-environment"
