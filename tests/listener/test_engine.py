import numpy as np
import pytest

from mio.contracts.messages import AudioChunk, Clock, Command, Interrupt, SpeechActivity, Transcript, Turn
from mio.errors import ContractError
from mio.runtime.testing import run_engine, steps, tick
from nodes.listener.config import BargeInConfig, ListenerConfig, MoonshineConfig, TurnConfig, VoiceConfig
from nodes.listener.recognition import NOTHING
from nodes.listener.testing import (
    MANIFEST,
    START_NS,
    Listener,
    ScriptedEnd,
    ScriptedRecognizer,
    chunk,
    heard,
    silence,
    voice,
)

HZ = 16_000


def said(outputs: list) -> list[str]:
    """Outputs in short: port and what it says."""
    return [f"{port} {_short(message)}" for port, message in outputs]


def _short(message) -> str:
    match message:
        case Turn() | SpeechActivity():
            return message.state
        case Interrupt():
            return f"{message.action} {message.segment_id}"
        case _:
            return f"{'final' if message.final else 'soft' if message.soft else 'partial'} {message.text}"


def finals(outputs: list) -> list[Transcript]:
    return [message for port, message in outputs if port == "transcript" and message.final]


def turns(outputs: list) -> list[str]:
    return [message.state for port, message in outputs if port == "turn"]


def press(listener: Listener, action: str) -> list:
    return steps(listener.engine, "command", Command(action=action, origin_ns=START_NS))


def play(listener: Listener, segment_id: int, heard_sample: int = 0) -> list:
    clock = Clock(stage_s=3.0, mono_ns=START_NS, segment_id=segment_id, heard_sample=heard_sample)
    return steps(listener.engine, "clock", clock)


def type_line(listener: Listener, text: str) -> list:
    return steps(listener.engine, "typed", Transcript(text=text, source="text", origin_ns=77))


def test_a_spoken_question_is_one_turn_from_onset_to_final_transcript():
    listener = Listener()
    assert said(listener.hear(silence(1.0), voice(2.0), silence(1.0))) == [
        "turn user_speaking",
        "activity started",
        "transcript partial word word.",
        "activity stopped",
        "transcript soft word word.",
        "transcript final word word.",
        "turn thinking",
    ]


def test_times_of_the_transcript_are_those_of_the_voice():
    listener = Listener(recognizer=ScriptedRecognizer(heard("Hello.", "Hollow.")))
    (transcript,) = finals(listener.hear(silence(1.0), voice(2.0), silence(1.0)))
    assert transcript.t_start_s == pytest.approx(1.0, abs=0.04)
    assert transcript.t_end_s == pytest.approx(3.0, abs=0.04)
    assert transcript.origin_ns == pytest.approx(START_NS + 3.0e9, abs=4e7)
    assert transcript.alternatives == ["Hollow."]
    assert (transcript.segment_id, transcript.fin, transcript.confidence) == (1, True, 0.9)


def test_activity_says_where_the_voice_began_not_when_it_was_noticed():
    outputs = Listener().hear(silence(1.0), voice(2.0), silence(1.0))
    started, stopped = (message for port, message in outputs if port == "activity")
    assert started.at_sample == pytest.approx(1.0 * HZ, abs=512)
    assert started.origin_ns == pytest.approx(START_NS + 1e9, abs=4e7)
    assert stopped.at_sample == pytest.approx(3.0 * HZ, abs=512)


def test_the_first_consonant_is_recognised_with_the_voice():
    listener = Listener()
    listener.hear(silence(1.0), voice(1.0), silence(1.0))
    section, _ = listener.recognizer.calls[0]
    preroll = VoiceConfig().preroll_ms / 1000
    assert section.start_sample / HZ == pytest.approx(1.0 - preroll, abs=0.04)


def test_the_words_are_recognised_before_the_turn_is_over_and_only_once():
    listener = Listener()
    listener.hear(voice(1.0), silence(0.12))
    assert [settled for _, settled in listener.recognizer.calls] == [True]
    assert finals(listener.hear(silence(1.0)))
    assert len(listener.recognizer.calls) == 1


