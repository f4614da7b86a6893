"""Speech to text with faster-whisper, for users who have weights."""

import importlib
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from mio.errors import MioError
from nodes.listener.config import WhisperConfig
from nodes.listener.recognition import NOTHING, Hypothesis, Recognition, Recognizing, Section, without_repeats

FloatArray = npt.NDArray[np.float32]

REQUIREMENT = "faster-whisper>=1.1"
_NO_SPEECH = 0.6  # Whisper's own threshold


class _Segment(Protocol):
    text: str
    avg_logprob: float
    no_speech_prob: float


class _Info(Protocol):
    language: str


class WhisperModel(Protocol):
    """What is used of ``faster_whisper.WhisperModel``."""

    def transcribe(self, audio: FloatArray, **options: Any) -> tuple[Iterable[_Segment], _Info]:
        """Segments, recognised as they are taken, and the language."""
        ...


class _Heard(NamedTuple):
    text: str
    log_probability: float


class Whisper:
    """The engine ``whisper``. One pass per section, when the voice pauses; it has no alternatives.

    Attributes:
        partial_every_s: See :class:`~nodes.listener.recognition.Recognizer`.
        longest_s: The same.
    """

    partial_every_s = 0.0
    longest_s = 28.0

    def __init__(self, config: WhisperConfig, model: WhisperModel) -> None:
        self._config = config
        self._model = model

    def recognize(self, section: Section, draft: Recognition, *, settled: bool) -> Recognizing:
        """See :class:`~nodes.listener.recognition.Recognizer`."""
        segments, info = self._model.transcribe(
            section.sound,
            language=self._config.language,
            beam_size=self._config.beams,
            condition_on_previous_text=False,
            without_timestamps=True,
        )
        heard: list[_Heard] = []
        for segment in segments:
            if segment.no_speech_prob < _NO_SPEECH:
                heard.append(_Heard(segment.text.strip(), segment.avg_logprob))
            yield
        text = without_repeats(" ".join(part.text for part in heard))
        if not any(character.isalnum() for character in text):
            return NOTHING
        mean = sum(part.log_probability for part in heard) / len(heard)
        return Recognition((Hypothesis(text, mean),), min(1.0, math.exp(mean)), info.language)


def model_folder(config: WhisperConfig) -> Path:
    """The folder with the user's weights.

    Raises:
        MioError: If there are none.
    """
    remedy = "set listener.whisper.model to a folder with a CTranslate2 Whisper model, or listener.engine to moonshine"
    if config.model is None:
        raise MioError("the engine 'whisper' needs weights", remedy)
    if not (config.model / "model.bin").is_file():
        raise MioError(f"no Whisper model at {config.model}: model.bin is missing", remedy)
    return config.model


def build_whisper(config: WhisperConfig) -> Whisper:
    """The engine with the user's weights.

    Raises:
        MioError: If there are none, or faster-whisper is not installed.
    """
    folder = model_folder(config)
    try:
        package: Any = importlib.import_module("faster_whisper")
    except ImportError as error:
        raise MioError("the engine 'whisper' needs faster-whisper", f"pip install '{REQUIREMENT}'") from error
    try:
        model = package.WhisperModel(str(folder), device=config.device, compute_type=config.compute_type, cpu_threads=1)
    except (RuntimeError, ValueError, OSError) as error:
        raise MioError(f"{folder}: {error}", "check the model's files, device and compute_type") from error
    return Whisper(config, model)
