import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pytest

from mio.contracts.engine import Engine
from mio.contracts.messages import AudioChunk, Clock, Interrupt, Message, Reply, Transcript, Turn
from mio.errors import ContractError
from nodes.listener.config import ListenerConfig
from nodes.listener.engine import build_engine as build_listener
from nodes.listener.testing import START_NS, chunk, silence
from nodes.thinker.config import ThinkerConfig
from nodes.thinker.engine import build_engine as build_thinker

HZ = 16_000

Sound = npt.NDArray[np.float32]
Say = Callable[..., Sound]


class Sent(NamedTuple):
    """A message, and the microphone's position when it was sent."""

    at_sample: int
    port: str
    message: Any


class Conversation:
    """The two engines, wired as in the dataflows."""

    def __init__(self, listener: Engine, thinker: Engine) -> None:
        self.listener = listener
        self.thinker = thinker
        self.at_sample = 0
        self.sent: list[Sent] = []
        self._noise = np.random.default_rng(0)

    def hear(self, *sounds: Sound) -> None:
        sound = np.concatenate(sounds)
        sound = sound + self._noise.normal(0, 3e-4, len(sound)).astype(np.float32)
        for start in range(0, len(sound), 320):
            piece = sound[start : start + 320]
            self.pass_on("audio", chunk(piece, self.at_sample))
            self.at_sample += len(piece)

    def pass_on(self, port: str, message: Message) -> None:
        for output in self.listener.step(port, message):
            if output is not None:
                self._note(*output)
                if output[0] in ("transcript", "interrupt"):
                    self._think(*output)

    def speaker_says(self, segment_id: int, heard_sample: int) -> None:
        clock = Clock(stage_s=1.0, mono_ns=1, segment_id=segment_id, heard_sample=heard_sample)
        self.pass_on("clock", clock)
        self._think("clock", clock)

    def of(self, kind: type[Message]) -> list[Any]:
        return [sent.message for sent in self.sent if isinstance(sent.message, kind)]

    def answer(self, segment_id: int) -> str:
        return " ".join(reply.text for reply in self.of(Reply) if reply.segment_id == segment_id)

    def _think(self, port: str, message: Message) -> None:
        for output in self.thinker.step(port, message):
            if output is not None:
                self._note(*output)

    def _note(self, port: str, message: Message) -> None:
        self.sent.append(Sent(self.at_sample, port, message))


@pytest.fixture(scope="module")
def engines(request: pytest.FixtureRequest) -> tuple[Engine, Engine]:
    cache: pytest.Cache = request.config.cache
    return build_listener(ListenerConfig()), build_thinker(ThinkerConfig(cache_dir=cache.mkdir("thinker")))


@pytest.fixture
def talk(engines: tuple[Engine, Engine]) -> Any:
    """A conversation that has not begun."""
    listener, thinker = engines
    states = listener.export_state(), thinker.export_state()
    yield Conversation(listener, thinker)
    listener.import_state(states[0])
    thinker.import_state(states[1])


def test_a_spoken_question_is_answered_in_its_turn(talk: Conversation, say: Say):
    question = say("How old is the lighthouse?")
    talk.hear(silence(1.0), question, silence(1.0))
    (final,) = [transcript for transcript in talk.of(Transcript) if transcript.final]
    replies = talk.of(Reply)
    assert {reply.segment_id for reply in replies} == {final.segment_id} == {1}
    assert {reply.origin_ns for reply in replies} == {final.origin_ns}
    assert final.origin_ns == pytest.approx(START_NS + 1e9 * (1.0 + len(question) / HZ), abs=0.15e9)
    assert "eighteen sixty eight" in talk.answer(1).lower()
    assert [turn.state for turn in talk.of(Turn)] == ["user_speaking", "thinking"]


