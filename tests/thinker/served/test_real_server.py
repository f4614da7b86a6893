import logging
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from mio.character import Character
from mio.contracts.messages import Interrupt, Message, MotionPrompt, Reply, Transcript, VideoFrame
from mio.runtime.testing import run_until, steps, tick
from nodes.thinker.config import OpenAIConfig
from nodes.thinker.endpoint import Endpoint
from nodes.thinker.language_model import LanguageModelEngine
from nodes.thinker.persona import Persona
from nodes.thinker.storyteller import Storyteller
from nodes.thinker.tool_servers import ToolServer
from nodes.thinker.toolbox import Toolbox

PATIENT = OpenAIConfig(first_token_s=60.0, token_gap_s=60.0, thinking_after_s=90.0, filler_after_s=90.0, max_tokens=60)
MARKED = msgspec.structs.replace(PATIENT, structured=False)
HERE = Path(__file__).parent

Outputs = list[tuple[str, Message]]
Make = Callable[..., LanguageModelEngine]


@pytest.fixture
def make(served: Any, storyteller: Storyteller, pip: Character) -> Iterator[Make]:
    made: list[LanguageModelEngine] = []

    def build(config: OpenAIConfig = PATIENT, toolbox: Toolbox | None = None) -> LanguageModelEngine:
        endpoint = Endpoint(msgspec.structs.replace(config, base_url=served.proxy.url, model=served.model), "", toolbox)
        engine = LanguageModelEngine(config, endpoint, storyteller, pip.section("persona", Persona), seed=0)
        engine.open()
        made.append(engine)
        return engine

    yield build
    for engine in made:
        engine.close()


def ask(engine: LanguageModelEngine, text: str, segment_id: int = 1, **fields: Any) -> Outputs:
    outputs = steps(engine, "transcript", Transcript(text=text, segment_id=segment_id, session="s", **fields))
    return outputs if finished(outputs) else outputs + run_until(engine, finished)


def finished(outputs: Outputs) -> bool:
    return any(isinstance(message, Reply) and message.fin for _, message in outputs)


def clauses(outputs: Outputs) -> list[tuple[str, str]]:
    return [(m.text, m.emotion) for _, m in outputs if isinstance(m, Reply) and m.text]


def gestures(outputs: Outputs) -> list[tuple[str, int]]:
    return [(m.gesture, m.index) for _, m in outputs if isinstance(m, MotionPrompt)]


IN_MARKS = [("Hello there,", "happy"), ("I am a real model.", "happy"), ("You?", "curious")]


def test_structured_output_becomes_clauses_emotions_and_gestures(make: Make):
    outputs = ask(make(), "Hello.")
    assert clauses(outputs) == [("Yes,", "tender"), ("this is JSON.", "tender"), ("It ends ☼.", "sad")]
    assert gestures(outputs) == [("nod", 0)]


def test_marks_are_asked_for_when_structured_output_is_off(make: Make):
    outputs = ask(make(MARKED), "Hello.")
    assert clauses(outputs) == IN_MARKS
    assert gestures(outputs) == [("greet", 0)]


def test_a_model_that_does_not_write_json_is_understood_and_no_longer_asked_to(
    make: Make, served: Any, caplog: pytest.LogCaptureFixture
):
    engine = make()
    for number in range(1, 4):
        assert clauses(ask(engine, "Something plain, please.", number)) == IN_MARKS
    wanted = [b"response_format" in request for request in served.proxy.requests]
    assert wanted == [True, True, False]
    assert caplog.text.count("does not write JSON") == 1


def test_an_endpoint_that_refuses_structured_output_is_asked_without_it_at_once(
    make: Make, served: Any, caplog: pytest.LogCaptureFixture
):
    engine = make()
    served.proxy.plan("no structure")
    assert clauses(ask(engine, "Hello.", 1))[0] == ("Yes,", "tender")
    ask(engine, "Hello.", 2)
    assert [b"response_format" in request for request in served.proxy.requests] == [True, False, False]
    assert "does not take response_format" in caplog.text


