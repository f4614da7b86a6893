import time
from pathlib import Path

import numpy as np
import pytest

from mio.character import Character
from mio.sentences.encoder import SentenceEncoder
from nodes.thinker.understanding import Reading, Thresholds, Understanding, Verdict, Weights


def meant(understanding: Understanding, *texts: str, hearing: float = 1.0) -> tuple[Verdict, str]:
    meaning = understanding.understand([Reading(text, 0.6**rank) for rank, text in enumerate(texts)], hearing)
    return meaning.verdict, meaning.entry.id if meaning.entry else ""


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        ("How old is your boat?", "boat_age"),
        ("I would like to hear something about your boat", "boat"),
        ("Which meal do you like best?", "food"),
        ("Could you tell me one of your jokes?", "joke"),
        ("GOOD MORNING!!!", "hello"),
        ("dog", "dog"),
    ],
)
def test_questions_in_other_words_find_their_entry(understanding: Understanding, text: str, entry: str):
    assert meant(understanding, text) == (Verdict.CLEAR, entry)


def test_words_that_only_sound_right_find_their_entry(pip: Character, encoder: SentenceEncoder, tmp_path: Path):
    heard = "dew you half a boot"
    entries = pip.knowledge().entries
    by_meaning = Understanding(entries, encoder, tmp_path, weights=Weights(sound=0.0, words=0.0))
    by_sound = Understanding(entries, encoder, tmp_path)
    shares = [
        {entry.id: share for entry, share in understanding.understand([Reading(heard)]).candidates}["boat"]
        for understanding in (by_meaning, by_sound)
    ]
    assert shares[1] > 2 * shares[0]


def test_alternatives_help_where_the_best_hypothesis_is_wrong(understanding: Understanding):
    wrong = "How cold is your boot lace?"
    assert meant(understanding, wrong, "How old is your boat?", "How old is the boat?")[1] == "boat_age"


def test_a_reading_that_fits_an_entry_outweighs_an_equal_one_that_fits_nothing(understanding: Understanding):
    fitting, strange = Reading("How old is your dog?", 0.5), Reading("The umbrella of a carpet shipped blue", 0.5)
    apart = understanding.understand([fitting]).evidence.share, understanding.understand([strange]).evidence.share
    together = understanding.understand([fitting, strange])
    assert together.entry is not None and together.entry.id == "dog_age"
    assert together.evidence.share > 1.2 * sum(apart) / 2


@pytest.mark.parametrize(
    "text", ["What is the capital of Italy?", "Who is the king of Spain?", "How do I fix a phone?"]
)
def test_questions_about_the_rest_of_the_world_are_off_topic(understanding: Understanding, text: str):
    assert meant(understanding, text)[0] is Verdict.OFF_TOPIC


@pytest.mark.parametrize("text", ["uh", "of the and uh in", "mhm mhm"])
def test_sounds_that_are_no_words_are_noise(understanding: Understanding, text: str):
    assert meant(understanding, text)[0] is Verdict.NOISE


def test_strange_words_count_as_misheard_if_the_recogniser_was_not_sure(understanding: Understanding):
    text = "my uncle has a blue umbrella with flowers"
    assert meant(understanding, text, hearing=1.0)[0] is Verdict.OFF_TOPIC
    assert meant(understanding, text, hearing=0.2)[0] is Verdict.NOISE


@pytest.mark.parametrize("texts", [[], [""], ["  ", "?!"]])
def test_no_words_mean_nothing(understanding: Understanding, texts: list[str]):
    assert meant(understanding, *texts) == (Verdict.NOISE, "")


def test_between_certain_and_unknown_the_character_asks_back(pip: Character, encoder: SentenceEncoder, tmp_path: Path):
    doubting = Understanding(pip.knowledge().entries, encoder, tmp_path, thresholds=Thresholds(clear=1.0, unsure=0.0))
    assert meant(doubting, "How old is your boat?") == (Verdict.UNSURE, "boat_age")


def test_the_question_at_the_end_of_a_long_story_counts(understanding: Understanding):
    story = "yesterday I walked along the pier and talked to many people about the weather " * 400
    assert meant(understanding, story + "but now tell me please how old is your dog")[1] in ("dog_age", "dog")


def test_a_long_story_costs_no_more_than_a_short_one(understanding: Understanding):
    understanding.understand([Reading("warm up")])

    def cost_s() -> float:
        began = time.process_time()
        understanding.understand([Reading("a word that is not short " * 20_000)])
        return time.process_time() - began

    assert any(cost_s() < 1.0 for _ in range(3))  # a host that takes the CPU away does so for a while


def test_what_was_learnt_is_kept(
    pip: Character, encoder: SentenceEncoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    entries = pip.knowledge().entries
    first = Understanding(entries, encoder, tmp_path).understand([Reading("how old is the boat")])
    monkeypatch.setattr("nodes.thinker.understanding.train", lambda *_: pytest.fail("trained again"))
    second = Understanding(entries, encoder, tmp_path).understand([Reading("how old is the boat")])
    assert second.evidence == pytest.approx(first.evidence, abs=1e-5)


def test_a_damaged_classifier_is_learnt_again(
    pip: Character, encoder: SentenceEncoder, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    Understanding(pip.knowledge().entries, encoder, tmp_path)
    (file,) = tmp_path.glob("classifier-*.npy")
    file.write_bytes(b"nothing")
    again = Understanding(pip.knowledge().entries, encoder, tmp_path)
    assert "is damaged" in caplog.text
    assert meant(again, "How old is your boat?") == (Verdict.CLEAR, "boat_age")


def test_shares_sum_to_one_and_are_the_same_every_time(understanding: Understanding):
    first = understanding.understand([Reading("how old is it"), Reading("how bold is it", 0.5)])
    second = understanding.understand([Reading("how old is it"), Reading("how bold is it", 0.5)])
    assert first == second
    assert np.sum([share for _, share in first.candidates]) <= 1.0 + 1e-6
