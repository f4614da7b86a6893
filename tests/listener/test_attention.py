import pytest

from nodes.listener.attention import completeness, needed_silence_ms
from nodes.listener.config import TurnConfig

TURN = TurnConfig()


def test_a_finished_sentence_ends_after_the_shortest_silence():
    assert needed_silence_ms(completeness(0.97, "I am old."), TURN) == TURN.complete_wait_ms


def test_the_less_complete_the_longer_the_wait():
    waits = [needed_silence_ms(share / 100, TURN) for share in range(100, -1, -5)]
    assert waits == sorted(waits)
    assert waits[-1] == TURN.incomplete_wait_ms


def test_the_wait_changes_without_jumps():
    for edge in (0.1, TURN.complete_probability):
        below, above = (needed_silence_ms(edge + offset, TURN) for offset in (-1e-6, 1e-6))
        assert below == pytest.approx(above, abs=0.1)


@pytest.mark.parametrize(("text", "rank"), [("So,", 0), ("So the", 1), ("So.", 2)])
def test_punctuation_tells_how_complete_a_text_is(text, rank):
    marks = [completeness(0.5, example) for example in ("So,", "So the", "So.")]
    assert completeness(0.5, text) == sorted(marks)[rank]


def test_a_comma_outweighs_a_sound_that_seems_complete():
    assert completeness(0.98, "On which date,") < TURN.complete_probability


def test_without_words_the_sound_decides():
    assert completeness(0.3, "") == pytest.approx(0.3)


@pytest.mark.parametrize("by_sound", [0.0, 1.0])
def test_certainty_of_the_model_is_no_certainty(by_sound):
    assert 0.0 < completeness(by_sound, "Hello.") < 1.0
