import msgspec
import numpy as np
import pytest
import torch

from mio.measure.pitch import pitch_hz
from nodes.talker.models.codec.codec import VoiceCodec, decoded
from nodes.talker.models.codec.harmonics import HarmonicSource
from nodes.talker.models.codec.vocos import HOP, WINDOW, InverseTransform, VocosDecoder
from nodes.talker.models.testing import SMALL_CODEC
from nodes.talker.training.codec import CodecTraining, SoundTrainee
from nodes.talker.training.crops import Crops
from nodes.talker.training.losses import pitch_distance, pitch_labels
from nodes.talker.training.speech_set import SpeechSet

SIZE = msgspec.structs.replace(SMALL_CODEC, excitation="harmonics")


@pytest.mark.parametrize("hz", [95.0, 210.0, 380.0])
def test_harmonics_have_their_pitch_and_equal_strength_and_go_on_without_a_click(hz: float) -> None:
    octaves = torch.full((1, 90), float(np.log2(hz / 150)))
    spectra = HarmonicSource(WINDOW, HOP, "s")(octaves, {})
    sound = InverseTransform("i")(spectra, {})[0].numpy()[WINDOW:-WINDOW]
    assert np.median(pitch_hz(sound, 24_000)) == pytest.approx(hz, rel=0.01)
    strength = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    bins = np.round(np.arange(1, int(5_900 / hz)) * hz * len(sound) / 24_000).astype(int)
    peaks = np.array([strength[k - 1 : k + 2].max() for k in bins])
    assert peaks.min() > 0.7 * peaks.max()
    between = np.array([strength[k + (bins[0] // 2)] for k in bins[:-1]])
    assert between.max() < 0.02 * peaks.min()


def test_a_pitch_that_moves_in_pieces_is_that_of_the_whole() -> None:
    octaves = torch.linspace(-0.5, 0.7, 24)[None]
    source = HarmonicSource(WINDOW, HOP, "s")
    past: dict[str, torch.Tensor] = {}
    pieces = torch.cat([source(piece, past) for piece in octaves.split([6, 12, 6], 1)], 2)
    torch.testing.assert_close(pieces, source(octaves, {}), atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_a_decoder_with_harmonics_streams_as_one_without() -> None:
    torch.manual_seed(0)
    codec = VoiceCodec(SIZE).eval()
    codes = np.random.default_rng(0).integers(0, 1_024, (7, 8)).astype(np.int16)
    frames = codec.tokenizer.frames(torch.from_numpy(codes.astype(np.int64)).T[None])
    np.testing.assert_allclose(decoded(codec, codes), codec.tokenizer.voice.whole(frames).sound[0, 0], atol=1e-3)
    plain = VocosDecoder(msgspec.structs.replace(SIZE, excitation="none"))
    assert not any("source" in name or "pitch" in name for name in plain.state_dict())


def test_high_harmonics_follow_a_pitch_that_moves() -> None:
    octaves = (torch.linspace(0, 1, 75) + 0.1 * torch.sin(torch.arange(75) / 3))[None]
    sound = InverseTransform("i")(HarmonicSource(WINDOW, HOP, "s")(octaves, {}), {})[0].numpy()
    times = np.arange(len(sound)) / HOP - 4  # the window whose end is here
    hz = 150 * np.exp2(np.interp(times, np.arange(75), octaves[0].numpy()))
    angle = 2 * np.pi * np.cumsum(hz) / 24_000
    inside = slice(8 * HOP, -8 * HOP)
    for number in (1, 8):
        share = np.abs(np.mean(sound[inside] * np.exp(-1j * number * angle[inside])))
        assert share * WINDOW / 4 == pytest.approx(0.5, abs=0.02)


def test_the_real_pitch_is_known_at_the_end_of_each_spectrum() -> None:
    times = np.arange(24_000) / 24_000
    buzz = sum(np.sin(2 * np.pi * 300 * k * times) / k for k in range(1, 6))
    wave = torch.from_numpy(np.stack([0.1 * buzz, np.zeros(24_000)])).float()[:, None]
    wanted = pitch_labels(wave)
    assert wanted.octaves.shape == (2, 81)  # the sound comes six spectra late
    assert bool(wanted.voiced[0, 5:75].all()) and not bool(wanted.voiced[1].any())
    torch.testing.assert_close(wanted.octaves[0], torch.ones(81), atol=0.02, rtol=0)
    off = pitch_distance(wanted._replace(octaves=wanted.octaves + 0.25), wanted)
    assert float(off["said_st"]) == pytest.approx(3.0, abs=1e-3)


def test_a_voice_learns_its_pitch(speech: SpeechSet) -> None:
    torch.set_num_threads(1)
    crops = Crops(SpeechSet(speech.utterances[:1], speech.samples), "train")
    plan = CodecTraining("sound", SIZE, "", (), 0.0, batch=2, frames=6, rate=4e-3, warm_up=3, steps=160)
    trainee = SoundTrainee(plan, crops)
    figures = [trainee.step() for _ in range(160)]
    first, last = (
        {name: np.mean([f[name] for f in part]) for name in ("mel", "said_st")} for part in (figures[:3], figures[-30:])
    )
    assert last["said_st"] < 0.5 * first["said_st"] and last["mel"] < 0.6 * first["mel"]