@pytest.mark.parametrize(
    ("probability", "text", "wait_ms"), [(0.99, "Yes?", 256), (0.99, "Yes.", 480), (0.01, "And,", 1_150)]
)
def test_an_incomplete_sentence_is_waited_for_longer(probability, text, wait_ms):
    listener = Listener(end=ScriptedEnd(probability), recognizer=ScriptedRecognizer(*[heard(text)] * 9))
    outputs, waited_s = listener.hear(voice(1.0)), 0.0
    while not finals(outputs):
        outputs = listener.hear(silence(0.02))
        waited_s += 0.02
    assert waited_s * 1000 == pytest.approx(wait_ms, abs=80)


def test_a_question_mark_ends_the_turn_at_once_whatever_the_voice_sounds_like():
    end = ScriptedEnd(0.01)
    listener = Listener(end=end, recognizer=ScriptedRecognizer(*[heard("How old are you?")] * 9))
    listener.hear(silence(0.5), voice(1.0))
    wait_ms = listener.engine._config.turn.complete_wait_ms
    finals = [m for port, m in listener.hear(silence(wait_ms / 1000 + 0.05)) if port == "transcript" and m.final]
    assert [final.text for final in finals] == ["How old are you?"]
    assert end.lengths == []


def test_the_user_may_go_on_after_a_pause():
    listener = Listener(end=ScriptedEnd(0.01), recognizer=ScriptedRecognizer())
    outputs = listener.hear(voice(1.0), silence(0.35), voice(1.0), silence(1.4))
    assert [message.state for port, message in outputs if port == "activity"] == ["started", "stopped"] * 2
    (transcript,) = finals(outputs)
    assert transcript.text == "word word."
    assert turns(outputs) == ["user_speaking", "thinking"]


def test_going_on_right_after_the_end_takes_the_turn_back_with_its_words():
    listener = Listener()
    first = listener.hear(voice(1.0), silence(0.6))
    second = listener.hear(voice(2.0), silence(1.0))
    assert turns(first) == ["user_speaking", "thinking"]
    assert said(second)[:2] == ["interrupt commit 1", "turn user_speaking"]
    (transcript,) = finals(second)
    assert transcript.text == "word. word word."
    assert transcript.segment_id == 2


def test_what_is_told_before_it_is_asked_belongs_to_the_same_turn():
    listener = Listener()
    outputs = listener.hear(voice(1.0), silence(0.4), voice(1.0), silence(1.0))
    assert [transcript.text for transcript in finals(outputs)] == ["word word."]


def test_a_voice_that_goes_on_before_the_answer_is_heard_takes_the_turn_back_although_barge_in_is_off():
    listener = Listener()
    listener.hear(voice(1.0), silence(0.6), voice(0.1))
    assert turns(play(listener, 1)) == ["avatar_speaking"]
    outputs = listener.hear(voice(0.9), silence(1.0))
    assert said(outputs)[:2] == ["interrupt commit 1", "turn user_speaking"]
    assert [transcript.text for transcript in finals(outputs)] == ["word. word."]


def test_a_voice_that_comes_after_the_answer_began_may_be_its_echo():
    listener = Listener(ListenerConfig(barge_in=BargeInConfig(mode="off")))
    listener.hear(voice(1.0), silence(0.6))
    play(listener, 1)
    assert listener.hear(voice(1.0), silence(1.0)) == []


def test_a_new_question_while_the_answer_is_thought_replaces_the_old_one():
    listener = Listener()
    listener.hear(voice(1.0), silence(3.0))
    outputs = listener.hear(voice(2.0), silence(1.0))
    assert "interrupt commit 1" in said(outputs)
    assert finals(outputs)[0].text == "word word."


def test_a_short_noise_while_the_answer_is_thought_does_not_stop_it():
    listener = Listener()
    listener.hear(voice(1.0), silence(2.0))
    assert listener.hear(voice(0.25), silence(1.0)) == []


def test_a_noise_that_turns_out_to_be_no_words_brings_the_question_back():
    listener = Listener(recognizer=ScriptedRecognizer(heard("How old are you?"), NOTHING, NOTHING))
    listener.hear(voice(1.0), silence(2.0))
    (transcript,) = finals(listener.hear(voice(1.0), silence(2.0)))
    assert (transcript.text, transcript.segment_id) == ("How old are you?", 2)


