import numpy as np
import pytest
import torch
from torch import nn

from mio.bench._speaker_similarity import SpeakerEncoder

RATE = 24_000


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> SpeakerEncoder:
    """Of a file as the package has it, that has learned nothing."""
    torch.manual_seed(0)
    lstm, last = nn.LSTM(40, 256, 3, batch_first=True), nn.Linear(256, 256)
    state = {f"lstm.{name}": weight for name, weight in lstm.state_dict().items()}
    state |= {f"linear.{name}": weight for name, weight in last.state_dict().items()}
    state |= {"similarity_weight": torch.ones(1), "similarity_bias": torch.zeros(1)}
    path = tmp_path_factory.mktemp("package") / "pretrained.pt"
    torch.save({"model_state": state, "step": 1}, path)
    return SpeakerEncoder(path)


def voice(hz: float, seconds: float) -> np.ndarray:
    times = np.arange(round(seconds * RATE)) / RATE
    return np.sum([0.1 / k * np.sin(2 * np.pi * hz * k * times) for k in range(1, 20)], 0).astype(np.float32)


@pytest.mark.parametrize("seconds", [0.4, 1.7, 3.9])
def test_a_voice_is_like_itself_and_less_like_another(encoder: SpeakerEncoder, seconds: float) -> None:
    assert encoder.similarity(voice(120, seconds), voice(120, seconds)) == pytest.approx(1.0, abs=1e-5)
    if seconds > 1:  # the rest of a stretch is silence, after which a network that has learned nothing forgets
        assert encoder.similarity(voice(120, seconds), voice(230, seconds)) < 1 - 1e-6


def test_all_of_a_sentence_counts(encoder: SpeakerEncoder) -> None:
    first = voice(120, 4.0)
    changed = np.concatenate((first[: 2 * RATE], voice(230, 2.0)))
    assert encoder.similarity(first, changed) < 1 - 1e-6


def test_bands_are_those_that_the_weights_were_learned_with(encoder: SpeakerEncoder) -> None:
    """Numbers of librosa 0.11's ``melspectrogram`` (n_fft 400, hop 160, 40 bands at 16 kHz), which the package uses."""
    times = np.arange(3_200) / 16_000
    tones = 0.1 * np.sin(2 * np.pi * 440 * times) + 0.05 * np.sin(2 * np.pi * 3_000 * times)
    mel = encoder.mel(torch.from_numpy(tones.astype(np.float32)))
    assert mel.shape == (21, 40) and float(mel.sum()) == pytest.approx(44.061, rel=1e-3)
    wanted = {4: 0.21757, 5: 1.643109, 6: 0.178192, 27: 0.148187, 28: 0.013287}
    assert {band: float(mel[10, band]) for band in wanted} == pytest.approx(wanted, rel=1e-3)
