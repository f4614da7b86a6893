from pathlib import Path

import numpy as np
import pytest

from mio.contracts.messages import Transcript
from mio.errors import ConfigError
from nodes.listener.config import ListenerConfig
from nodes.listener.engine import ListenerEngine, build_engine
from nodes.listener.testing import chunk, silence
from nodes.listener.utterance import plain

HZ = 16_000
CHARACTER = Path(__file__).parents[2] / "characters" / "mara"


@pytest.fixture(scope="module")
def built() -> ListenerEngine:
    return build_engine(ListenerConfig(character=CHARACTER))


@pytest.fixture
def engine(built: ListenerEngine) -> ListenerEngine:
    built.import_state(ListenerEngine(ListenerConfig(), built._ears).export_state())
    return built


def hear(engine: ListenerEngine, sound: np.ndarray) -> list[tuple[int, str, object]]:
    """Outputs with the microphone sample at which they came."""
    outputs: list[tuple[int, str, object]] = []
    noise = np.random.default_rng(0).normal(0, 3e-4, len(sound)).astype(np.float32)
    for at in range(0, len(sound), 320):
        for output in engine.step("audio", chunk((sound + noise)[at : at + 320], at)):
            if output:
                outputs.append((at + 320, *output))
    return outputs


def finals(outputs) -> list[tuple[int, Transcript]]:
    return [(at, message) for at, port, message in outputs if port == "transcript" and message.final]


def test_a_question_comes_out_as_text_soon_after_its_end(engine, say):
    speech = say("Where do you live in the summer?")
    ((at, transcript),) = finals(hear(engine, np.concatenate([silence(1.0), speech, silence(1.5)])))
    assert plain(transcript.text) == "where do you live in the summer"
    assert transcript.t_start_s == pytest.approx(1.0, abs=0.15)
    assert transcript.t_end_s == pytest.approx(1.0 + len(speech) / HZ, abs=0.15)
    assert (at - HZ - len(speech)) / HZ < 0.45


def test_partial_texts_grow_into_the_final_one(engine, say):
    outputs = hear(engine, np.concatenate([say("Where do you live in the summer?"), silence(1.5)]))
    texts = [message.text for _, port, message in outputs if port == "transcript"]
    assert len(texts) >= 3
    assert texts[0].lower().startswith("wh")
    assert len(texts[0]) < len(texts[-1])


@pytest.mark.parametrize("seed", [0, 1])
def test_noises_without_a_voice_open_no_turn(engine, seed):
    rng = np.random.default_rng(seed)
    sound = silence(6.0)
    for at_s in np.arange(0.5, 5.5, 0.7):
        length = int(rng.uniform(0.02, 0.3) * HZ)
        burst = rng.normal(0, 0.4, length) * np.exp(-np.arange(length) / (length / 4))
        sound[int(at_s * HZ) : int(at_s * HZ) + length] += burst.astype(np.float32)
    assert hear(engine, sound) == []


def test_two_questions_in_a_row_are_two_turns(engine, say):
    speech = say("Where do you live in the summer?")
    transcripts = finals(hear(engine, np.concatenate([speech, silence(2.5), speech, silence(1.5)])))
    assert [transcript.segment_id for _, transcript in transcripts] == [1, 2]


def test_the_same_sound_gives_the_same_transcript(engine, built, say):
    sound = np.concatenate([say("Who taught you about the stars?"), silence(1.5)])
    first = finals(hear(engine, sound))
    engine.import_state(ListenerEngine(ListenerConfig(), built._ears).export_state())
    assert [(at, message.text, message.confidence) for at, message in finals(hear(engine, sound))] == [
        (at, message.text, message.confidence) for at, message in first
    ]


def test_a_character_that_does_not_exist_is_one_clear_error(tmp_path):
    with pytest.raises(ConfigError, match="no character pack"):
        build_engine(ListenerConfig(character=tmp_path / "nobody"))