def test_voice_without_words_ends_in_idle_and_without_transcript():
    listener = Listener(recognizer=ScriptedRecognizer(*[NOTHING] * 5))
    outputs = listener.hear(voice(1.0), silence(2.0))
    assert turns(outputs) == ["user_speaking", "idle"]
    assert not [port for port, _ in outputs if port == "transcript"]


def test_words_that_are_hardly_believed_are_no_transcript():
    listener = Listener(recognizer=ScriptedRecognizer(*[heard("Thank you.", confidence=0.1)] * 5))
    outputs = listener.hear(voice(1.0), silence(2.0))
    assert not finals(outputs)
    assert turns(outputs)[-1] == "idle"


def test_unsure_words_are_still_a_transcript():
    listener = Listener(recognizer=ScriptedRecognizer(*[heard("Vee alt bist do?", confidence=0.4)] * 5))
    assert finals(listener.hear(voice(1.0), silence(2.0)))[0].confidence == pytest.approx(0.4)


def test_partial_transcripts_come_while_the_user_speaks():
    listener = Listener(recognizer=ScriptedRecognizer(partial_every_s=0.8))
    outputs = listener.hear(silence(0.5), voice(3.5))
    texts = [message.text for port, message in outputs if port == "transcript"]
    assert texts == ["word.", "word word.", "word word word."]
    assert all(not settled for _, settled in listener.recognizer.calls)


def test_a_question_of_ten_minutes_is_heard_in_sections_and_whole():
    listener = Listener(recognizer=ScriptedRecognizer(longest_s=16.0))
    sound = np.concatenate([voice(600.0), silence(1.0)])
    (transcript,) = finals(steps(listener.engine, "audio", chunk(sound, 0)))
    assert len(transcript.text.split()) == pytest.approx(600, rel=0.05)
    assert max(len(section.sound) for section, _ in listener.recognizer.calls) <= 16.1 * HZ
    joined = sum(len(section.sound) for section, _ in listener.recognizer.calls)
    assert joined <= 602 * HZ


def test_a_long_question_with_pauses_is_cut_at_the_pauses():
    listener = Listener(end=ScriptedEnd(0.01))
    listener.hear(*[voice(9.0), silence(0.3)] * 3, silence(2.0))
    starts = sorted({section.start_sample for section, _ in listener.recognizer.calls})
    assert [round(start / HZ, 1) for start in starts][1:] == [9.0, 18.3]


def test_memory_does_not_grow_in_hours_of_silence():
    listener = Listener()
    listener.hear(silence(70.0))
    before = len(str(listener.engine.export_state()["state"].keys()))
    size = listener.engine.export_state()["state"]["recording"]["buffer"].nbytes
    listener.hear(silence(300.0))
    after = listener.engine.export_state()["state"]
    assert after["recording"]["buffer"].nbytes == size
    assert len(str(after.keys())) == before
    assert not listener.recognizer.calls


def test_the_listener_is_deaf_while_the_avatar_speaks_if_told_so():
    listener = Listener(ListenerConfig(barge_in=BargeInConfig(mode="off")))
    listener.hear(voice(1.0), silence(1.0))
    assert turns(play(listener, 1)) == ["avatar_speaking"]
    assert listener.hear(voice(3.0)) == []
    assert turns(play(listener, 0)) == ["idle"]
    outputs = listener.hear(voice(1.0), silence(1.0))
    (started, *_) = (message for port, message in outputs if port == "activity")
    assert started.at_sample / HZ == pytest.approx(5.0, abs=0.04)


def test_in_the_mode_commit_length_alone_gives_the_avatars_turn_up():
    listener = Listener(ListenerConfig(barge_in=BargeInConfig(mode="commit")))
    listener.hear(voice(1.0), silence(1.0))
    play(listener, 1)
    assert listener.hear(voice(0.3), silence(1.0)) == []
    outputs = listener.hear(voice(0.5))
    assert said(outputs) == ["interrupt commit 1", "turn user_speaking", "activity started"]
    (interrupt, *_) = (message for port, message in outputs if port == "interrupt")
    assert interrupt.flush
    assert interrupt.at_stage_s == pytest.approx(3.0 + 3.3, abs=0.05)
    assert finals(listener.hear(voice(0.6), silence(1.0)))[0].segment_id == 2