def test_nothing_is_answered_before_the_final_transcript(talk: Conversation, say: Say):
    talk.hear(say("Tell me about the goat on your island, what is he like?"), silence(1.0))
    kinds = [type(sent.message) for sent in talk.sent]
    last_partial = max(n for n, sent in enumerate(talk.sent) if isinstance(sent.message, Transcript))
    assert talk.sent[last_partial].message.final and not talk.sent[last_partial - 1].message.fin
    assert kinds.index(Reply) > last_partial > 1


def test_the_answer_begins_soon_after_the_end_of_speech(talk: Conversation, say: Say):
    question = say("How old is the lighthouse?")
    began = time.process_time()
    talk.hear(silence(0.5), question, silence(1.0))
    computing_s = time.process_time() - began
    first = next(sent for sent in talk.sent if isinstance(sent.message, Reply))
    assert (first.at_sample - 0.5 * HZ - len(question)) / HZ < 0.45
    assert computing_s < 0.5 + len(question) / HZ + 1.0  # slower than real time would delay everything


def test_a_typed_line_is_answered_like_a_spoken_one(talk: Conversation):
    talk.pass_on("typed", Transcript(text="How old is the lighthouse?", final=True, source="text"))
    assert "eighteen sixty eight" in talk.answer(1).lower()
    talk.pass_on("typed", Transcript(text="   ", final=True, source="text"))
    assert {reply.segment_id for reply in talk.of(Reply)} == {1}


def test_a_second_question_gets_the_next_turn_after_the_avatar_has_spoken(talk: Conversation, say: Say):
    talk.hear(say("How old is the lighthouse?"), silence(1.0))
    talk.speaker_says(1, 4_800)
    talk.speaker_says(0, -1)
    talk.hear(say("Do you have a cat?"), silence(1.0))
    assert [transcript.segment_id for transcript in talk.of(Transcript) if transcript.final] == [1, 2]
    assert talk.answer(2)


def test_who_goes_on_after_the_end_is_answered_once_more_with_all_words(talk: Conversation, say: Say):
    talk.hear(say("How old is the lighthouse?"), silence(0.45), say("And who built it?"), silence(1.0))
    finals = [transcript for transcript in talk.of(Transcript) if transcript.final]
    assert len(finals) == 2 and finals[1].text.startswith(finals[0].text.split()[0])
    (interrupt,) = talk.of(Interrupt)
    assert (interrupt.action, interrupt.segment_id) == ("commit", 1)
    assert talk.answer(2)


@pytest.mark.parametrize("kind", ["silence", "noise", "clicks"])
def test_what_is_no_speech_is_not_answered(talk: Conversation, kind: str):
    rng = np.random.default_rng(1)
    sound = silence(6.0)
    if kind == "noise":
        sound = rng.normal(0, 0.05, len(sound)).astype(np.float32)
    if kind == "clicks":
        sound[:: HZ // 3] = 0.9
    talk.hear(sound)
    assert not talk.of(Reply) and not [turn for turn in talk.of(Turn) if turn.state == "thinking"]


def test_sound_that_is_not_a_number_never_reaches_the_engines():
    with pytest.raises(ContractError, match="NaN"):
        AudioChunk(samples=np.full(320, np.nan, np.float32), start_sample=0)


@pytest.mark.slow
def test_a_question_of_most_of_a_minute_is_answered_at_its_end(talk: Conversation, say: Say):
    story = say("I walked along the beach and looked at the boats, and then I walked on to the harbour,")
    pause = silence(0.1)
    rounds = round(50 * HZ / (len(story) + len(pause)))  # three times what is recognised at once
    talk.hear(*[story, pause] * rounds, say("so tell me, who is your sister?"), silence(2.0))
    finals = [transcript for transcript in talk.of(Transcript) if transcript.final]
    assert len(finals) == 1 and finals[0].text.count("harbour") > rounds // 2
    assert "who is your sister" in finals[0].text[-60:].lower()
    assert "nora" in talk.answer(1).lower()
