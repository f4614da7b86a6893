import io
from argparse import ArgumentParser
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from mio.bench import tts
from mio.bench._codec_quality import ClosedRecogniser
from mio.bench.report import Report
from mio.contracts.rates import SPEECH_HZ
from mio.espeak import speak
from nodes.talker.models.testing import write_untrained_voice

pytest.importorskip("espeakng_loader")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Options that name networks which have learned nothing."""
    codec, lm = write_untrained_voice(tmp_path_factory.mktemp("weights"))
    return ["--codec", str(codec), "--language-model", str(lm)]


def report_of(module: object, name: str, options: list[str]) -> Report:
    parser = ArgumentParser()
    module.add_arguments(parser)  # type: ignore[attr-defined]
    report = Report(name, Console(file=io.StringIO()))
    module.run(parser.parse_args(options), report)  # type: ignore[attr-defined]
    return report


def test_there_are_a_hundred_different_sentences_of_each_language() -> None:
    assert {lang: len(set(texts)) for lang, texts in tts.unseen_sentences().items()} == {"en": 100, "de": 100}


def test_voices_and_emotions_are_compared(weights: list[str], tmp_path: Path) -> None:
    report = report_of(tts, "tts", [*weights, "--sentences", "1", "--emotional", "1", "--keep", str(tmp_path)])
    rows = {(row["language"], row["voice"]): row for row in report.tables["voices"]}
    assert rows.keys() == {(lang, voice) for lang in ("en", "de") for voice in ("kodama", "espeak")}
    assert "misheard_closed" not in rows["de", "kodama"]
    assert report.figures["misheard_closed_en"] > 0.5
    emotions = {(row["voice"], row["emotion"]): row for row in report.tables["emotions"]}
    assert len(emotions) == 22 and emotions["kodama", "neutral"]["pitch_st"] == "+0.0 (+0.0)"
    assert report.figures["espeak_pitch_follows_emotion"] > 0.8 and report.figures["espeak_rate_follows_emotion"] > 0.8
    assert report.figures["kodama_energy_follows_emotion"] > 0.5
    assert len(list(tmp_path.glob("*.wav"))) == 4 and {path.stem for path in tmp_path.glob("*.png")} == {"en-0", "de-0"}


def test_a_recogniser_without_an_order_of_words_hears_them_in_any() -> None:
    samples, rate = speak("home walk would she", "en-us", rate_wpm=150)[:2]
    sound = np.interp(np.arange(0, len(samples), rate / SPEECH_HZ), np.arange(len(samples)), samples).astype(np.float32)
    sentences = ["she would walk home", "black swans came down the river"]
    assert "home" in ClosedRecogniser(sentences, in_any_order=True).hear(sound).split()[:1]


def test_a_phone_is_meant_from_its_beginning_to_the_next() -> None:
    meant = tts.phones_meant([("a", 0, 0.02), ("sil", 0, 0.06), ("p", 1, 0.1)], 7)
    assert (meant > 0).tolist() == [False, True, True, False, False, True, True]
