import numpy as np
import pytest

from nodes.listener.testing import heard, silence, voice
from nodes.listener.utterance import (
    Utterance,
    joined_alternatives,
    joined_confidence,
    joined_text,
    plain,
    quietest_cut,
    voice_end,
)


def test_alternatives_are_different_words_not_other_punctuation():
    readings = [heard("How old are you?", "How old are you", "how old, are you?", "How cold are you?")]
    assert joined_alternatives(readings, 5) == ["How cold are you?"]


def test_alternatives_of_the_last_section_stand_behind_the_best_of_the_others():
    readings = [heard("I saw the light", "I saw the night"), heard("last week.", "last weak.")]
    assert joined_text(readings) == "I saw the light last week."
    assert joined_alternatives(readings, 5) == ["I saw the light last weak."]


def test_no_more_alternatives_than_asked_for():
    assert joined_alternatives([heard("a", "b", "c", "d")], 2) == ["b", "c"]
    assert joined_alternatives([], 2) == []


def test_confidence_is_weighted_by_words():
    readings = [heard("one two three", confidence=0.9), heard("four", confidence=0.1)]
    assert joined_confidence(readings) == pytest.approx(0.7)
    assert joined_confidence([]) == 0.0


def test_a_closed_section_joins_the_earlier_ones():
    utterance = Utterance(1, 0, 0, heard=heard("first part"))
    utterance.close_section(500)
    assert utterance.section_sample == 500
    assert [reading.text for reading in utterance.readings] == ["first part"]


def test_comparing_texts_ignores_case_and_punctuation():
    assert plain("Who's THERE, then?") == plain("who’s there then") == "who's there then"


def test_the_voice_ends_where_it_falls_35_db():
    sound = np.concatenate([voice(1.0), 0.004 * voice(0.3), silence(0.1)])
    assert voice_end(sound) == 16_000
    assert voice_end(np.concatenate([voice(1.0), 0.1 * voice(0.3)])) == round(1.3 * 16_000)


def test_the_voice_ends_at_most_half_a_second_before_the_detector_noticed():
    assert voice_end(np.concatenate([voice(1.0), silence(2.0)])) == round(2.5 * 16_000)
    assert voice_end(silence(0.0)) == 0


def test_sound_is_cut_where_it_is_quietest():
    sound = np.concatenate([voice(10.0), 0.01 * voice(0.1), voice(1.0)])
    assert quietest_cut(sound) / 16_000 == pytest.approx(10.05, abs=0.05)


def test_only_the_last_three_seconds_are_searched_for_a_cut():
    sound = np.concatenate([silence(1.0), voice(5.0)])
    assert quietest_cut(sound) / 16_000 >= 3.0