def test_stop_silences_the_avatar_and_later_clocks_of_its_turn_do_not_count():
    listener = Listener()
    listener.hear(voice(1.0), silence(1.0))
    play(listener, 1)
    assert said(press(listener, "stop")) == ["interrupt commit 1", "turn idle"]
    assert play(listener, 1, 4_000) == []


def test_a_typed_line_is_a_finished_turn():
    outputs = type_line(Listener(), "  How old   are you? ")
    assert said(outputs) == ["transcript final How old are you?", "turn thinking"]
    _, transcript = outputs[0]
    assert (transcript.segment_id, transcript.source, transcript.origin_ns) == (1, "text", 77)


def test_a_typed_line_interrupts_the_avatar_and_an_open_voice():
    listener = Listener()
    listener.hear(voice(1.0), silence(1.0))
    play(listener, 1)
    assert said(type_line(listener, "Stop that."))[0] == "interrupt commit 1"
    play(listener, 0)
    listener = Listener()
    listener.hear(voice(1.0))
    assert said(type_line(listener, "Hello."))[0] == "transcript final Hello."
    assert listener.hear(silence(1.0)) == []


def test_empty_lines_are_no_turn_and_endless_ones_are_cut(caplog):
    listener = Listener(ListenerConfig(longest_typed=100))
    assert type_line(listener, "   \n ") == []
    _, transcript = type_line(listener, "x" * 5_000)[0]
    assert len(transcript.text) == 100
    assert "cut after 100 characters" in caplog.text


def test_push_to_talk_opens_and_closes_the_turn_whatever_the_voice_does():
    listener = Listener()
    press(listener, "talk_start")
    outputs = listener.hear(voice(1.0), silence(3.0), voice(1.0))
    assert turns(outputs) == ["user_speaking"]
    press(listener, "talk_end")
    (transcript,) = finals(listener.hear(silence(0.2)))
    assert transcript.text == "word word."
    assert transcript.t_end_s == pytest.approx(5.0, abs=0.1)


def test_push_to_talk_hears_a_voice_that_the_detector_misses():
    listener = Listener(recognizer=ScriptedRecognizer(*[heard("Soft words.")] * 3))
    press(listener, "talk_start")
    listener.hear(0.01 * voice(1.0))
    press(listener, "talk_end")
    assert finals(listener.hear(silence(0.2)))[0].text == "Soft words."


def test_push_to_talk_interrupts_the_avatar():
    listener = Listener()
    listener.hear(voice(1.0), silence(1.0))
    play(listener, 1)
    press(listener, "talk_start")
    assert said(listener.hear(silence(0.1)))[:2] == ["interrupt commit 1", "turn user_speaking"]


def test_releasing_a_button_that_was_not_held_does_nothing():
    listener = Listener()
    press(listener, "talk_end")
    assert turns(listener.hear(voice(1.0), silence(1.0))) == ["user_speaking", "thinking"]


def test_a_muted_microphone_is_silent():
    listener = Listener()
    press(listener, "mute")
    assert listener.hear(voice(2.0)) == []
    press(listener, "unmute")
    assert turns(listener.hear(voice(1.0), silence(1.0))) == ["user_speaking", "thinking"]


def test_an_answer_that_never_comes_is_not_waited_for(caplog):
    listener = Listener(ListenerConfig(turn=TurnConfig(thinking_timeout_s=5.0)))
    listener.hear(voice(1.0), silence(1.0))
    assert tick(listener.engine, 10.0) == []
    assert turns(tick(listener.engine, 16.0)) == ["idle"]
    assert "no answer to turn 1" in caplog.text


def test_sound_at_another_rate_is_refused():
    wrong = AudioChunk(samples=np.zeros(480, np.float32), sample_rate=48_000)
    with pytest.raises(ContractError, match="resample"):
        steps(Listener().engine, "audio", wrong)


