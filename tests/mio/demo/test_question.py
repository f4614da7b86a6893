from pathlib import Path

import numpy as np
import pytest
import soundfile

from mio.audio import write_wav
from mio.character import read_character
from mio.demo.question import draw_question, question_from_file
from mio.errors import MioError
from mio.paths import share

MARA = share("characters", "mara")


def test_the_drawn_question_is_not_among_the_examples_and_can_be_heard(tmp_path: Path) -> None:
    question = draw_question(MARA, 3, tmp_path / "q.wav")
    entries = {entry.id: entry for entry in read_character(MARA).knowledge().entries}
    assert question.text not in entries[question.entry].questions
    samples, rate = soundfile.read(question.sound)
    assert len(samples) / rate == pytest.approx(question.duration_s, abs=0.01)
    assert np.abs(samples).max() > 0.1


def test_draws_repeat_with_the_seed_and_vary_without(tmp_path: Path) -> None:
    texts = [draw_question(MARA, seed, tmp_path / "q.wav").text for seed in (5, 5, 6, 7, 8)]
    assert texts[0] == texts[1]
    assert len(set(texts)) >= 3


def test_a_recording_in_any_format_becomes_16_khz_mono(tmp_path: Path) -> None:
    stereo = np.stack([np.sin(np.arange(44_100) / 20)] * 2, axis=1) * 0.4
    soundfile.write(tmp_path / "mine.flac", stereo, 44_100)
    question = question_from_file(tmp_path / "mine.flac", tmp_path / "q.wav")
    info = soundfile.info(question.sound)
    assert (info.samplerate, info.channels) == (16_000, 1)
    assert question.duration_s == pytest.approx(1.0, abs=0.01)


def test_silence_and_speeches_are_no_questions(tmp_path: Path) -> None:
    write_wav(tmp_path / "silence.wav", np.zeros(16_000, np.float32), 16_000)
    with pytest.raises(MioError, match="only silence"):
        question_from_file(tmp_path / "silence.wav", tmp_path / "q.wav")
    write_wav(tmp_path / "speech.wav", np.full(600 * 16_000, 0.1, np.float32), 16_000)
    with pytest.raises(MioError, match="longer than 120 s -> cut it"):
        question_from_file(tmp_path / "speech.wav", tmp_path / "q.wav")
