import pytest

from nodes.listener.interruption import Weight, weigh

GOES_ON = [
    "Mm-hmm.",
    "Uh-huh",
    "Yeah, yeah.",
    "Right,",
    "Oh, nice!",
    "I see.",
    "That's great.",
    "Wow, really?",
    "How nice.",
]
STOPS = [
    "Stop!",
    "Wait,",
    "No. I meant.",
    "Yeah, but what about",
    "Excuse me.",
    "What's that?",
    "Okay, stop.",
    "How old",
]


@pytest.mark.parametrize("text", GOES_ON)
def test_short_signs_of_attention_let_the_avatar_go_on(text):
    assert weigh(text, confidence=0.9, voiced_ms=500) is Weight.BACKCHANNEL


@pytest.mark.parametrize("text", STOPS)
def test_words_that_stop_or_ask_interrupt_at_once(text):
    assert weigh(text, confidence=0.6, voiced_ms=320) is Weight.INTERRUPTION


def test_other_words_interrupt_when_they_are_long_and_sure():
    assert weigh("My lighthouse", confidence=0.9, voiced_ms=320) is Weight.NOTHING
    assert weigh("My lighthouse", confidence=0.3, voiced_ms=600) is Weight.NOTHING
    assert weigh("My lighthouse", confidence=0.7, voiced_ms=600) is Weight.INTERRUPTION
    assert weigh("Amendment.", confidence=0.8, voiced_ms=500) is Weight.NOTHING
    assert weigh("I. T.", confidence=0.8, voiced_ms=600) is Weight.NOTHING


def test_what_is_no_words_weighs_nothing():
    assert weigh("", confidence=0.0, voiced_ms=900) is Weight.NOTHING
    assert weigh("...", confidence=0.9, voiced_ms=900) is Weight.NOTHING


def test_each_language_has_its_own_signs():
    assert weigh("Ach so, ja.", confidence=0.9, voiced_ms=500, language="de-DE") is Weight.BACKCHANNEL
    assert weigh("Warte mal.", confidence=0.9, voiced_ms=320, language="de") is Weight.INTERRUPTION
    assert weigh("Warte mal.", confidence=0.9, voiced_ms=320, language="en") is Weight.NOTHING


def test_a_long_evaluation_is_an_interruption_after_all():
    assert weigh("That's not what I asked", confidence=0.9, voiced_ms=900) is Weight.INTERRUPTION
