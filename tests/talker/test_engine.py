import time
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from mio.contracts.messages import Interrupt, Reply, Speech
from mio.contracts.phones import PHONES, SILENCE
from mio.contracts.rates import SPEECH_FRAME_SAMPLES, SPEECH_HZ
from mio.errors import ConfigError, MioError
from mio.runtime.testing import FakeTransport, run_engine, steps
from nodes.talker.clause import Piece
from nodes.talker.config import TalkerConfig
from nodes.talker.engine import Talker, build_engine, say
from nodes.talker.espeak import EspeakVoice

MANIFEST = Path(__file__).parents[2] / "nodes" / "talker" / "dora-node.yml"
CLAUSES = ("Oh, you found the lighthouse!", "It has 112 steps,", "and every one of them creaks.")
TURN = " ".join(CLAUSES)


def turn(segment_id: int = 1, clauses: tuple[str, ...] = CLAUSES) -> list[Reply]:
    firsts = [len(" ".join(clauses[:index])) + (index > 0) for index in range(len(clauses))]
    return [
        Reply(text=text, index=index, first_char=first, segment_id=segment_id, fin=index == len(clauses) - 1)
        for index, (text, first) in enumerate(zip(clauses, firsts, strict=True))
    ]


def spoken(talker: Talker, *replies: Reply) -> list[Speech]:
    return [speech for reply in replies for _, speech in steps(talker, "reply", reply) if isinstance(speech, Speech)]


def sound(chunks: list[Speech]) -> np.ndarray:
    return np.concatenate([chunk.samples for chunk in chunks])


def speeches(transport: FakeTransport) -> list[Speech]:
    return [message for message in transport.messages("speech") if isinstance(message, Speech)]


