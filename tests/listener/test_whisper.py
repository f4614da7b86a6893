from types import SimpleNamespace

import numpy as np
import pytest

from mio.errors import MioError
from nodes.listener.config import ListenerConfig, WhisperConfig
from nodes.listener.engine import build_engine
from nodes.listener.recognition import NOTHING, Section
from nodes.listener.whisper import Whisper, build_whisper


class FakeModel:
    """Stands where faster-whisper's model stands."""

    def __init__(self, *segments: tuple[str, float, float], language: str = "en") -> None:
        self.segments = [SimpleNamespace(text=t, avg_logprob=p, no_speech_prob=n) for t, p, n in segments]
        self.language = language
        self.options: dict[str, object] = {}

    def transcribe(self, audio, **options):
        self.options = options
        return iter(self.segments), SimpleNamespace(language=self.language)


def recognize(model: FakeModel, config: WhisperConfig | None = None):
    sound = np.zeros(16_000, np.float32)
    work = Whisper(config or WhisperConfig(), model).recognize(Section(0, sound), NOTHING, settled=True)
    steps = 0
    while True:
        try:
            next(work)
            steps += 1
        except StopIteration as end:
            return end.value, steps


def test_segments_are_joined_and_their_language_is_kept():
    recognition, steps = recognize(FakeModel((" Wie alt", -0.1, 0.0), (" bist du?", -0.3, 0.1), language="de"))
    assert recognition.text == "Wie alt bist du?"
    assert recognition.language == "de"
    assert recognition.confidence == pytest.approx(np.exp(-0.2))
    assert steps == 2


def test_segments_without_speech_are_left_out():
    assert recognize(FakeModel((" Thank you.", -0.2, 0.9)))[0] == NOTHING
    assert recognize(FakeModel((" ...", -0.2, 0.1)))[0] == NOTHING
    assert recognize(FakeModel())[0] == NOTHING


def test_the_configuration_reaches_the_model():
    model = FakeModel()
    recognize(model, WhisperConfig(language=None, beams=4))
    assert (model.options["language"], model.options["beam_size"]) == (None, 4)


def test_missing_weights_are_one_clear_error(tmp_path):
    with pytest.raises(MioError, match="listener.whisper.model"):
        build_engine(ListenerConfig(engine="whisper"))
    with pytest.raises(MioError, match="model.bin is missing"):
        build_whisper(WhisperConfig(model=tmp_path))


def test_a_missing_package_is_one_clear_error(tmp_path, monkeypatch):
    (tmp_path / "model.bin").write_bytes(b"")
    monkeypatch.setitem(__import__("sys").modules, "faster_whisper", None)
    with pytest.raises(MioError, match="pip install 'faster-whisper>=1.1'"):
        build_whisper(WhisperConfig(model=tmp_path))


def test_weights_that_do_not_load_are_one_clear_error(tmp_path, monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("unsupported model version")

    (tmp_path / "model.bin").write_bytes(b"")
    monkeypatch.setitem(__import__("sys").modules, "faster_whisper", SimpleNamespace(WhisperModel=refuse))
    with pytest.raises(MioError, match="unsupported model version"):
        build_whisper(WhisperConfig(model=tmp_path))
