import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from nodes.talker.models.codec.sizes import CodecSize
from nodes.talker.models.testing import SMALL_CODEC
from nodes.talker.training.labels import Aligned, Label
from nodes.talker.training.speech_set import SpeechSet, Utterance

RATE = 24_000


@pytest.fixture(scope="session")
def size() -> CodecSize:
    torch.set_num_threads(1)
    return SMALL_CODEC


def voice(pitch_hz: float, seconds: float, seed: int) -> np.ndarray:
    """A buzz whose loudness and timbre change."""
    times = np.arange(round(seconds * RATE)) / RATE
    rng = np.random.default_rng(seed)
    bright = 0.5 + 0.4 * np.sin(2 * np.pi * 1.7 * times)
    tones = [bright ** (k / 3) * np.sin(2 * np.pi * k * pitch_hz * times) / k for k in range(1, 9)]
    return (0.1 * np.sum(tones, 0) + 1e-3 * rng.normal(size=len(times))).astype(np.float32)


@pytest.fixture(scope="session")
def speech() -> SpeechSet:
    """Three utterances of three tones each; one more for validation."""
    utterances, sounds, at = list[Utterance](), list[np.ndarray](), 0
    for number, split in enumerate(("train", "train", "train", "val")):
        sound = np.concatenate([voice(110 + 90 * k, 0.4, 7 * number + k) for k in range(3)])
        utterances.append(Utterance(f"u{number}", "ada", "en", split, "a b c", at, len(sound)))
        sounds.append(np.round(sound * 32_767).astype(np.int16))
        at += len(sound)
    return SpeechSet(utterances, np.concatenate(sounds))


@pytest.fixture(scope="session")
def aligned(speech: SpeechSet) -> dict[str, Aligned]:
    """A phone for each of the tones."""
    labels = [Label(0, 0), *(Label(phone, 40 * k, begins_word=True) for k, phone in enumerate((3, 9, 20)))]
    return {utterance.id: Aligned(labels, 120) for utterance in speech.utterances}


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with one tar of wav files at two rates."""
    folder = tmp_path_factory.mktemp("data") / "speech"
    folder.mkdir()
    rows: list[dict[str, object]] = []
    with tarfile.open(folder / "en_ada.tar", "w") as tar:
        for number, (name, rate) in enumerate((("one", 24_000), ("arctic_a0004_1592748478", 24_000), ("two", 16_000))):
            content = io.BytesIO()
            sound = 0.3 * np.sin(np.arange(rate) / rate * 2 * np.pi * 150)
            soundfile.write(content, sound, rate, format="WAV")
            about = tarfile.TarInfo(name)
            about.size = content.tell()
            content.seek(0)
            offset = tar.offset + tarfile.BLOCKSIZE
            tar.addfile(about, content)
            rows.append({"id": name, "speaker": "ada", "lang": "en", "text": "No, no.", "split": "train"})
            rows[number] |= {"tar": "en_ada.tar", "offset": offset, "size": about.size}
    (folder / "manifest.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder.parent