def test_a_turn_is_contiguous_sound_in_whole_frames_and_ends_once(talker: Talker) -> None:
    transport = run_engine(talker, MANIFEST, [("reply", reply) for reply in turn()])
    chunks = speeches(transport)
    assert transport.logged == []
    at = 0
    for chunk in chunks:
        assert chunk.start_sample == at
        assert len(chunk.samples) % SPEECH_FRAME_SAMPLES == 0
        at += len(chunk.samples)
    assert 3.5 < at / SPEECH_HZ < 8.0
    assert [chunk.fin for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert {chunk.segment_id for chunk in chunks} == {1}
    assert sorted({chunk.index for chunk in chunks}) == [0, 1, 2]


def test_the_first_chunk_of_a_clause_is_small_and_carries_its_words_and_phones(talker: Talker) -> None:
    chunks = spoken(talker, turn()[0])
    assert [len(chunk.samples) // SPEECH_FRAME_SAMPLES for chunk in chunks[:3]] == [2, 4, 8]
    assert chunks[0].words == ["Oh", "you", "found", "the", "lighthouse"]
    assert all(not chunk.words and not chunk.phones for chunk in chunks[1:])
    assert chunks[0].phones[-1] == SILENCE
    assert set(chunks[0].phones) <= set(PHONES)
    assert max(chunks[0].phone_start_s) > chunks[0].end_s


def test_words_point_into_the_turns_text_and_follow_each_other(talker: Talker) -> None:
    chunks = spoken(talker, *turn())
    words = [
        word
        for chunk in chunks
        for word in zip(chunk.words, chunk.word_char, chunk.word_start_s, chunk.word_end_s, strict=True)
    ]
    assert [TURN[at : at + len(word)] for word, at, _, _ in words] == [word for word, *_ in words]
    assert (
        " ".join(word for word, *_ in words)
        == "Oh you found the lighthouse It has 112 steps and every one of them creaks"
    )
    for (_, _, start_s, end_s), (_, _, next_s, _) in zip(words, words[1:], strict=False):
        assert start_s < end_s <= next_s + 1e-9
    number = next(word for word in words if word[0] == "112")
    assert number[3] - number[2] > 0.5


def test_phones_of_all_clauses_are_in_order_within_the_sound(talker: Talker) -> None:
    chunks = spoken(talker, *turn())
    starts = [start for chunk in chunks for start in chunk.phone_start_s]
    assert starts == sorted(starts)
    assert starts[0] >= 0.0
    assert starts[-1] <= chunks[-1].end_s
    assert sum(level for chunk in chunks for level in chunk.phone_stress) > 5


def test_the_spans_of_the_chunks_cover_the_text_without_gaps(talker: Talker) -> None:
    chunks = spoken(talker, *turn())
    assert chunks[0].first_char == 0
    assert chunks[-1].last_char == len(TURN)
    for before, after in zip(chunks, chunks[1:], strict=False):
        joint = 1 if after.index > before.index else 0
        assert after.first_char == before.last_char + joint
        assert before.first_char <= before.last_char
    middle = next(chunk for chunk in chunks if chunk.words == [] and chunk.index == 0)
    assert 0 < middle.first_char < middle.last_char < len(CLAUSES[0])


def test_meaning_and_origin_are_handed_on(talker: Talker) -> None:
    reply = Reply(
        text="Wie schön.", language="de", emotion="happy", intensity=0.8, origin_ns=7, session="s", segment_id=3
    )
    chunk = spoken(talker, reply)[0]
    assert (chunk.language, chunk.emotion, chunk.intensity, chunk.origin_ns, chunk.session) == (
        "de",
        "happy",
        0.8,
        7,
        "s",
    )


@pytest.mark.parametrize("text", ["", "   ", "\U0001f600", "..."])
def test_a_last_clause_without_words_still_ends_the_turn(talker: Talker, text: str) -> None:
    spoken(talker, turn()[0])
    ends = spoken(talker, Reply(text=text, index=1, first_char=30, segment_id=1, fin=True))
    assert [(chunk.fin, len(chunk.samples)) for chunk in ends] == [(True, 0)]
    assert ends[0].start_sample > 0
    assert ends[0].last_char == 30 + len(text)
    assert spoken(talker, Reply(text=text, index=2, segment_id=1)) == []


def interrupted_s(talker: Talker, segment_id: int) -> float:
    """CPU time from an interruption of a clause to its end."""
    chunks = talker.step("reply", Reply(text=" ".join([TURN] * 10), segment_id=segment_id, fin=True))
    assert isinstance(chunks, Iterator)
    heard = [next(chunks) for _ in range(5)]
    assert any(heard)
    began = time.process_time()
    assert steps(talker, "interrupt", Interrupt(action="commit", segment_id=segment_id)) == []
    assert [chunk for chunk in chunks if chunk is not None] == []
    took_s = time.process_time() - began
    assert spoken(talker, *turn(segment_id)) == []
    return took_s


def test_an_interruption_stops_a_clause_at_once_and_later_turns_are_spoken(talker: Talker) -> None:
    assert any(interrupted_s(talker, segment_id) < 0.08 for segment_id in range(1, 6))
    assert spoken(talker, *turn(9))[0].start_sample == 0


def test_an_interruption_between_the_yields_of_the_loop_drops_the_rest(talker: Talker) -> None:
    script = [
        ("reply", Reply(text=" ".join([TURN] * 10), segment_id=1)),
        ("interrupt", Interrupt(action="commit", segment_id=1)),
        ("reply", Reply(text="Gone.", index=1, segment_id=1, fin=True)),
        ("reply", Reply(text="Yes?", segment_id=2, fin=True)),
    ]
    chunks = speeches(run_engine(talker, MANIFEST, script))
    first = [chunk for chunk in chunks if chunk.segment_id == 1]
    assert sum(len(chunk.samples) for chunk in first) < SPEECH_HZ
    assert not any(chunk.fin for chunk in first)
    assert [word for chunk in chunks if chunk.segment_id == 2 for word in chunk.words] == ["Yes"]


def test_ducking_and_resuming_change_nothing_in_what_is_generated(talker: Talker) -> None:
    plain = sound(spoken(talker, *turn(1)))
    chunks = talker.step("reply", Reply(text=CLAUSES[0], segment_id=2))
    assert isinstance(chunks, Iterator)
    got = [next(chunks), next(chunks)]
    for action in ("duck", "resume"):
        assert steps(talker, "interrupt", Interrupt(action=action, segment_id=2)) == []
    got += list(chunks)
    again = np.concatenate(
        [output[1].samples for output in got if output is not None and isinstance(output[1], Speech)]
    )
    assert np.array_equal(again, plain[: len(again)])


def test_a_flush_drops_the_clause_and_the_turn_goes_on_behind_what_was_sent(talker: Talker) -> None:
    chunks = talker.step("reply", Reply(text=TURN, segment_id=1))
    assert isinstance(chunks, Iterator)
    sent = [output[1] for output in (next(chunks), next(chunks), next(chunks)) if output is not None]
    chunks.close()  # type: ignore[attr-defined]
    after = spoken(talker, Reply(text="As I said.", index=1, first_char=len(TURN) + 1, segment_id=1))
    assert [word for chunk in after for word in chunk.words] == ["As", "I", "said"]
    assert after[0].start_sample == sum(len(chunk.samples) for chunk in sent if isinstance(chunk, Speech))


def test_a_newer_turn_replaces_an_older_one_whose_late_clauses_are_dropped(talker: Talker) -> None:
    spoken(talker, turn(5)[0])
    assert spoken(talker, turn(6)[0])[0].start_sample == 0
    assert spoken(talker, turn(5)[1]) == []
    assert spoken(talker, turn(6)[1])[0].start_sample > 0


def test_a_listener_that_counts_anew_is_heard(talker: Talker) -> None:
    spoken(talker, *turn(50))
    assert spoken(talker, *turn(1))[0].segment_id == 1


def longest_step_s(talker: Talker, text: str, segment_id: int) -> float:
    """CPU time of the longest step in speaking a text."""
    longest = samples = 0
    last = time.process_time()
    for output in talker.step("reply", Reply(text=text, segment_id=segment_id, fin=True)):
        now = time.process_time()
        longest, last = max(longest, now - last), now
        if output is not None and isinstance(output[1], Speech):
            samples += len(output[1].samples)
    assert 200.0 < samples / SPEECH_HZ < 500.0
    return longest


def test_five_thousand_characters_are_spoken_in_short_steps(talker: Talker) -> None:
    text = ((TURN + " ") * 68)[:5_000]
    # a host that takes the CPU away makes some steps long, but hardly some of every time
    assert any(longest_step_s(talker, text, segment_id) < 0.2 for segment_id in range(1, 6))


def test_a_text_beyond_all_bounds_is_one_error_and_ends_the_turn(talker: Talker) -> None:
    transport = run_engine(talker, MANIFEST, [("reply", Reply(text="a " * 15_000, segment_id=1, fin=True))])
    assert [(chunk.fin, len(chunk.samples)) for chunk in speeches(transport)] == [(True, 0)]
    assert len(transport.logged) == 1
    assert "30000 characters" in transport.logged[0][1]


class BrokenVoice:
    def speak(self, clause: Reply) -> Iterator[Piece | None]:
        yield Piece(np.zeros(4_000, np.float32), [], [])
        raise MioError("the voice broke", "mend it")


def test_a_voice_that_fails_in_a_clause_ends_the_turn_with_one_error() -> None:
    talker = Talker(BrokenVoice(), TalkerConfig())
    transport = run_engine(talker, MANIFEST, [("reply", Reply(text="Hello.", segment_id=1, fin=True))])
    chunks = speeches(transport)
    assert [(chunk.start_sample, len(chunk.samples), chunk.fin) for chunk in chunks] == [
        (0, 3_840, False),
        (3_840, 0, True),
    ]
    assert [text for _, text in transport.logged] == ["reply: the voice broke -> mend it"]


class StreamingVoice:
    def speak(self, clause: Reply) -> Iterator[Piece | None]:
        for frame in range(7):
            yield Piece(np.full(SPEECH_FRAME_SAMPLES, frame / 10, np.float32), [], [])
            yield None


def test_a_voice_that_streams_frames_is_sent_on_as_it_comes() -> None:
    chunks = spoken(Talker(StreamingVoice(), TalkerConfig()), Reply(text="Hello.", segment_id=1, fin=True))
    assert [len(chunk.samples) // SPEECH_FRAME_SAMPLES for chunk in chunks] == [2, 4, 1]
    assert chunks[-1].fin
    assert np.array_equal(sound(chunks)[::SPEECH_FRAME_SAMPLES], np.arange(7, dtype=np.float32) / 10)


@pytest.mark.parametrize("after", [1, 2, 4])
def test_a_successor_goes_on_in_the_middle_of_a_turn(voice: EspeakVoice, after: int) -> None:
    whole = spoken(Talker(voice, TalkerConfig()), *turn())
    first, second = Talker(voice, TalkerConfig()), Talker(voice, TalkerConfig())
    chunks = first.step("reply", turn()[0])
    assert isinstance(chunks, Iterator)
    sent = [output[1] for output in (next(chunks) for _ in range(after)) if output is not None]
    assert not first.at_boundary()
    second.import_state(first.export_state())
    both = [chunk for chunk in sent if isinstance(chunk, Speech)] + spoken(second, *turn()[1:])
    assert second.at_boundary()
    assert [chunk.start_sample for chunk in both] == [chunk.start_sample for chunk in whole]
    assert np.array_equal(sound(both), sound(whole))
    assert [chunk.words for chunk in both if chunk.words] == [chunk.words for chunk in whole if chunk.words]


def test_a_state_of_another_version_is_refused(talker: Talker) -> None:
    with pytest.raises(ConfigError, match="version 99"):
        talker.import_state({"version": 99})


def test_an_interruption_is_part_of_the_state(voice: EspeakVoice) -> None:
    first, second = Talker(voice, TalkerConfig()), Talker(voice, TalkerConfig())
    steps(first, "interrupt", Interrupt(action="commit", segment_id=4))
    second.import_state(first.export_state())
    assert spoken(second, *turn(4)) == []
    assert spoken(second, *turn(5)) != []


def test_the_same_turn_sounds_the_same_every_time(voice: EspeakVoice) -> None:
    once = spoken(Talker(voice, TalkerConfig()), *turn())
    spoken(Talker(voice, TalkerConfig()), Reply(text="Etwas anderes, ganz laut!", language="de", emotion="angry"))
    again = spoken(Talker(voice, TalkerConfig()), *turn())
    assert np.array_equal(sound(once), sound(again))
    assert [chunk.phone_start_s for chunk in once] == [chunk.phone_start_s for chunk in again]


def test_the_default_engine_is_the_neural_voice_where_its_weights_are_and_else_espeak(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    chunks = spoken(neural := build_engine(TalkerConfig()), turn()[0])
    assert next(word for chunk in chunks for word in chunk.words) == "Oh"
    assert neural.label == "kodama" and not caplog.records
    with caplog.at_level("INFO"):
        plain = build_engine(TalkerConfig(codec=tmp_path / "none"))
    assert plain.label == "espeak" and "no weights" in caplog.text
    assert spoken(plain, turn()[0])


def test_say_writes_a_sound_file(tmp_path: Path) -> None:
    path = tmp_path / "hello.wav"
    say("Hello there.", path, voice="en-gb+f2")
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (SPEECH_HZ, 1, 2)
        assert 0.5 < file.getnframes() / SPEECH_HZ < 3.0
    with pytest.raises(MioError, match="no voice 'xx-yy'"):
        say("Hello.", path, voice="xx-yy")


@pytest.mark.parametrize("text", ["", " \n", "\U0001f642", "..."])
def test_say_refuses_what_nobody_can_speak(tmp_path: Path, text: str) -> None:
    with pytest.raises(MioError, match="can be spoken"):
        say(text, tmp_path / "nothing.wav")
    assert not (tmp_path / "nothing.wav").exists()


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Dr. Smith paid $3.50 at 10:05 a.m. on 2024-03-01, i.e. 12 % less \U0001f642!", "en"),
        ("Am 3. Oktober 1990 um 14:30 Uhr, z. B. in der Hauptstr. 12, kostete es 3,50 €.", "de"),
        ("See https://example.org/a_b?q=1 or mail me@example.org \u2014 NASA, CEO & co.", "en"),
        ("\u4f60\u597d, \u041c\u0438\u0440! \u2603 \ud800 \x00\x07 a\u0301 e\u0301\u0301", "en"),
        ("W" + "o" * 3_000 + "w, " + "ab" * 500, "en"),
        ("Guten Tag, wie geht's?", "xx"),
    ],
)
def test_odd_texts_are_spoken_with_words_that_point_into_them(talker: Talker, text: str, language: str) -> None:
    chunks = spoken(talker, Reply(text=text, language=language, segment_id=1, fin=True))
    assert sum(len(chunk.samples) for chunk in chunks) > SPEECH_HZ // 2
    assert chunks[-1].fin
    assert chunks[-1].last_char == len(text)
    words = [pair for chunk in chunks for pair in zip(chunk.words, chunk.word_char, strict=True)]
    assert words
    assert all(text[at : at + len(word)] == word for word, at in words)
    assert {phone for chunk in chunks for phone in chunk.phones} <= set(PHONES)
    assert np.abs(sound(chunks)).max() <= 1.0
