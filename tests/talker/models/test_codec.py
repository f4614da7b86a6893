import msgspec
import pytest
import torch

from mio.nn.causal import Past, reset_rows
from nodes.talker.models.codec.sizes import FRAME_SAMPLES, CodecSize
from nodes.talker.models.codec.tokenizer import Tokenizer
from nodes.talker.models.codec.vocos import HOP, WINDOW, InverseTransform

SIZE = CodecSize(first_width=4, width=32, teacher_width=16, vocos_width=32, vocos_layers=2, semantic_layers=1)
FRAMES = 6


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    torch.manual_seed(0)
    torch.set_num_threads(1)
    return Tokenizer(SIZE).eval()


def speech(rows: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(4)
    wave = 0.1 * torch.randn(rows, 1, FRAME_SAMPLES * FRAMES, generator=generator)
    return wave, torch.randn(rows, SIZE.teacher_width, 4 * FRAMES, generator=generator)


@torch.no_grad()
def test_a_frame_is_80_ms_and_eight_codes_of_ten_bits(tokenizer: Tokenizer) -> None:
    wave, heard = speech()
    coded = tokenizer.encode(wave, heard, {})
    assert coded.codes.shape == (2, 8, FRAMES)
    assert int(coded.codes.min()) >= 0 and int(coded.codes.max()) < 1_024
    assert tokenizer.decode(coded.codes, {}).shape == wave.shape
    torch.testing.assert_close(tokenizer.frames(coded.codes), coded.frames, atol=1e-5, rtol=0)


@pytest.mark.parametrize("cuts", [[1] * 6, [2, 3, 1]])
@torch.no_grad()
def test_a_stream_gives_the_same_codes_and_the_same_sound_as_the_whole(tokenizer: Tokenizer, cuts: list[int]) -> None:
    wave, heard = speech()
    whole = tokenizer.encode(wave, heard, {})
    past: Past = {}
    pieces = zip(wave.split([FRAME_SAMPLES * n for n in cuts], 2), heard.split([4 * n for n in cuts], 2), strict=True)
    codes = torch.cat([tokenizer.encode(piece, meant, past).codes for piece, meant in pieces], 2)
    assert torch.equal(codes, whole.codes)
    past = {}
    sound = torch.cat([tokenizer.decode(piece, past) for piece in codes.split(cuts, 2)], 2)
    torch.testing.assert_close(sound, tokenizer.decode(codes, {}), atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_later_codes_change_no_earlier_sound(tokenizer: Tokenizer) -> None:
    wave, heard = speech(1)
    codes = tokenizer.encode(wave, heard, {}).codes
    changed = codes.clone()
    changed[:, :, 3:] = (changed[:, :, 3:] + 77) % 1_024
    before, after = tokenizer.decode(codes, {}), tokenizer.decode(changed, {})
    border = 3 * FRAME_SAMPLES  # the sound of frame 1 is behind it, as it comes a frame late and knows frame 3
    torch.testing.assert_close(before[:, :, :border], after[:, :, :border])
    assert (before[:, :, border:] - after[:, :, border:]).abs().max() > 1e-6


@torch.no_grad()
def test_a_speaker_who_begins_anew_leaves_the_others_alone(tokenizer: Tokenizer) -> None:
    wave, heard = speech()
    codes = tokenizer.encode(wave, heard, {}).codes
    past: Past = {}
    tokenizer.decode(codes[:, :, :3], past)
    reset_rows(past, torch.tensor([False, True]))
    later = tokenizer.decode(codes[:, :, 3:], past)
    torch.testing.assert_close(
        later[:1], tokenizer.decode(codes[:1], {})[:, :, 3 * FRAME_SAMPLES :], atol=1e-5, rtol=1e-4
    )
    torch.testing.assert_close(later[1:], tokenizer.decode(codes[1:, :, 3:], {}), atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_without_acoustic_codes_the_semantic_ones_are_decoded_alone(tokenizer: Tokenizer) -> None:
    wave, heard = speech()
    coded = tokenizer.encode(wave, heard, {}, kept=torch.tensor([0, 6]))
    torch.testing.assert_close(coded.frames[0], tokenizer.frames(coded.codes[:1, :2])[0], atol=1e-5, rtol=0)
    torch.testing.assert_close(coded.frames[1], tokenizer.frames(coded.codes[1:])[0], atol=1e-5, rtol=0)


@pytest.mark.parametrize("without", [{"semantic": False}, {"bands": 1}], ids=["semantic branch", "band split"])
def test_without_a_part_the_codes_are_as_many_and_all_that_is_left_is_learned(without: dict[str, object]) -> None:
    torch.manual_seed(0)
    size = msgspec.structs.replace(SIZE, **without)
    lesser = Tokenizer(size).eval()
    wave, heard = speech()
    coded = lesser.encode(wave, heard if size.semantic else None, {})
    assert coded.codes.shape == (2, 8, FRAMES)
    torch.testing.assert_close(lesser.frames(coded.codes), coded.frames, atol=1e-5, rtol=0)
    loss = lesser.voice.whole(coded.frames).sound.square().mean() + coded.commitment
    if size.semantic:
        loss = loss + lesser.meaning(coded.frames, {}).square().mean()
    loss.backward()
    assert [name for name, weight in lesser.named_parameters() if weight.grad is None or not weight.grad.any()] == []


@torch.no_grad()
def test_half_of_the_bands_go_to_the_acoustic_codes_unless_they_are_not_split() -> None:
    wave, heard = speech(1)
    for bands, expected in ((4, False), (1, True)):
        torch.manual_seed(0)
        tokenizer = Tokenizer(msgspec.structs.replace(SIZE, bands=bands)).eval()
        tokenizer.semantic.conv.weight[: SIZE.width // 2] *= 3
        before = tokenizer.encode(wave, heard, {}).codes
        tokenizer.semantic.conv.weight[: SIZE.width // 2] *= -1
        after = tokenizer.encode(wave, heard, {}).codes
        assert not torch.equal(before[:, 2:], after[:, 2:])
        assert (not torch.equal(before[:, :2], after[:, :2])) == expected


def test_every_weight_is_learned_from_sound_and_meaning(tokenizer: Tokenizer) -> None:
    wave, heard = speech()
    coded = tokenizer.encode(wave, heard, {})
    sound, meaning = tokenizer.voice.whole(coded.frames).sound, tokenizer.meaning(coded.frames, {})
    loss = sound.square().mean() + meaning.square().mean()
    (loss + coded.commitment).backward()
    silent = [name for name, weight in tokenizer.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert silent == []


def test_the_inverse_transform_gives_a_signal_back() -> None:
    signal = torch.randn(1, 20 * HOP)
    padded = torch.nn.functional.pad(signal, (0, WINDOW))
    windows = padded.unfold(1, WINDOW, HOP)[:, :20] * torch.hann_window(WINDOW)
    spectra = torch.fft.rfft(windows, dim=2).transpose(1, 2)
    made = InverseTransform("x")(spectra, {})
    torch.testing.assert_close(made[:, WINDOW:], signal[:, WINDOW:], atol=1e-5, rtol=0)
