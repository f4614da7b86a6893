from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from mio.errors import ConfigError
from nodes.talker.models.codec.sizes import CodecSize
from nodes.talker.training.crops import Crops
from nodes.talker.training.speech_set import (
    NUMBERS,
    SpeechSet,
    build_speech,
    held_out_splits,
    normalised,
    read_speech,
)


def test_a_set_is_decoded_at_one_rate_and_loudness(data: Path, tmp_path: Path) -> None:
    said: list[str] = []
    build_speech(data, tmp_path, said.append)
    speech = read_speech(tmp_path)
    assert said == ["3 of 3 recordings, 0.00 h"]
    assert [u.samples for u in speech.utterances] == [24_000] * 3
    for utterance in speech.utterances:
        level = np.sqrt(np.square(speech.sound(utterance)).mean())
        assert 20 * np.log10(level) == pytest.approx(-24.0, abs=0.1)


def test_what_is_held_out_is_never_learned_from_whatever_the_manifest_says(data: Path, tmp_path: Path) -> None:
    build_speech(data, tmp_path, lambda _: None)
    splits = {u.id: u.split for u in read_speech(tmp_path).utterances}
    held_out = held_out_splits()
    assert splits == {"one": "train", "arctic_a0004_1592748478": held_out["arctic_a0004_1592748478"], "two": "train"}
    assert set(held_out.values()) == {"val", "test"}


def test_a_missing_set_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no speech of a known form -> expected .*manifest\.jsonl"):
        build_speech(tmp_path, tmp_path / "out", print)
    with pytest.raises(ConfigError, match="run the stage data first"):
        read_speech(tmp_path)


def test_loudness_leaves_peaks_whole() -> None:
    click = np.zeros(24_000, np.float32)
    click[5] = 0.5
    assert np.abs(normalised(click)).max() == pytest.approx(0.95)
    assert not normalised(np.zeros(10, np.float32)).any()


def test_crops_come_from_the_split_and_mostly_from_the_wanted_voices(speech: SpeechSet) -> None:
    others = [u.__class__(u.id, "bob", *(getattr(u, f) for f in u.__struct_fields__[2:])) for u in speech.utterances]
    both = SpeechSet([*speech.utterances, *others], speech.samples)
    crops = Crops(both, "train", ("ada",), others=0.25)
    rng = np.random.default_rng(0)
    assert crops.draw(3, 4, rng).shape == (3, 1, 4 * 1_920)
    share = Counter(u.speaker for u in crops._utterances)
    assert share == {"ada": 3, "bob": 3}
    assert crops._chances[:3].sum() == pytest.approx(0.75)
    long = crops.draw(1, 30, rng)
    assert not long[0, 0, -1_920:].any()


def test_the_recogniser_tells_as_many_phones_apart_as_there_are() -> None:
    assert CodecSize().phones == len(NUMBERS)
    assert NUMBERS["sil"] == 0
