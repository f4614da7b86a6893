from pathlib import Path

import numpy as np
import pytest

from mio.errors import MioError
from nodes.listener.config import PocketSphinxConfig
from nodes.listener.recognition import NOTHING, Recognition, Section
from nodes.listener.sphinx import PocketSphinx

QUESTIONS = ["What is the name of your cat?", "Where is Zyxalia Bay?", "Who taught you about the stars?"]


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def sphinx(cache) -> PocketSphinx:
    return PocketSphinx(PocketSphinxConfig(), QUESTIONS, cache)


def recognize(engine, start, sound, *, settled: bool) -> Recognition:
    work = engine.recognize(Section(start, np.pad(sound, (4_800, 0))), NOTHING, settled=settled)
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value


def test_a_question_like_the_examples_is_understood_with_alternatives(sphinx, say):
    recognition = recognize(sphinx, 0, say("Who taught you about the stars?"), settled=True)
    assert {"taught", "you", "about", "stars"} <= set(recognition.text.lower().split())
    assert len(recognition.hypotheses) > 1
    assert 0.0 < recognition.confidence <= 1.0


def test_a_growing_section_is_heard_as_it_grows(sphinx, say):
    sound = say("Who taught you about the stars?")
    texts = [recognize(sphinx, 100_000, sound[:n], settled=False).text for n in range(0, len(sound), 8_000)]
    lengths = [len(text) for text in texts]
    assert lengths == sorted(lengths)
    assert lengths[-1] > lengths[1] > 0


def test_sound_after_a_settled_pause_is_heard_from_the_start(sphinx, say):
    sound = say("Who taught you about the stars?")
    half = recognize(sphinx, 300_000, sound[: len(sound) // 2], settled=True).text.lower()
    whole = recognize(sphinx, 300_000, sound, settled=True).text.lower()
    assert half.startswith("who")
    assert whole.startswith("who")
    assert whole.endswith("stars")


def test_a_name_that_no_dictionary_has_is_heard(sphinx, say):
    assert "zyxalia" in recognize(sphinx, 400_000, say("Where is Zyxalia Bay?"), settled=True).text.lower()


def test_silence_is_nothing(sphinx, say):
    assert recognize(sphinx, 500_000, 0 * say("Hello."), settled=True) == NOTHING


def test_the_language_model_is_built_once(sphinx, cache, monkeypatch):
    monkeypatch.setattr("nodes.listener.sphinx.write_arpa", None)
    PocketSphinx(PocketSphinxConfig(), QUESTIONS, cache)


def test_a_cache_that_cannot_be_written_is_one_clear_error(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(MioError, match="cache_dir"):
        PocketSphinx(PocketSphinxConfig(), ["Hello there."], tmp_path / "file")
