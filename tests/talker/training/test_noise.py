import msgspec
import numpy as np
import pytest
import torch

from mio.nn.causal import reset_rows
from nodes.talker.models.codec.codec import VoiceCodec, decoded
from nodes.talker.models.codec.noise import NoiseSource
from nodes.talker.models.codec.vocos import HOP, WINDOW, InverseTransform
from nodes.talker.models.testing import SMALL_CODEC

SIZE = msgspec.structs.replace(SMALL_CODEC, excitation="harmonics", noise=True)


@pytest.fixture
def codec() -> VoiceCodec:
    torch.manual_seed(0)
    return VoiceCodec(SIZE).eval()


def codes(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 1_024, (9, 8)).astype(np.int16)


def test_noise_is_white_of_power_one_and_never_the_same_twice_in_three_seconds() -> None:
    spectra = NoiseSource(WINDOW, HOP, "n").eval()(1, 256, {})[0]
    power = spectra.abs().square().mean(1)
    assert float(power.mean()) == pytest.approx(1.0, abs=0.05)
    assert float(power[1:-1].min()) > 0.5
    apart = spectra[:, ::4]  # windows that share nothing
    alike = (apart[:, :, None] * apart[:, None, :].conj()).mean(0).abs().fill_diagonal_(0.0)
    assert float(alike.max()) < 0.3


def test_spectra_that_overlap_agree_about_it() -> None:
    source = NoiseSource(WINDOW, HOP, "n").eval()
    made = InverseTransform("i")(source(1, 40, {}), {})[:, WINDOW:]
    again = made.unfold(1, WINDOW, HOP) * torch.hann_window(WINDOW)
    wanted = source(1, 40, {})[0, :, 4 : 4 + again.shape[1]]
    found = torch.fft.rfft(again[0]).T
    agree = (found * wanted.conj()).sum().abs() / (found.norm() * wanted.norm())
    assert float(agree) > 0.999


@torch.no_grad()
def test_a_decoder_with_noise_streams_as_it_speaks_the_whole_and_rows_begin_anew(codec: VoiceCodec) -> None:
    voice, frames = codec.tokenizer.voice, codec.tokenizer.frames(torch.from_numpy(codes().astype(np.int64)).T[None])
    np.testing.assert_allclose(decoded(codec, codes()), voice.whole(frames).sound[0, 0], atol=1e-3)
    both, past = torch.cat((frames, frames.flip(2))), {}
    first = voice(both, past).sound
    reset_rows(past, torch.tensor([False, True]))
    second = voice(both, past).sound
    torch.testing.assert_close(second[1], first[1], atol=1e-4, rtol=1e-4)
    assert not torch.allclose(second[0], first[0], atol=1e-4)


@torch.no_grad()
def test_above_the_harmonics_there_is_nothing_but_noise(codec: VoiceCodec) -> None:
    voice, frames = codec.tokenizer.voice, torch.randn(1, SIZE.width, 12)
    voice.hiss.bias.fill_(-20.0)
    voice.hiss.weight.zero_()
    strength = torch.fft.rfft(voice.whole(frames).sound[0, 0] * torch.hann_window(12 * 1_920)).abs()
    hz = torch.fft.rfftfreq(12 * 1_920, 1 / 24_000)
    assert strength[hz > 7_000].mean() < 2e-3 * strength[hz < 4_000].mean()


@torch.no_grad()
def test_a_codec_that_is_given_noise_is_as_loud_as_before() -> None:
    torch.manual_seed(0)
    plain = VoiceCodec(msgspec.structs.replace(SIZE, noise=False)).eval()
    plain.tokenizer.voice.exit.bias.uniform_(-2.0, 0.0)
    noisy = plain.tokenizer.with_noise().eval()
    assert noisy.size.noise and not plain.tokenizer.size.noise
    frames = torch.randn(1, SIZE.width, 25)
    before, after = (torch.fft.rfft(model.voice.whole(frames).sound[0, 0]) for model in (plain.tokenizer, noisy))
    hz = torch.fft.rfftfreq(25 * 1_920, 1 / 24_000)
    low, high = hz < 4_000, hz > 6_500
    assert (after - before)[low].norm() < 0.1 * before[low].norm()
    assert 0.5 < after[high].norm() / before[high].norm() < 2.0
    assert (after - before)[high].norm() > 0.8 * before[high].norm()