def test_empty_chunks_and_chunks_of_any_size_are_fine():
    listener = Listener()
    assert steps(listener.engine, "audio", chunk(np.zeros(0, np.float32), 0)) == []
    sound = np.concatenate([silence(0.5), voice(2.0), silence(1.0)])
    (whole,) = finals(steps(listener.engine, "audio", chunk(sound, 0)))
    (pieces,) = finals(Listener().hear(sound))
    assert (whole.text, whole.t_end_s, whole.origin_ns) == (pieces.text, pieces.t_end_s, pieces.origin_ns)


def test_a_short_gap_in_the_sound_is_bridged():
    listener = Listener()
    listener.hear(voice(1.0))
    listener.at_sample += HZ // 10
    (transcript,) = finals(listener.hear(voice(0.5), silence(1.0)))
    assert transcript.t_end_s == pytest.approx(1.6, abs=0.04)


@pytest.mark.parametrize("jump_s", [30.0, -1.0])
def test_a_restarted_microphone_ends_the_turn_with_what_was_heard(jump_s):
    listener = Listener()
    listener.hear(silence(1.0), voice(1.0))
    listener.at_sample += round(jump_s * HZ)
    outputs = listener.hear(silence(0.5), voice(1.0), silence(1.0))
    assert [transcript.text for transcript in finals(outputs)] == ["word.", "word."]


def test_a_successor_goes_on_in_the_middle_of_a_word():
    sounds = [silence(0.5), voice(1.5), voice(1.0), silence(1.0)]
    one = Listener()
    expected = one.hear(*sounds)
    first, second = Listener(), Listener()
    outputs = first.hear(*sounds[:2])
    second.engine.import_state(first.engine.export_state())
    second.at_sample = first.at_sample
    outputs += second.hear(*sounds[2:])
    assert said(outputs) == said(expected)
    assert finals(outputs)[0].t_end_s == finals(expected)[0].t_end_s


def test_a_successor_knows_whose_turn_it_is_and_what_to_take_back():
    first, second = Listener(), Listener()
    first.hear(voice(1.0), silence(0.6))
    second.engine.import_state(first.engine.export_state())
    second.at_sample = first.at_sample
    assert finals(second.hear(voice(1.0), silence(1.0)))[0].text == "word. word."


def test_a_state_of_another_version_is_left_alone():
    listener = Listener()
    listener.engine.import_state({"version": 99, "state": None})
    assert turns(listener.hear(voice(1.0), silence(1.0))) == ["user_speaking", "thinking"]


def test_recognition_that_is_flushed_away_is_done_again():
    listener = Listener()
    listener.hear(voice(1.0))
    sound = silence(0.5)
    work = iter(listener.engine.step("audio", chunk(sound, listener.at_sample)))
    assert next(work) is None
    work.close()
    listener.at_sample += len(sound)
    assert finals(listener.hear(silence(0.5)))[0].text == "word."


def test_everything_goes_through_the_real_loop():
    listener = Listener()
    sound = np.concatenate([silence(0.5), voice(1.0), silence(1.0)])
    script = [("audio", chunk(sound[at : at + 320], at), at / HZ) for at in range(0, len(sound), 320)]
    script.append(("command", Command(action="stop"), 2.6))
    transport = run_engine(listener.engine, MANIFEST, script, run_s=2.7)
    assert [turn.state for turn in transport.messages("turn")] == ["user_speaking", "thinking", "idle"]
    assert not transport.logged
    assert transport.messages("interrupt")[0].segment_id == 1


def test_nothing_is_missing_where_all_is_installed():
    for engine in ("moonshine", "pocketsphinx"):
        assert list(ListenerConfig(engine=engine).check()) == []
    assert list(ListenerConfig(character=None).check()) == []


def test_what_is_missing_is_one_error_each(tmp_path):
    config = ListenerConfig(character=tmp_path, moonshine=MoonshineConfig(folder=tmp_path))
    weights, character = config.check()
    assert "encoder_model.ort is missing" in str(weights) and "no character pack" in str(character)
    (model,) = ListenerConfig(engine="whisper").check()
    assert "listener.whisper.model" in str(model)
