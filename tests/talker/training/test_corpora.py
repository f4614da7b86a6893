from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mio.errors import ConfigError
from nodes.talker.training.command import voices_of
from nodes.talker.training.corpora import readings, split_of
from nodes.talker.training.speech_set import SpeechSet, Utterance, build_speech, read_speech

TEXTS = ("Nine pale geese.", "Then, at last, rain!")


def recorded(path: Path, rate: int = 22_050) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, 0.2 * np.sin(np.arange(rate) / rate * 2 * np.pi * 150), rate)


def ljspeech(folder: Path) -> list[tuple[str, str, str]]:
    lines = [f"LJ1-{k}|raw {k}|{text}" for k, text in enumerate(TEXTS)]
    (folder / "metadata.csv").write_text("\n".join([*lines, "LJ1-2|No 2"]) + "\n", encoding="utf-8")
    for number in range(3):
        recorded(folder / "wavs" / f"LJ1-{number}.wav")
    return [*((f"LJ1-{k}", "my-voice-1-1", text) for k, text in enumerate(TEXTS)), ("LJ1-2", "my-voice-1-1", "No 2")]


def libritts(folder: Path) -> list[tuple[str, str, str]]:
    chapter = folder / "train-clean" / "84" / "121123"
    for number, text in enumerate(TEXTS):
        recorded(chapter / f"84_121123_{number}.wav", 24_000)
        (chapter / f"84_121123_{number}.normalized.txt").write_text(text + "\n", encoding="utf-8")
        (chapter / f"84_121123_{number}.original.txt").write_text("other", encoding="utf-8")
    return [(f"84_121123_{k}", "84", text) for k, text in enumerate(TEXTS)]


def common_voice(folder: Path) -> list[tuple[str, str, str]]:
    rows = ["client_id\tpath\tsentence\tlocale", *(f"{'ab' * 64}\tcv{k}.mp3\t{t}\tde" for k, t in enumerate(TEXTS))]
    (folder / "validated.tsv").write_text("\n".join([*rows, f"{'ab' * 64}\tcv9.mp3\t\tde"]) + "\n", encoding="utf-8")
    for number in range(2):
        recorded(folder / "clips" / f"cv{number}.mp3", 48_000)
    return [(f"cv{k}", "abababab", text) for k, text in enumerate(TEXTS)]


@pytest.mark.parametrize("form", [ljspeech, libritts, common_voice])
def test_published_forms_of_speech_become_a_set_to_learn_from(
    form: Callable[[Path], list[tuple[str, str, str]]], tmp_path: Path
) -> None:
    corpus = tmp_path / "My Voice-1.1"
    corpus.mkdir()
    wanted = form(corpus)
    assert [(r.id, r.speaker, r.text) for r in readings(corpus, "en")] == wanted
    said: list[str] = []
    build_speech(corpus, tmp_path / "out", said.append)
    speech = read_speech(tmp_path / "out")
    assert [u.id for u in speech.utterances] == [name for name, _, _ in wanted]
    assert {u.lang for u in speech.utterances} == {"de" if form is common_voice else "en"}
    assert all(u.samples == pytest.approx(24_000, abs=2_500) for u in speech.utterances)
    assert all(np.abs(speech.sound(u)).max() > 0.05 for u in speech.utterances)
    assert said[-1].startswith(f"{len(wanted)} of {len(wanted)} recordings")
    assert voices_of(speech) == (wanted[0][1],)


def test_a_recording_that_cannot_be_read_is_left_out_and_told(tmp_path: Path) -> None:
    ljspeech(tmp_path)
    (tmp_path / "wavs" / "LJ1-0.wav").write_bytes(b"no sound")
    (tmp_path / "wavs" / "LJ1-2.wav").unlink()
    said: list[str] = []
    build_speech(tmp_path, tmp_path / "out", said.append)
    assert [u.id for u in read_speech(tmp_path / "out").utterances] == ["LJ1-1"]
    assert sum(line.startswith("left out: ") for line in said) == 2
    (tmp_path / "wavs" / "LJ1-1.wav").unlink()
    with pytest.raises(ConfigError, match="none of its 3 recordings"):
        build_speech(tmp_path, tmp_path / "out", said.append)


def test_a_folder_without_speech_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no speech of a known form -> expected .*metadata\.csv"):
        readings(tmp_path, "en")
    (tmp_path / "clips").mkdir()
    (tmp_path / "validated.tsv").write_text("other\n1\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="path.* -> take the corpus as it was published"):
        readings(tmp_path, "en")


def test_the_same_words_are_in_the_same_split_whoever_reads_them_and_few_are_held_out() -> None:
    assert split_of("Nine pale geese!") == split_of(" nine  PALE geese")
    splits = [split_of(f"sentence {number}") for number in range(4_000)]
    assert 0.01 < splits.count("test") / 4_000 < 0.03 and 0.01 < splits.count("val") / 4_000 < 0.03


def test_voices_are_those_with_ten_minutes_and_this_projects_own_first() -> None:
    def said(who: str, minutes: int, split: str = "train") -> Utterance:
        return Utterance(who, who, "en", split, "a", 0, minutes * 60 * 24_000)

    short, long, other = said("bo", 3), said("ann", 11), said("cy", 12)
    nothing = np.zeros(0, np.int16)
    assert voices_of(SpeechSet([short, other, long, said("di", 50, "val")], nothing)) == ("ann", "cy")
    assert voices_of(SpeechSet([short], nothing)) == ("bo",)
    assert voices_of(SpeechSet([long, said("kathleen", 1)], nothing)) == ("kathleen", "kerstin")
