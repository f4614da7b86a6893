import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from mio.audio import write_wav
from mio.bench._barge_in_tape import Streams, moments
from mio.bench._echo_stage import EchoStage, Outcome, SaidLine
from mio.bench.echo import ROOMS, speeches
from mio.contracts.messages import Speech
from mio.espeak import speak
from mio.measure.room import RoomSettings, at_level
from mio.paths import share
from nodes.io.microphone.config import EchoConfig, Line, SimulatedRoom
from nodes.listener.config import ListenerConfig
from nodes.listener.engine import ListenerEngine, build_engine


@pytest.fixture(scope="module")
def answers() -> list[list[Speech]]:
    return list(speeches(share("characters", "mara"), 3, seed=1))


@pytest.fixture(scope="module")
def loaded() -> ListenerEngine:
    return build_engine(ListenerConfig(character=None))


@pytest.fixture
def listener(loaded: ListenerEngine) -> Iterator[ListenerEngine]:
    """As it begins."""
    fresh = loaded.export_state()
    yield loaded
    loaded.import_state(fresh)


def test_the_avatar_does_not_interrupt_itself(answers: list[list[Speech]], listener: ListenerEngine) -> None:
    room = SimulatedRoom(acoustics=ROOMS["late, large, all"])
    outcome = EchoStage(room, listener, answers, EchoConfig()).run(20.0)
    assert outcome.spoken_s > 10.0
    assert (outcome.ducks, outcome.turns, outcome.finals) == ([], [], [])


def test_it_would_without_echo_cancellation(answers: list[list[Speech]], listener: ListenerEngine) -> None:
    room = SimulatedRoom(acoustics=RoomSettings())
    outcome = EchoStage(room, listener, answers, EchoConfig(engine="off")).run(6.0)
    assert outcome.ducks or outcome.turns


def test_the_user_is_noticed_over_the_avatar(
    answers: list[list[Speech]], listener: ListenerEngine, tmp_path: Path
) -> None:
    made = speak("Wait a moment, what is the name of your goat?", voice="en-us+m2", rate_wpm=160)
    path = tmp_path / "line.wav"
    write_wav(path, at_level(made.samples, -26.0), made.sample_rate)
    line = Line(sound=path, when="answer", after_s=3.0)
    room = SimulatedRoom(acoustics=RoomSettings(), lines=[line], log=tmp_path / "log.jsonl")
    stage = EchoStage(room, listener, answers, EchoConfig())
    outcome = stage.run(20.0, until_said=True)
    (said,) = outcome.lines
    noticed_s = outcome.noticed_s(said)
    assert noticed_s is not None and noticed_s - said.begun_s < 1.0
    assert outcome.taken(said)
    assert "name of your" in outcome.text_of(said)
    (row,) = [json.loads(text) for text in (tmp_path / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    found = moments(Streams(stage.streams), row["mono_ns"], row["segment_id"])
    assert found.ducked is not None and found.stopped is not None
    assert 0.0 < found.ducked <= found.stopped < 1_500.0
    assert found.mouth is None and not found.finished


def test_words_that_come_again_when_a_turn_is_reopened_count_once() -> None:
    line = SaidLine(0, 10.0, 2.0)
    finals = [(9.0, "before"), (12.0, "what is"), (13.0, "what is your name"), (30.0, "later")]
    outcome = Outcome(40.0, 0.0, [], [], finals, [line], [], 0.0)
    assert outcome.text_of(line) == "what is your name"
    assert outcome.noticed_s(line) is None
