import argparse
import difflib
from io import StringIO

import msgspec
import numpy as np
import pytest
from rich.console import Console

from mio.bench import hearing
from mio.bench._hearing_live import Hearing
from mio.bench._speech_set import data_folder, room_tone
from mio.bench.report import Report
from mio.character import read_character
from mio.contracts.messages import Transcript
from mio.errors import MioError
from mio.paths import share
from nodes.listener.utterance import words


@pytest.fixture(scope="module")
def questions() -> hearing.Questions:
    return msgspec.yaml.decode(hearing._DATA.read_bytes(), type=hearing.Questions)


@pytest.fixture(scope="module")
def entries():
    return read_character(share("characters", "mara")).knowledge().entries


def test_there_are_forty_questions_to_tune_on_and_forty_to_measure_with(questions):
    assert len(questions.dev) == len(questions.test) == 40
    assert len({question.text for question in (*questions.dev, *questions.test)}) == 80


def test_every_question_has_an_entry_that_answers_it(questions, entries):
    known = {entry.id for entry in entries}
    assert {question.id for question in (*questions.dev, *questions.test)} <= known


def test_no_question_is_in_the_pack_or_a_near_copy_of_what_is(questions, entries):
    examples = [words(example) for entry in entries for example in entry.questions]
    for question in (*questions.dev, *questions.test):
        asked = difflib.SequenceMatcher(b=words(question.text))
        for example in examples:
            asked.set_seq1(example)
            if asked.real_quick_ratio() > 0.85 and asked.quick_ratio() > 0.85:
                assert asked.ratio() <= 0.85, f"{question.text} ~ {' '.join(example)}"


def test_the_text_of_a_turn_that_was_taken_back_is_counted_once():
    finals = [Transcript(text=text) for text in ("How old.", "How old. are you?", "Tell me.")]
    assert Hearing(finals, 0.1, 0.0, 0.0, 1.0).text == "How old. are you? Tell me."
    assert Hearing([], None, 0.0, 0.0, 1.0).text == ""


def test_room_tone_sounds_like_the_quietest_part_of_a_recording():
    rng = np.random.default_rng(0)
    sound = np.concatenate([rng.normal(0, 0.1, 8_000), rng.normal(0, 0.001, 4_000)]).astype(np.float32)
    tone = room_tone(sound, 1.0, seed=1)
    assert len(tone) == 16_000
    assert np.sqrt(np.square(tone).mean()) == pytest.approx(0.001, rel=0.2)


def test_a_data_folder_without_speech_is_one_clear_error(tmp_path, monkeypatch):
    with pytest.raises(MioError, match="MIO_DATA"):
        data_folder(tmp_path)
    monkeypatch.delenv("MIO_DATA", raising=False)
    assert data_folder(None) is None


@pytest.mark.slow
def test_the_benchmark_runs_and_gives_its_figures(tmp_path, monkeypatch):
    monkeypatch.delenv("MIO_DATA", raising=False)
    parser = argparse.ArgumentParser()
    hearing.add_arguments(parser)
    report = Report("hearing", Console(file=StringIO()))
    hearing.run(parser.parse_args(["--questions", "1", "--engines", "moonshine"]), report)
    assert {"right_moonshine", "word_error_rate_moonshine", "end_to_transcript_moonshine_p50_ms"} <= set(report.figures)
    assert any("MIO_DATA" in note for note in report.notes)
