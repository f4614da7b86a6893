from pathlib import Path

import numpy as np
import pytest

from mio.errors import ConfigError
from nodes.talker.text.pronunciation import MARKS, Spelled
from nodes.talker.training.labels import Aligned, Label, align, read_labels, with_pauses
from nodes.talker.training.speech_set import SpeechSet


def test_a_set_is_aligned_and_read_again(speech: SpeechSet, tmp_path: Path) -> None:
    assert align(speech, tmp_path, lambda _: None) == (4, 4)
    aligned = read_labels(tmp_path)
    for one in aligned.values():
        starts = [label.start for label in one.labels]
        assert one.steps == 120 and starts[0] == 0 and starts == sorted(starts)
        assert [label.phone for label in one.labels if label.phone]
        assert sum(label.begins_word for label in one.labels) == 3


def test_labels_say_what_is_spoken_in_the_middle_of_every_20_ms() -> None:
    aligned = Aligned([Label(0, 0), Label(7, 4), Label(9, 9)], 14)
    assert aligned.per_feature(7).tolist() == [0, 0, 7, 7, 9, 9, 9]
    assert aligned.per_feature(9).dtype == np.uint8


def test_every_word_may_have_a_pause_before_it() -> None:
    spelled = [Spelled("sil"), Spelled("a", 1, True), Spelled("p"), Spelled("i", 0, True), Spelled("sil", mark=".")]
    assert [phone.symbol for phone in with_pauses(spelled)] == ["sil", "a", "p", "sil", "i", "sil"]
    assert with_pauses(spelled)[-1].mark in MARKS


def test_labels_that_were_not_made_are_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="run the stage labels first"):
        read_labels(tmp_path)
    (tmp_path / "labels.json").write_text("[]")
    with pytest.raises(ConfigError, match="run the stage labels first"):
        read_labels(tmp_path)
