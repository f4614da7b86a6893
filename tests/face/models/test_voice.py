import numpy as np
import pytest
import torch

from mio.nn.testing import inputs
from nodes.face.models.columns import modelled, refilled
from nodes.face.models.sizes import VoiceSize
from nodes.face.models.voice import MELS, SILENT, MelStream, VoiceEncoder, log_mel, louder


def a_tone(rate: int, hz: float, seconds: float = 0.5) -> np.ndarray:
    return (0.3 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


@pytest.mark.parametrize("rate", [16_000, 24_000])
def test_a_tone_is_loudest_in_one_band_whatever_the_sample_rate(rate: int) -> None:
    mel = log_mel(a_tone(rate, 1_000.0), rate)
    assert mel.shape == (50, MELS)
    reference = log_mel(a_tone(16_000, 1_000.0), 16_000)
    assert mel[25].argmax() == reference[25].argmax()
    np.testing.assert_allclose(mel[25].max(), reference[25].max(), atol=0.05)
    assert log_mel(np.zeros(rate, np.float32), rate).max() == SILENT


@pytest.mark.parametrize("cuts", [(1, 333, 4_000), (160, 320, 480), (12_000,)])
def test_sound_in_pieces_gives_the_same_energies_as_at_once(cuts: tuple[int, ...]) -> None:
    sound = a_tone(24_000, 500.0) * np.linspace(0, 1, 12_000).astype(np.float32)
    stream = MelStream(24_000)
    pieces = [stream.hear(piece) for piece in np.split(sound, cuts)]
    streamed = np.concatenate(pieces)
    assert len(streamed) >= 48
    np.testing.assert_allclose(streamed, log_mel(sound, 24_000)[: len(streamed)], atol=1e-5)


def test_a_louder_voice_is_the_voice_of_louder_sound() -> None:
    sound = a_tone(16_000, 700.0)
    np.testing.assert_allclose(
        louder(log_mel(0.1 * sound, 16_000), 20.0)[25].max(), log_mel(sound, 16_000)[25].max(), atol=1e-3
    )


@torch.no_grad()
def test_what_is_not_known_yet_changes_no_feature() -> None:
    encoder = VoiceEncoder(VoiceSize(width=8, layers=2)).eval()
    known = (torch.arange(40) < 24).float()[None]
    mel = inputs("mel", 1, 40, MELS)
    changed = mel.clone()
    changed[:, 24:] += 1.0
    features = encoder(mel, known)
    assert features.shape == (1, 20, 8)
    assert torch.equal(features, encoder(changed, known))
    assert not features[:, 12:].any()


def test_a_frame_survives_leaving_out_what_is_always_zero() -> None:
    frames = inputs("frames", 3, 112)
    frames[:, [104, 105, 108, 111]] = 0.0
    assert modelled(frames).shape == (3, 108)
    assert torch.equal(refilled(modelled(frames)), frames)
