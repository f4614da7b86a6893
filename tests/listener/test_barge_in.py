from collections.abc import Sequence

import pytest

from mio.contracts.messages import Clock, Command, Interrupt, SpeechActivity, Transcript, Turn
from mio.runtime.testing import steps
from nodes.listener.config import BargeInConfig, ListenerConfig
from nodes.listener.recognition import NOTHING, Recognition
from nodes.listener.testing import START_NS, Listener, ScriptedRecognizer, heard, silence, voice

HZ = 16_000
SPOKEN = 2.0  # seconds of microphone time before the avatar speaks


def play(listener: Listener, segment_id: int, heard_sample: int = 0) -> list:
    clock = Clock(stage_s=3.0, mono_ns=START_NS, segment_id=segment_id, heard_sample=heard_sample)
    return steps(listener.engine, "clock", clock)


def speaking(*overheard: Recognition) -> Listener:
    """A listener whose avatar has begun to answer turn 1, and what it will recognise from now on."""
    listener = Listener(recognizer=ScriptedRecognizer(heard("How old are you?"), *overheard))
    listener.hear(voice(1.0), silence(SPOKEN - 1.0))
    play(listener, 1)
    return listener


def told(outputs: Sequence) -> list[str]:
    """What the other nodes are told, in short."""
    return [_short(message) for _, message in outputs]


def _short(message) -> str:
    match message:
        case Interrupt():
            return f"{message.action} {message.segment_id}"
        case Transcript():
            return f"{'final' if message.final else 'partial'} {message.text}"
        case Turn() | SpeechActivity():
            return message.state
        case _:
            raise AssertionError(message)


def test_a_voice_over_the_avatars_lowers_it_within_a_tenth_of_a_second():
    listener = speaking(heard("Stop."))
    outputs = listener.hear(voice(0.12))
    assert told(outputs) == ["duck 1", "ducked"]
    (duck, _) = (message for _, message in outputs)
    assert not duck.flush
    assert duck.at_stage_s == pytest.approx(3.0 + SPOKEN, abs=0.05)


def test_a_word_that_stops_ends_the_avatars_turn_and_becomes_the_users():
    listener = speaking(heard("Stop."), heard("Stop."))
    outputs = listener.hear(voice(0.5), silence(1.0))
    assert told(outputs)[:4] == ["duck 1", "ducked", "commit 1", "user_speaking"]
    commit = next(m for _, m in outputs if isinstance(m, Interrupt) and m.action == "commit")
    assert commit.flush
    (final,) = (m for _, m in outputs if isinstance(m, Transcript) and m.final)
    assert (final.segment_id, final.text) == (2, "Stop.")
    assert final.t_start_s == pytest.approx(SPOKEN, abs=0.05)


def test_a_backchannel_lets_the_avatar_go_on_and_is_no_turn():
    listener = speaking(heard("Uh-huh."), heard("Uh-huh."))
    outputs = listener.hear(voice(0.4), silence(1.0))
    assert told(outputs) == ["duck 1", "ducked", "resume 1", "avatar_speaking", "backchannel"]
    assert told(play(listener, 0)) == ["idle"]
    listener.recognizer.replies = [heard("And now?")]
    assert "final And now?" in told(listener.hear(voice(1.0), silence(1.0)))


def test_a_click_or_a_cough_is_over_at_once_and_nothing_is_recognised():
    listener = speaking()
    assert told(listener.hear(voice(0.12), silence(0.3))) == ["duck 1", "ducked", "resume 1", "avatar_speaking"]
    assert len(listener.recognizer.calls) == 1


def test_a_backchannel_that_goes_on_into_a_question_interrupts():
    listener = speaking(heard("Yeah."), heard("Yeah, but what"), heard("Yeah, but what about you?"))
    outputs = listener.hear(voice(1.2), silence(1.0))
    assert told(outputs)[:4] == ["duck 1", "ducked", "commit 1", "user_speaking"]
    assert "final Yeah, but what about you?" in told(outputs)


def test_words_that_may_as_well_be_a_backchannel_are_waited_for():
    doubtful = heard("I'm sorry to", "Of course.")
    listener = speaking(*[doubtful] * 12)
    assert told(listener.hear(voice(0.6))) == ["duck 1", "ducked"]
    listener.recognizer.replies = [heard("I'm sorry to say", "I'm sorry to see")] * 12
    assert told(listener.hear(voice(0.4)))[:2] == ["commit 1", "user_speaking"]
    certain = speaking(*[heard("I'm sorry to", "I'm sorry too")] * 12)
    assert "commit 1" in told(certain.hear(voice(0.6)))


def test_sound_without_words_interrupts_only_when_it_is_very_long():
    listener = speaking(*[NOTHING] * 30)
    assert "commit 1" not in told(listener.hear(voice(2.0)))
    assert "commit 1" in told(listener.hear(voice(0.6)))


def test_an_interruption_that_says_nothing_is_taken_back_and_the_answer_goes_on():
    listener = speaking(heard("No,"), heard("Mm-hmm."))
    outputs = listener.hear(voice(0.6), silence(1.5))
    assert told(outputs)[:4] == ["duck 1", "ducked", "commit 1", "user_speaking"]
    assert told(outputs)[-3:] == ["stopped", "resume 1", "idle"] or told(outputs)[-2:] == ["resume 1", "idle"]
    assert not [m for _, m in outputs if isinstance(m, Transcript) and m.final]
    assert told(play(listener, 1, 24_000)) == ["avatar_speaking"]


def test_an_answer_that_ends_under_a_voice_leaves_the_turn_to_the_user():
    listener = speaking(heard("What is your name?"), heard("What is your name?"))
    assert told(listener.hear(voice(0.16))) == ["duck 1", "ducked"]
    assert told(play(listener, 0)) == ["idle"]
    outputs = listener.hear(voice(1.0), silence(1.0))
    assert told(outputs)[:2] == ["user_speaking", "started"]
    assert told(outputs)[-2:] == ["final What is your name?", "thinking"]


def test_a_backchannel_at_the_very_end_of_an_answer_is_not_answered():
    listener = speaking(heard("Mm-hmm."), heard("Mm-hmm."))
    listener.hear(voice(0.25))
    play(listener, 0)
    outputs = listener.hear(voice(0.2), silence(1.5))
    assert told(outputs)[-1] == "idle"
    assert not [m for _, m in outputs if isinstance(m, Transcript) and m.final]


def test_the_talk_button_interrupts_without_any_look_at_the_words():
    listener = speaking(heard("And then?"))
    listener.hear(voice(0.12))
    steps(listener.engine, "command", Command(action="talk_start"))
    assert told(listener.hear(voice(0.1)))[:2] == ["commit 1", "user_speaking"]


def test_a_successor_goes_on_in_the_middle_of_an_overlap():
    listener, successor = speaking(), Listener(recognizer=ScriptedRecognizer(heard("Wait."), heard("Wait.")))
    listener.hear(voice(0.2))
    successor.engine.import_state(listener.engine.export_state())
    successor.at_sample = listener.at_sample
    assert told(successor.hear(voice(0.3), silence(0.2)))[:2] == ["commit 1", "user_speaking"]


def test_no_voice_lowers_the_avatars_in_the_mode_off():
    listener = Listener(ListenerConfig(barge_in=BargeInConfig(mode="off")))
    listener.hear(voice(1.0), silence(1.0))
    play(listener, 1)
    assert listener.hear(voice(1.0)) == []
