from pathlib import Path

import numpy as np
import pytest

from mio.errors import MioError
from nodes.listener import session
from nodes.listener.config import MoonshineConfig
from nodes.listener.moonshine import Moonshine
from nodes.listener.recognition import NOTHING, Recognition, Section
from nodes.listener.utterance import plain

QUESTIONS = ["How old is the lighthouse?", "Who built the lighthouse?"]


@pytest.fixture(scope="module")
def moonshine() -> Moonshine:
    return Moonshine(MoonshineConfig(), QUESTIONS)


def recognize(engine, sound, *, settled: bool = True, draft: Recognition = NOTHING) -> Recognition:
    return drain(engine.recognize(Section(0, np.asarray(sound, np.float32)), draft, settled=settled))[0]


def drain(work) -> tuple[Recognition, int]:
    steps = 0
    while True:
        try:
            next(work)
            steps += 1
        except StopIteration as end:
            return end.value, steps


def test_a_clear_question_is_understood_with_alternatives(moonshine, say):
    recognition = recognize(moonshine, say("Where do you live in the summer?"))
    assert plain(recognition.text) == "where do you live in the summer"
    assert len(recognition.hypotheses) > 1
    assert 0.5 < recognition.confidence <= 1.0
    assert recognition.language == "en"


def test_alternatives_are_ordered_and_differ(moonshine, say):
    hypotheses = recognize(moonshine, say("Who taught you about the stars?")).hypotheses
    assert len({hypothesis.text for hypothesis in hypotheses}) == len(hypotheses)
    assert hypotheses[0].log_probability > hypotheses[-1].log_probability


def test_a_quick_guess_has_one_reading_and_a_draft_does_not_change_it(moonshine, say):
    sound = say("What would you like to eat in the winter?")
    part = recognize(moonshine, sound[: len(sound) * 2 // 3], settled=False)
    fresh = recognize(moonshine, sound, settled=False)
    continued = recognize(moonshine, sound, settled=False, draft=part)
    assert len(fresh.hypotheses) == 1
    assert part.tokens
    assert continued.tokens == fresh.tokens
    assert continued.confidence == pytest.approx(fresh.confidence, abs=0.02)


def test_a_wrong_draft_is_corrected(moonshine, say):
    sound = say("What would you like to eat in the winter?")
    other = recognize(moonshine, say("Who taught you about the stars?"), settled=False)
    corrected = plain(recognize(moonshine, sound, settled=False, draft=other).text).split()
    afresh = plain(recognize(moonshine, sound, settled=False).text).split()
    assert len(corrected) == len(afresh)
    assert sum(a != b for a, b in zip(corrected, afresh, strict=True)) <= 1  # such as "would" and "will", a toss-up


@pytest.mark.parametrize("word", ["would", "will"])
def test_the_taste_for_example_questions_resolves_what_sounds_alike(say, word):
    biased = Moonshine(MoonshineConfig(bias=2.0), [f"What {word} you like to drink?", f"What {word} you do?"])
    recognition = recognize(biased, say("What would you like to eat in the winter?"))
    assert plain(recognition.text).startswith(f"what {word} you like to eat")


@pytest.mark.parametrize("seconds", [0.0, 0.01, 0.5])
def test_silence_and_empty_sound_are_nothing(moonshine, seconds):
    assert recognize(moonshine, np.zeros(round(seconds * 16_000))) == NOTHING


def test_noise_is_nothing(moonshine):
    rng = np.random.default_rng(0)
    assert recognize(moonshine, rng.normal(0, 0.05, 32_000)) == NOTHING


def test_work_is_done_in_small_steps(moonshine, say):
    _, steps = drain(moonshine.recognize(Section(0, say("Who taught you about the stars?")), NOTHING, settled=True))
    assert steps >= 3


def test_long_sections_are_followed_by_fewer_beams(moonshine, say):
    sound = np.concatenate([say("Where do you live in the summer?"), say("Who taught you about the stars?")] * 3)
    recognition = recognize(moonshine, sound)
    assert len(recognition.hypotheses) <= 3
    assert plain(recognition.text).count("stars") == 3


def test_a_missing_package_is_one_clear_error(monkeypatch):
    monkeypatch.setattr(session.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MioError, match="pip install 'moonshine-voice==0.0.73'"):
        Moonshine(MoonshineConfig(), [])


def test_a_folder_without_a_model_is_one_clear_error(tmp_path: Path):
    with pytest.raises(MioError, match="encoder_model.ort"):
        Moonshine(MoonshineConfig(folder=tmp_path), [])
