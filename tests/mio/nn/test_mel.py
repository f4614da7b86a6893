import torch

from mio.nn.causal import Past
from mio.nn.mel import CausalMel, mel_filters


def test_every_band_has_its_place_and_a_sum_of_one() -> None:
    filters = mel_filters(100, 1_280, 24_000)
    torch.testing.assert_close(filters.sum(0), torch.ones(100))
    peaks = filters.argmax(0)
    assert (peaks[1:] >= peaks[:-1]).all()


def test_a_tone_is_heard_in_its_band() -> None:
    mel = CausalMel(40, 1_024, 480, "mel", sample_rate=24_000)
    wave = torch.sin(torch.arange(9_600) / 24_000 * 2 * torch.pi * 1_000)[None, None]
    band = int(mel(wave, {})[0, :, -1].argmax())
    assert 900 < float(mel_filters(40, 1_024, 24_000)[:, band].argmax()) * 24_000 / 1_024 < 1_100


def test_a_stream_gives_the_same_spectra_as_the_whole_and_sees_nothing_later() -> None:
    mel = CausalMel(20, 960, 480, "mel", sample_rate=24_000)
    wave = torch.randn(2, 1, 4_800)
    whole = mel(wave, {})
    past: Past = {}
    pieces = [mel(piece, past) for piece in wave.split([480, 1_920, 2_400], 2)]
    torch.testing.assert_close(torch.cat(pieces, 2), whole)
    changed = wave.clone()
    changed[:, :, 2_400:] = 0
    torch.testing.assert_close(mel(changed, {})[:, :, :5], whole[:, :, :5])
