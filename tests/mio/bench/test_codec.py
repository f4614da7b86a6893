import argparse
import io
from pathlib import Path

import msgspec
import numpy as np
import pytest
import soxr
from rich.console import Console

from mio.bench import codec
from mio.bench._codec_quality import ClosedRecogniser, quality, si_sdr_db
from mio.bench._speech_set import Recorded
from mio.bench.report import Report
from mio.contracts.rates import SPEECH_HZ
from mio.espeak import Espeak
from nodes.talker.models.codec.codec import VoiceCodec, read_codec, write_codec
from nodes.talker.models.testing import write_untrained_voice

TEXT = "the quick brown fox jumps over the lazy dog"


@pytest.fixture(scope="module")
def spoken() -> np.ndarray:
    said = Espeak.shared().synthesize(TEXT, "en-us", rate_wpm=150)
    return np.asarray(soxr.resample(said.samples, said.sample_rate, SPEECH_HZ), np.float32)


def test_a_voice_left_as_it_is_has_the_best_figures_and_noise_worsens_all(spoken: np.ndarray) -> None:
    noise = np.random.default_rng(0).normal(size=len(spoken)).astype(np.float32) * np.abs(spoken).std()
    same, weak, strong = (quality(spoken, spoken + share * noise) for share in (0.0, 0.05, 0.5))
    assert same.pesq > 4.5 and same.stoi > 0.99 and same.mel_db == 0.0
    assert same.pesq > weak.pesq > strong.pesq
    assert same.stoi > weak.stoi > strong.stoi
    assert same.si_sdr_db > weak.si_sdr_db > strong.si_sdr_db
    assert weak.mel_db < strong.mel_db


def test_distortion_is_counted_whatever_the_scale() -> None:
    rng = np.random.default_rng(1)
    truth, noise = rng.normal(size=(2, 100_000)).astype(np.float32)
    assert si_sdr_db(truth, truth + 0.1 * noise) == pytest.approx(20.0, abs=0.2)
    assert si_sdr_db(truth, 3 * (truth + 0.1 * noise)) == pytest.approx(20.0, abs=0.2)


def test_other_codecs_are_measured_whole_and_with_two_codes(
    spoken: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pocketsphinx")
    shipped, _ = write_untrained_voice(tmp_path)
    lesser = VoiceCodec(msgspec.structs.replace(read_codec(shipped).size, semantic=False))
    write_codec(tmp_path / "lesser", lesser.eval())

    def recorded(*_: object) -> list[Recorded]:
        return [Recorded("ada", TEXT, spoken)]

    def unchanged(sound: np.ndarray, bits_per_s: int) -> tuple[np.ndarray, int]:
        return sound, bits_per_s

    monkeypatch.setattr(codec, "recordings", recorded)
    monkeypatch.setattr(codec, "data_folder", Path)
    monkeypatch.setattr(codec, "through_opus", unchanged)
    parser = argparse.ArgumentParser()
    codec.add_arguments(parser)
    named = ["--data", str(tmp_path), "--weights", str(shipped), "--judge", str(tmp_path / "none")]
    report = Report("codec", Console(file=io.StringIO()))
    codec.run(parser.parse_args([*named, "--arm", f"lesser={tmp_path / 'lesser'}"]), report)
    rows = {(row["coded_by"], row["voice"]): row for row in report.tables["quality"]}
    assert rows["lesser", "kathleen"]["bits_per_s"] == 1_000
    assert rows["lesser, 2 codes only", "kathleen"]["bits_per_s"] == 250
    assert rows["lesser", "kathleen"]["mel_db"] != rows["codec", "kathleen"]["mel_db"]
    assert rows["opus 6 kbit/s", "kerstin"]["mel_db"] == "0.00"
    assert "misheard_unigram" in rows["real", "kathleen"] and "misheard_unigram" not in rows["real", "kerstin"]


def test_words_are_heard_among_those_that_are_read(spoken: np.ndarray) -> None:
    pytest.importorskip("pocketsphinx")
    recogniser = ClosedRecogniser([TEXT, "a house stands on the hill"])
    assert recogniser.knows(TEXT) and not recogniser.knows("grmblfx")
    heard = set(recogniser.hear(spoken).split())
    assert heard <= {*TEXT.split(), "a", "house", "stands", "on", "hill"}
    assert len(heard & set(TEXT.split())) >= 3