@pytest.mark.parametrize("fault", ["refuse", "500", "garbage", "cut early", "silence early"])
def test_a_fault_before_the_first_word_is_tried_again_and_then_the_pack_answers(
    make: Make, served: Any, fault: Any, caplog: pytest.LogCaptureFixture
):
    served.proxy.plan(fault)
    patience = 1.0 if fault == "silence early" else 60.0
    engine = make(msgspec.structs.replace(MARKED, first_token_s=patience))
    assert clauses(ask(engine, "Hello.", 1)) == IN_MARKS
    assert "trying once more" in caplog.text
    served.proxy.plan(fault, fault)
    with caplog.at_level(logging.WARNING):
        assert clauses(ask(engine, "How old is your dog?", 2)) == [("Rex is three.", "tender")]
    assert "the character pack answers" in caplog.text


@pytest.mark.parametrize("fault", ["cut", "silence"])
def test_a_fault_in_the_middle_ends_the_answer_at_a_clause(
    make: Make, served: Any, fault: Any, caplog: pytest.LogCaptureFixture
):
    served.proxy.plan(fault)
    engine = make(msgspec.structs.replace(MARKED, token_gap_s=1.0))
    said = clauses(ask(engine, "Hello.", 1))
    assert said == IN_MARKS[: len(said)] and 0 < len(said) < 3
    assert "the answer ends there" in caplog.text
    assert clauses(ask(engine, "Hello.", 2)) == IN_MARKS


def test_an_interruption_closes_the_connection_within_100_ms(make: Make, served: Any):
    engine = make(msgspec.structs.replace(MARKED, max_tokens=4_000))
    took_s: list[float] = []
    for turn in range(1, 4):
        steps(engine, "transcript", Transcript(text="A long one, please.", segment_id=turn))
        run_until(engine, lambda outputs: len(clauses(outputs)) > 1)
        began = time.monotonic()
        steps(engine, "interrupt", Interrupt(action="commit", segment_id=turn, flush=True))
        run_until(engine, lambda _, turn=turn: len(served.proxy.gone_at) == turn)
        took_s.append(served.proxy.gone_at[-1] - began)
    assert min(took_s) < 0.1  # a busy machine may take longer now and then
    assert clauses(ask(engine, "Hello.", 4)) == IN_MARKS


def test_the_model_uses_a_tool_and_answers_with_what_it_says(make: Make, served: Any):
    pytest.importorskip("mcp")
    server = ToolServer(allow=["time"], command=[sys.executable, "clock_server.py"], timeout_s=30.0)
    toolbox = Toolbox({"clock": server}, HERE, {})
    engine = make(MARKED, toolbox)
    run_until(engine, lambda _: bool(toolbox.offered()))
    question = Transcript(text="What time is it?", segment_id=1, final=False, soft=True)
    steps(engine, "transcript", question)
    run_until(engine, lambda _: len(served.proxy.requests) == 1)
    for _ in range(50):  # while it is not certain that the turn is over, nothing is done in the world
        tick(engine, time.monotonic())
        time.sleep(0.01)
    assert len(served.proxy.requests) == 1
    assert clauses(ask(engine, "What time is it?", 1)) == [("It is noon at the pier.", "neutral")]
    body = msgspec.json.decode(served.proxy.requests[1].partition(b"\r\n\r\n")[2])
    assert body["messages"][-1]["content"] == "noon at the pier"
    assert body["messages"][-2]["tool_calls"][0]["function"]["name"] == "clock__time"


def test_the_picture_goes_to_a_model_that_sees(make: Make, served: Any):
    engine = make(msgspec.structs.replace(MARKED, sees=True, picture_px=64))
    tick(engine, time.monotonic())
    pixels = np.full(160 * 120 * 3, 128, np.uint8)
    steps(engine, "image", VideoFrame(pixels=pixels, width=160, height=120))
    assert clauses(ask(engine, "Hello.")) == IN_MARKS
    body = msgspec.json.decode(served.proxy.requests[0].partition(b"\r\n\r\n")[2])
    assert body["messages"][-1]["content"][1]["image_url"]["url"].startswith("data:image/jpeg;base64,")


def test_a_person_is_answered_in_the_language_they_speak(make: Make, served: Any):
    engine = make(MARKED)
    outputs = ask(engine, "Wie alt ist dein Hund?", source="text")
    assert {m.language for _, m in outputs if isinstance(m, Reply)} == {"de"}
    assert b"answer in German" in served.proxy.requests[0]
    served.proxy.plan("500", "500")
    outputs = ask(engine, "Guten Tag, wer bist du?", 2, source="text")
    assert {m.language for _, m in outputs if isinstance(m, Reply)} == {"en"}
